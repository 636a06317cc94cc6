// What H.264's own headers say: the picture's size and kind, the configuration record that MP4
// carries, NAL units in Annex B and behind lengths. Pure. Sources: ITU-T H.264 7.3.2.1 and Annex B,
// ISO/IEC 14496-15 5.3.3.
import { Bits, rbsp } from './bits.ts';
import type { VideoConfig } from './sample.ts';

export const NAL = { slice: 1, idr: 5, sei: 6, sps: 7, pps: 8, aud: 9, filler: 12 } as const;

const MAX_SIDE_PIXELS = 16_384;
/** Profiles whose SPS has the chroma and scaling fields. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128]);

function skipScalingList(bits: Bits, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size; i++) {
    if (next !== 0) next = (last + bits.se() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

/** What a sequence parameter set says of its pictures. */
export interface Sps {
  id: number;
  profile: number;
  /** chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  chroma: number;
  /** The larger one of luma and chroma. */
  bitDepth: number;
  width: number;
  height: number;
  /** Pictures may be coded as fields. */
  interlaced: boolean;
  /** How a slice header is read on. */
  frameNumBits: number;
  separatePlanes: boolean;
}

/** A sequence parameter set (with its NAL header), or null when it makes no sense. */
export function readSps(sps: Uint8Array): Sps | null {
  if (sps.length < 5 || (sps[0] ?? 0) % 32 !== NAL.sps) return null;
  const bits = new Bits(rbsp(sps.subarray(1, 512)));
  const profile = bits.read(8);
  bits.read(16); // constraints, level
  const id = bits.ue();
  let [chroma, bitDepth, separatePlanes] = [1, 8, false];
  if (HIGH_PROFILES.has(profile)) {
    chroma = bits.ue();
    if (chroma === 3) separatePlanes = bits.read(1) === 1;
    bitDepth = 8 + Math.max(bits.ue(), bits.ue());
    bits.read(1);
    if (bits.read(1) === 1)
      for (let i = 0; i < (chroma === 3 ? 12 : 8); i++) if (bits.read(1) === 1) skipScalingList(bits, i < 6 ? 16 : 64);
  }
  const frameNumBits = bits.ue() + 4;
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
  if (bits.overrun || id > 31 || chroma > 3 || frameNumBits > 16) return null;
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = (chroma === 1 ? 2 : 1) * (2 - frameOnly);
  const width = widthMbs * 16 - unitX * ((crop[0] ?? 0) + (crop[1] ?? 0));
  const height = heightUnits * 16 * (2 - frameOnly) - unitY * ((crop[2] ?? 0) + (crop[3] ?? 0));
  if (width <= 0 || height <= 0 || width > MAX_SIDE_PIXELS || height > MAX_SIDE_PIXELS) return null;
  const interlaced = frameOnly === 0;
  return { id, profile, chroma, bitDepth, width, height, interlaced, frameNumBits, separatePlanes };
}

/** Constrained baseline, main and high: what every browser decodes, at 4:2:0 and 8 bits. */
const PLAYABLE_PROFILES = new Set([66, 77, 100]);
const PROFILE_NAMES: Record<number, string> = {
  44: 'CAVLC 4:4:4',
  88: 'Extended',
  110: 'High 10',
  122: 'High 4:2:2',
  244: 'High 4:4:4',
};
const CHROMA_NAMES = ['grey', '4:2:0', '4:2:2', '4:4:4'];

/** Why many browsers can not decode pictures of this kind, as its name; null: they can. */
export function unplayableAvc(sps: Sps): string | null {
  if (PLAYABLE_PROFILES.has(sps.profile) && sps.chroma === 1 && sps.bitDepth === 8) return null;
  const profile = PROFILE_NAMES[sps.profile] ?? `profile ${sps.profile}`;
  return `H.264 ${profile} (${CHROMA_NAMES[sps.chroma] ?? '?'}, ${sps.bitDepth} bits)`;
}

/** A video configuration from its record, or null when it is not one. */
export function videoConfig(avcC: Uint8Array): VideoConfig | null {
  if (avcC.length < 8 || avcC[0] !== 1) return null;
  const length = ((avcC[6] ?? 0) << 8) | (avcC[7] ?? 0);
  if (((avcC[5] ?? 0) & 31) === 0 || 8 + length > avcC.length) return null;
  const sps = readSps(avcC.subarray(8, 8 + length));
  return sps ? { kind: 'video', avcC, width: sps.width, height: sps.height } : null;
}

/** The configuration record for one SPS and its PPSs. */
export function avcCOf(sps: Uint8Array, pps: readonly Uint8Array[], lengthBytes = 4): Uint8Array {
  const some = pps.slice(0, 31);
  const length16 = (bytes: Uint8Array): number[] => [bytes.length >> 8, bytes.length & 255];
  return new Uint8Array(
    Buffer.concat([
      Uint8Array.of(1, sps[1] ?? 0, sps[2] ?? 0, sps[3] ?? 0, 0xfc | (lengthBytes - 1), 0xe1, ...length16(sps)),
      sps,
      Uint8Array.of(some.length),
      ...some.flatMap((one) => [Uint8Array.from(length16(one)), one]),
      // 4:2:0, 8 bits, no extension: the profiles that say more are not for browsers.
      Uint8Array.from(HIGH_PROFILES.has(sps[1] ?? 0) ? [0xfd, 0xf8, 0xf8, 0] : []),
    ]),
  );
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

/** NAL units with their lengths before them. */
export function lengthPrefixed(nals: readonly Uint8Array[], lengthBytes = 4): Uint8Array {
  const out = new Uint8Array(nals.reduce((sum, nal) => sum + lengthBytes + nal.length, 0));
  let at = 0;
  for (const nal of nals) {
    for (let i = 0; i < lengthBytes; i++) out[at + i] = (nal.length >>> (8 * (lengthBytes - 1 - i))) & 255;
    out.set(nal, at + lengthBytes);
    at += lengthBytes + nal.length;
  }
  return out;
}

/** The NAL units of a sample whose lengths have so many bytes, or null when they do not add up. */
export function unprefixed(data: Uint8Array, lengthBytes: number): Uint8Array[] | null {
  const nals: Uint8Array[] = [];
  let at = 0;
  while (at + lengthBytes <= data.length) {
    let length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (data[at + i] ?? 0);
    at += lengthBytes;
    if (at + length > data.length) return null;
    if (length > 0) nals.push(data.subarray(at, at + length));
    at += length;
  }
  return at === data.length ? nals : null;
}
