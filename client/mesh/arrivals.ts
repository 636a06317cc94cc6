// How late media arrives after its source time, over the last seconds: what the tracker sets the swarm's target delay by, and what this
// peer itself must allow for.

const COMMON_WINDOW_MS = 6_000;
/** A hold-up is allowed for as long as this after it: long enough for those that come again and again, and then it is over. */
const OWN_WINDOW_MS = 5_000;
const MOST = 512;
const FEWEST = 8;

export class Arrivals {
  readonly #samples: { delayMs: number; atMs: number }[] = [];

  add(delayMs: number, atMs: number): void {
    this.#samples.push({ delayMs, atMs });
    if (this.#samples.length > MOST) this.#samples.shift();
  }

  /** What was counted by a clock that has jumped says nothing. */
  clear(): void {
    this.#samples.length = 0;
  }

  /** 95th percentile: the regular delay; null before there are enough to say. */
  p95(nowMs: number): number | null {
    return this.#percentile(0.95, COMMON_WINDOW_MS, nowMs);
  }

  /** 99th percentile: hold-ups of this machine or of the way to it included. */
  p99(nowMs: number): number | null {
    return this.#percentile(0.99, OWN_WINDOW_MS, nowMs);
  }

  #percentile(share: number, windowMs: number, nowMs: number): number | null {
    const recent = this.#samples.filter((s) => nowMs - s.atMs < windowMs).map((s) => s.delayMs);
    if (recent.length < FEWEST) return null;
    recent.sort((a, b) => a - b);
    return recent[Math.floor(recent.length * share)] ?? null;
  }
}
