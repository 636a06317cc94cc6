// Where another clock stands, by questions and answers: of all measurements the one that says most
// now. It grows old, so that two crystals that drift apart do not add up, and it is thrown away
// when a newer one shows that it can't be true. Pure.

/**
 * A clock that is being corrected runs off by this much at most (NTP slews by 500 ppm; crystals are
 * off by less).
 */
const DRIFT = 500e-6;

interface Sample {
  /** When it was taken, by our clock. */
  atMs: number;
  /** The other clock minus ours. */
  offsetMs: number;
  uncertainMs: number;
}

export class ClockEstimate {
  #best: Sample | null = null;

  get isKnown(): boolean {
    return this.#best !== null;
  }

  /**
   * @param sentMs our clock when the question left
   * @param otherMs the other clock when it was answered
   * @param admittedMs how far off the answerer may be itself
   * @returns whether it contradicts what was known, so that one of the clocks must have jumped
   */
  observe(sentMs: number, receivedMs: number, otherMs: number, admittedMs = 0): boolean {
    const halfMs = Math.max(0, receivedMs - sentMs) / 2;
    const sample = { atMs: receivedMs, offsetMs: otherMs - (sentMs + halfMs), uncertainMs: halfMs + admittedMs };
    const keptMs = this.uncertainAt(receivedMs);
    const isJump = this.#best !== null && Math.abs(sample.offsetMs - this.#best.offsetMs) > sample.uncertainMs + keptMs;
    if (isJump || sample.uncertainMs <= keptMs) this.#best = sample;
    return isJump;
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#best = null;
  }

  /** The other clock at our `nowMs`; null while nothing is known. */
  at(nowMs: number): number | null {
    return this.#best && nowMs + this.#best.offsetMs;
  }

  /**
   * How far off `at` may be: half the round trip, what the answerer admitted, and what has drifted
   * since.
   */
  uncertainAt(nowMs: number): number {
    const best = this.#best;
    return best ? best.uncertainMs + Math.max(0, nowMs - best.atMs) * DRIFT : Number.POSITIVE_INFINITY;
  }
}
