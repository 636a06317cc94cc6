// The common form of media inside the coordinate: whatever was pushed becomes track configurations and samples, and one muxer
// (mp4-mux.ts) writes them out again.
import { MAX_UNIT_BYTES } from '../../../protocol/limits.ts';
import type { Refusal } from '../../../protocol/refusal.ts';

/** Largest frame: one that fits a unit with the boxes around it. Demuxers refuse a larger one. */
export const MAX_SAMPLE_BYTES = MAX_UNIT_BYTES - 4_096;
export const TOO_LARGE: Refusal = {
  reason: 'too-large',
  detail: `One frame may have ${MAX_SAMPLE_BYTES} bytes: lower the bit rate or the picture size.`,
};

export type TrackKind = 'video' | 'audio';

/** H.264: the decoder configuration record and the picture's size in pixels. */
export interface VideoConfig {
  kind: 'video';
  avcC: Uint8Array;
  width: number;
  height: number;
}

/** AAC: the AudioSpecificConfig and what it says. */
export interface AudioConfig {
  kind: 'audio';
  asc: Uint8Array;
  sampleRate: number;
  channels: number;
}

export type TrackConfig = VideoConfig | AudioConfig;

/** One coded frame: length-prefixed NAL units (as avcC says) or one raw AAC frame. Times in microseconds on the source's own clock. */
export interface Sample {
  track: TrackKind;
  dtsUs: number;
  ptsUs: number;
  /** Decoding can start here. Audio frames always. */
  key: boolean;
  data: Uint8Array;
}

/** Where a demuxer puts what it finds. */
export interface MediaSink {
  /** What the input announces to carry; said once, before anything else. */
  tracks(kinds: readonly TrackKind[]): void;
  /** Again whenever it changes (or is only repeated). */
  config(config: TrackConfig): void;
  sample(sample: Sample): void;
}

/** Takes bytes as they come. Never throws; after a refusal it takes nothing more. */
export interface Demuxer {
  push(bytes: Uint8Array): Refusal | null;
}

export function sameConfig(a: TrackConfig, b: TrackConfig): boolean {
  const x = a.kind === 'video' ? a.avcC : a.asc;
  const y = b.kind === 'video' ? b.avcC : b.asc;
  return a.kind === b.kind && Buffer.compare(x, y) === 0;
}
