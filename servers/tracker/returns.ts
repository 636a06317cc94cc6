// Over how long an audience is to spread when it loses its servers and comes back [S16]: told to
// every viewer beforehand, since there is nobody to tell it then.

/**
 * A core takes a thousand newcomers a second (MESH, "Targets"): less than half of that, since it
 * has just started.
 */
const RETURNS_PER_SECOND = 400;
/** A few come back at once. */
const LEAST_MS = 300;
/** Longer than a viewer would wait for. */
const MOST_MS = 15_000;
/** Told again when it has changed by this factor. */
const WORTH_TELLING = 1.5;

export const spreadMs = (viewers: number): number =>
  Math.round(Math.min(MOST_MS, Math.max(LEAST_MS, (1_000 * viewers) / RETURNS_PER_SECOND)));

export class Returns {
  /** What viewers were told last. */
  ms = LEAST_MS;

  /** @returns whether it is worth telling */
  step(viewers: number): boolean {
    const ms = spreadMs(viewers);
    if (Math.max(ms, this.ms) < WORTH_TELLING * Math.min(ms, this.ms)) return false;
    this.ms = ms;
    return true;
  }
}
