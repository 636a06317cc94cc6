// Who judges silence must have been awake to hear: timers and a clock that leave out the time in
// which this program itself did not run, because its machine was busy or asleep. Pure.

/** Longer than this between two steps, and the program did not run in between. */
const STEP_MS = 250;

/** Whatever begins timers, and returns what cancels them. */
export interface Timers {
  after(ms: number, call: () => void): () => void;
}

/**
 * A timer for waits in which something should have been heard. It counts in steps: one that comes
 * late counts as one, so a program that stood still for ten seconds has waited a quarter of a
 * second longer. Before the call, what has arrived meanwhile is read.
 * @returns what cancels it
 */
export function patiently(timers: Timers, ms: number, call: () => void): () => void {
  let left = Math.max(1, Math.ceil(ms / STEP_MS));
  const stepMs = ms / left;
  const step = (): void => {
    left--;
    // A timer that is late runs before the messages that are late: those have their turn first.
    cancel = left > 0 ? timers.after(stepMs, step) : timers.after(0, call);
  };
  let cancel = timers.after(stepMs, step);
  return () => cancel();
}

/**
 * Milliseconds in which this program ran, by a steady clock that is looked at more often than every
 * STEP_MS.
 */
export class AwakeClock {
  #lastMs: number;
  #awakeMs = 0;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  at(nowMs: number): number {
    this.#awakeMs += Math.min(STEP_MS, Math.max(0, nowMs - this.#lastMs));
    this.#lastMs = nowMs;
    return this.#awakeMs;
  }
}
