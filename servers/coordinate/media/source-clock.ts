// What the clock on the wall was when a moment of the timeline happened at the source: anchor + media time. The earliest that
// anything arrived tells it best: delay only ever adds. Pure: times come from outside, in milliseconds.

/** A push may begin with what its encoder had gathered while it was probed: as much may come early. */
const BURST_MS = 1_000;
/** Later than the anchor by less than this for the whole window: jitter. */
const TOLERANCE_MS = 30;
const WINDOW_BUCKETS = 10;
const BUCKET_MS = 1_000;
/** Milliseconds the anchor may move in one: later, and earlier while the burst's allowance lasts. */
const SLEW = 0.02;
/** And earlier for ever: more than any two quartz clocks differ, so that they never build up a delay. */
const CRYSTAL_SLEW = 0.0005;
/** So much later for STEP_BUCKETS seconds is no drift: the source stood still. */
const STEP_MS = 1_000;
const STEP_BUCKETS = 2;

export class SourceClock {
  #anchorMs: number | null = null;
  #lastMs = 0;
  #burstLeftMs = BURST_MS;
  /** The least offset seen in each of the last seconds, newest last. */
  #buckets: { second: number; least: number }[] = [];

  /** Something has been observed since the (re)start. */
  get running(): boolean {
    return this.#anchorMs !== null;
  }

  get anchorMs(): number {
    return this.#anchorMs ?? 0;
  }

  /** When the moment `mediaMs` was, or is due. */
  wallMs(mediaMs: number): number {
    return this.anchorMs + mediaMs;
  }

  /**
   * Something with media time `mediaMs` came at `arrivalMs`.
   * @param settling nothing has been let out yet: the anchor may still jump to where the first burst tells it to be
   * @returns true when the anchor jumped: what follows is discontinuous
   */
  observe(arrivalMs: number, mediaMs: number, settling = false): boolean {
    const offset = arrivalMs - mediaMs;
    if (this.#anchorMs === null) {
      this.#anchorMs = offset;
      this.#lastMs = arrivalMs;
    }
    const elapsed = Math.max(0, arrivalMs - this.#lastMs);
    this.#lastMs = arrivalMs;
    if (offset < this.#anchorMs) this.#earlier(this.#anchorMs - offset, elapsed, settling);
    this.#note(arrivalMs, Math.max(offset, this.#anchorMs));
    const recent = this.#buckets.slice(-STEP_BUCKETS);
    const leastRecent = Math.min(...recent.map((b) => b.least));
    if (recent.length === STEP_BUCKETS && leastRecent > this.#anchorMs + STEP_MS) {
      this.#anchorMs = leastRecent;
      this.#buckets = [];
      return true;
    }
    const least = Math.min(...this.#buckets.map((b) => b.least));
    if (this.#buckets.length === WINDOW_BUCKETS && least > this.#anchorMs + TOLERANCE_MS)
      this.#anchorMs = Math.min(least, this.#anchorMs + elapsed * SLEW);
    return false;
  }

  /** The timeline stepped: what came before says nothing about what follows. */
  restart(): void {
    this.#anchorMs = null;
    this.#burstLeftMs = BURST_MS;
    this.#buckets = [];
  }

  #earlier(byMs: number, elapsedMs: number, settling: boolean): void {
    const fast = Math.min(byMs, this.#burstLeftMs, settling ? byMs : elapsedMs * SLEW);
    this.#burstLeftMs -= fast;
    const slow = Math.min(byMs - fast, elapsedMs * CRYSTAL_SLEW);
    this.#anchorMs = this.anchorMs - fast - slow;
  }

  #note(arrivalMs: number, offset: number): void {
    const second = Math.floor(arrivalMs / BUCKET_MS);
    const newest = this.#buckets.at(-1);
    if (newest?.second === second) newest.least = Math.min(newest.least, offset);
    else this.#buckets.push({ second, least: offset });
    if (this.#buckets.length > WINDOW_BUCKETS) this.#buckets.shift();
  }
}
