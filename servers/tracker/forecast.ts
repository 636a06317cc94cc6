// How large an audience these viewers and forwards would hold: what each viewer brings against what each takes, and the forwards for the
// rest; and whether it is the cap on uploads that makes the forwards carry it. Pure. An estimate in words, for a person who decides about servers before a show.

import type { CapShortage } from '../../protocol/mesh-tables.ts';
import { MOST_SLOTS, trustedSlots } from './capacity.ts';

export interface ForecastInput {
  /** Copies of the stream that the average viewer may upload; null while nobody has watched for some seconds. */
  copiesPerViewer: number | null;
  /** Slices that all forwards serve together; null where one of them has no such limit that we know. */
  forwardSlices: number | null;
  k: number;
  /** The tracker takes no more. */
  mostViewers: number;
  /** Copies that the broadcaster lets a viewer upload. */
  uploadCap: number;
  /** What each viewer could upload, in copies, if that were the cap. */
  copiesAt: (uploadCap: number) => readonly number[];
}

export interface Forecast {
  viewers: number;
  why: string;
  /** null: the cap is not what it lacks. */
  capShortage: CapShortage | null;
}

/** Below this supply some slices must come from forwards all the time (MESH.md section 3: rho >= 1.08). */
const SELF_SUFFICIENT = 1.08;
const CAP_STEP = 0.5;
/** A higher cap that brings less than this is not worth the viewers' upload. */
const WORTH_COPIES = 0.05;

export function forecast(input: ForecastInput): Forecast {
  return { ...audienceHeld(input), capShortage: capShortage(input) };
}

/** The least cap with which the audience would feed itself; where there is none, the least that brings most. */
function capShortage({ copiesPerViewer, k, uploadCap, copiesAt }: ForecastInput): CapShortage | null {
  if (copiesPerViewer === null || copiesPerViewer >= SELF_SUFFICIENT) return null;
  const copiesUnder = (cap: number): number => {
    const slots = copiesAt(cap).map((copies) => Math.min(MOST_SLOTS, Math.floor(copies * k + 1e-9)));
    return slots.length === 0 ? 0 : slots.reduce((sum, n) => sum + n, 0) / k / slots.length;
  };
  const copies = copiesUnder(uploadCap);
  if (copies >= SELF_SUFFICIENT) return null; // it only has to grow
  let best = { cap: uploadCap, copies };
  const first = (Math.floor(uploadCap / CAP_STEP) + 1) * CAP_STEP;
  for (let cap = first; cap <= MOST_SLOTS / k && best.copies < SELF_SUFFICIENT; cap += CAP_STEP) {
    const under = copiesUnder(cap);
    if (under > best.copies) best = { cap, copies: under };
  }
  if (best.copies - copies < WORTH_COPIES) return null;
  const isEnough = best.copies >= SELF_SUFFICIENT;
  return { cap: uploadCap, copies, betterCap: best.cap, betterCopies: best.copies, isEnough };
}

function audienceHeld(input: ForecastInput): Omit<Forecast, 'capShortage'> {
  const { forwardSlices, k, mostViewers, uploadCap } = input;
  const copiesPerViewer = input.copiesPerViewer ?? newcomersCopies(k, uploadCap);
  const copies = copiesPerViewer.toFixed(2);
  const average =
    input.copiesPerViewer === null
      ? `Nothing is known of any viewer yet; a newcomer is trusted with passing on ${copies} copies`
      : `The average viewer is trusted with passing on ${copies} copies by now`;
  if (copiesPerViewer >= SELF_SUFFICIENT)
    return {
      viewers: mostViewers,
      why: `${average}, so the audience feeds itself; the tracker's limit comes first.`,
    };
  if (forwardSlices === null)
    return {
      viewers: mostViewers,
      why: `${average}; the forwards carry the rest.`,
    };
  const perViewer = SELF_SUFFICIENT - copiesPerViewer;
  const held = twoDigits(forwardSlices / k / perViewer);
  const viewers = Math.min(mostViewers, held);
  const limit = held < mostViewers ? 'the forwards are full then' : "the tracker's limit comes first";
  return {
    viewers,
    why: `${average} and needs one, so forwards carry ${perViewer.toFixed(2)} for each: ${limit}.`,
  };
}

/** What a newcomer of whom nothing is known is trusted with, in copies of the stream: whole slots, and never more than the cap. */
const newcomersCopies = (k: number, uploadCap: number): number =>
  Math.min(trustedSlots(k), Math.floor(uploadCap * k + 1e-9)) / k;

/** An estimate that is no truer than that. */
function twoDigits(value: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))) - 1);
  return Math.floor(value / step) * step;
}
