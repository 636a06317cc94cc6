// What one viewer may serve, step by step: the pure function alone.
import { describe, expect, it } from 'vitest';
import {
  MOST_SLOTS,
  newCapacity,
  nextCapacity,
  trustedSlots,
  type Allowance,
  type Capacity,
  type Load,
} from '../../servers/tracker/capacity.ts';

const STREAM = 1_000_000;
const allowed = (more: Partial<Allowance> = {}): Allowance => ({
  K: 2,
  streamBitsPerSecond: STREAM,
  headroom: 0.85,
  most: 3,
  isMoreWanted: false,
  capBitsPerSecond: null,
  ...more,
});
const CALM = { bitsPerSecond: null, oldestMs: 5 };

const full = (slots: number): Load => ({ used: slots, carried: slots });

/** A report a second with these words, all slots in use. */
function after(
  seconds: number,
  from: Capacity,
  word: { bitsPerSecond: number | null; oldestMs: number },
  may: Allowance,
  startMs = 0,
): Capacity {
  let capacity = from;
  for (let s = 1; s <= seconds; s++)
    capacity = nextCapacity(capacity, word, full(capacity.slots), may, startMs + s * 1_000);
  return capacity;
}

describe('[T13] slots', () => {
  it('stay at one copy while the swarm has no use for more', () => {
    expect(after(60, newCapacity(2, 0), CALM, allowed()).slots).toBe(2);
  });

  it('grow by one every two seconds where more is wanted and nothing has ever had to wait', () => {
    const may = allowed({ most: 8, isMoreWanted: true });
    expect(after(2, newCapacity(2, 0), CALM, may).slots).toBe(3);
    expect(after(7, newCapacity(2, 0), CALM, may).slots).toBe(5);
    expect(after(60, newCapacity(2, 0), CALM, may).slots).toBe(8);
    expect(after(60, newCapacity(2, 0), CALM, allowed({ most: 100, isMoreWanted: true })).slots).toBe(MOST_SLOTS);
  });

  it('[P21] are what a forward has measured, as soon as the first child is reached and while nothing speaks against it', () => {
    const may = allowed({ K: 4, most: 12 });
    const word = { bitsPerSecond: 2_000_000, oldestMs: 0, probed: true };
    const newcomer = newCapacity(3, 0);
    // Nobody knows yet whether children reach it.
    const waiting = nextCapacity(newcomer, word, { used: 3, carried: 0 }, may, 700);
    expect(waiting.slots).toBe(3);
    // Of eight slices' worth with headroom, and less for a measure of half a second.
    expect(nextCapacity(waiting, word, { used: 3, carried: 1 }, may, 1_700).slots).toBe(5);
    expect(nextCapacity(newcomer, { ...word, bitsPerSecond: 500_000 }, full(0), may, 700).slots).toBe(1);
    // It has fallen behind: what a forward said before gives it nothing back, and it is no reason to wait longer.
    const behind = { ...word, oldestMs: 900 };
    expect(nextCapacity(waiting, behind, full(3), may, 2_700).slots).toBe(1);
    expect(nextCapacity({ ...waiting, shrankMs: 2_700 }, word, full(3), may, 3_700).slots).toBe(3);
    const { probed: _, ...own } = word;
    expect(nextCapacity(newcomer, own, full(3), may, 700).slots).toBe(3);
  });

  it('do not grow while nobody knows what the line carries and slices begin to wait, or a slot stands empty', () => {
    const may = allowed({ K: 4, most: 12, isMoreWanted: true });
    expect(after(9, newCapacity(3, 0), { bitsPerSecond: null, oldestMs: 80 }, may).slots).toBe(3);
    expect(nextCapacity(newCapacity(3, 0), CALM, full(2), may, 5_000).slots).toBe(3);
    // The third child is planned, and still connecting.
    expect(nextCapacity(newCapacity(3, 0), CALM, { used: 3, carried: 2 }, may, 5_000).slots).toBe(3);
  });

  it('of a newcomer are one copy in halves and three quarters of one in quarters, and stay so while no more are wanted', () => {
    expect([1, 2, 4].map(trustedSlots)).toEqual([1, 2, 3]);
    expect(after(60, newCapacity(3, 0), CALM, allowed({ K: 4, most: 12 })).slots).toBe(3);
  });

  it('one less when slices wait for 300 ms twice in a row, half when for 800 ms', () => {
    const begin = newCapacity(6, 0);
    const may = allowed({ most: 8 });
    const late = { bitsPerSecond: null, oldestMs: 400 };
    expect(after(1, begin, late, may).slots).toBe(6);
    expect(after(2, begin, late, may).slots).toBe(5);
    expect(after(1, begin, { ...late, oldestMs: 900 }, may).slots).toBe(3);
  });

  it('are not taken away for what waits when all children have moved on', () => {
    const late = { bitsPerSecond: null, oldestMs: 1_900 };
    expect(nextCapacity(newCapacity(6, 0), late, full(0), allowed({ most: 8 }), 3_000).slots).toBe(6);
    expect(nextCapacity(newCapacity(6, 0), late, full(2), allowed({ most: 8 }), 3_000).slots).toBe(1);
  });

  it('are what the line carries, with headroom, as soon as it was full once', () => {
    expect(after(1, newCapacity(6, 0), { bitsPerSecond: 2 * STREAM, oldestMs: 5 }, allowed({ most: 8 })).slots).toBe(3);
  });

  it('are not taken away again while the queue of before is being worked off', () => {
    const may = allowed({ K: 4, most: 12, isMoreWanted: true });
    const full = { bitsPerSecond: STREAM, oldestMs: 1_300 };
    let capacity = after(1, newCapacity(5, 0), full, may);
    expect(capacity.slots).toBe(3);
    for (const [second, oldestMs] of [1_100, 900, 700, 500, 300].entries())
      capacity = after(1, capacity, { ...full, oldestMs }, may, (second + 1) * 1_000);
    expect(capacity.slots).toBe(3);
    // A queue that does not get shorter is this second's.
    expect(after(4, capacity, { ...full, oldestMs: 1_300 }, may, 6_000).slots).toBe(1);
  });

  it('stay when a burst waits on a line that carries it', () => {
    const burst = { bitsPerSecond: 4 * STREAM, oldestMs: 400 };
    expect(after(3, newCapacity(6, 0), burst, allowed({ most: 8 })).slots).toBe(6);
    expect(after(4, newCapacity(6, 0), burst, allowed({ most: 8 })).slots).toBe(5);
  });

  it('come back one by one after ten calm seconds, after twice as many the next time', () => {
    const may = allowed({ most: 4, isMoreWanted: true });
    let capacity = after(2, newCapacity(4, 0), { bitsPerSecond: null, oldestMs: 400 }, may);
    expect(capacity.slots).toBe(3);
    const calm = { bitsPerSecond: null, oldestMs: 5 };
    expect(after(18, capacity, calm, may, 2_000).slots).toBe(3);
    capacity = after(21, capacity, calm, may, 2_000);
    expect(capacity.slots).toBe(4);
    capacity = after(2, capacity, { ...calm, oldestMs: 400 }, may, 23_000);
    expect(capacity.slots).toBe(3);
    expect(after(38, capacity, calm, may, 25_000).slots).toBe(3);
    expect(after(41, capacity, calm, may, 25_000).slots).toBe(4);
  });

  it('that are there stay when no more are wanted', () => {
    expect(after(60, newCapacity(5, 0), CALM, allowed({ most: 6 })).slots).toBe(5);
  });

  it('never exceed the broadcaster’s cap nor the viewer’s own, whatever was there before', () => {
    expect(after(1, newCapacity(6, 0), CALM, allowed({ most: 3 })).slots).toBe(3);
    expect(after(1, newCapacity(6, 0), CALM, allowed({ most: 6, capBitsPerSecond: 0.6 * STREAM })).slots).toBe(1);
    expect(after(1, newCapacity(6, 0), CALM, allowed({ most: 6, capBitsPerSecond: 0.4 * STREAM })).slots).toBe(0);
  });

  it('more than was measured is tried after a minute where the measure has room for it, after five where it has not', () => {
    const may = allowed({ K: 4, most: 12, isMoreWanted: true });
    // Of one copy four quarters with headroom are three, without it four.
    const tries = (bitsPerSecond: number): number => {
      let [capacity, s] = [newCapacity(3, 0, bitsPerSecond), 0];
      for (; capacity.slots === 3 && s < 1_000; s++)
        capacity = nextCapacity(capacity, { bitsPerSecond, oldestMs: 10 }, full(3), may, s * 1_000);
      return s - 1;
    };
    expect([tries(STREAM), tries(0.95 * STREAM)]).toEqual([60, 300]);
  });

  it('an uplink that carries nothing is left alone for longer and longer, and tried again', () => {
    const may = allowed({ isMoreWanted: true });
    let capacity = newCapacity(2, 0);
    let nowMs = 0;
    const tries: number[] = [];
    for (let s = 1; s <= 7_200; s++) {
      nowMs = s * 1_000;
      const word = { bitsPerSecond: 0.1 * STREAM, oldestMs: capacity.slots > 0 ? 2_000 : 0 };
      const next = nextCapacity(capacity, word, full(capacity.slots), may, nowMs);
      if (next.slots > capacity.slots) tries.push(s);
      capacity = next;
    }
    expect(capacity.slots).toBeLessThanOrEqual(1);
    expect(tries.length).toBeGreaterThan(1);
    expect(tries.length).toBeLessThan(8);
  });
});
