// Field schemas that several messages share, each with its bounds.
import * as v from 'valibot';
import { MAX_STREAM_NAME_CHARS } from './limits.ts';

/** A stream's name as it stands in URLs. */
export const StreamName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/),
  v.maxLength(MAX_STREAM_NAME_CHARS),
);
/** Identity of a viewer (`v…`), forward (`f…`) or tracker (`t…`). */
export const Id = v.pipe(v.string(), v.regex(/^[a-z][A-Za-z0-9_-]{3,40}$/));
export const Uint32 = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
/** A finite, non-negative amount (milliseconds, bytes, bits per second). */
export const Amount = v.pipe(v.number(), v.finite(), v.minValue(0));
export const Finite = v.pipe(v.number(), v.finite());
/** Index of a slice (substream); of K slices, index K is the parity slice. */
export const SliceIndex = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4));
export const SliceCount = v.picklist([1, 2, 4]);
export const Url = v.pipe(v.string(), v.maxLength(2_048), v.url());
export const Sentence = v.pipe(v.string(), v.maxLength(1_000));
export const Version = v.pipe(v.number(), v.integer());
/** At most this many of anything per message. */
export const few = <S extends v.GenericSchema>(item: S, most = 64) => v.pipe(v.array(item), v.maxLength(most));

export type SliceCount = v.InferOutput<typeof SliceCount>;

export const STREAM_STATES = ['waiting', 'live', 'interrupted', 'ended'] as const;
/** waiting: nobody has published; interrupted: the publisher vanished or stalled and may come back; ended: a clean end. */
export type StreamState = (typeof STREAM_STATES)[number];
export const StreamStateSchema = v.picklist(STREAM_STATES);

export const IceServer = v.object({
  urls: v.union([v.pipe(v.string(), v.maxLength(300)), few(v.pipe(v.string(), v.maxLength(300)), 8)]),
  username: v.optional(v.pipe(v.string(), v.maxLength(500))),
  credential: v.optional(v.pipe(v.string(), v.maxLength(500))),
});
export type IceServer = v.InferOutput<typeof IceServer>;
