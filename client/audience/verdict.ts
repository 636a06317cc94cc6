// Did the audience see a good picture? Pure: sums in, a verdict in sentences out. The bounds are the gates of MESH.md section 8 and the
// broadcasters' line for stalls.

export interface Sums {
  viewers: number;
  /** Of all synthetic viewers that behave. */
  units: number;
  late: number;
  missing: number;
  longestGapMs: number;
  delayMs: { p50: number | null; p95: number | null };
  offload: number | null;
  /** Why there is none, in a sentence. */
  noOffload: string | null;
  duplicates: number;
  uploadCopies: number;
  joins: number;
  departures: number;
  evil: number;
}

export interface Verdict {
  verdict: 'passed' | 'failed';
  /** One for each bound, the broken ones first. */
  sentences: string[];
}

/** Share of units that may come after their time to be shown. */
export const STALL_BUDGET = 0.005;
/** Missing with a buffer of a second, at most this share. */
const MISSING_BUDGET = 0.001;
const DUPLICATES_GATE = 0.03;
const UPLOAD_GATE = 1.06;
const DELAY_GATE_MS = { p50: 800, p95: 1_200 };

/** Least offload for an audience of this size: a tenth of a per cent less than the gate is one copy among a few. */
export const offloadGate = (viewers: number): number =>
  viewers >= 200 ? 0.96 : viewers >= 50 ? 0.9 : viewers >= 8 ? 0.75 : 0;

export function judge(sums: Sums): Verdict {
  const bounds: { holds: boolean; sentence: string }[] = [];
  const bound = (holds: boolean, sentence: string): void => void bounds.push({ holds, sentence });
  const share = (part: number): number => part / sums.units;
  // Of nothing no share is late, and nobody had it twice.
  if (sums.units === 0) return { verdict: 'failed', sentences: ['No viewer has seen anything.'] };
  bound(true, `${sums.units} units were due.`);
  bound(
    share(sums.late) <= STALL_BUDGET,
    `${percent(share(sums.late))} of the units missed their moment (budget ${percent(STALL_BUDGET)}).`,
  );
  bound(
    share(sums.missing) <= MISSING_BUDGET,
    `${percent(share(sums.missing))} would be missing with a buffer of a second (at most ${percent(MISSING_BUDGET)}).`,
  );
  const { p50, p95 } = sums.delayMs;
  if (p50 !== null && p95 !== null)
    bound(
      p50 <= DELAY_GATE_MS.p50 && p95 <= DELAY_GATE_MS.p95,
      `Units arrive after ${p50} ms, nearly all after ${p95} ms (at most ${DELAY_GATE_MS.p50} and ${DELAY_GATE_MS.p95}).`,
    );
  const gate = offloadGate(sums.viewers);
  if (sums.offload !== null)
    bound(
      sums.offload >= gate,
      `Viewers carried ${percent(sums.offload)} of what all of them saw${gate === 0 ? '' : ` (at least ${percent(gate)} among ${sums.viewers})`}.`,
    );
  else if (sums.noOffload !== null) bound(true, sums.noOffload);
  bound(
    sums.duplicates <= DUPLICATES_GATE,
    `${percent(sums.duplicates)} came twice (at most ${percent(DUPLICATES_GATE)}).`,
  );
  bound(
    sums.uploadCopies <= UPLOAD_GATE,
    `A viewer uploaded ${sums.uploadCopies.toFixed(2)} copies (at most ${UPLOAD_GATE}).`,
  );
  const broken = bounds.filter(({ holds }) => !holds);
  return {
    verdict: broken.length === 0 ? 'passed' : 'failed',
    sentences: [...broken, ...bounds.filter(({ holds }) => holds)].map(({ sentence }) => sentence),
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 2 : 1)} %`;
