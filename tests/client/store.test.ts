// What a peer holds: identities, holes, epochs, and a memory that stays small whatever comes.
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { UnitStore } from '../../client/mesh/store.ts';
import { FLAG } from '../../protocol/chunk.ts';
import { RING_MS } from '../../protocol/limits.ts';
import type { Slice } from '../../protocol/slice.ts';
import { createSealer } from '../support/units.ts';

const UNIT_MS = 66;
/** The most units of one peer's memory. */
const MOST = 400;

let sample: Slice;
let store: UnitStore;
beforeAll(async () => {
  sample = await createSealer().slice(1, 0, 2);
});
beforeEach(() => {
  store = new UnitStore();
});

const slice = (
  unit: number,
  k = 0,
  more: { epoch?: number; K?: 1 | 2 | 4; key?: boolean; ms?: number } = {},
): Slice => {
  const { epoch = 1_000, K = 2, key = unit % 15 === 1, ms = UNIT_MS } = more;
  const flags = unit === 0 ? FLAG.init : key ? FLAG.key : 0;
  const times = { sourceMs: 1_700_000_000_000 + unit * ms, durationMs: ms };
  return { ...sample, k, K, head: { ...sample.head, epoch, unit, flags, ...times } };
};
const add = (unit: number, k = 0, more: Parameters<typeof slice>[2] = {}) => store.add(slice(unit, k, more), 5);
const whole = (from: number, to = from): void => {
  for (let unit = from; unit <= to; unit++) for (const k of [0, 1]) add(unit, k);
};
const held = (): number[] => [...store.since(1)].map(({ head }) => head.unit);

describe('a unit', () => {
  it('is whole with its last slice, in any order', () => {
    expect(add(1, 1)).toBe('epoch');
    expect(store.get(1)).toMatchObject({ firstMs: 5, wholeMs: null });
    expect(store.add(slice(1, 0), 9)).toBe('whole');
    expect(store.get(1)).toMatchObject({ firstMs: 5, wholeMs: 9 });
  });

  it('[P19] is whole with its data slices; the one it did without is known until it comes, and nothing more is wanted', () => {
    add(1, 0);
    expect(add(1, 2)).toBe('new'); // parity
    expect(store.get(1)?.wholeMs).toBeNull();
    expect(store.add(slice(1, 1), 7, true)).toBe('whole');
    expect([0, 1, 2].map((k) => store.wants(1_000, 1, k, 2))).toEqual([false, false, false]);
    expect([0, 1, 2].map((k) => store.isUnseen(1, k, 2))).toEqual([false, true, false]);
    store.seen(1);
    expect(store.isUnseen(1, 1, 2)).toBe(false);
    // Parity of a unit that is whole without it can be made: nobody has to send it, and it counts as held.
    whole(2);
    expect(store.isUnseen(2, 2, 2)).toBe(true);
    expect([store.slice(2, 2, 2), store.newestOf(2, 2), store.firstMissing(2, 2, 1)]).toEqual([null, 2, 3]);
    expect(store.add(slice(2, 2), 8)).toBe('new');
    expect([store.get(2)?.wholeMs, store.isUnseen(2, 2, 2)]).toEqual([5, false]);
  });

  it('has each slice once, and one way of being cut', () => {
    add(1);
    expect(add(1)).toBe('duplicate');
    expect(add(1, 1, { K: 4 })).toBe('mismatch');
    expect(add(1, 1)).toBe('whole');
  });

  it('[W9] unit 0 is the init segment: it is one only when it is whole, and never grows old', () => {
    add(0);
    expect(store.init).toBeNull();
    add(0, 1);
    whole(1, 500);
    expect(store.init?.head.unit).toBe(0);
    expect(store.newest).toBe(500);
  });
});

describe('[W9] epochs', () => {
  it('a newer one replaces the older one, whose slices are stale from then on', () => {
    whole(0, 20);
    expect(store.wants(1_001, 3, 0)).toBe(true);
    expect(add(3, 0, { epoch: 1_001 })).toBe('epoch');
    expect([store.epoch, store.newest, store.init, held()]).toEqual([1_001, 3, null, [3]]);
    expect(add(21)).toBe('stale');
    expect(store.wants(1_000, 21, 0)).toBe(false);
  });
});

describe('holes', () => {
  it('are found by slice', () => {
    whole(1, 5);
    add(6, 1);
    add(8, 0);
    expect([store.newestOf(0, 2), store.newestOf(1, 2)]).toEqual([8, 6]);
    expect([store.firstMissing(0, 2, 1), store.firstMissing(1, 2, 1), store.firstMissing(0, 2, 8)]).toEqual([6, 7, 9]);
    expect([store.wants(1_000, 6, 0), store.wants(1_000, 6, 1), store.wants(1_000, 7, 0)]).toEqual([true, false, true]);
    expect(held()).toEqual([1, 2, 3, 4, 5, 6, 8]);
  });

  it('a keyframe counts only when it is whole', () => {
    whole(1, 15);
    add(16);
    whole(17, 33);
    expect([store.keyFrom(1), store.keyFrom(2), store.newestKey()]).toEqual([1, 31, 31]);
    expect(store.keyFrom(32)).toBeNull();
    add(16, 1);
    expect(store.keyFrom(2)).toBe(16);
  });

  it('an empty store has nothing and says so', () => {
    expect([store.keyFrom(1), store.newestKey(), store.newestOf(0, 2), store.firstMissing(0, 2, 0)]).toEqual([
      null,
      null,
      0,
      1,
    ]);
  });
});

describe('memory', () => {
  it('reaches back six seconds', () => {
    whole(1, 1_000);
    const units = held();
    expect(units.length).toBe(Math.floor(RING_MS / UNIT_MS) + 1);
    expect(units.at(-1)).toBe(1_000);
    expect(store.wants(1_000, 900, 0)).toBe(false); // too old to be worth anything
    expect(add(900)).toBe('stale');
  });

  it('is bounded for units as short as can be', () => {
    for (let unit = 1; unit <= 2_000; unit++) add(unit, 0, { ms: 1 });
    expect(held().length).toBeLessThanOrEqual(MOST);
  });

  it('a jump leaves nothing of what was before', () => {
    whole(1, 50);
    add(4_000_000_000);
    expect(held()).toEqual([4_000_000_000]);
    expect([store.newestOf(0, 2), store.keyFrom(1)]).toEqual([4_000_000_000, null]);
    expect(add(51)).toBe('stale');
  });

  it('stays so whatever comes in whatever order', () => {
    const any = fc.array(
      fc.record({
        unit: fc.oneof(fc.integer({ min: 0, max: 900 }), fc.nat(0xffff_ffff)),
        k: fc.integer({ min: 0, max: 1 }),
        epoch: fc.integer({ min: 1_000, max: 1_002 }),
        ms: fc.constantFrom(0, 1, 40, 66, 120, 65_535),
      }),
      { maxLength: 600 },
    );
    fc.assert(
      fc.property(any, (slices) => {
        const one = new UnitStore();
        let newest = { epoch: 0, unit: 0 };
        for (const { unit, k, epoch, ms } of slices) {
          const wanted = one.wants(epoch, unit, k);
          const added = one.add(slice(unit, k, { epoch, ms }), 1);
          expect(wanted).toBe(['new', 'whole', 'epoch'].includes(added));
          if (added === 'epoch') newest = { epoch, unit };
          else if (wanted) newest = { epoch, unit: Math.max(unit, newest.unit) };
        }
        expect([one.epoch, one.newest]).toEqual([newest.epoch, newest.unit]);
        expect([...one.since(1)].length).toBeLessThanOrEqual(MOST);
      }),
      { numRuns: 200 },
    );
  });
});
