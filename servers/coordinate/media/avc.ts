// What H.264's and AAC's own headers say: picture size, the configuration records that MP4 carries, Annex B turned into
// length-prefixed units. Sources: ITU-T H.264 7.3.2.1 and Annex B, ISO/IEC 14496-15 5.3.3, ISO/IEC 14496-3 1.6.2.1.
import type { AudioConfig, VideoConfig } from './sample.ts';

export const NAL = { slice: 1, idr: 5, sei: 6, sps: 7, pps: 8, aud: 9, filler: 12 } as const;

const MAX_SIDE_PIXELS = 16_384;
/** Profiles whose SPS has the chroma and scaling fields. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128]);

/** Reads bits of an RBSP; past the end it gives zeros and says so in `overrun`. */
class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get overrun(): boolean {
    return this.#at > this.#bytes.length * 8;
  }

  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++)
      value = value * 2 + (((this.#bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
    return value;
  }

  /** Exp-Golomb, unsigned. */
  ue(): number {
    let zeros = 0;
    while (this.read(1) === 0) if (++zeros > 31 || this.overrun) return 0;
    return 2 ** zeros - 1 + this.read(zeros);
  }

  se(): number {
    const code = this.ue();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}

/** Drops the emulation-prevention bytes. */
function rbsp(nal: Uint8Array): Uint8Array {
  const out = new Uint8Array(nal.length);
  let length = 0;
  let zeros = 0;
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

function skipScalingList(bits: Bits, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size; i++) {
    if (next !== 0) next = (last + bits.se() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

/** The picture's size from a sequence parameter set (with its NAL header), or null when it makes no sense. */
export function pictureSize(sps: Uint8Array): { width: number; height: number } | null {
  if (sps.length < 5 || (sps[0] ?? 0) % 32 !== NAL.sps) return null;
  const bits = new Bits(rbsp(sps.subarray(1, 512)));
  const profile = bits.read(8);
  bits.read(16); // constraints, level
  bits.ue();
  let chroma = 1;
  if (HIGH_PROFILES.has(profile)) {
    chroma = bits.ue();
    if (chroma === 3) bits.read(1);
    bits.ue();
    bits.ue();
    bits.read(1);
    if (bits.read(1) === 1)
      for (let i = 0; i < (chroma === 3 ? 12 : 8); i++) if (bits.read(1) === 1) skipScalingList(bits, i < 6 ? 16 : 64);
  }
  bits.ue();
  const pocType = bits.ue();
  if (pocType === 0) bits.ue();
  else if (pocType === 1) {
    bits.read(1);
    bits.se();
    bits.se();
    const cycle = bits.ue();
    if (cycle > 255) return null;
    for (let i = 0; i < cycle; i++) bits.se();
  }
  bits.ue();
  bits.read(1);
  const widthMbs = bits.ue() + 1;
  const heightUnits = bits.ue() + 1;
  const frameOnly = bits.read(1);
  if (frameOnly === 0) bits.read(1);
  bits.read(1);
  const crop = bits.read(1) === 1 ? [bits.ue(), bits.ue(), bits.ue(), bits.ue()] : [0, 0, 0, 0];
  if (bits.overrun) return null;
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = (chroma === 1 ? 2 : 1) * (2 - frameOnly);
  const width = widthMbs * 16 - unitX * ((crop[0] ?? 0) + (crop[1] ?? 0));
  const height = heightUnits * 16 * (2 - frameOnly) - unitY * ((crop[2] ?? 0) + (crop[3] ?? 0));
  return width > 0 && height > 0 && width <= MAX_SIDE_PIXELS && height <= MAX_SIDE_PIXELS ? { width, height } : null;
}

/** A video configuration from its record, or null when it is not one. */
export function videoConfig(avcC: Uint8Array): VideoConfig | null {
  if (avcC.length < 8 || avcC[0] !== 1) return null;
  const length = ((avcC[6] ?? 0) << 8) | (avcC[7] ?? 0);
  if (((avcC[5] ?? 0) & 31) === 0 || 8 + length > avcC.length) return null;
  const size = pictureSize(avcC.subarray(8, 8 + length));
  return size ? { kind: 'video', avcC, ...size } : null;
}

/** The configuration record for one SPS and its PPSs, with 4-byte lengths. */
export function avcCOf(sps: Uint8Array, pps: readonly Uint8Array[]): Uint8Array {
  const some = pps.slice(0, 255);
  const length16 = (bytes: Uint8Array): number[] => [bytes.length >> 8, bytes.length & 255];
  return new Uint8Array(
    Buffer.concat([
      Uint8Array.of(1, sps[1] ?? 0, sps[2] ?? 0, sps[3] ?? 0, 0xff, 0xe1, ...length16(sps)),
      sps,
      Uint8Array.of(some.length),
      ...some.flatMap((one) => [Uint8Array.from(length16(one)), one]),
      // 4:2:0, 8 bits, no extension: the profiles that say more are not for browsers.
      Uint8Array.from(HIGH_PROFILES.has(sps[1] ?? 0) ? [0xfd, 0xf8, 0xf8, 0] : []),
    ]),
  );
}

const SAMPLE_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
const CHANNELS = [0, 1, 2, 3, 4, 5, 6, 8];

/** An audio configuration from an AudioSpecificConfig, or null when it is not one. */
export function audioConfig(asc: Uint8Array): AudioConfig | null {
  if (asc.length < 2 || asc.length > 64) return null;
  const bits = new Bits(asc);
  if (bits.read(5) === 31) bits.read(6);
  const index = bits.read(4);
  const sampleRate = index === 15 ? bits.read(24) : SAMPLE_RATES[index];
  const channels = CHANNELS[bits.read(4)];
  if (bits.overrun || !sampleRate || sampleRate > 192_000 || channels === undefined) return null;
  return { kind: 'audio', asc, sampleRate, channels: channels || 2 };
}

/** The AudioSpecificConfig that an ADTS header stands for. */
export function ascOfAdts(header: Uint8Array): Uint8Array | null {
  const objectType = ((header[2] ?? 0) >> 6) + 1;
  const index = ((header[2] ?? 0) >> 2) & 15;
  const channels = (((header[2] ?? 0) & 1) << 2) | ((header[3] ?? 0) >> 6);
  if (index >= SAMPLE_RATES.length || channels === 0) return null;
  return new Uint8Array([(objectType << 3) | (index >> 1), ((index & 1) << 7) | (channels << 3)]);
}

/** The NAL units of an Annex B byte string, without start codes and trailing zeros. */
export function nalsOf(bytes: Uint8Array): Uint8Array[] {
  const nals: Uint8Array[] = [];
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = -1;
  let at = 0;
  for (;;) {
    const found = buffer.indexOf(START_CODE, at);
    if (start >= 0) {
      let end = found < 0 ? bytes.length : found;
      while (end > start && bytes[end - 1] === 0) end--;
      if (end > start) nals.push(bytes.subarray(start, end));
    }
    if (found < 0) return nals;
    start = at = found + 3;
  }
}
const START_CODE = Buffer.from([0, 0, 1]);

/** NAL units with 4-byte lengths before them. */
export function lengthPrefixed(nals: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(nals.reduce((sum, nal) => sum + 4 + nal.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const nal of nals) {
    view.setUint32(at, nal.length);
    out.set(nal, at + 4);
    at += 4 + nal.length;
  }
  return out;
}
