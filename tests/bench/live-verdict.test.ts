import { expect, it } from 'vitest';
import { verdictOf, type Phases } from '../../bench/support/live-verdict.ts';
import type { Probe } from '../../bench/support/probe.ts';
import { framesPerSecond, seenIn } from '../../bench/support/watching.ts';

const PHASES: Phases = {
  before: { fromMs: 0, toMs: 5_000 },
  during: { fromMs: 5_000, toMs: 13_000 },
  after: { fromMs: 23_000, toMs: 28_000 },
  longAfter: { fromMs: 73_000, toMs: 78_000 },
};
const ALL = { fromMs: 0, toMs: 78_000 };
const RULES = { referenceMs: null, smoothFromMs: null, told: ALL };

/** A tab that looks at its picture four times a second. */
function probe(
  trueMs: (atMs: number) => number,
  toldMs: (atMs: number) => number | null,
  stands: Probe['stands'] = [],
): Probe {
  const samples = Array.from({ length: 78 * 4 }, (_, i) => {
    const atMs = i * 250;
    const rest = {
      state: 'playing',
      bufferMs: 100,
      targetMs: 300,
      frames: Math.round((atMs * 30) / 1_000),
      decoded: 0,
    };
    return { atMs, trueMs: trueMs(atMs), toldMs: toldMs(atMs), ...rest };
  });
  return { samples, stands, firstFrameMs: 100, firstFrameAtMs: 0, readAtMs: 78_000 };
}

it('holds what is late meanwhile and as it was afterwards', () => {
  const late = (atMs: number): number => (atMs >= 5_000 && atMs < 20_000 ? 3_000 : 300);
  const verdict = verdictOf([probe(late, late)], PHASES, RULES);
  expect(verdict.broken).toEqual([]);
  expect([verdict.before?.p50, verdict.during.p50, verdict.after?.p50]).toEqual([300, 3_000, 300]);
});

it('does not hold what stays late, nor a delay that is told otherwise', () => {
  const late = (atMs: number): number => (atMs >= 5_000 ? 401 : 300);
  const verdict = verdictOf([probe(late, () => 250)], PHASES, RULES);
  expect(verdict.broken).toEqual(['10 s after: +101 ms', '60 s after: +101 ms', 'told 151 ms off']);
});

it('does not hold a picture that never came back, or about which nothing is told', () => {
  const gone = probe(
    () => 300,
    () => null,
  );
  gone.samples = gone.samples.filter(({ atMs }) => atMs < 10_000);
  const { broken, untoldPercent } = verdictOf([gone], PHASES, RULES);
  expect(broken).toEqual(['10 s after: no picture', '60 s after: no picture', 'told NaN ms off']);
  expect(untoldPercent).toBe(100);
});

it('forgives the first two bursts and no later stall', () => {
  const stands = [
    { fromMs: 6_000, toMs: 7_000 },
    { fromMs: 12_000, toMs: 12_100 },
  ];
  const same = (): number => 300;
  const of = (smoothFromMs: number): string[] =>
    verdictOf([probe(same, same, stands)], PHASES, { ...RULES, smoothFromMs }).broken;
  expect(of(7_500)).toEqual(['1 stalls']);
  expect(of(12_500)).toEqual([]);
});

it('counts of a stall what lies within, and of a tab that has left its time until then', () => {
  const same = (): number => 300;
  const left = probe(same, same, [{ fromMs: 4_000, toMs: null }]);
  left.readAtMs = 6_000;
  expect(seenIn([left], { fromMs: 2_000, toMs: 10_000 })).toMatchObject({ stalls: 1, stallPercent: 50 });
  expect(framesPerSecond([probe(same, same)], { fromMs: 0, toMs: 10_000 })).toBeCloseTo(30, 0);
});
