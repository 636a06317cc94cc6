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

/** In as many rounds without anything new somebody should ask why, and again after as many more. */
const FIRST_ROUNDS = 2;
const AGAIN_ROUNDS = 10;

/** Counts the rounds in which nothing new came. */
export class Quiet {
  #newest = 0;
  #rounds = 0;

  get isQuiet(): boolean {
    return this.#rounds >= FIRST_ROUNDS;
  }

  /** @returns whether it is time to ask */
  isDue(newest: number): boolean {
    this.#rounds = newest === this.#newest ? this.#rounds + 1 : 0;
    this.#newest = newest;
    return this.#rounds % AGAIN_ROUNDS === FIRST_ROUNDS;
  }
}
