// FLV with H.264 and AAC to samples: what ffmpeg writes for us with the least delay, and what encoders push. Other codecs in FLV
// are the normaliser's (sniff.ts decides). Source: Adobe Flash Video File Format Specification 10.1, annex E.
import type { Refusal } from '../../../protocol/refusal.ts';
import { audioConfig, videoConfig } from './avc.ts';
import { ByteQueue } from './byte-queue.ts';
import { MAX_SAMPLE_BYTES, TOO_LARGE, type Demuxer, type MediaSink } from './sample.ts';

const TAG = { audio: 8, video: 9 } as const;
const TAG_HEADER_BYTES = 11;
export const FLV_AVC = 7;
export const FLV_AAC = 10;
/** Times are in milliseconds. */
const US = 1_000;

const broken = (detail: string): Refusal => ({ reason: 'unsupported-media', detail });

export class FlvDemuxer implements Demuxer {
  readonly #sink: MediaSink;
  readonly #queue = new ByteQueue();
  #refusal: Refusal | null = null;
  #inTags = false;
  /** The last time stamp unwrapped: the field has 32 bits, 49 days. */
  #lastMs: number | null = null;

  constructor(sink: MediaSink) {
    this.#sink = sink;
  }

  push(bytes: Uint8Array): Refusal | null {
    if (this.#refusal) return this.#refusal;
    this.#queue.push(bytes);
    while (this.#refusal === null && this.#step());
    return this.#refusal;
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
      this.#refusal = broken('That is not an FLV stream.');
      return false;
    }
    if (this.#queue.length < headerBytes + 4) return false;
    const flags = head[4] ?? 0;
    this.#queue.skip(headerBytes + 4);
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
    const size = view.getUint32(0) & 0xffffff;
    if (size > MAX_SAMPLE_BYTES) {
      this.#refusal = TOO_LARGE;
      return false;
    }
    if (this.#queue.length < TAG_HEADER_BYTES + size + 4) return false;
    const ms = this.#unwrap(((view.getUint32(4) >>> 8) | ((head[7] ?? 0) << 24)) >>> 0);
    this.#queue.skip(TAG_HEADER_BYTES);
    const body = this.#queue.take(size);
    this.#queue.skip(4);
    if (type === TAG.video) this.#video(body, ms);
    else if (type === TAG.audio) this.#audio(body, ms);
    return true;
  }

  #unwrap(ms: number): number {
    this.#lastMs = this.#lastMs === null ? ms : this.#lastMs + ((ms - this.#lastMs) | 0);
    return this.#lastMs;
  }

  #video(body: Uint8Array, ms: number): void {
    if (body.length < 5) return;
    const first = body[0] ?? 0;
    if ((first & 0x8f) !== FLV_AVC) {
      this.#refusal = broken('The FLV stream changed to a codec other than H.264: push H.264.');
      return;
    }
    const packet = body[1];
    const rest = body.subarray(5);
    if (packet === 0) {
      const config = videoConfig(rest);
      if (config) this.#sink.config(config);
      else this.#refusal = broken('The H.264 configuration in the FLV stream can not be read.');
    } else if (packet === 1 && rest.length > 0) {
      const cts = (((body[2] ?? 0) << 24) | ((body[3] ?? 0) << 16) | ((body[4] ?? 0) << 8)) >> 8;
      this.#sink.sample({
        track: 'video',
        dtsUs: ms * US,
        ptsUs: (ms + cts) * US,
        key: first >> 4 === 1,
        data: rest,
      });
    }
  }

  #audio(body: Uint8Array, ms: number): void {
    if (body.length < 2) return;
    if ((body[0] ?? 0) >> 4 !== FLV_AAC) {
      this.#refusal = broken('The FLV stream changed to a codec other than AAC: push AAC.');
      return;
    }
    const rest = body.subarray(2);
    // ffmpeg writes an empty configuration first when it copies AAC out of a transport stream; the real one follows.
    if (rest.length === 0) return;
    if (body[1] === 0) {
      const config = audioConfig(rest);
      if (config) this.#sink.config(config);
      else this.#refusal = broken('The AAC configuration in the FLV stream can not be read.');
    } else {
      this.#sink.sample({ track: 'audio', dtsUs: ms * US, ptsUs: ms * US, key: true, data: rest });
    }
  }
}
