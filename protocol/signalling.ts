// JSON messages between a viewer and its tracker over the WebSocket `/resource` (SPEC.md, S rules).
import * as v from 'valibot';
import {
  Amount,
  few,
  Finite,
  IceServer,
  Id,
  Sentence,
  SliceCount,
  SliceIndex,
  StreamName,
  StreamStateSchema,
  Uint32,
  Url,
  Version,
} from './fields.ts';
import { ReasonSchema } from './refusal.ts';

const Text = (most: number) => v.pipe(v.string(), v.maxLength(most));

/** What peers tell each other through the tracker to open a connection. */
export const SignalData = v.variant('kind', [
  v.object({ kind: v.literal('offer'), call: Text(40), sdp: Text(32_000) }),
  v.object({ kind: v.literal('answer'), call: Text(40), sdp: Text(32_000) }),
  v.object({
    kind: v.literal('candidate'),
    call: Text(40),
    candidate: Text(1_000),
    sdpMid: v.nullable(Text(40)),
    sdpMLineIndex: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64))),
  }),
]);
export type SignalData = v.InferOutput<typeof SignalData>;

const Edge = v.object({ slice: SliceIndex, id: Id });
export type Edge = v.InferOutput<typeof Edge>;

/** Why a viewer takes no children for now, though it lets others feed it. */
export const LEAF_REASONS = ['data-saver', 'metered', 'battery', 'busy', 'relayed', 'cap', 'asked'] as const;
export type LeafReason = (typeof LEAF_REASONS)[number];

/** What a viewer allows its uplink to be used for. */
const SharingTerms = {
  /** It uploads at most this much; absent: the broadcaster's cap alone. */
  capBitsPerSecond: v.optional(Amount),
  leaf: v.optional(v.nullable(v.picklist(LEAF_REASONS))),
} as const;

/** How a viewer's uplink does, since its last report [T13]. */
const UplinkWord = v.object({
  /** What it got rid of while slices waited: the 20th percentile of the last minute; null: they never had to. */
  bitsPerSecond: v.nullable(Amount),
  /** The longest that a slice had to wait for its turn. */
  oldestMs: Amount,
  /** No slices waited: a forward measured it [P21]. */
  probed: v.optional(v.boolean()),
});
export type UplinkWord = v.InferOutput<typeof UplinkWord>;

export const VIEWER_STATES = ['finding', 'joining', 'buffering', 'playing', 'starving', 'ended'] as const;
export type ViewerState = (typeof VIEWER_STATES)[number];

export const PEER_ROLES = ['viewer', 'relay', 'monitor'] as const;
export type PeerRole = (typeof PEER_ROLES)[number];

export const FromViewer = v.variant('type', [
  v.object({
    type: v.literal('hello'),
    v: Version,
    stream: StreamName,
    /** From the coordinate; a tracker without a shared secret takes none. */
    ticket: v.optional(Text(2_000)),
    /** false: receive only; the viewer is served by forwards and nobody learns its address. */
    shares: v.boolean(),
    /** After a lost tracker connection: who I was and how I am seated. */
    again: v.optional(v.object({ id: Id, secret: Text(100), parents: few(Edge, 8), children: few(Edge, 16) })),
    /** relay: a deployer's, without a player; monitor: a console that looks at its own stream. Neither is audience. */
    role: v.optional(v.picklist(PEER_ROLES)),
    /** What a tracker of this system signed about this viewer's upload on an earlier visit. */
    history: v.optional(Text(500)),
    ...SharingTerms,
  }),
  v.object({ type: v.literal('signal'), to: Id, data: SignalData }),
  v.object({
    type: v.literal('report'),
    state: v.picklist(VIEWER_STATES),
    /** p95 over the last seconds of (whole unit here - its source time), on the coordinate's clock. */
    arrivalMs: v.optional(Amount),
    bufferMs: v.optional(Finite),
    /** How far the picture on screen is behind its source; absent while none is. */
    delay: v.optional(v.object({ ms: Amount, sinceCapture: v.boolean() })),
    /** Newest unit received whole. */
    newest: v.optional(Uint32),
    /** Media bytes since start, as they came off the wires. */
    received: v.object({ forward: Amount, peers: Amount }),
    sent: Amount,
    stalls: v.object({ count: Amount, ms: Amount }),
    hidden: v.optional(v.boolean()),
    uplink: v.optional(UplinkWord),
    /** Units that its player went past because they never came. */
    skipped: v.optional(Amount),
    /** Media bytes that were here already, since start. */
    duplicateBytes: v.optional(Amount),
    /** Media bytes sent to each child since the last report: the other side of the receipts. */
    gave: v.optional(few(v.object({ slice: SliceIndex, id: Id, bytes: Amount }), 32)),
    /** Bytes received from each parent since the last report: the children's receipts. */
    receipts: v.optional(few(v.object({ slice: SliceIndex, id: Id, bytes: Amount }), 16)),
    children: v.optional(few(Edge, 32)),
  }),
  /** The new parent of this slice delivers: the old one may be forgotten. `layout`: of which layout, where not of the only one. */
  v.object({ type: v.literal('seated'), slice: SliceIndex, id: Id, layout: v.optional(Uint32) }),
  v.object({
    type: v.literal('lost'),
    slice: SliceIndex,
    id: Id,
    layout: v.optional(Uint32),
    how: v.picklist(['bye', 'closed', 'silent', 'unreachable', 'bad-slice', 'refused', 'late']),
  }),
  v.object({ type: v.literal('sharing'), shares: v.boolean(), ...SharingTerms }),
  v.object({ type: v.literal('ping'), t: Finite }),
  v.object({ type: v.literal('leave') }),
]);
export type FromViewer = v.InferOutput<typeof FromViewer>;

const Parent = v.variant('kind', [
  v.object({ kind: v.literal('peer'), slice: SliceIndex, id: Id }),
  v.object({ kind: v.literal('forward'), slice: SliceIndex, id: Id, url: Url }),
]);
export type Parent = v.InferOutput<typeof Parent>;

export const FromTracker = v.variant('type', [
  v.object({
    type: v.literal('welcome'),
    v: Version,
    id: Id,
    /** Proves `again`. */
    secret: Text(100),
    k: SliceCount,
    layout: Uint32,
    iceServers: few(IceServer, 8),
    /** Forwards for start-up and repair, best first. */
    forwards: few(v.object({ id: Id, url: Url }), 8),
    targetDelayMs: Amount,
    /** A viewer uploads at most this many copies of the stream. */
    uploadCap: Amount,
    state: StreamStateSchema,
    /**
     * Who loses its servers calls them again at a moment of this time, so that the audience does
     * not come as one [S16].
     */
    returnMs: v.optional(Amount),
  }),
  /** All parents the viewer shall have from now on, and one other peer per slice to try if one fails. */
  v.object({
    type: v.literal('plan'),
    serial: Uint32,
    k: SliceCount,
    layout: Uint32,
    /** First unit that is cut by this layout; absent: it was so from the begin. Until then the layout before it holds. */
    from: v.optional(Uint32),
    /** There is a parent for the parity slice too, slice k of k. */
    parity: v.optional(v.boolean()),
    parents: few(Parent, 5),
    alternatives: few(Parent, 5),
    /** Former parents that have left the tracker, and most likely everything. */
    gone: v.optional(few(Id, 5)),
    why: Sentence,
  }),
  /** This peer will (or will no longer) ask for this slice, of `of` slices (absent: of the layout it was welcomed with). */
  v.object({ type: v.literal('child'), slice: SliceIndex, id: Id, expected: v.boolean(), of: v.optional(SliceCount) }),
  /** To be shown at the next hello, here or at another tracker of the system. */
  v.object({ type: v.literal('history'), token: Text(500) }),
  v.object({ type: v.literal('signal'), from: Id, data: SignalData }),
  v.object({ type: v.literal('target'), delayMs: Amount, returnMs: v.optional(Amount) }),
  v.object({ type: v.literal('stream'), state: StreamStateSchema, epoch: Uint32, publicKey: v.optional(Text(100)) }),
  v.object({ type: v.literal('forwards'), forwards: few(v.object({ id: Id, url: Url }), 8) }),
  /** The coordinate's clock when the ping came, and how far off it may be. */
  v.object({ type: v.literal('pong'), t: Finite, coordinateMs: Amount, uncertainMs: Amount }),
  v.object({ type: v.literal('refused'), reason: ReasonSchema, detail: Sentence, retryMs: v.optional(Amount) }),
]);
export type FromTracker = v.InferOutput<typeof FromTracker>;

/** The answer of the coordinate's `GET /tracker?stream=`. */
export const Assignment = v.object({
  v: Version,
  stream: StreamName,
  /** WebSocket address of the tracker's `/resource`. */
  tracker: Url,
  ticket: v.optional(Text(2_000)),
  /** Ed25519 public key that seals this coordinate's units, base64url. */
  publicKey: Text(100),
  region: Text(100),
  state: StreamStateSchema,
});
export type Assignment = v.InferOutput<typeof Assignment>;
