// What a peer has carried so far, for its statistics. Bytes, and counts of single slices.
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
