// What coordinate, tracker and forward say to each other: HTTP `/tracker` on the coordinate, WebSocket `/forward` on the tracker,
// WebSocket `/push` on the forward (or `/forward` on the coordinate where the forward dials out). Guarded by the shared secret (SPEC.md, R rules).
import * as v from 'valibot';
import {
  Amount,
  few,
  Id,
  Sentence,
  SliceCount,
  StreamName,
  StreamStateSchema,
  Uint32,
  Url,
  Version,
} from './fields.ts';
import { ReasonSchema } from './refusal.ts';

const Text = (most: number) => v.pipe(v.string(), v.maxLength(most));
const Name = Text(100);

/** A forward as trackers and the coordinate know it. */
export const ForwardRecord = v.object({
  id: Id,
  /** `ws://host:9999/push`; absent for a forward that dials out. */
  push: v.optional(Url),
  /** `ws://host:9998/pull`, as viewers reach it. */
  pull: Url,
  debug: v.optional(Url),
  region: Name,
  /** 0 idle .. 1 full; above 1 refuses. */
  load: Amount,
  children: Amount,
  /** Slices that it serves at most. */
  maxChildren: v.optional(Amount),
});
export type ForwardRecord = v.InferOutput<typeof ForwardRecord>;

/** `POST /tracker` (register) and `PUT /tracker` (heartbeat). `DELETE /tracker?id=` leaves. */
export const TrackerRecord = v.object({
  v: Version,
  id: Id,
  /** `ws://host:9090/resource`, as viewers reach it. */
  resource: Url,
  /** `http://host:9090`, as the coordinate reaches it (`/forwards`, `/debug`). */
  base: Url,
  region: Name,
  viewers: Amount,
  /** 0 idle .. 1 full. */
  load: Amount,
  forwards: few(ForwardRecord, 256),
});
export type TrackerRecord = v.InferOutput<typeof TrackerRecord>;

/** The coordinate's answer to a registration or heartbeat. */
export const TrackerWelcome = v.object({
  v: Version,
  coordinateMs: Amount,
  streams: few(v.object({ name: StreamName, state: StreamStateSchema, epoch: Uint32 }), 1_000),
  publicKey: Text(100),
  /** Set when viewers reach everything through the coordinate's one port: `<carry>/at/<id>/resource|pull` (ws: or wss:). */
  carry: v.optional(Url),
});
export type TrackerWelcome = v.InferOutput<typeof TrackerWelcome>;

const StreamNews = v.object({ name: StreamName, state: StreamStateSchema, epoch: Uint32 });

/** forward -> tracker, WebSocket `/forward`. */
export const ForwardToTracker = v.variant('type', [
  v.object({ type: v.literal('hello'), v: Version, forward: ForwardRecord }),
  v.object({
    type: v.literal('heartbeat'),
    forward: ForwardRecord,
    egressBitsPerSecond: Amount,
    /** Media bytes put on viewers' sockets since the forward began, per stream. */
    streamBytes: v.optional(few(v.object({ name: StreamName, bytes: Amount }), 1_000)),
  }),
  /** Sent at once when a stream changes, and all of them after hello. */
  v.object({ type: v.literal('streams'), streams: few(StreamNews, 1_000), publicKey: v.optional(Text(100)) }),
  /** A direct child of this forward came or went. */
  v.object({ type: v.literal('child'), stream: StreamName, id: Id, slice: v.nullable(v.number()), here: v.boolean() }),
]);
export type ForwardToTracker = v.InferOutput<typeof ForwardToTracker>;

/** tracker -> forward. */
export const TrackerToForward = v.variant('type', [
  v.object({ type: v.literal('welcome'), v: Version, id: Id }),
  v.object({ type: v.literal('layout'), stream: StreamName, k: SliceCount, layout: Uint32 }),
  /**
   * Copies that this forward may give newcomers of the stream at once, for this tracker's audience [T18]; null: as many as come;
   * left out: nobody watches the stream by this tracker, whose word counts no more.
   */
  v.object({ type: v.literal('starts'), stream: StreamName, copies: v.optional(v.nullable(Amount)) }),
  v.object({ type: v.literal('refused'), reason: ReasonSchema, detail: Sentence }),
]);
export type TrackerToForward = v.InferOutput<typeof TrackerToForward>;

/** coordinate -> forward: these, and every unit as one binary fragment with K = 1. */
export const CoordinateToForward = v.variant('type', [
  v.object({ type: v.literal('hello'), v: Version, publicKey: Text(100), coordinateMs: Amount }),
  v.object({ type: v.literal('stream'), name: StreamName, state: StreamStateSchema, epoch: Uint32 }),
  v.object({ type: v.literal('refused'), reason: ReasonSchema, detail: Sentence }),
]);
export type CoordinateToForward = v.InferOutput<typeof CoordinateToForward>;

/** forward -> coordinate. */
export const ForwardToCoordinate = v.variant('type', [
  v.object({ type: v.literal('hello'), v: Version, id: Id }),
  /** Newest unit taken, per stream, a few times a second: the coordinate sees lag by it. */
  v.object({ type: v.literal('ack'), name: StreamName, epoch: Uint32, unit: Uint32 }),
  v.object({ type: v.literal('refused'), reason: ReasonSchema, detail: Sentence }),
]);
export type ForwardToCoordinate = v.InferOutput<typeof ForwardToCoordinate>;
