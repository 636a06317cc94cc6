// Rehearsing before the show: the synthetic audience and the drills, as a console sees and asks for them.
import * as v from 'valibot';
import { Amount, few, Sentence, StreamName, Url } from './fields.ts';

export const UPLINK_PROFILES = ['equal', 'ordinary', 'rich', 'mobile'] as const;

/** Least and most of each number that an audience is told; shares are of 1. */
export const AUDIENCE_BOUNDS = {
  viewers: [1, 200],
  churnPerMinute: [0, 10],
  loss: [0, 0.5],
  evil: [0, 0.5],
  seed: [0, 2 ** 31],
  seconds: [5, 86_400],
} as const satisfies Record<string, readonly [least: number, most: number]>;

const bounded = (name: keyof typeof AUDIENCE_BOUNDS) =>
  v.pipe(v.number(), v.minValue(AUDIENCE_BOUNDS[name][0]), v.maxValue(AUDIENCE_BOUNDS[name][1]));
const whole = (name: keyof typeof AUDIENCE_BOUNDS) => v.pipe(bounded(name), v.integer());

export const AudienceAsk = v.object({
  viewers: whole('viewers'),
  uplink: v.picklist(UPLINK_PROFILES),
  /** Share of the viewers that leave, and are replaced, in a minute. */
  churnPerMinute: bounded('churnPerMinute'),
  loss: bounded('loss'),
  evil: bounded('evil'),
  seed: whole('seed'),
  seconds: whole('seconds'),
});
export type AudienceAsk = v.InferOutput<typeof AudienceAsk>;

/** What the page that carries an audience is told before it begins. */
export const AudienceStart = v.object({ ...AudienceAsk.entries, coordinate: Url, stream: StreamName });
export type AudienceStart = v.InferOutput<typeof AudienceStart>;

/** What an audience can be here, wherever it is carried. */
export const AudienceLimits = v.object({
  /** More are refused. */
  viewers: Amount,
  /** What it costs and what it cannot show, for a person. */
  says: Sentence,
});
export type AudienceLimits = v.InferOutput<typeof AudienceLimits>;

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

/** What an order to an audience has done, in a sentence, or why it has done nothing. */
export type Obeyed = { what: string } | { why: string };
