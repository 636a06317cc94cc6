// What a peer does again and again, until it closes.
import type { PeerEnv } from './env.ts';

export class Rounds {
  readonly #env: Pick<PeerEnv, 'after'>;
  #cancels: (() => void)[] = [];

  constructor(env: Pick<PeerEnv, 'after'>) {
    this.#env = env;
  }

  readonly every = (ms: number, call: () => void): void => {
    let cancel: () => void = () => undefined;
    const again = (): void => {
      cancel = this.#env.after(ms, again);
      call();
    };
    cancel = this.#env.after(ms, again);
    this.#cancels.push(() => cancel());
  };

  close(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
  }
}
