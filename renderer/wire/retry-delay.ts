// How long to wait between tries: as quick as a person forgives, then calm.

const RETRY_MS = [300, 1_200, 2_700, 4_800, 7_000] as const;

/** @returns how long to wait before try number `attempt` (1 is the first) */
export function retryDelayMs(attempt: number): number {
  return RETRY_MS[Math.min(attempt, RETRY_MS.length) - 1] ?? 7_000;
}
