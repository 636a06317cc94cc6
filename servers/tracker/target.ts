// The delay at which all viewers of a stream show the picture: late enough for nearly all of them, and steady.
import { TARGET_MARGIN_MS, TARGET_MAX_MS, TARGET_MIN_MS } from '../../protocol/limits.ts';

/** Viewers are told of changes larger than this. */
const WORTH_TELLING_MS = 20;
/** Share of the way taken per step: up at once for most of it, down slowly, so that one good moment costs nobody a stall. */
const RISE = 0.7;
const FALL = 0.5;
/** With no reports yet: a unit, a few hops and the margin. */
const START_MS = 300;

/**
 * What nearly all viewers can keep up with: the 95th percentile of their delays, and among few never the slowest one alone, which
 * plays later by itself instead of holding everybody back.
 */
function swarmDelay(arrivalsMs: readonly number[]): number | null {
  const sorted = arrivalsMs.toSorted((a, b) => a - b);
  return sorted[Math.floor(0.95 * (sorted.length - 1))] ?? null;
}

export class TargetDelay {
  #exactMs = START_MS;
  #toldMs = START_MS;

  /** What viewers were told last. */
  get ms(): number {
    return this.#toldMs;
  }

  /**
   * One step towards what nearly all keep up with [S8].
   * @param arrivalsMs delay of each viewer from source time to the unit being there whole
   * @returns the new target when it is worth telling
   */
  step(arrivalsMs: readonly number[]): number | null {
    const delayMs = swarmDelay(arrivalsMs);
    if (delayMs === null) return null;
    const wanted = Math.min(TARGET_MAX_MS, Math.max(TARGET_MIN_MS, delayMs + TARGET_MARGIN_MS));
    this.#exactMs += (wanted - this.#exactMs) * (wanted > this.#exactMs ? RISE : FALL);
    if (Math.abs(this.#exactMs - this.#toldMs) <= WORTH_TELLING_MS) return null;
    this.#toldMs = Math.round(this.#exactMs);
    return this.#toldMs;
  }
}
