// How deep the regular bursts of a source are: a pulled playlist gives some seconds of media every some seconds. One burst is a hold-up
// that was made good; two in a row, with nothing between them, are how it comes. Pure; times in milliseconds.

/** A silence of this length ends a group of arrivals; a burst is at least as deep. */
const SILENCE_MS = 400;
/** In a burst offsets fall by more than this within that time: otherwise the source comes steadily. */
const STEADY = { ms: 1_000, fallMs: 100 };
/** So many in a row say that it is regular; as many others that it is so no more. */
const IN_A_ROW = 2;
/** The deepest of so many bursts counts. */
const KEPT = 3;
/** The next one may come a little later than this one did. */
const MARGIN_MS = 100;
/** Deeper than a minute is not live. */
const DEEPEST_MS = 60_000;

interface Group {
  toMs: number;
  firstOffsetMs: number;
  /** The least but one, and the least. */
  leastOffsetMs: number;
  earliestMs: number;
  /** Since when they fall no more, and from where. */
  steadySinceMs: number;
  steadyOffsetMs: number;
}

export class BurstDepth {
  #group: Group | null = null;
  #bursts: number[] = [];
  #others = 0;
  /** By how much the first of a burst comes later than the last: 0 while the source comes steadily. */
  depthMs = 0;

  /** @param offsetMs its arrival less its media time */
  observe(arrivalMs: number, offsetMs: number): void {
    const group = this.#group;
    if (group && arrivalMs - group.toMs < SILENCE_MS) {
      group.toMs = arrivalMs;
      // One that comes early by itself makes no burst: some programs send the first picture after a pause too early.
      const [least, second] = [Math.min(group.earliestMs, offsetMs), Math.max(group.earliestMs, offsetMs)];
      group.earliestMs = least;
      group.leastOffsetMs = Math.min(group.leastOffsetMs, second);
      if (offsetMs < group.steadyOffsetMs - STEADY.fallMs) {
        group.steadyOffsetMs = offsetMs;
        group.steadySinceMs = arrivalMs;
      } else if (arrivalMs - group.steadySinceMs > STEADY.ms) this.#clear();
      return;
    }
    if (group) {
      this.#close(group);
      // The second one has only begun, as late as the first was deep: what comes of it is to last until the third.
      const lateMs = offsetMs - group.leastOffsetMs;
      if (this.#bursts.length === 1 && lateMs >= SILENCE_MS)
        this.depthMs = Math.max(...this.#bursts, lateMs + MARGIN_MS);
    }
    this.#group = {
      toMs: arrivalMs,
      firstOffsetMs: offsetMs,
      leastOffsetMs: offsetMs,
      earliestMs: offsetMs,
      steadySinceMs: arrivalMs,
      steadyOffsetMs: offsetMs,
    };
  }

  #close(group: Group): void {
    if (depthOf(group) < SILENCE_MS || group.toMs - group.steadySinceMs > STEADY.ms) {
      if (++this.#others >= IN_A_ROW || this.depthMs === 0) this.#clear();
      return;
    }
    this.#others = 0;
    this.#bursts = [...this.#bursts, Math.min(DEEPEST_MS, depthOf(group) + MARGIN_MS)].slice(-KEPT);
    if (this.#bursts.length >= IN_A_ROW) this.depthMs = Math.max(...this.#bursts);
  }

  #clear(): void {
    this.#bursts = [];
    this.depthMs = 0;
  }
}

const depthOf = (group: Group): number => group.firstOffsetMs - group.leastOffsetMs;
