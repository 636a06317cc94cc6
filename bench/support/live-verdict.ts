// What the bench `live` says of one row: its numbers, and which of its gates are not held. Pure.
import type { Probe } from './probe.ts';
import { delaysOf, percentile, seenIn, type Seen, type Span } from './watching.ts';

/** 10 s after its end each disturbance has left at most this. */
export const LEFT_MS = 100;
/** What is told is within this of what is, at p95. */
export const TOLD_MS = 100;

export interface Phases {
  before: Span | null;
  during: Span;
  /** 10 s after, and 60 s after. */
  after: Span | null;
  longAfter: Span | null;
}

export interface PhaseNumbers {
  p50: number;
  p95: number;
  stalls: number;
  stallPercent: number;
  /** p95 of the told delay's distance from the true one. */
  toldErrorMs: number;
}

export interface Verdict {
  before: PhaseNumbers | null;
  during: PhaseNumbers;
  after: PhaseNumbers | null;
  longAfter: PhaseNumbers | null;
  /** The same over the whole row. */
  toldErrorMs: number;
  /** Of all samples: nothing was told. */
  untoldPercent: number;
  broken: string[];
}

export function numbersOf(seen: Seen): PhaseNumbers {
  const delays = delaysOf(seen);
  const { stalls, stallPercent } = seen;
  const toldErrorMs = percentile(toldErrors(seen), 0.95);
  return { p50: percentile(delays, 0.5), p95: percentile(delays, 0.95), stalls, stallPercent, toldErrorMs };
}

const toldErrors = ({ samples }: Seen): number[] =>
  samples.flatMap(({ trueMs, toldMs }) => (toldMs === null ? [] : Math.abs(toldMs - trueMs)));

/**
 * @param referenceMs the median delay of an undisturbed stream, where there is no `before`
 * @param smoothFromMs from here to the end of `during` no stall is allowed; null: they are
 * @param told the whole time in which what is told counts
 */
export function verdictOf(
  probes: readonly Probe[],
  phases: Phases,
  { referenceMs, smoothFromMs, told }: { referenceMs: number | null; smoothFromMs: number | null; told: Span },
): Verdict {
  const of = (span: Span | null): PhaseNumbers | null => (span === null ? null : numbersOf(seenIn(probes, span)));
  const all = seenIn(probes, told);
  const errors = toldErrors(all);
  const before = of(phases.before);
  const verdict: Verdict = {
    before,
    during: numbersOf(seenIn(probes, phases.during)),
    after: of(phases.after),
    longAfter: of(phases.longAfter),
    toldErrorMs: percentile(errors, 0.95),
    untoldPercent: Math.round((100 * (all.samples.length - errors.length)) / Math.max(1, all.samples.length)),
    broken: [],
  };
  const wasMs = before?.p50 ?? referenceMs;
  for (const [name, phase] of [
    ['10 s after', verdict.after],
    ['60 s after', verdict.longAfter],
  ] as const) {
    if (phase === null || wasMs === null) continue;
    const leftMs = phase.p50 - wasMs;
    if (!(leftMs <= LEFT_MS)) verdict.broken.push(`${name}: ${Number.isNaN(leftMs) ? 'no picture' : `+${leftMs} ms`}`);
  }
  if (!(verdict.toldErrorMs <= TOLD_MS)) verdict.broken.push(`told ${verdict.toldErrorMs} ms off`);
  if (smoothFromMs !== null) {
    const { stalls } = seenIn(probes, { fromMs: smoothFromMs, toMs: phases.during.toMs });
    if (stalls > 0) verdict.broken.push(`${stalls} stalls`);
  }
  return verdict;
}
