// MPEG transport stream with H.264 and AAC to samples, without ffmpeg: what a pushing ffmpeg or OBS sends arrives two frames earlier
// than through its remuxing. Other codecs are the normaliser's (sniff.ts decides by the same tables).
import type { Refusal } from '../../../protocol/refusal.ts';
import { AdtsReader } from './adts.ts';
import { avcCOf, lengthPrefixed, NAL, nalsOf, videoConfig } from './avc.ts';
import { ByteQueue } from './byte-queue.ts';
import { PesClock, PesJoiner, type Pes } from './pes.ts';
import { MAX_SAMPLE_BYTES, TOO_LARGE, type Demuxer, type MediaSink } from './sample.ts';
import { mapPidOf, programOf, TS_PACKET_BYTES, tsPayload } from './ts-tables.ts';

const SYNC = 0x47;
/** Bytes without any packet before it is given up. */
const MAX_LOST_BYTES = 64 * 1024;

export class TsDemuxer implements Demuxer {
  readonly #sink: MediaSink;
  readonly #queue = new ByteQueue();
  readonly #adts: AdtsReader;
  #refusal: Refusal | null = null;
  #lost = 0;
  #mapPid: number | null = null;
  #video: { pid: number; joiner: PesJoiner; clock: PesClock; decode: PesClock } | null = null;
  #audio: { pid: number; joiner: PesJoiner; clock: PesClock } | null = null;
  #announced = false;
  /** The parameter sets in force. */
  #sps: Uint8Array | null = null;
  #configured = false;

  constructor(sink: MediaSink) {
    this.#sink = sink;
    this.#adts = new AdtsReader(sink);
  }

  push(bytes: Uint8Array): Refusal | null {
    if (this.#refusal) return this.#refusal;
    this.#queue.push(bytes);
    while (this.#refusal === null && this.#queue.length >= TS_PACKET_BYTES) {
      if (this.#queue.peek(1)[0] === SYNC) {
        this.#lost = 0;
        this.#packet(this.#queue.take(TS_PACKET_BYTES));
      } else {
        this.#queue.skip(1);
        if (++this.#lost > MAX_LOST_BYTES)
          this.#refusal = {
            reason: 'unsupported-media',
            detail: 'The transport stream lost its rhythm: push it again.',
          };
      }
    }
    return this.#refusal;
  }

  #packet(packet: Uint8Array): void {
    const about = tsPayload(packet);
    if (!about) return;
    const { pid, starts, at } = about;
    if (pid === 0) {
      if (starts) this.#mapPid = mapPidOf(packet, at) ?? this.#mapPid;
    } else if (pid === this.#mapPid) {
      if (starts) this.#map(packet, at);
    } else {
      const track = pid === this.#video?.pid ? this.#video : pid === this.#audio?.pid ? this.#audio : null;
      if (!track) return;
      const how = { starts, stuffed: isStuffed(packet), random: at > 5 && ((packet[5] ?? 0) & 0x40) !== 0 };
      for (const pes of track.joiner.add(packet.subarray(at), how))
        if (track === this.#video) this.#picture(pes, this.#video);
        else this.#adts.take(pes.payload, track.clock.us(pes.pts));
      if (track.joiner.bytes > MAX_SAMPLE_BYTES) this.#refusal = TOO_LARGE;
    }
  }

  #map(packet: Uint8Array, at: number): void {
    const program = programOf(packet, at);
    if (!program) return;
    const { h264Pid, aacPid } = program;
    if (h264Pid !== (this.#video?.pid ?? null))
      this.#video =
        h264Pid === null
          ? null
          : { pid: h264Pid, joiner: new PesJoiner(), clock: new PesClock(), decode: new PesClock() };
    if (aacPid !== (this.#audio?.pid ?? null))
      this.#audio = aacPid === null ? null : { pid: aacPid, joiner: new PesJoiner(), clock: new PesClock() };
    if (this.#announced) return;
    this.#announced = true;
    this.#sink.tracks([...(this.#video ? ['video' as const] : []), ...(this.#audio ? ['audio' as const] : [])]);
  }

  #picture(pes: Pes, track: { clock: PesClock; decode: PesClock }): void {
    const kept: Uint8Array[] = [];
    const pps: Uint8Array[] = [];
    let sps: Uint8Array | null = null;
    let key = false;
    for (const nal of nalsOf(pes.payload)) {
      const type = (nal[0] ?? 0) & 31;
      if (type === NAL.sps) sps ??= nal;
      else if (type === NAL.pps) pps.push(nal);
      else if (type !== NAL.aud && type !== NAL.filler) {
        kept.push(nal);
        key ||= type === NAL.idr;
      }
    }
    if (sps && pps.length > 0) this.#configure(sps, pps);
    // Open groups of pictures begin with a recovery point instead of an IDR picture; the parameter sets stand before it.
    key ||= pes.random && sps !== null;
    const ptsUs = track.clock.us(pes.pts);
    const dtsUs = track.decode.us(pes.dts);
    if (kept.length === 0 || !this.#configured) return;
    this.#sink.sample({ track: 'video', dtsUs, ptsUs, key, data: lengthPrefixed(kept) });
  }

  #configure(sps: Uint8Array, pps: readonly Uint8Array[]): void {
    if (this.#sps && Buffer.compare(this.#sps, sps) === 0 && this.#configured) return;
    const config = videoConfig(avcCOf(sps, pps));
    if (!config) return;
    this.#sps = sps.slice();
    this.#configured = true;
    this.#sink.config(config);
  }
}

/** The adaptation field has more than its fields need: filling, as multiplexers do in the last packet of a frame. */
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
