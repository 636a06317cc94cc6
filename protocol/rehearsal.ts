// Rehearsing before the show: the synthetic audience and the drills, as a console sees and asks for them.
import * as v from 'valibot';
import { Amount, few, Sentence } from './fields.ts';

export const UPLINK_PROFILES = ['equal', 'ordinary', 'rich', 'mobile'] as const;
const Share = v.pipe(v.number(), v.minValue(0), v.maxValue(0.5));

export const AudienceAsk = v.object({
  viewers: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(200)),
  uplink: v.picklist(UPLINK_PROFILES),
  /** Share of the viewers that leave, and are replaced, in a minute. */
  churnPerMinute: v.pipe(v.number(), v.minValue(0), v.maxValue(10)),
  loss: Share,
  evil: Share,
  seed: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31)),
  seconds: v.pipe(v.number(), v.integer(), v.minValue(5), v.maxValue(86_400)),
});
export type AudienceAsk = v.InferOutput<typeof AudienceAsk>;

/** What one second of a synthetic audience looked like. */
export const AudienceSecond = v.object({
  second: Amount,
  viewers: Amount,
  playing: Amount,
  parents: v.object({ peers: Amount, forwards: Amount }),
  units: Amount,
  /** Later than the audience's own playout delay. */
  late: Amount,
  /** Later than a second, or never. */
  missing: Amount,
  longestGapMs: Amount,
  delayP50Ms: v.nullable(v.number()),
});
export type AudienceSecond = v.InferOutput<typeof AudienceSecond>;

export const Verdict = v.object({ verdict: v.picklist(['passed', 'failed']), sentences: few(Sentence, 32) });
export type Verdict = v.InferOutput<typeof Verdict>;

export const AudienceView = v.variant('is', [
  v.object({ is: v.literal('none') }),
  v.object({ is: v.literal('joining'), ask: AudienceAsk, seconds: few(AudienceSecond, 120) }),
  v.object({ is: v.literal('watching'), ask: AudienceAsk, seconds: few(AudienceSecond, 120) }),
  v.object({ is: v.literal('done'), ask: AudienceAsk, seconds: few(AudienceSecond, 120), result: Verdict }),
  v.object({ is: v.literal('failed'), detail: Sentence }),
]);
export type AudienceView = v.InferOutput<typeof AudienceView>;

export const DRILLS = [
  'kill-forward',
  'kill-tracker',
  'kill-coordinate',
  'lose-10',
  'lose-30',
  'cut-30',
  'cut-50',
  'poison',
] as const;
export const DrillName = v.picklist(DRILLS);
export type DrillName = v.InferOutput<typeof DrillName>;

export const DrillReport = v.object({
  name: DrillName,
  atMs: Amount,
  viewers: Amount,
  /** What was done, in a sentence. */
  what: Sentence,
  verdict: v.picklist(['passed', 'failed']),
  sentences: few(Sentence, 32),
  /** The seconds from a little before until the end. */
  seconds: few(AudienceSecond, 120),
});
export type DrillReport = v.InferOutput<typeof DrillReport>;

export const DrillView = v.object({
  running: v.nullable(v.object({ name: DrillName, step: Sentence, sinceMs: Amount })),
  /** Why the last one could not be run; null: it could. */
  problem: v.nullable(Sentence),
  /** Newest first. */
  reports: few(DrillReport, 20),
});
export type DrillView = v.InferOutput<typeof DrillView>;
