// What is remembered of a running system: a sample a second, and a marker for each thing that happened.
import * as v from 'valibot';
import { Amount, Sentence } from './fields.ts';

const Name = v.pipe(v.string(), v.maxLength(100));

/** Offload is taken over this long: shorter, one keyframe makes it jump. */
export const OFFLOAD_WINDOW_MS = 10_000;

export const Sample = v.object({
  /** Date.now() of the control plane. */
  atMs: Amount,
  viewers: Amount,
  playing: Amount,
  /** Share of the media that viewers had from each other, 0..1, in OFFLOAD_WINDOW_MS, by the forwards' counters; null without viewers. */
  offload: v.nullable(v.number()),
  delayP50Ms: v.nullable(Amount),
  delayP95Ms: v.nullable(Amount),
  /** Milliseconds of standing picture that viewers reported in this second, all together. */
  stalledMs: Amount,
  joined: Amount,
  left: Amount,
  /** What the forwards sent in this second, by kind. */
  egressBitsPerSecond: v.object({ media: Amount, bootstrap: Amount, repair: Amount, control: Amount }),
  ingressBitsPerSecond: Amount,
  /** CPU as share of one core, memory in bytes, by program. */
  programs: v.record(Name, v.object({ cpu: Amount, memoryBytes: Amount })),
});
export type Sample = v.InferOutput<typeof Sample>;

export const MARKER_KINDS = ['live', 'capture', 'program', 'viewer', 'stream', 'drill', 'note'] as const;
export const Marker = v.object({
  atMs: Amount,
  kind: v.picklist(MARKER_KINDS),
  /** What it is about: a program's name, a viewer's id, ... */
  subject: Name,
  text: Sentence,
});
export type Marker = v.InferOutput<typeof Marker>;
