// Pushed fragmented MP4 with H.264 and AAC to samples, without ffmpeg, as the bytes come. Fragments
// may be of any length; the samples of one are given out in order of time when it is whole. Nothing
// grows above a fragment's limit.
import type { Reason } from '../../../protocol/refusal.ts';
import { AvcPictures, pictureOf } from './avc-pictures.ts';
import { ByteQueue } from './byte-queue.ts';
import { toTake } from './found-track.ts';
import { isSync, samplesOf, viewOf, type SampleEntry } from './mp4-boxes.ts';
import { tracksOf, type Mp4Track } from './mp4-tracks.ts';
import {
  MAX_SAMPLE_BYTES,
  TOO_LARGE,
  type Demuxer,
  type Halt,
  type MediaSink,
  type Sample,
  type TrackConfig,
  type TrackKind,
} from './sample.ts';

const MAX_PRFT_BYTES = 64;
/** Seconds from 1900, where NTP counts from, to 1970. */
const NTP_EPOCH_S = 2_208_988_800;
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
  #halt: Halt | null = null;
  readonly #pictures = new AvcPictures();
  /** The movie box: what another reader must have first. */
  #head: Uint8Array = new Uint8Array(0);
  #tracks: Mp4Track[] = [];
  /** The moof whose data are expected, and how far behind its start the queue stands. */
  #fragment: { samples: SampleEntry[]; passed: number; moof: Uint8Array } | null = null;
  readonly #next = new Map<number, number>();
  /**
   * Decoding times of a track, in its ticks: how far they are moved so that no picture is shown
   * before it, and the last one.
   */
  readonly #decoding = new Map<number, { lead: number; last: number }>();

  constructor(sink: MediaSink) {
    this.#sink = sink;
  }

  push(bytes: Uint8Array): Halt | null {
    if (this.#halt) return this.#halt;
    this.#queue.push(bytes);
    while (this.#halt === null && this.#step());
    return this.#halt;
  }

  #refuse(detail: string, reason: Reason = 'unsupported-media'): false {
    this.#halt = { reason, detail };
    return false;
  }

  #handOver(track: TrackKind, what: string, interlaced: boolean, ...media: Uint8Array[]): false {
    const replay = [this.#head, ...media, this.#queue.take(this.#queue.length)];
    const id = (kind: TrackKind): string => `i:${this.#tracks.find((t) => t.kind === kind)?.id ?? 0}`;
    this.#halt = { handover: track, what, interlaced, specifiers: { video: id('video'), audio: id('audio') }, replay };
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
    const wanted = type === 'moov' || type === 'moof' || type === 'mdat' || (type === 'prft' && size <= MAX_PRFT_BYTES);
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
    if (type === 'moov') return this.#movie(body, box);
    if (type === 'moof') return this.#begin(body, box);
    if (type === 'prft') return this.#reference(body, size);
    return this.#data(box, size);
  }

  /** Producer reference time: what a source says of when its media was made. */
  #reference(body: DataView, size: number): boolean {
    this.#pass(size);
    const isLong = body.byteLength >= 24 && body.getUint8(0) === 1;
    if (!isLong && body.byteLength < 20) return true;
    const track = this.#tracks.find(({ id }) => id === body.getUint32(4));
    if (!track) return true;
    const capturedMs = (body.getUint32(8) - NTP_EPOCH_S) * 1_000 + (body.getUint32(12) * 1_000) / 0x1_0000_0000;
    const media = isLong ? Number(body.getBigUint64(16)) : body.getUint32(16);
    this.#sink.reference?.(((media + track.shift) * 1e6) / track.timescale, capturedMs);
    return true;
  }

  /** Bytes that lie between a moof and its samples. */
  #pass(size: number): void {
    if (this.#fragment) this.#fragment.passed += size;
  }

  #movie(moov: DataView, box: Uint8Array): boolean {
    this.#head = box;
    const all = tracksOf(moov);
    this.#tracks = (['video', 'audio'] as const).flatMap((kind) => toTake(all, kind) ?? []);
    if (this.#tracks.length === 0) return this.#refuse('That MP4 has neither pictures nor sound in it.');
    // Only here when it changed on the way: sniff.ts lets nothing in that is not taken.
    for (const { kind, taken, what, interlaced } of this.#tracks)
      if (!taken) return this.#handOver(kind, what, interlaced);
    this.#sink.tracks(this.#tracks.map((t) => t.kind));
    for (const { avcC, audio } of this.#tracks) {
      const config: TrackConfig | null = avcC ? this.#pictures.record(avcC) : audio;
      if (config) this.#sink.config(config);
    }
    return true;
  }

  #begin(moof: DataView, box: Uint8Array): boolean {
    const samples = samplesOf(moof, this.#tracks, this.#next);
    if (!samples) return this.#refuse('A fragment of that MP4 can not be read.');
    if (samples.some((s) => s.size > MAX_SAMPLE_BYTES)) return this.#refuse(TOO_LARGE.detail, TOO_LARGE.reason);
    for (const { track, cts } of samples) {
      const decoding = this.#decoding.get(track.id) ?? { lead: 0, last: -Infinity };
      decoding.lead = Math.min(decoding.lead, cts);
      this.#decoding.set(track.id, decoding);
    }
    this.#fragment = { samples, passed: box.length, moof: box };
    return true;
  }

  #data(mdat: Uint8Array, size: number): boolean {
    const fragment = this.#fragment;
    if (!fragment) return this.#refuse('That MP4 does not say what is in it: push it from its beginning.');
    const from = fragment.passed;
    fragment.passed += size;
    const here: Sample[] = [];
    const later: SampleEntry[] = [];
    for (const entry of fragment.samples) {
      if (entry.offset >= from + size) later.push(entry);
      else if (entry.offset < from || entry.offset + entry.size > from + size)
        return this.#refuse('A fragment of that MP4 points outside its data.');
      else here.push(this.#sampleOf(entry, mdat.subarray(entry.offset - from, entry.offset - from + entry.size)));
    }
    fragment.samples = later;
    const ready: (Sample | TrackConfig)[] = [];
    for (const sample of here.toSorted((a, b) => a.dtsUs - b.dtsUs)) {
      if (sample.track === 'audio') ready.push(sample);
      else ready.push(...this.#pictureIn(sample));
      const { unplayable } = this.#pictures;
      if (unplayable) return this.#handOver('video', unplayable.what, unplayable.interlaced, fragment.moof, mdat);
    }
    for (const one of ready)
      if ('track' in one) this.#sink.sample(one);
      else this.#sink.config(one);
    return true;
  }

  #pictureIn(sample: Sample): (Sample | TrackConfig)[] {
    const taken = pictureOf(this.#pictures, sample.data, { ...sample, random: sample.key });
    if (!taken) return [];
    return [...(taken.config ? [taken.config] : []), { ...sample, key: taken.key, data: taken.data }];
  }

  #sampleOf({ track, dts, cts, flags }: SampleEntry, data: Uint8Array): Sample {
    const us = (ticks: number): number => ((ticks + track.shift) * 1e6) / track.timescale;
    const decoding = this.#decoding.get(track.id) ?? { lead: 0, last: -Infinity };
    const moved = dts + decoding.lead;
    // A little before the last one: moved just now. Far before it: the source's times stepped.
    const at = moved <= decoding.last && moved > decoding.last - track.timescale ? decoding.last + 1 : moved;
    decoding.last = at;
    const key = track.kind === 'audio' || isSync(flags);
    return { track: track.kind, dtsUs: us(at), ptsUs: us(dts + (track.kind === 'video' ? cts : 0)), key, data };
  }
}
