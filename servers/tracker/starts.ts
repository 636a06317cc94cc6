// How many copies of the stream forwards may give newcomers at once [T18].

/** The forwards' worst second is some 5 points more, trees and repair included: below the gate of 15 % (decision 011). */
const SHARE = 0.08;
const LEAST = 20;
/** Up to so many viewers all newcomers are started: their egress is no burden, and they see the picture sooner. */
const ALWAYS_UP_TO = 100;

/**
 * @param viewers of the stream, at this tracker
 * @param set what an operator wants, if anything
 * @returns null: as many as come; undefined: nothing is said, since nobody is here for whom
 */
export function startsFor(viewers: number, set: number | undefined): number | null | undefined {
  if (set !== undefined) return set;
  if (viewers === 0) return undefined;
  return viewers <= ALWAYS_UP_TO ? null : Math.max(LEAST, Math.ceil(SHARE * viewers));
}
