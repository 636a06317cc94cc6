// The tracks of a Matroska or WebM file as its head tells them. Sources: RFC 8794 (EBML), RFC 9559,
// Matroska codec mappings.
import { unplayableAac } from './aac.ts';
import { readSps, unplayableAvc } from './avc.ts';
import type { FoundTrack } from './found-track.ts';

const ID = { segment: 0x18538067, tracks: 0x1654ae6b, cluster: 0x1f43b675, entry: 0xae } as const;
const FIELD = { type: 0x83, codec: 0x86, codecPrivate: 0x63a2 } as const;
const MAX_TRACKS = 32;

const NAMES: Record<string, string> = {
  'V_MPEGH/ISO/HEVC': 'HEVC',
  V_AV1: 'AV1',
  V_VP8: 'VP8',
  V_VP9: 'VP9',
  V_MPEG1: 'MPEG-1 video',
  V_MPEG2: 'MPEG-2 video',
  V_MJPEG: 'Motion JPEG',
  V_THEORA: 'Theora',
  A_OPUS: 'Opus',
  A_VORBIS: 'Vorbis',
  A_AC3: 'AC-3',
  A_EAC3: 'E-AC-3',
  'A_MPEG/L2': 'MPEG audio',
  'A_MPEG/L3': 'MP3',
  A_FLAC: 'FLAC',
  'A_PCM/INT/LIT': 'PCM',
};
/** Codecs whose pictures are never coded as fields. */
const PROGRESSIVE = new Set(['HEVC', 'AV1', 'VP8', 'VP9', 'Theora', 'MPEG-1 video']);

interface Element {
  id: number;
  from: number;
  /** Infinity: its size is not known, as in live streams. */
  to: number;
}

/** @returns null while the head is not whole */
export function matroskaTracks(bytes: Buffer): FoundTrack[] | null {
  const segment = [...elements(bytes, 0, bytes.length)].find((e) => e.id === ID.segment);
  if (!segment) return null;
  for (const { id, from, to } of elements(bytes, segment.from, Math.min(segment.to, bytes.length))) {
    if (id === ID.cluster) return [];
    if (id !== ID.tracks) continue;
    if (to > bytes.length) return null;
    const entries = [...elements(bytes, from, to)].filter((e) => e.id === ID.entry).slice(0, MAX_TRACKS);
    return entries.flatMap((entry) => trackIn(bytes, entry) ?? []);
  }
  return null;
}

function* elements(bytes: Buffer, from: number, to: number): Iterable<Element> {
  let at = from;
  while (at < to) {
    const id = variable(bytes, at, true);
    const size = id ? variable(bytes, at + id.bytes, false) : null;
    if (!id || !size) return;
    const begin = at + id.bytes + size.bytes;
    yield { id: id.value, from: begin, to: begin + size.value };
    at = begin + size.value;
  }
}

/** EBML's numbers of variable length; an identifier keeps its length marker. */
function variable(bytes: Buffer, at: number, isId: boolean): { value: number; bytes: number } | null {
  const first = bytes[at];
  if (first === undefined || first === 0) return null;
  const count = Math.clz32(first) - 23;
  if (at + count > bytes.length || (isId && count > 4)) return null;
  let value = isId ? first : first & (0xff >> count);
  let unknown = value === 0xff >> count;
  for (let i = 1; i < count; i++) {
    const byte = bytes[at + i] ?? 0;
    unknown &&= byte === 0xff;
    value = value * 256 + byte;
  }
  return { value: !isId && unknown ? Infinity : value, bytes: count };
}

function trackIn(bytes: Buffer, entry: Element): FoundTrack | null {
  const fields = [...elements(bytes, entry.from, entry.to)];
  const read = (id: number): Buffer | null => {
    const field = fields.find((f) => f.id === id);
    return field && field.to <= entry.to ? bytes.subarray(field.from, field.to) : null;
  };
  const type = read(FIELD.type)?.at(-1);
  const kind = type === 1 ? 'video' : type === 2 ? 'audio' : null;
  if (!kind) return null;
  const codec = (read(FIELD.codec) ?? Buffer.alloc(0)).toString('latin1').replaceAll('\0', '');
  const own = read(FIELD.codecPrivate);
  if (codec === 'V_MPEG4/ISO/AVC') {
    const sps = own && own.length > 8 ? readSps(own.subarray(8, 8 + own.readUInt16BE(6))) : null;
    const unplayable = sps ? unplayableAvc(sps) : null;
    const interlaced = sps?.interlaced ?? true;
    return { kind, what: unplayable ?? 'H.264', taken: unplayable === null, interlaced };
  }
  if (codec.startsWith('A_AAC')) {
    const unplayable = own ? unplayableAac(own) : 'AAC without a configuration';
    return { kind, what: unplayable ?? 'AAC', taken: unplayable === null, interlaced: false };
  }
  const what = (Object.hasOwn(NAMES, codec) ? NAMES[codec] : undefined) ?? codec.slice(2, 30);
  return { kind, what, taken: false, interlaced: kind === 'video' && !PROGRESSIVE.has(what) };
}
