// Pushed fragmented MP4 with H.264 and AAC to samples, without ffmpeg, as the bytes come. Fragments may be of any length; the
// samples of one are given out in order of time when it is whole. Nothing grows above a fragment's limit.
import type { Reason, Refusal } from '../../../protocol/refusal.ts';
import { ByteQueue } from './byte-queue.ts';
import { isSync, samplesOf, tracksOf, viewOf, type Mp4Track, type SampleEntry } from './mp4-boxes.ts';
import { MAX_SAMPLE_BYTES, TOO_LARGE, type Demuxer, type MediaSink, type Sample } from './sample.ts';

const MAX_HEAD_BYTES = 1024 * 1024;
/** A fragment of ten seconds at 12 Mbps. */
const MAX_FRAGMENT_BYTES = 16 * 1024 * 1024;

type State =
  | { is: 'boxes' }
  /** Bytes of a box that is of no interest. */
  | { is: 'skipping'; left: number };

export class Mp4Demuxer implements Demuxer {
  readonly #sink: MediaSink;
  readonly #queue = new ByteQueue();
  #state: State = { is: 'boxes' };
  #refusal: Refusal | null = null;
  #tracks: Mp4Track[] = [];
  /** The moof whose data are expected, and how far behind its start the queue stands. */
  #fragment: { samples: SampleEntry[]; passed: number } | null = null;
  readonly #next = new Map<number, number>();

  constructor(sink: MediaSink) {
    this.#sink = sink;
  }

  push(bytes: Uint8Array): Refusal | null {
    if (this.#refusal) return this.#refusal;
    this.#queue.push(bytes);
    while (this.#refusal === null && this.#step());
    return this.#refusal;
  }

  #refuse(detail: string, reason: Reason = 'unsupported-media'): false {
    this.#refusal = { reason, detail };
    return false;
  }

  #step(): boolean {
    if (this.#state.is === 'skipping') {
      const now = Math.min(this.#state.left, this.#queue.length);
      this.#queue.skip(now);
      this.#state.left -= now;
      if (this.#state.left > 0) return false;
      this.#state = { is: 'boxes' };
      return true;
    }
    if (this.#queue.length < 8) return false;
    const head = viewOf(this.#queue.peek(8));
    const type = String.fromCharCode(...[4, 5, 6, 7].map((i) => head.getUint8(i)));
    const short = head.getUint32(0);
    if (short === 1 && this.#queue.length < 16) return false;
    const headBytes = short === 1 ? 16 : 8;
    const size = short === 1 ? Number(viewOf(this.#queue.peek(16)).getBigUint64(8)) : short;
    if (size < headBytes) return this.#refuse('A box of that MP4 has no length: push fragmented MP4.');
    return this.#box(type, size, headBytes);
  }

  #box(type: string, size: number, headBytes: number): boolean {
    const wanted = type === 'moov' || type === 'moof' || type === 'mdat';
    if (!wanted) {
      this.#pass(size);
      this.#state = { is: 'skipping', left: size };
      return true;
    }
    if (size > (type === 'mdat' ? MAX_FRAGMENT_BYTES : MAX_HEAD_BYTES))
      return this.#refuse(
        'That MP4 has fragments that are too long: make them shorter (-frag_duration 100000).',
        'too-large',
      );
    if (this.#queue.length < size) return false;
    const box = this.#queue.take(size);
    const body = viewOf(box.subarray(headBytes));
    if (type === 'moov') return this.#movie(body);
    if (type === 'moof') return this.#begin(body, size);
    return this.#data(box, size);
  }

  /** Bytes that lie between a moof and its samples. */
  #pass(size: number): void {
    if (this.#fragment) this.#fragment.passed += size;
  }

  #movie(moov: DataView): boolean {
    this.#tracks = tracksOf(moov);
    if (this.#tracks.length === 0) return this.#refuse('That MP4 has neither H.264 nor AAC in it.');
    this.#sink.tracks(this.#tracks.map((t) => t.config.kind));
    for (const { config } of this.#tracks) this.#sink.config(config);
    return true;
  }

  #begin(moof: DataView, size: number): boolean {
    const samples = samplesOf(moof, this.#tracks, this.#next);
    if (!samples) return this.#refuse('A fragment of that MP4 can not be read.');
    if (samples.some((s) => s.size > MAX_SAMPLE_BYTES)) return this.#refuse(TOO_LARGE.detail, TOO_LARGE.reason);
    this.#fragment = { samples, passed: size };
    return true;
  }

  #data(mdat: Uint8Array, size: number): boolean {
    const fragment = this.#fragment;
    if (!fragment) return this.#refuse('That MP4 has its index at the end: push fragmented MP4.');
    const from = fragment.passed;
    fragment.passed += size;
    const here: Sample[] = [];
    const later: SampleEntry[] = [];
    for (const entry of fragment.samples) {
      if (entry.offset >= from + size) later.push(entry);
      else if (entry.offset < from || entry.offset + entry.size > from + size)
        return this.#refuse('A fragment of that MP4 points outside its data.');
      else here.push(sampleOf(entry, mdat.subarray(entry.offset - from, entry.offset - from + entry.size)));
    }
    fragment.samples = later;
    for (const sample of here.toSorted((a, b) => a.dtsUs - b.dtsUs)) this.#sink.sample(sample);
    return true;
  }
}

function sampleOf(entry: SampleEntry, data: Uint8Array): Sample {
  const us = (ticks: number): number => (ticks * 1e6) / entry.track.timescale;
  const { kind } = entry.track.config;
  return {
    track: kind,
    dtsUs: us(entry.dts),
    ptsUs: us(entry.dts + (kind === 'video' ? entry.cts : 0)),
    key: kind === 'audio' || isSync(entry.flags),
    data,
  };
}
