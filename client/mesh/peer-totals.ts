// What a peer has carried so far, for its statistics. Bytes, and counts of single slices.
import type { Received } from './links.ts';
import type { Playout } from './playout.ts';
import type { Supplies } from './supplies.ts';
import type { Uplink } from './uplink.ts';

export interface PeerTotals {
  /** Received, by kind of sender. */
  forward: number;
  peers: number;
  sent: number;
  /** Of these, what came twice, or after it had been made here of other slices. */
  duplicate: number;
  /** Of the duplicates, the latter. */
  made: number;
  hedges: number;
  pulls: number;
  /** Units that came too late to be played. */
  skipped: number;
  /** Slices that were too old when their turn to be sent came. */
  dropped: number;
}

/** @param received undefined before there are links */
export function totalsOf(
  received: Received | undefined,
  { uplink, supplies, playout }: { uplink: Uplink; supplies: Supplies; playout: Playout },
): PeerTotals {
  return {
    ...(received ?? { forward: 0, peers: 0, duplicate: 0, made: 0 }),
    sent: uplink.sentBytes,
    hedges: supplies.hedges,
    pulls: supplies.pulled,
    skipped: playout.skipped,
    dropped: uplink.dropped,
  };
}
