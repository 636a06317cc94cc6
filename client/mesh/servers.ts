// The servers that a peer depends on, as far as it knows: the forwards that its tracker has named,
// and who of all of them answers.
import { Backoff } from './backoff.ts';
import type { PeerEnv } from './env.ts';

interface NamedForward {
  id: string;
  url: string;
}

export class Servers {
  /** For all calls to coordinate, tracker and forwards together. */
  readonly backoff: Backoff;
  #forwards: readonly NamedForward[] = [];

  constructor(env: Pick<PeerEnv, 'now' | 'random'>) {
    this.backoff = new Backoff(
      () => env.now(),
      () => env.random(),
    );
  }

  get forwards(): readonly NamedForward[] {
    return this.#forwards;
  }

  /**
   * What the tracker says of forwards. One that was not there a moment ago has been started, or
   * started again.
   */
  told({ forwards, returnMs }: { forwards?: readonly NamedForward[]; returnMs?: number | undefined }): void {
    if (returnMs !== undefined) this.backoff.crowdMs = returnMs;
    if (!forwards) return;
    const before = new Set(this.#forwards.map(({ id }) => id));
    this.#forwards = forwards;
    for (const { id, url } of forwards) if (!before.has(id)) this.backoff.saidToBeBack(url);
  }

  /**
   * Whoever could give this peer media, or name somebody who can, answers. Where not, what was
   * heard last may be old.
   * @param isJoined the tracker is there
   */
  answer(isJoined: boolean): boolean {
    if (!isJoined) return !this.backoff.isFailing;
    return this.#forwards.length === 0 || !this.#forwards.every(({ url }) => this.backoff.fails(url));
  }
}
