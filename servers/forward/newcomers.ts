// Newcomers of the last half minute, counted by the second: what an operator is told of a crowd.

const KEPT_MS = 30_000;

export interface NewcomerCounts {
  newcomers: number;
  /** Of them, those that were told to wait for their parents. */
  putOff: number;
}

export class Newcomers {
  /** Oldest first. */
  readonly #seconds: (NewcomerCounts & { second: number })[] = [];

  count(isPutOff: boolean, nowMs: number): void {
    this.#prune(nowMs);
    const second = Math.floor(nowMs / 1_000);
    let newest = this.#seconds.at(-1);
    if (newest?.second !== second) this.#seconds.push((newest = { second, newcomers: 0, putOff: 0 }));
    newest.newcomers++;
    if (isPutOff) newest.putOff++;
  }

  recent(nowMs: number): NewcomerCounts {
    this.#prune(nowMs);
    return {
      newcomers: this.#seconds.reduce((sum, one) => sum + one.newcomers, 0),
      putOff: this.#seconds.reduce((sum, one) => sum + one.putOff, 0),
    };
  }

  #prune(nowMs: number): void {
    while (this.#seconds[0] && nowMs - 1_000 * this.#seconds[0].second >= KEPT_MS) this.#seconds.shift();
  }
}
