// One slice's supply: who delivers it, who is to deliver it next, who stands in, and how regularly it comes. A record and its
// arithmetic; the peer acts on it.
import type { Parent } from '../../protocol/signalling.ts';

export interface Substream {
  k: number;
  /** What the tracker wants. */
  planned: Parent | null;
  /** Who delivers now, by the tree. */
  serving: string | null;
  /** A new parent: link opening, or subscribed and silent so far. */
  joining: { id: string; sinceMs: number; asked: boolean } | null;
  /** When the planned parent is to be joined, if not yet. */
  dueMs: number | null;
  /** A supplier outside the tree: the forward at the start, somebody at hand when a parent is lost. */
  standIn: { id: string; sinceMs: number; why: 'bootstrap' | 'takeover' } | null;
  /** Who refused or failed lately, and when: not asked again at once. */
  avoided: Map<string, number>;
  /** Arrival of slices after their source time, smoothed, and its mean deviation (both ms, on any constant offset). */
  delayMs: number | null;
  jitterMs: number;
  /** The delay of the supplier before; null: none was known. */
  formerMs: number | null;
  /** When the present supplier began. */
  seatedMs: number;
  /** When the last slice of this k came, and from whom. */
  lastMs: number;
  lastFrom: string | null;
  /** Newest unit whose slice came in the regular way. */
  newest: number;
  /** Source time of the newest slice that the serving parent itself has delivered, and since when that is far behind; null: it is not. */
  servedMs: number | null;
  behindSinceMs: number | null;
}

export const newSubstream = (k: number): Substream => ({
  k,
  planned: null,
  serving: null,
  joining: null,
  dueMs: null,
  standIn: null,
  avoided: new Map(),
  delayMs: null,
  jitterMs: 20,
  formerMs: null,
  seatedMs: Number.NEGATIVE_INFINITY,
  lastMs: Number.NEGATIVE_INFINITY,
  lastFrom: null,
  newest: 0,
  servedMs: null,
  behindSinceMs: null,
});

/** Weight of a new sample in the smoothed delay and its deviation (as TCP does for round trips, RFC 6298). */
const GAIN_DELAY = 1 / 8;
const GAIN_JITTER = 1 / 4;
/** One late slice counts this much at most, so that an outage does not pass for jitter. */
const MAX_DEVIATION_MS = 200;

/** Notes the arrival of a slice from its regular supplier. */
export function observeArrival(sub: Substream, arrivedMs: number, sourceMs: number): void {
  const delay = arrivedMs - sourceMs;
  if (sub.delayMs === null) {
    sub.delayMs = delay;
    return;
  }
  const deviation = Math.max(-MAX_DEVIATION_MS, Math.min(MAX_DEVIATION_MS, delay - sub.delayMs));
  sub.delayMs += GAIN_DELAY * deviation;
  sub.jitterMs += GAIN_JITTER * (Math.abs(deviation) - sub.jitterMs);
}

/** What the former supplier's usual delay may be exceeded by, before the new one's is known. */
const UNKNOWN_MS = 500;
/** So long after a change what arrives is regular, however far behind the other slices it is. */
const CAUGHT_UP_MS = 1_000;
/** Older than this many units behind the newest, an arrival is catching up and says nothing about regular delay. */
const FRESH_UNITS = 4;

/** Another supplier has its own delay: what was usual bounds what is late until that is known. */
export function reseated(sub: Substream, nowMs: number): void {
  if (sub.delayMs !== null) sub.formerMs = sub.delayMs;
  sub.delayMs = null;
  sub.seatedMs = nowMs;
  sub.servedMs = sub.behindSinceMs = null;
}

/** A parent whose slices are so far behind the others, for so long, is none: nothing of it is ever in time. */
const BEHIND_MS = 2_000;
const BEHIND_FOR_MS = 1_500;

/** Is the serving parent there, and yet of no use? @param newestMs source time of the newest unit of which any slice is here */
export function isOfNoUse(sub: Substream, newestMs: number, nowMs: number): boolean {
  if (sub.servedMs === null || newestMs - sub.servedMs < BEHIND_MS) sub.behindSinceMs = null;
  else sub.behindSinceMs ??= nowMs;
  return sub.behindSinceMs !== null && nowMs - sub.behindSinceMs >= BEHIND_FOR_MS;
}

/** Does the arrival of this unit tell about regular delay? @param newest the newest unit of which any slice is here */
export const isRegular = (sub: Substream, unit: number, newest: number, nowMs: number): boolean =>
  unit > sub.newest && (unit >= newest - FRESH_UNITS || nowMs - sub.seatedMs > CAUGHT_UP_MS);

/** When the slice of a unit with this source time should be here at the latest, without being late. */
export function dueMs(sub: Substream, sourceMs: number): number | null {
  if (sub.delayMs !== null) return sourceMs + sub.delayMs + Math.max(30, 3 * sub.jitterMs);
  return sub.formerMs === null ? null : sourceMs + sub.formerMs + UNKNOWN_MS;
}

/** Nobody could be heard for so long: whoever is waited for is given as much more. */
export function waitedLess(sub: Substream, pausedMs: number): void {
  if (sub.joining) sub.joining = { ...sub.joining, sinceMs: sub.joining.sinceMs + pausedMs };
  if (sub.standIn) sub.standIn = { ...sub.standIn, sinceMs: sub.standIn.sinceMs + pausedMs };
  sub.lastMs += pausedMs;
}
