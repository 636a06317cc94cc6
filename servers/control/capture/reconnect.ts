// How long to wait before each attempt after a break; as LiveKit's clients do, which many have tried.

/** The last one repeats. */
const WAITS_MS = [0, 300, 1_200, 2_700, 4_800, 7_000];

/** @param random 0..1; up to a quarter is added so that many do not return at once */
export const reconnectMs = (breaks: number, random: number): number =>
  (WAITS_MS[Math.min(breaks, WAITS_MS.length - 1)] ?? 0) * (1 + random / 4);
