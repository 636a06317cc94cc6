// JSON control messages on a link that carries media: child to parent and back, the same between two peers (data channel) and
// between a viewer and a forward (WebSocket `/pull`). The slices themselves travel as chunk.ts says (SPEC.md, T rules).
import * as v from 'valibot';
import {
  Amount,
  few,
  Finite,
  Id,
  Sentence,
  SliceIndex,
  StreamName,
  StreamStateSchema,
  Uint32,
  Version,
} from './fields.ts';
import { PROBE_CHARS, PROBE_MESSAGES } from './limits.ts';
import { ReasonSchema } from './refusal.ts';

/** When keyframes are expected: unit `next` in so many ms, and then another each `every` units. */
export const NextKeys = v.object({
  epoch: Uint32,
  next: Uint32,
  inMs: Amount,
  every: v.pipe(Uint32, v.minValue(1)),
  everyMs: v.pipe(Amount, v.minValue(1)),
});
export type NextKeys = v.InferOutput<typeof NextKeys>;

export const PeerMessage = v.variant('type', [
  /** First message in both directions. */
  v.object({
    type: v.literal('hello'),
    v: Version,
    stream: StreamName,
    id: Id,
    ticket: v.optional(v.pipe(v.string(), v.maxLength(2_000))),
  }),
  /** Push me this slice from that unit on (whatever you hold of it at once). `from` absent: from the newest keyframe, with the init segment. */
  v.object({
    type: v.literal('subscribe'),
    slice: SliceIndex,
    /** Of how many. A forward serves any K; a peer only its layout's. */
    of: v.picklist([1, 2, 4]),
    epoch: v.optional(Uint32),
    from: v.optional(Uint32),
    why: v.picklist(['tree', 'takeover', 'bootstrap']),
  }),
  /** `of`: of which layout (absent: any). `from`: units from this one on are no longer wanted, those before it still are. */
  v.object({
    type: v.literal('unsubscribe'),
    slice: SliceIndex,
    of: v.optional(v.picklist([1, 2, 4])),
    from: v.optional(Uint32),
  }),
  /** Send me this slice once. Unit 0 is the init segment of the epoch. */
  v.object({
    type: v.literal('want'),
    epoch: Uint32,
    unit: Uint32,
    slice: SliceIndex,
    of: v.picklist([1, 2, 4]),
    why: v.picklist(['hedge', 'pull']),
  }),
  v.object({
    type: v.literal('refused'),
    what: v.picklist(['hello', 'subscribe', 'want']),
    /** Which subscription, as it was asked for. */
    why: v.optional(v.picklist(['tree', 'takeover', 'bootstrap'])),
    slice: v.optional(SliceIndex),
    of: v.optional(v.picklist([1, 2, 4])),
    unit: v.optional(Uint32),
    /** Of a start that is put off (`crowded`). */
    keys: v.optional(NextKeys),
    reason: ReasonSchema,
    detail: Sentence,
  }),
  /** Sent where nothing else was for a while. `newest` per slice; `path` per slice: the ids from this node up to the forward. */
  v.object({
    type: v.literal('alive'),
    epoch: Uint32,
    newest: few(Uint32, 5),
    path: few(few(Id, 64), 5),
    /** How many levels hang below this node, per slice; whoever serves it serves the deepest first. */
    heights: v.optional(few(Amount, 5)),
    /** Of the layout with so many slices; `newest`, `path` and `heights` speak of it. */
    of: v.optional(v.picklist([1, 2, 4])),
    backlogMs: Amount,
  }),
  /** A child's receipt: newest unit held, bytes received so far on this link. */
  v.object({ type: v.literal('ack'), epoch: Uint32, unit: Uint32, bytes: Amount }),
  /** A forward asks a newcomer for probes: nobody knows yet what its uplink carries. */
  v.object({ type: v.literal('measure') }),
  /** One of PROBE_MESSAGES that measure the way to a forward; `left` follow. The last one is answered. */
  v.object({
    type: v.literal('probe'),
    left: v.pipe(Uint32, v.maxValue(PROBE_MESSAGES - 1)),
    pad: v.pipe(v.string(), v.maxLength(PROBE_CHARS)),
  }),
  v.object({ type: v.literal('probed'), bitsPerSecond: Amount }),
  v.object({ type: v.literal('stream'), state: StreamStateSchema, epoch: Uint32 }),
  v.object({ type: v.literal('ping'), t: Finite }),
  v.object({ type: v.literal('pong'), t: Finite }),
  v.object({ type: v.literal('bye') }),
]);
export type PeerMessage = v.InferOutput<typeof PeerMessage>;
