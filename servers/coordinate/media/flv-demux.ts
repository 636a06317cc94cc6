// FLV with H.264 and AAC to samples: what ffmpeg writes for us with the least delay, and what
// encoders push. Other codecs in FLV are the normaliser's (sniff.ts decides). Source: Adobe Flash
// Video File Format Specification 10.1, annex E.
import type { Refusal } from '../../../protocol/refusal.ts';
import { audioConfig, unplayableAac } from './aac.ts';
import { AvcPictures, pictureOf } from './avc-pictures.ts';
import { ByteQueue } from './byte-queue.ts';
import {
  FIRST_OF_EACH,
  MAX_SAMPLE_BYTES,
  TOO_LARGE,
  type Demuxer,
  type Halt,
  type MediaSink,
  type TrackKind,
} from './sample.ts';

const TAG = { audio: 8, video: 9, script: 18 } as const;
const TAG_HEADER_BYTES = 11;
const FLV_AVC = 7;
const FLV_AAC = 10;
/** Times are in milliseconds. */
const US = 1_000;

const VIDEO_NAMES: Record<number, string> = {
  2: 'Sorenson H.263',
  3: 'Screen video',
  4: 'VP6',
  5: 'VP6',
  6: 'Screen video 2',
  12: 'HEVC',
};
const AUDIO_NAMES: Record<number, string> = {
  0: 'PCM',
  1: 'ADPCM',
  2: 'MP3',
  3: 'PCM',
  5: 'Nellymoser',
  6: 'Nellymoser',
  11: 'Speex',
  14: 'MP3',
};
/** The high bit of a video tag: its codec stands in four letters behind. */
const BY_LETTERS = 0x80;
const LETTERS: Record<string, string> = {
  hvc1: 'HEVC',
  hev1: 'HEVC',
  av01: 'AV1',
  vp08: 'VP8',
  vp09: 'VP9',
  avc1: 'H.264 in the enhanced form',
};

/**
 * The name of what a video tag that begins so carries; null: H.264 in the form that is read here.
 */
export function flvVideoName(body: Uint8Array): string | null {
  const first = body[0] ?? 0;
  if ((first & (BY_LETTERS | 15)) === FLV_AVC) return null;
  if ((first & BY_LETTERS) === 0) return VIDEO_NAMES[first & 15] ?? `FLV video codec ${first & 15}`;
  const letters = Buffer.from(body.subarray(1, 5)).toString('latin1');
  return LETTERS[letters] ?? 'an unknown codec';
}

/** The same for sound; null: AAC. */
export function flvAudioName(body: Uint8Array): string | null {
  const codec = (body[0] ?? 0) >> 4;
  return codec === FLV_AAC ? null : (AUDIO_NAMES[codec] ?? `FLV audio codec ${codec}`);
}

const broken = (detail: string): Refusal => ({ reason: 'unsupported-media', detail });

export class FlvDemuxer implements Demuxer {
  readonly #sink: MediaSink;
  readonly #queue = new ByteQueue();
  readonly #pictures = new AvcPictures();
  #halt: Halt | null = null;
  #inTags = false;
  /**
   * The file's head and the newest configuration of each track: what another reader must have
   * first.
   */
  readonly #heads = new Map<TrackKind | 'file', Uint8Array>();
  /** The last time stamp unwrapped: the field has 32 bits, 49 days. */
  #lastMs: number | null = null;

  constructor(sink: MediaSink) {
    this.#sink = sink;
  }

  push(bytes: Uint8Array): Halt | null {
    if (this.#halt) return this.#halt;
    this.#queue.push(bytes);
    while (this.#halt === null && this.#step());
    return this.#halt;
  }

  /** Uses up one header or tag. @returns false when more bytes are needed */
  #step(): boolean {
    return this.#inTags ? this.#tag() : this.#header();
  }

  #header(): boolean {
    if (this.#queue.length < 9) return false;
    const head = this.#queue.peek(9);
    const headerBytes = new DataView(head.buffer, head.byteOffset).getUint32(5);
    if (head[0] !== 0x46 || head[1] !== 0x4c || head[2] !== 0x56 || headerBytes < 9 || headerBytes > 1_024) {
      this.#halt = broken('That is not an FLV stream.');
      return false;
    }
    if (this.#queue.length < headerBytes + 4) return false;
    const flags = head[4] ?? 0;
    this.#heads.set('file', this.#queue.take(headerBytes + 4));
    const video = (flags & 1) !== 0;
    const audio = (flags & 4) !== 0;
    // Some encoders announce nothing: both may come then.
    this.#sink.tracks(video === audio ? ['video', 'audio'] : video ? ['video'] : ['audio']);
    this.#inTags = true;
    return true;
  }

  #tag(): boolean {
    if (this.#queue.length < TAG_HEADER_BYTES) return false;
    const head = this.#queue.peek(TAG_HEADER_BYTES);
    const view = new DataView(head.buffer, head.byteOffset);
    const type = (head[0] ?? 0) & 0x1f;
    if (type !== TAG.video && type !== TAG.audio && type !== TAG.script) {
      this.#halt = broken('The FLV stream is damaged: push it again.');
      return false;
    }
    const size = view.getUint32(0) & 0xffffff;
    if (size > MAX_SAMPLE_BYTES) {
      this.#halt = TOO_LARGE;
      return false;
    }
    if (this.#queue.length < TAG_HEADER_BYTES + size + 4) return false;
    const ms = this.#unwrap(((view.getUint32(4) >>> 8) | ((head[7] ?? 0) << 24)) >>> 0);
    const tag = this.#queue.take(TAG_HEADER_BYTES + size + 4);
    const body = tag.subarray(TAG_HEADER_BYTES, TAG_HEADER_BYTES + size);
    if (type === TAG.video) this.#video(body, ms, tag);
    else if (type === TAG.audio) this.#audio(body, ms, tag);
    return true;
  }

  #handOver(track: TrackKind, what: string, interlaced: boolean, tag: Uint8Array): void {
    const heads = [...this.#heads.values()].filter((head) => head !== tag);
    const replay = [...heads, tag, this.#queue.take(this.#queue.length)];
    this.#halt = { handover: track, what, interlaced, specifiers: FIRST_OF_EACH, replay };
  }

  #unwrap(ms: number): number {
    this.#lastMs = this.#lastMs === null ? ms : this.#lastMs + ((ms - this.#lastMs) | 0);
    return this.#lastMs;
  }

  #video(body: Uint8Array, ms: number, tag: Uint8Array): void {
    if (body.length < 5) return;
    const name = flvVideoName(body);
    if (name !== null) return this.#handOver('video', name, true, tag);
    const rest = body.subarray(5);
    if (body[1] === 0) {
      this.#heads.set('video', tag);
      const config = this.#pictures.record(rest);
      const { unplayable } = this.#pictures;
      if (unplayable) this.#handOver('video', unplayable.what, unplayable.interlaced, tag);
      else if (config) this.#sink.config(config);
      else if (rest[0] !== 1) this.#halt = broken('The H.264 configuration in the FLV stream can not be read.');
    } else if (body[1] === 1 && rest.length > 0) {
      const cts = (((body[2] ?? 0) << 24) | ((body[3] ?? 0) << 16) | ((body[4] ?? 0) << 8)) >> 8;
      this.#picture(rest, { random: (body[0] ?? 0) >> 4 === 1, dtsUs: ms * US, ptsUs: (ms + cts) * US }, tag);
    }
  }

  #picture(data: Uint8Array, seen: { random: boolean; dtsUs: number; ptsUs: number }, tag: Uint8Array): void {
    const taken = pictureOf(this.#pictures, data, seen);
    const { unplayable } = this.#pictures;
    if (unplayable) return this.#handOver('video', unplayable.what, unplayable.interlaced, tag);
    if (!taken) return;
    if (taken.config) this.#sink.config(taken.config);
    const { dtsUs, ptsUs } = seen;
    this.#sink.sample({ track: 'video', dtsUs, ptsUs, key: taken.key, data: taken.data });
  }

  #audio(body: Uint8Array, ms: number, tag: Uint8Array): void {
    if (body.length < 2) return;
    const name = flvAudioName(body);
    if (name !== null) return this.#handOver('audio', name, false, tag);
    const rest = body.subarray(2);
    // ffmpeg writes an empty configuration first when it copies AAC out of a transport stream; the
    // real one follows.
    if (rest.length === 0) return;
    if (body[1] === 0) {
      this.#heads.set('audio', tag);
      const config = audioConfig(rest);
      const what = config ? unplayableAac(rest) : null;
      if (what !== null) this.#handOver('audio', what, false, tag);
      else if (config) this.#sink.config(config);
      else this.#halt = broken('The AAC configuration in the FLV stream can not be read.');
    } else {
      this.#sink.sample({ track: 'audio', dtsUs: ms * US, ptsUs: ms * US, key: true, data: rest });
    }
  }
}
