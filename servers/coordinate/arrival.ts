// Is a stream that carries no times live, or a file? Read as fast as it comes for a moment, a live
// one has nothing to give most of the time: each frame is there only when it has been taken. A file
// always has more.
import type { Next, PushBody } from './push-body.ts';

/** A camera of 10 frames a second has shown three of its pauses by then. */
const LOOK_MS = 300;
/**
 * A file needs no longer look than this many bytes: no live stream without times has so many in
 * that time.
 */
const MAX_BYTES = 4 * 1024 * 1024;
/**
 * Shorter waits lie between two pieces of one frame, or two packets of a thin line: 120 frames a
 * second are 8 ms apart.
 */
const PAUSE_MS = 7;
/** Waits that end with so much are our own lateness: it was there long before. */
const PLENTY_BYTES = 60_000;
/** Of the time, so much in pauses makes it live. */
const LIVE_SHARE = 0.4;

export interface Arrived {
  live: boolean;
  /** All that came meanwhile. */
  bytes: Buffer;
  /** The push ended, or broke. */
  last: Next | null;
}

export async function lookHowItArrives(body: Pick<PushBody, 'nextWithin'>, head: Buffer): Promise<Arrived> {
  const parts = [head];
  const began = performance.now();
  let [paused, length] = [0, 0];
  const spent = (): number => performance.now() - began;
  while (spent() < LOOK_MS && length < MAX_BYTES) {
    const asked = performance.now();
    const next = await body.nextWithin(LOOK_MS - spent());
    const waited = performance.now() - asked;
    if (next === null || (waited >= PAUSE_MS && !(next.is === 'bytes' && next.bytes.length >= PLENTY_BYTES)))
      paused += waited;
    if (next === null) break;
    if (next.is !== 'bytes')
      return { live: paused > LIVE_SHARE * spent() && spent() > LOOK_MS / 2, bytes: Buffer.concat(parts), last: next };
    parts.push(next.bytes);
    length += next.bytes.length;
  }
  return { live: paused > LIVE_SHARE * spent(), bytes: Buffer.concat(parts), last: null };
}
