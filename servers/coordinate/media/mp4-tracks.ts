// The tracks of an MP4 as its movie box tells them: of which kind, whether they are taken as they
// are, where they lie in time. Sources: ISO/IEC 14496-12 (8.3, 8.5, 8.6.6), 14496-14, 14496-15;
// QuickTime File Format (sound sample descriptions).
import { audioConfig, unplayableAac } from './aac.ts';
import { readSps, unplayableAvc } from './avc.ts';
import type { FoundTrack } from './found-track.ts';
import { boxesOf, find } from './mp4-boxes.ts';
import type { AudioConfig } from './sample.ts';

/** Values that a fragment's samples take where it says nothing. */
export interface Defaults {
  duration: number;
  size: number;
  flags: number;
}

export interface Mp4Track extends FoundTrack {
  id: number;
  timescale: number;
  /** Its edit list as one shift: what is added to times, in ticks. */
  shift: number;
  /** H.264's configuration record; its parameter sets may stand in the pictures instead. */
  avcC: Uint8Array | null;
  audio: AudioConfig | null;
  defaults: Defaults;
}

type Entry = Pick<Mp4Track, 'what' | 'taken' | 'interlaced' | 'avcC' | 'audio'>;

const MAX_TRACKS = 16;
const NAMES: Record<string, string> = {
  hvc1: 'HEVC',
  hev1: 'HEVC',
  dvh1: 'HEVC',
  dvhe: 'HEVC',
  av01: 'AV1',
  vp08: 'VP8',
  vp09: 'VP9',
  jpeg: 'Motion JPEG',
  mjpa: 'Motion JPEG',
  mjpb: 'Motion JPEG',
  Opus: 'Opus',
  'ac-3': 'AC-3',
  'ec-3': 'E-AC-3',
  fLaC: 'FLAC',
  alac: 'Apple Lossless',
  '.mp3': 'MP3',
};
/** Codecs whose pictures are never coded as fields. */
const PROGRESSIVE = new Set(['HEVC', 'AV1', 'VP8', 'VP9']);
/** What an elementary stream descriptor calls an object. */
const OBJECTS: Record<number, string> = {
  0x20: 'MPEG-4 part 2',
  0x60: 'MPEG-2 video',
  0x61: 'MPEG-2 video',
  0x65: 'MPEG-2 video',
  0x6a: 'MPEG-1 video',
  0x69: 'MP3',
  0x6b: 'MP3',
  0x6c: 'Motion JPEG',
  0xa5: 'AC-3',
  0xa6: 'E-AC-3',
  0xad: 'Opus',
};
const AAC_OBJECTS = new Set([0x40, 0x66, 0x67, 0x68]);
const VISUAL_ENTRY_BYTES = 78;
const SOUND_ENTRY_BYTES = 28;
/** QuickTime's longer sound descriptions. */
const MORE_SOUND_BYTES: Record<number, number> = { 1: 16, 2: 36 };

/** All pictures and sound of a movie box, in its order. */
export function tracksOf(moov: DataView): Mp4Track[] {
  const tracks: Mp4Track[] = [];
  for (const trak of [...boxesOf(moov)].filter((b) => b.type === 'trak').slice(0, MAX_TRACKS)) {
    const tkhd = find(trak.body, 'tkhd');
    const mdhd = find(trak.body, 'mdia', 'mdhd');
    const hdlr = find(trak.body, 'mdia', 'hdlr');
    const stsd = find(trak.body, 'mdia', 'minf', 'stbl', 'stsd');
    if (!tkhd || !mdhd || !hdlr || !stsd) continue;
    if (stsd.byteLength < 16 || tkhd.byteLength < 24 || mdhd.byteLength < 24 || hdlr.byteLength < 12) continue;
    const handler = fourLetters(hdlr, 8);
    const kind = handler === 'vide' ? 'video' : handler === 'soun' ? 'audio' : null;
    const id = tkhd.getUint32(tkhd.getUint8(0) === 1 ? 20 : 12);
    const timescale = mdhd.getUint32(mdhd.getUint8(0) === 1 ? 20 : 12);
    const entry = [...boxesOf(stsd, 8)][0];
    if (!kind || !entry || timescale === 0 || tracks.some((t) => t.id === id)) continue;
    const about = kind === 'video' ? pictures(entry.type, entry.body) : sound(entry.type, entry.body);
    if (kind === 'video' && about.taken && isTurned(tkhd))
      Object.assign(about, { taken: false, what: `${about.what} of a turned camera` });
    tracks.push({
      id,
      kind,
      timescale,
      shift: shiftOf(moov, trak.body, timescale),
      defaults: defaultsOf(moov, id),
      ...about,
    });
  }
  return tracks;
}

/**
 * Is the picture to be turned or mirrored? ffmpeg does so where it transcodes; what is passed on
 * has no place for it.
 */
function isTurned(tkhd: DataView): boolean {
  const at = tkhd.getUint8(0) === 1 ? 52 : 40;
  if (tkhd.byteLength < at + 36) return false;
  const [a, b, c, d] = [0, 4, 12, 16].map((offset) => tkhd.getInt32(at + offset));
  return (a ?? 0) <= 0 || (d ?? 0) <= 0 || b !== 0 || c !== 0;
}

const fourLetters = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));

const nameOf = (type: string): string => (Object.hasOwn(NAMES, type) ? (NAMES[type] ?? type) : `the codec "${type}"`);

function pictures(type: string, body: DataView): Entry {
  const other = { taken: false, avcC: null, audio: null };
  if (type === 'mp4v') {
    const what = OBJECTS[descriptorIn(body, VISUAL_ENTRY_BYTES)?.object ?? 0] ?? 'MPEG-4 part 2';
    return { ...other, what, interlaced: true };
  }
  const avcC = body.byteLength > VISUAL_ENTRY_BYTES ? boxIn(body, VISUAL_ENTRY_BYTES, 'avcC') : null;
  if ((type !== 'avc1' && type !== 'avc3') || !avcC || avcC.length < 7)
    return { ...other, what: nameOf(type), interlaced: !PROGRESSIVE.has(nameOf(type)) };
  const spsBytes = (avcC[5] ?? 0) & 31 ? ((avcC[6] ?? 0) << 8) | (avcC[7] ?? 0) : 0;
  const sps = readSps(avcC.subarray(8, 8 + spsBytes));
  const unplayable = sps ? unplayableAvc(sps) : null;
  return {
    what: unplayable ?? 'H.264',
    taken: unplayable === null,
    interlaced: sps?.interlaced ?? true,
    avcC,
    audio: null,
  };
}

function sound(type: string, body: DataView): Entry {
  const other = { taken: false, interlaced: false, avcC: null, audio: null };
  if (type !== 'mp4a' || body.byteLength <= SOUND_ENTRY_BYTES) return { ...other, what: nameOf(type) };
  const found = descriptorIn(body, SOUND_ENTRY_BYTES + (MORE_SOUND_BYTES[body.getUint16(8)] ?? 0));
  if (!found || !AAC_OBJECTS.has(found.object)) return { ...other, what: OBJECTS[found?.object ?? 0] ?? nameOf(type) };
  const config = found.info ? audioConfig(found.info) : null;
  if (!found.info || !config) return { ...other, what: 'AAC without a configuration' };
  const unplayable = unplayableAac(found.info);
  return { ...other, what: unplayable ?? 'AAC', taken: unplayable === null, audio: config };
}

const copy = (view: DataView): Uint8Array =>
  new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

function boxIn(body: DataView, from: number, type: string): Uint8Array | null {
  const found = [...boxesOf(body, from)].find((b) => b.type === type);
  return found ? copy(found.body) : null;
}

/** The object type and the decoder's own configuration within an elementary stream descriptor. */
function descriptorIn(entry: DataView, from: number): { object: number; info: Uint8Array | null } | null {
  const wave = [...boxesOf(entry, from)].find((b) => b.type === 'wave')?.body; // QuickTime's wrapping
  const esds = boxIn(entry, from, 'esds') ?? (wave ? boxIn(wave, 0, 'esds') : null);
  if (!esds) return null;
  let object = 0;
  let at = 4;
  while (at < esds.length) {
    const tag = esds[at++];
    let length = 0;
    for (let i = 0; i < 4; i++) {
      const byte = esds[at++] ?? 0;
      length = (length << 7) | (byte & 127);
      if ((byte & 128) === 0) break;
    }
    if (tag === 5)
      return { object, info: length > 0 && at + length <= esds.length ? esds.slice(at, at + length) : null };
    if (tag === 3) {
      const flags = esds[at + 2] ?? 0;
      at +=
        3 +
        ((flags & 0x80) !== 0 ? 2 : 0) +
        ((flags & 0x40) !== 0 ? 1 + (esds[at + 3] ?? 0) : 0) +
        ((flags & 0x20) !== 0 ? 2 : 0);
    } else if (tag === 4) {
      object = esds[at] ?? 0;
      at += 13;
    } else at += length;
  }
  return object === 0 ? null : { object, info: null };
}

/**
 * Empty time at the beginning, and what of the media is left out there. Later edits are cuts that a
 * live stream has not.
 */
function shiftOf(moov: DataView, trak: DataView, timescale: number): number {
  const elst = find(trak, 'edts', 'elst');
  const mvhd = find(moov, 'mvhd');
  if (!elst || !mvhd || elst.byteLength < 8 || mvhd.byteLength < 24) return 0;
  const movieTimescale = mvhd.getUint32(mvhd.getUint8(0) === 1 ? 20 : 12);
  const long = elst.getUint8(0) === 1;
  const step = long ? 20 : 12;
  const count = Math.min(elst.getUint32(4), Math.floor((elst.byteLength - 8) / step));
  let shift = 0;
  for (let i = 0; i < count; i++) {
    const at = 8 + i * step;
    const duration = long ? Number(elst.getBigUint64(at)) : elst.getUint32(at);
    const mediaTime = long ? Number(elst.getBigInt64(at + 8)) : elst.getInt32(at + 4);
    if (mediaTime >= 0) return shift - mediaTime;
    if (movieTimescale > 0) shift += Math.round((duration * timescale) / movieTimescale);
  }
  return shift;
}

function defaultsOf(moov: DataView, id: number): Defaults {
  const mvex = find(moov, 'mvex');
  for (const { type, body } of mvex ? boxesOf(mvex) : [])
    if (type === 'trex' && body.byteLength >= 24 && body.getUint32(4) === id)
      return { duration: body.getUint32(12), size: body.getUint32(16), flags: body.getUint32(20) };
  return { duration: 0, size: 0, flags: 0 };
}
