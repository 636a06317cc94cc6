// Where the playhead goes: by rate where that is enough, by a jump where it is not, and never back and forth.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bursts } from '../../client/web/bursts.ts';
import { steer, type Move, type Playhead } from '../../client/web/live-edge.ts';

const one = (start: number, end: number): Playhead['ranges'] => [{ start, end }];
const rateAt = (currentTime: number, wanted: number): number => {
  const move = steer({ reserve: 0.02, currentTime, wanted, ranges: one(0, 100) });
  if (move.kind !== 'rate') throw new Error(`it jumps to ${move.to}`);
  return move.rate;
};

describe('within a range', () => {
  it('plays on at its own speed when it is where it should be, or nothing is there', () => {
    expect(rateAt(50, 50)).toBe(1);
    expect(rateAt(50, 50.019)).toBe(1);
    expect(rateAt(50, 49.981)).toBe(1);
    expect(steer({ reserve: 0.02, currentTime: 3, wanted: 9, ranges: [] })).toEqual({ kind: 'rate', rate: 1 });
  });

  it('drifts back by rates that nobody notices', () => {
    expect(rateAt(50, 50.1)).toBe(1.15);
    expect(rateAt(50, 49.95)).toBe(0.93);
    expect(rateAt(50, 50.9)).toBe(1.25);
    expect(rateAt(50, 49.2)).toBe(0.9);
  });

  it('jumps when it is more than a second off', () => {
    expect(steer({ reserve: 0.02, currentTime: 50, wanted: 52, ranges: one(0, 100) })).toEqual({
      kind: 'seek',
      to: 52,
      why: 'behind',
    });
    expect(steer({ reserve: 0.02, currentTime: 50, wanted: 48, ranges: one(0, 100) })).toEqual({
      kind: 'seek',
      to: 48,
      why: 'ahead',
    });
  });

  it('does not jump to where nothing is: at the end of what it has it hurries, before its begin it waits', () => {
    expect(steer({ reserve: 0.02, currentTime: 50, wanted: 55, ranges: one(0, 50.3) })).toEqual({
      kind: 'rate',
      rate: 1.25,
    });
    expect(steer({ reserve: 0.02, currentTime: 50, wanted: 40, ranges: one(49, 60) })).toEqual({
      kind: 'rate',
      rate: 0.9,
    });
  });

  it('a jump forward keeps some frames in hand', () => {
    expect(steer({ reserve: 0.02, currentTime: 50, wanted: 55, ranges: one(0, 54) })).toEqual({
      kind: 'seek',
      to: 53.98,
      why: 'behind',
    });
  });
});

describe('what is in hand', () => {
  it('is spared when it gets short, and not by a jump', () => {
    const rate = (end: number, wanted = 50): Move =>
      steer({ currentTime: 50, wanted, ranges: one(0, end), reserve: 0.15 });
    expect(rate(50.15)).toEqual({ kind: 'rate', rate: 1 });
    expect(rate(50.1)).toEqual({ kind: 'rate', rate: 0.93 });
    expect(rate(50)).toEqual({ kind: 'rate', rate: 0.9 });
    expect(rate(50.2, 60)).toEqual({ kind: 'rate', rate: 1.08 });
  });

  it('lasts over bursts of any length, also from a plan that leaves too little', () => {
    const [SOUND_S, TICK_S] = [0.15, 0.04];
    const bursts = fc.double({ min: 0.05, max: 0.4, noNaN: true });
    fc.assert(
      fc.property(bursts, fc.double({ min: 0, max: 0.4, noNaN: true }), (length, phase) => {
        const steps = new Bursts();
        // A newcomer is given more than a second at once, as it came.
        for (let end = 0; end < 1.2; end += length) steps.add(length, 0);
        const madeBy = (nowS: number): number => Math.floor((nowS + phase + 1.2) / length) * length;
        let [currentTime, end] = [0, madeBy(0)];
        for (let nowS = 0; nowS < 12; nowS += TICK_S) {
          if (madeBy(nowS) > end) steps.add(madeBy(nowS) - end, nowS * 1_000);
          end = madeBy(nowS);
          expect(end - currentTime).toBeGreaterThan(0.8 * SOUND_S);
          const reserve = SOUND_S + steps.nextInS(nowS * 1_000);
          const move = steer({ currentTime, wanted: nowS + 1.15, ranges: one(0, end), reserve });
          currentTime = move.kind === 'rate' ? currentTime + move.rate * TICK_S : move.to;
        }
      }),
    );
  });

  it('counts with the longest step but one: a single one is a hold-up', () => {
    const steps = new Bursts();
    expect(steps.nextInS(0)).toBe(0);
    for (const stepS of [0.066, 0.9, 0.066]) steps.add(stepS, 1_000);
    expect(steps.nextInS(1_000)).toBe(0.066);
    expect(steps.nextInS(1_050)).toBeCloseTo(0.016);
    expect(steps.nextInS(1_500)).toBe(0);
    for (let i = 0; i < 8; i++) steps.add(0.1, 2_000);
    expect(steps.nextInS(2_000)).toBe(0.1);
  });
});

describe('holes', () => {
  const ranges = [
    { start: 0, end: 10 },
    { start: 10.6, end: 20 },
  ];

  it('stands before a hole until the others have passed it, then jumps over', () => {
    expect(steer({ reserve: 0.02, currentTime: 9.97, wanted: 10.2, ranges })).toMatchObject({ kind: 'rate' });
    expect(steer({ reserve: 0.02, currentTime: 9.97, wanted: 10.55, ranges })).toEqual({
      kind: 'seek',
      to: 10.6,
      why: 'hole',
    });
    expect(steer({ reserve: 0.02, currentTime: 9.97, wanted: 12, ranges })).toMatchObject({ kind: 'seek', to: 12 });
  });

  it('plays what lies before the hole first', () => {
    expect(steer({ reserve: 0.02, currentTime: 9.5, wanted: 9.5, ranges })).toEqual({ kind: 'rate', rate: 1 });
  });

  it('a playhead that stands in a hole leaves it', () => {
    expect(steer({ reserve: 0.02, currentTime: 10.3, wanted: 10.3, ranges })).toEqual({
      kind: 'seek',
      to: 10.6,
      why: 'hole',
    });
    expect(steer({ reserve: 0.02, currentTime: 10.3, wanted: 15, ranges })).toEqual({
      kind: 'seek',
      to: 15,
      why: 'hole',
    });
  });
});

describe('the start', () => {
  it('goes into the range at once, also where the media does not begin at 0', () => {
    expect(steer({ reserve: 0.02, currentTime: 0, wanted: 1_000.5, ranges: one(1_000, 1_002) })).toEqual({
      kind: 'seek',
      to: 1_000.5,
      why: 'start',
    });
    expect(steer({ reserve: 0.02, currentTime: 0, wanted: 999.5, ranges: one(1_000, 1_002) })).toMatchObject({
      to: 1_000,
    });
  });

  it('waits when everybody else is more than a second before what it has', () => {
    expect(steer({ reserve: 0.02, currentTime: 0, wanted: 998, ranges: one(1_000, 1_002) })).toEqual({
      kind: 'rate',
      rate: 1,
    });
  });

  it('a range shorter than a frame is entered at its begin', () => {
    expect(steer({ reserve: 0.02, currentTime: 0, wanted: 5, ranges: one(5, 5.01) })).toMatchObject({
      kind: 'seek',
      to: 5,
    });
  });
});

const seconds = fc.double({ min: 0, max: 30, noNaN: true });
const anyRanges = fc
  .array(fc.tuple(fc.double({ min: 0.01, max: 6, noNaN: true }), fc.double({ min: 0.01, max: 6, noNaN: true })), {
    minLength: 1,
    maxLength: 5,
  })
  .map((pairs) => {
    let at = 0;
    return pairs.map(([hole, length]) => {
      const start = at + hole;
      at = start + length;
      return { start, end: at };
    });
  });

it('whatever is there: a jump lands in a range, rates stay in bounds, and it comes to rest', () => {
  fc.assert(
    fc.property(seconds, seconds, anyRanges, (begin, wanted, ranges) => {
      let currentTime = begin;
      let move: Move | null = null;
      for (let step = 0; step < 4 && move?.kind !== 'rate'; step++) {
        move = steer({ reserve: 0.02, currentTime, wanted, ranges });
        if (move.kind === 'rate') {
          expect(move.rate).toBeGreaterThanOrEqual(0.9);
          expect(move.rate).toBeLessThanOrEqual(1.25);
          continue;
        }
        const { to } = move;
        expect(ranges.some((range) => to >= range.start && to <= range.end)).toBe(true);
        currentTime = to;
      }
      expect(move?.kind).toBe('rate');
    }),
    { numRuns: 3_000 },
  );
});
