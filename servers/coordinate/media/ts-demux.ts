// MPEG transport stream with H.264 and AAC to samples, without ffmpeg: what a pushing ffmpeg or OBS
// sends arrives two frames earlier than through its remuxing. Other codecs are the normaliser's
// (sniff.ts decides by the same tables). It may begin anywhere and be damaged: what is not whole is
// left out.
import type { Refusal } from '../../../protocol/refusal.ts';
import { AdtsReader } from './adts.ts';
import { AvcPictures } from './avc-pictures.ts';
import { lengthPrefixed, NAL, nalsOf } from './avc.ts';
import { toTake } from './found-track.ts';
import { PesClock, PesJoiner, type Pes } from './pes.ts';
import { MAX_SAMPLE_BYTES, TOO_LARGE, type Demuxer, type Halt, type MediaSink, type TrackKind } from './sample.ts';
import { TsPackets } from './ts-packets.ts';
import { tsPayload, TsTables, type TsProgram, type TsTrack } from './ts-tables.ts';

/** Bytes without any packet before it is given up. */
const MAX_LOST_BYTES = 64 * 1024;
/** Distance of two pictures until the stream has shown its own. */
const DEFAULT_FRAME_US = 40_000;
const MAX_FRAME_US = 1_000_000;
const LOST: Refusal = {
  reason: 'unsupported-media',
  detail: 'The transport stream lost its rhythm: push it again.',
};

/** One track on its way in. */
interface Elementary {
  about: TsTrack;
  joiner: PesJoiner;
  /** The last packet of it, to see what is missing and what is repeated. */
  last: Uint8Array | null;
  /** Its packets since the last PES began, and those of the one before. */
  recent: Uint8Array[];
  before: Uint8Array[];
}

export class TsDemuxer implements Demuxer {
  readonly #sink: MediaSink;
  readonly #wanted: number | null;
  readonly #packets = new TsPackets();
  readonly #tables = new TsTables();
  readonly #clock = new PesClock();
  readonly #adts: AdtsReader;
  #pictures = new AvcPictures();
  #halt: Halt | null = null;
  #program: TsProgram | null = null;
  #video: Elementary | null = null;
  #audio: Elementary | null = null;
  #announced = false;
  /** A PES that may go on in the next one. */
  #held: Pes | null = null;
  #lastDtsUs: number | null = null;
  #lastPtsUs = 0;
  #frameUs = DEFAULT_FRAME_US;

  /** @param program its number; null: the first with something in it */
  constructor(sink: MediaSink, program: number | null = null) {
    this.#sink = sink;
    this.#wanted = program;
    this.#adts = new AdtsReader(sink);
  }

  push(bytes: Uint8Array): Halt | null {
    if (this.#halt) return this.#halt;
    this.#packets.push(bytes);
    for (;;) {
      const packet = this.#packets.next();
      if (this.#packets.lost > MAX_LOST_BYTES) this.#halt = LOST;
      if (this.#halt === null && packet) this.#packet(packet);
      if (this.#halt !== null || !packet) return this.#halt;
    }
  }

  #packet(packet: Uint8Array): void {
    const about = tsPayload(packet);
    if (!about) return;
    const track = this.#trackOf(about.pid);
    if (track) this.#media(packet, about, track);
    else if (this.#tables.take(packet, about)) this.#map();
  }

  #trackOf(pid: number): Elementary | null {
    return pid === this.#video?.about.pid ? this.#video : pid === this.#audio?.about.pid ? this.#audio : null;
  }

  #media(packet: Uint8Array, { starts, at }: { starts: boolean; at: number }, track: Elementary): void {
    const order = follows(track.last, packet);
    track.last = packet;
    if (order === 'repeated') return;
    if (order === 'missing') {
      track.joiner.drop();
      if (track === this.#audio) this.#adts.drop();
    }
    if (starts) [track.before, track.recent] = [track.recent, []];
    track.recent.push(packet);
    const random = at > 5 && ((packet[5] ?? 0) & 0x40) !== 0;
    const how = { starts, stuffed: isStuffed(packet), random };
    for (const pes of track.joiner.add(packet.subarray(at), how)) {
      if (this.#halt) return;
      if (track === this.#video) this.#take(pes);
      else this.#sound(pes, track);
    }
    if (track.joiner.bytes > MAX_SAMPLE_BYTES) this.#halt = TOO_LARGE;
  }

  #map(): void {
    const program = this.#wanted === null ? this.#tables.best() : this.#tables.program(this.#wanted);
    if (!program || program === this.#program || program.tracks.length === 0) return;
    this.#program = program;
    const elementary = (kind: TrackKind, before: Elementary | null): Elementary | null => {
      const about = toTake(program.tracks, kind);
      if (!about) return null;
      if (about.pid === before?.about.pid && about.taken === before.about.taken) return before;
      return { about, joiner: new PesJoiner(), last: null, recent: [], before: [] };
    };
    const [video, audio] = [elementary('video', this.#video), elementary('audio', this.#audio)];
    if (video !== this.#video) this.#pictures = new AvcPictures();
    [this.#video, this.#audio] = [video, audio];
    // Only here when it changed on the way: sniff.ts lets nothing in that is not taken.
    for (const track of [video, audio])
      if (track && !track.about.taken) this.#handOver(track, track.about.what, track.about.interlaced);
    if (this.#announced || this.#halt) return;
    this.#announced = true;
    this.#sink.tracks([...(video ? ['video' as const] : []), ...(audio ? ['audio' as const] : [])]);
  }

  #sound(pes: Pes, track: Elementary): void {
    this.#adts.take(pes.payload, pes.pts === null ? null : this.#clock.us(pes.pts));
    const { unplayable } = this.#adts;
    if (unplayable !== null) this.#handOver(track, unplayable, false);
  }

  /** Pictures too large for one PES with a length go on in others, which have no times. */
  #take(pes: Pes): void {
    if (this.#held && pes.pts === null) {
      const payload = Buffer.concat([this.#held.payload, pes.payload]);
      if (payload.length > MAX_SAMPLE_BYTES) this.#halt = TOO_LARGE;
      else this.#held = { ...this.#held, payload };
      if (pes.full || this.#halt) return;
    } else {
      if (this.#held) this.#coded(this.#held);
      this.#held = pes;
      if (pes.full) return;
    }
    const whole = this.#held;
    this.#held = null;
    this.#coded(whole);
  }

  #coded(pes: Pes): void {
    const video = this.#video;
    if (!video || this.#halt) return;
    for (const [i, nals] of this.#pictures.split(nalsOf(pes.payload)).entries()) {
      const times = this.#times(i === 0 ? pes : null);
      const taken = this.#pictures.take(nals, { random: pes.random && i === 0, ...times });
      const { unplayable } = this.#pictures;
      if (unplayable) return this.#handOver(video, unplayable.what, unplayable.interlaced);
      if (!taken) continue;
      if (taken.config) this.#sink.config(taken.config);
      const kept = taken.nals.filter((nal) => !this.#isWrapping(nal));
      this.#sink.sample({ track: 'video', ...times, key: taken.key, data: lengthPrefixed(kept) });
    }
  }

  /** The packet's times, or where it tells none, one picture after the last. */
  #times(pes: Pes | null): { dtsUs: number; ptsUs: number } {
    const timed = pes !== null && pes.pts !== null && pes.dts !== null;
    const dtsUs = timed ? this.#clock.us(pes.dts ?? 0) : (this.#lastDtsUs ?? this.#clock.lastUs) + this.#frameUs;
    const ptsUs = timed
      ? this.#clock.us(pes.pts ?? 0)
      : this.#lastDtsUs === null
        ? dtsUs
        : this.#lastPtsUs + this.#frameUs;
    const distance = this.#lastDtsUs === null ? 0 : dtsUs - this.#lastDtsUs;
    if (timed && distance > 0 && distance < MAX_FRAME_US) this.#frameUs = distance;
    this.#lastDtsUs = dtsUs;
    this.#lastPtsUs = ptsUs;
    return { dtsUs, ptsUs };
  }

  #isWrapping(nal: Uint8Array): boolean {
    const type = (nal[0] ?? 0) & 31;
    if (type === NAL.sps || type === NAL.pps) return this.#pictures.isKnown(nal);
    return type === NAL.aud || type === NAL.filler;
  }

  #handOver(track: Elementary, what: string, interlaced: boolean): void {
    const heads = this.#tables.packetsOf(this.#program?.number ?? -1);
    const replay = [...heads, ...track.before, ...track.recent, this.#packets.rest()];
    const pid = (one: Elementary | null): string => `i:${one?.about.pid ?? 0}`;
    const specifiers = { video: pid(this.#video), audio: pid(this.#audio) };
    this.#halt = { handover: track.about.kind, what, interlaced, specifiers, replay };
  }
}

/**
 * Does this packet follow the last one of its PID? Source: ISO/IEC 13818-1, 2.4.3.3
 * (continuity_counter).
 */
function follows(last: Uint8Array | null, packet: Uint8Array): 'next' | 'repeated' | 'missing' {
  if (!last) return 'next';
  const [before, now] = [(last[3] ?? 0) & 15, (packet[3] ?? 0) & 15];
  if (now === ((before + 1) & 15)) return 'next';
  const marked = ((packet[3] ?? 0) & 0x20) !== 0 && (packet[4] ?? 0) > 0 && ((packet[5] ?? 0) & 0x80) !== 0;
  if (marked) return 'next';
  return now === before && Buffer.compare(last, packet) === 0 ? 'repeated' : 'missing';
}

/**
 * The adaptation field has more than its fields need: filling, as multiplexers do in the last
 * packet of a frame.
 */
function isStuffed(packet: Uint8Array): boolean {
  if ((((packet[3] ?? 0) >> 4) & 2) === 0) return false;
  const length = packet[4] ?? 0;
  if (length === 0) return true;
  const flags = packet[5] ?? 0;
  const pcr = (flags & 0x10) !== 0 ? 6 : 0;
  const opcr = (flags & 0x08) !== 0 ? 6 : 0;
  const splice = (flags & 0x04) !== 0 ? 1 : 0;
  const isPrivate = (flags & 0x03) !== 0; // private data and extensions have lengths of their own: not looked into
  return !isPrivate && length > 1 + pcr + opcr + splice;
}
