// Playing order: from a keyframe on, without a gap while waiting is worth it, and over the hole when it is not.
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { Sequencer } from '../../client/mesh/sequencer.ts';
import { UnitStore } from '../../client/mesh/store.ts';
import { FLAG } from '../../protocol/chunk.ts';
import type { Slice } from '../../protocol/slice.ts';
import { createSealer } from '../support/units.ts';

const BASE_MS = 1_700_000_000_000;
const UNIT_MS = 100;
/** Units 1, 11, 21, ... are keyframes. */
const KEY_EVERY = 10;
/** How long a hole is waited for. */
const PATIENCE_MS = 300;

let sample: Slice;
let store: UnitStore;
let sequencer: Sequencer;
beforeAll(async () => {
  sample = await createSealer().slice(1, 0, 2);
});
beforeEach(() => {
  store = new UnitStore();
  sequencer = new Sequencer(store);
});

const at = (unit: number): number => BASE_MS + unit * UNIT_MS;
function add(from: number, to = from, { epoch = 1_000, slices = [0, 1] } = {}): void {
  for (let unit = from; unit <= to; unit++)
    for (const k of slices) {
      const flags = unit === 0 ? FLAG.init : unit % KEY_EVERY === 1 ? FLAG.key : 0;
      const head = { ...sample.head, epoch, unit, flags, sourceMs: at(unit), durationMs: unit === 0 ? 0 : UNIT_MS };
      store.add({ ...sample, k, head }, 1);
    }
}
/** Everything that it gives now: unit numbers, those after a jump negative. */
function taken(playoutMs: number | null): number[] {
  const units: number[] = [];
  for (let next = sequencer.take(playoutMs); next; next = sequencer.take(playoutMs))
    units.push(next.isJump ? -next.held.head.unit : next.held.head.unit);
  return units;
}

it('nothing is played without the init segment, whatever else is there', () => {
  add(1, 20);
  expect(taken(at(5))).toEqual([]);
  add(0, 0, { slices: [0] });
  expect(taken(at(5))).toEqual([]);
  add(0);
  expect(taken(at(5))).not.toEqual([]);
});

it('[P2] a newcomer begins at the last keyframe before the moment that everybody is shown', () => {
  add(0, 35);
  expect(taken(at(25))).toEqual([-21, ...Array.from({ length: 14 }, (_, i) => 22 + i)]);
});

it('begins at the first keyframe when all it has lies after that moment, or while no clock is known', () => {
  add(0);
  add(11, 35);
  expect(taken(at(3))[0]).toBe(-11);
  sequencer.rewind();
  expect(taken(null)[0]).toBe(-11);
});

it('units before the first keyframe are of no use', () => {
  add(0);
  add(5, 10);
  expect(taken(at(7))).toEqual([]);
  add(11);
  expect(taken(at(7))).toEqual([-11]);
});

it('waits for a hole: what is missing comes in order, once, and nothing is skipped', () => {
  add(0, 13);
  add(15, 18);
  add(14, 14, { slices: [1] });
  expect(taken(at(1))).toEqual([-1, ...Array.from({ length: 12 }, (_, i) => 2 + i)]);
  expect(taken(at(14) + PATIENCE_MS - 1)).toEqual([]);
  add(14, 14, { slices: [0] });
  expect(taken(at(14))).toEqual([14, 15, 16, 17, 18]);
  expect(taken(at(18))).toEqual([]);
  expect(sequencer.skipped).toBe(0);
});

it('goes on at the next keyframe when the hole is 300 ms past its time, and counts what is skipped', () => {
  add(0, 13);
  add(15, 22);
  taken(at(1));
  expect(taken(at(14) + PATIENCE_MS - 1)).toEqual([]);
  expect(taken(at(14) + PATIENCE_MS)).toEqual([-21, 22]);
  expect(sequencer.skipped).toBe(7);
  add(14); // too late to be of use
  expect(taken(at(25))).toEqual([]);
});

it('without a keyframe behind the hole there is nothing better than to wait', () => {
  add(0, 13);
  add(15, 20);
  taken(at(1));
  expect(taken(at(60))).toEqual([]);
  add(21);
  expect(taken(at(60))).toEqual([-21]);
});

it('skips nothing while no clock is known', () => {
  add(0, 13);
  add(15, 31);
  taken(null);
  expect(taken(null)).toEqual([]);
  expect(sequencer.skipped).toBe(0);
});

it('finds its way after a long sleep: far behind the store’s memory it goes on at a keyframe that is there', () => {
  add(0, 5);
  taken(at(1));
  add(1_001, 1_015);
  expect(taken(at(1_005))).toEqual([-1_001, ...Array.from({ length: 14 }, (_, i) => 1_002 + i)]);
  expect(sequencer.skipped).toBe(995);
});

it('[W9] a new epoch begins at its own keyframe, with its own numbers', () => {
  add(0, 25);
  taken(at(1));
  add(0, 4, { epoch: 2_000 });
  expect(taken(at(25))).toEqual([-1, 2, 3, 4]);
  expect(store.epoch).toBe(2_000);
});

it('is late 50 ms after the next unit should have begun, and not before the first', () => {
  expect(sequencer.isLate(at(9))).toBe(false);
  add(0, 5);
  taken(at(1));
  expect([sequencer.isLate(at(6) + 50), sequencer.isLate(at(6) + 51), sequencer.isLate(null)]).toEqual([
    false,
    true,
    false,
  ]);
});

it('a rewind gives the keyframe at hand again', () => {
  add(0, 15);
  taken(at(12));
  sequencer.rewind();
  expect(taken(at(12))).toEqual([-11, 12, 13, 14, 15]);
});
