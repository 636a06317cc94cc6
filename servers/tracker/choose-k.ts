// How many slices a stream is best cut into, for the uplinks that its viewers have: for a small audience the least K at which all of them
// together carry the stream with room to spare, for a large one quarters. Pure (MESH.md section 2: half-rate slots waste what is left of an
// uplink that carries one copy, quarter-rate slots use it). K = 1 is an operator's choice: with one parent a departure costs everything for a moment.
import type { SliceCount } from '../../protocol/fields.ts';
import { MOST_SLOTS } from './capacity.ts';

/** Supply that makes the trees shallow and the forwards idle: below it chains grow. */
const SUFFICES = 1.08;
/** Going back to larger slices needs this much, so that nothing swings. */
const PLENTY = 1.3;
/** Another K costs every viewer new connections: it must bring so much. */
const WORTH = 0.05;
/** From so many viewers on quarters are better in every respect (decision 009); below, halves have fewer connections. */
const LARGE = 100;
const LARGE_NO_MORE = 50;

export interface Choice {
  k: SliceCount;
  /** One sentence with the numbers. */
  why: string;
}

/**
 * @param copies what each viewer may upload, in copies of the stream, headroom taken off; 0 for those that feed nobody
 * @param now the present K
 */
export function chooseK(copies: readonly number[], now: SliceCount): Choice {
  const [two, four] = [supplyAt(copies, 2), supplyAt(copies, 4)];
  const numbers = `the audience can pass on ${two.toFixed(2)} copies in halves and ${four.toFixed(2)} in quarters`;
  if (copies.length === 0) return { k: now, why: 'Nobody has been measured yet.' };
  const isShort = two < (now === 4 ? PLENTY : SUFFICES);
  if (isShort && four >= two + WORTH) return { k: 4, why: `Quarters use the uplinks better: ${numbers}.` };
  if (copies.length >= (now === 4 ? LARGE_NO_MORE : LARGE) && four >= SUFFICES)
    return { k: 4, why: `Quarters reach a large audience sooner, and less is lost with a parent: ${numbers}.` };
  return { k: 2, why: `Halves suffice: ${numbers}.` };
}

/** What all may upload over what all take, in copies of the stream, as slots of a stream in K slices let them. */
export function supplyAt(copies: readonly number[], K: SliceCount): number {
  const slots = copies.reduce((sum, own) => sum + Math.min(MOST_SLOTS, Math.floor(own * K + 1e-9)), 0);
  return slots / (K * Math.max(1, copies.length));
}
