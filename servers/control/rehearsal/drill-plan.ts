// The drills: what each does, and what must hold afterwards. Pure. The bounds are those of MESH.md sections 6 and 8.
import type { AudienceSecond, DrillName, Verdict } from '../../../protocol/rehearsal.ts';

export type Blow =
  | { kind: 'kill'; program: 'forward' | 'tracker' | 'coordinate' }
  | { kind: 'order'; order: { do: 'lose' | 'cut'; share: number } | { do: 'poison' } };

export interface DrillPlan {
  blow: Blow;
  /** Watched for so long after the blow. */
  watchSeconds: number;
  /** Share of units that may miss their moment, over the watched time. */
  lateShare: number;
  /** The longest that a picture may stand still. */
  gapMs: number;
  /** Everybody plays again, and in time, after so many seconds. */
  backSeconds: number;
}

const kill = (program: 'forward' | 'tracker' | 'coordinate', more: Omit<DrillPlan, 'blow' | 'watchSeconds'>) =>
  ({ blow: { kind: 'kill', program }, watchSeconds: 15, ...more }) satisfies DrillPlan;
const order = (what: Extract<Blow, { kind: 'order' }>['order'], more: Omit<DrillPlan, 'blow' | 'watchSeconds'>) =>
  ({ blow: { kind: 'order', order: what }, watchSeconds: 12, ...more }) satisfies DrillPlan;

export const PLANS: Readonly<Record<DrillName, DrillPlan>> = {
  // The only forward: back within two seconds. The media pauses meanwhile, so a second's worth of units is late.
  'kill-forward': kill('forward', { lateShare: 0.15, gapMs: 3_000, backSeconds: 6 }),
  // Nobody notices.
  'kill-tracker': kill('tracker', { lateShare: 0.005, gapMs: 1_000, backSeconds: 8 }),
  // It carries the ingest: the media pauses until it is back, and goes on under a new epoch.
  'kill-coordinate': kill('coordinate', { lateShare: 0.3, gapMs: 6_000, backSeconds: 8 }),
  'lose-10': order({ do: 'lose', share: 0.1 }, { lateShare: 0.01, gapMs: 1_000, backSeconds: 3 }),
  'lose-30': order({ do: 'lose', share: 0.3 }, { lateShare: 0.02, gapMs: 1_500, backSeconds: 3 }),
  'cut-30': order({ do: 'cut', share: 0.3 }, { lateShare: 0.01, gapMs: 1_000, backSeconds: 3 }),
  'cut-50': order({ do: 'cut', share: 0.5 }, { lateShare: 0.02, gapMs: 1_500, backSeconds: 3 }),
  poison: order({ do: 'poison' }, { lateShare: 0.01, gapMs: 1_000, backSeconds: 5 }),
};

/** A second counts as good when nearly all play and hardly a unit is late. */
const GOOD_LATE = 0.02;
const isGood = (second: AudienceSecond): boolean =>
  second.playing >= second.viewers && second.units > 0 && second.late <= GOOD_LATE * second.units;

/**
 * @param after the seconds since the blow, the first one right after it
 * @param convicted poison only: was the poisoner found out?
 */
export function judgeDrill(plan: DrillPlan, after: readonly AudienceSecond[], convicted: boolean | null): Verdict {
  const bounds: { holds: boolean; sentence: string }[] = [];
  const units = after.reduce((sum, { units: n }) => sum + n, 0);
  const late = after.reduce((sum, second) => sum + second.late, 0);
  const gapMs = Math.max(0, ...after.map((second) => second.longestGapMs));
  const lastBad = after.findLastIndex((second) => !isGood(second));
  const backAfter = lastBad + 1;
  const share = units === 0 ? 1 : late / units;
  bounds.push(
    { holds: units > 0, sentence: `${units} units were watched.` },
    {
      holds: share <= plan.lateShare,
      sentence: `${(100 * share).toFixed(2)} % of them missed their moment (at most ${(100 * plan.lateShare).toFixed(1)} %).`,
    },
    {
      holds: gapMs <= plan.gapMs,
      sentence: `The longest gap at any viewer was ${gapMs} ms (at most ${plan.gapMs}).`,
    },
    {
      holds: backAfter <= plan.backSeconds,
      sentence:
        backAfter >= after.length
          ? 'It was not well again in the watched time.'
          : `Everybody was well again after ${backAfter} s (at most ${plan.backSeconds}).`,
    },
  );
  if (convicted !== null)
    bounds.push({
      holds: convicted,
      sentence: convicted ? 'The poisoner was convicted and feeds nobody.' : 'The poisoner was not convicted.',
    });
  const broken = bounds.filter(({ holds }) => !holds);
  return {
    verdict: broken.length === 0 ? 'passed' : 'failed',
    sentences: [...broken, ...bounds.filter(({ holds }) => holds)].map(({ sentence }) => sentence),
  };
}
