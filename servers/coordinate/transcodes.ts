// How many pictures are transcoded at once: they are what costs this machine its time. Pushes that
// are passed through are never counted.
import { availableParallelism } from 'node:os';

export class Transcodes {
  readonly #most: number;
  #running = 0;

  /** @param most 0: by the machine's cores, one of which is left for everything else */
  constructor(most: number) {
    this.#most = most > 0 ? most : Math.max(1, availableParallelism() - 1);
  }

  /** @returns what gives the place back (once), or null when all are taken */
  take(): (() => void) | null {
    if (this.#running >= this.#most) return null;
    this.#running++;
    let taken = true;
    return () => {
      if (taken) this.#running--;
      taken = false;
    };
  }

  get refusal(): string {
    const pushes = this.#most === 1 ? 'one push' : `${this.#most} pushes`;
    return `This coordinate transcodes ${pushes} at once and does so now: push H.264 (4:2:0, 8 bits) and AAC, which need none, or try later.`;
  }
}
