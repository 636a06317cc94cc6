// Every limit and time of the protocol in one place: what is larger or later than this is refused, dropped or given up.
// The rules that use them are in SPEC.md.

export const PROTOCOL_VERSION = 2;

/** A slice travels in fragments; over data channels each carries at most this many payload bytes. */
export const MAX_FRAGMENT_BYTES = 16_000;
/** Largest slice a receiver assembles. */
export const MAX_SLICE_BYTES = 512 * 1024;
/** Largest unit the coordinate cuts (four largest slices). */
export const MAX_UNIT_BYTES = 4 * MAX_SLICE_BYTES;
/** Slices that one link may have begun and not finished. */
export const MAX_OPEN_SLICES = 8;
/** JSON message caps, in UTF-16 code units of the text before it is parsed. */
export const MAX_SIGNAL_CHARS = 64 * 1024;
export const MAX_PEER_MESSAGE_CHARS = 16 * 1024;
export const MAX_BACKBONE_CHARS = 2 * 1024 * 1024;
export const MAX_STREAM_NAME_CHARS = 64;

/** Messages a viewer may send its tracker: a bucket of this size that refills at this rate. */
export const SIGNAL_BURST = 240;
export const SIGNAL_PER_SECOND = 60;

/** Messages between a child and its parent, media aside: a bucket of this size that refills at this rate. */
export const PEER_BURST = 300;
export const PEER_PER_SECOND = 150;
/** Messages over either rate that are dropped before the connection is ended. */
export const MAX_DROPPED = 120;
/** Subscriptions begun at a forward: each may send a whole run of units at once. */
export const SUBSCRIBE_BURST = 32;
export const SUBSCRIBE_PER_SECOND = 4;

/** [P21] What a newcomer sends to have its uplink measured: 96 kB, half a second of an uplink that carries one copy of 1.5 Mbit/s. */
export const PROBE_MESSAGES = 8;
export const PROBE_CHARS = 12_000;
/** [P20] Who was told to wait for its parents asks the forward again when they have not delivered by then. */
export const START_PATIENCE_MS = 1_500;

export const KEEP_ALIVE_MS = 200;
/** A parent that should be busy and says nothing: takeover on suspicion, then for good. */
export const SUSPECT_SILENCE_MS = 180;
export const DEAD_SILENCE_MS = 500;
/** [P4] A child that has said nothing for so long, ten keep-alives, is sent nothing until it speaks again. */
export const CHILD_SILENCE_MS = 2_000;
/** A takeover edge is outside the tree and ends by itself. */
export const TAKEOVER_MS = 3_000;
/** ICE that has not opened by then is given up. */
export const CONNECT_TIMEOUT_MS = 2_500;
/** Units kept for children, hedges and pulls. */
export const RING_MS = 6_000;
/**
 * Playout target: D = p95 of unit arrival delay (the unit's own length included) + margin (the decoder's frames in hand; a viewer whose own
 * media is later adds the same), within these bounds. The least is what a departure costs: a lost slice is back in 100 to 200 ms (docs/decisions/006).
 */
export const TARGET_MARGIN_MS = 60;
export const TARGET_MIN_MS = 265;
export const TARGET_MAX_MS = 1_500;

export const VIEWER_REPORT_MS = 1_000;
export const FORWARD_HEARTBEAT_MS = 1_000;
export const TRACKER_HEARTBEAT_MS = 1_000;
/** Missed for this long, a tracker or forward is taken as lost. */
export const LOST_AFTER_MS = 3_500;

/** Lag of a viewer behind a forward, by its acknowledgements: past it the forward skips to the next keyframe. */
export const MAX_LAG_MS = 2_000;
export const ACK_EVERY_MS = 500;
/** Bytes buffered for one viewer's socket before it is closed. */
export const MAX_SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
