// The common form of media inside the coordinate: whatever was pushed becomes track configurations
// and samples, and one muxer (mp4-mux.ts) writes them out again.
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

/**
 * One coded frame: length-prefixed NAL units (as avcC says) or one raw AAC frame. Times in
 * microseconds on the source's own clock.
 */
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
  /**
   * The source says that what is shown at `ptsUs` was captured then, by its own clock: milliseconds
   * since 1970.
   */
  reference?(ptsUs: number, capturedMs: number): void;
}

/**
 * A track turned out to be something that many browsers can not decode: ffmpeg is to take the
 * stream over.
 */
export interface Handover {
  handover: TrackKind;
  /** The name of what it is, for people. */
  what: string;
  /** Its pictures may be coded as fields. */
  interlaced: boolean;
  /** ffmpeg's specifiers of the tracks that are taken. */
  specifiers: { video: string; audio: string };
  /**
   * What ffmpeg is given before all that comes next: heads, and the media from the picture on that
   * showed it.
   */
  replay: Uint8Array[];
}

/** Where a container has one track of each kind. */
export const FIRST_OF_EACH = { video: 'v:0', audio: 'a:0' } as const;

/** Why a demuxer takes nothing more. */
export type Halt = Refusal | Handover;

/** Takes bytes as they come. Never throws; after it has halted it takes nothing more. */
export interface Demuxer {
  push(bytes: Uint8Array): Halt | null;
}

export function sameConfig(a: TrackConfig, b: TrackConfig): boolean {
  const x = a.kind === 'video' ? a.avcC : a.asc;
  const y = b.kind === 'video' ? b.avcC : b.asc;
  return a.kind === b.kind && Buffer.compare(x, y) === 0;
}
