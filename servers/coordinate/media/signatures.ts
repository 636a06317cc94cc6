// Formats that are known by their first bytes alone, and bare streams, which may also begin
// anywhere. Pure. Sources: ISO/IEC 11172-3 2.4.2.3 (MPEG audio), ISO/IEC 14496-3 1.A.2 (ADTS),
// ITU-T H.264 and H.265 Annex B.
import { ascOfAdts, unplayableAac } from './aac.ts';
import { NAL, nalsOf, readSps } from './avc.ts';

/** What a format known by name may hold. */
export interface KnownFormat {
  /** ffmpeg's name. */
  format: string;
  /** What must be transcoded, for people. */
  what: string;
  picture: boolean;
  sound: boolean;
  /** Its pictures may be coded as fields. */
  interlaced: boolean;
  /** It carries no times. */
  timeless: boolean;
}

const known = (format: string, what: string, has: Partial<KnownFormat>): KnownFormat => ({
  format,
  what,
  picture: false,
  sound: false,
  interlaced: false,
  timeless: false,
  ...has,
});
const either = { picture: true, sound: true, interlaced: true };

const PROGRAMME = known('mpeg', 'an MPEG programme stream', either);
const MJPEG = known('mjpeg', 'Motion JPEG', { picture: true, timeless: true });

/** First bytes (hex, or text after a quote). */
const SIGNATURES: readonly (readonly [offset: number, bytes: string, format: KnownFormat])[] = [
  [0, '000001ba', PROGRAMME],
  [0, "'OggS", known('ogg', 'Ogg', { picture: true, sound: true })],
  [0, "'DKIF", known('ivf', 'VP8, VP9 or AV1', { picture: true })],
  [0, "'YUV4MPEG2 ", known('yuv4mpegpipe', 'raw pictures', { picture: true, interlaced: true })],
  [0, "'nut/multimedia container", known('nut', 'NUT', either)],
  [0, '3026b2758e66cf11', known('asf', 'Windows Media', either)],
  [0, "'fLaC", known('flac', 'FLAC', { sound: true })],
  [0, "'ID3", known('mp3', 'MP3', { sound: true, timeless: true })],
  [0, 'ffd8ff', MJPEG],
  [8, "'AVI ", known('avi', 'AVI', either)],
  [8, "'WAVE", known('wav', 'PCM', { sound: true })],
];
const MPEG_VIDEO = known('mpegvideo', 'MPEG-1 or MPEG-2 video', { picture: true, timeless: true });
const H264 = known('h264', 'bare H.264', { picture: true, timeless: true });
const HEVC = known('hevc', 'bare HEVC', { picture: true, timeless: true });
const MP3 = known('mp3', 'MP3', { sound: true, timeless: true });
export const ADTS = known('aac', 'AAC', { sound: true, timeless: true });

export const startsWith = (bytes: Uint8Array, offset: number, want: string): boolean => {
  const expected = want.startsWith("'") ? Buffer.from(want.slice(1), 'latin1') : Buffer.from(want, 'hex');
  return Buffer.compare(bytes.subarray(offset, offset + expected.length), expected) === 0;
};

/** A format that begins with the first of these bytes. */
export function bySignature(bytes: Uint8Array): KnownFormat | null {
  if (startsWith(bytes, 0, "'ID3") && soundAt(bytes, 10 + synchsafe(bytes, 6), 1) === ADTS) return ADTS;
  for (const [offset, want, format] of SIGNATURES) if (startsWith(bytes, offset, want)) return format;
  if (startsWith(bytes, 0, '000001b3')) {
    const extended = Buffer.from(bytes.subarray(0, 256)).includes('000001b5', 0, 'hex'); // MPEG-2's extension
    return { ...MPEG_VIDEO, interlaced: extended };
  }
  return annexB(bytes) ?? (soundAt(bytes, 0, 1) || null);
}

/** An ID3 tag's length: 7 bits a byte. */
const synchsafe = (bytes: Uint8Array, at: number): number =>
  [0, 1, 2, 3].reduce((sum, i) => sum * 128 + ((bytes[at + i] ?? 0) & 127), 0);

/**
 * So far into a stream that was joined in its middle one looks for the beginning of a frame of
 * sound.
 */
const MAX_JUNK_BYTES = 16 * 1024;
/** So many frames must follow each other before bytes in the middle are taken for sound. */
const SURE_FRAMES = 6;
const SMALLEST_MPEG_AUDIO_BYTES = 48;

/** A bare stream that begins somewhere in these bytes: joined in its middle, or behind others. */
export function byContent(bytes: Uint8Array): KnownFormat | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer.includes('ffd9ffd8ff', 0, 'hex')) return MJPEG; // the end of one picture and the next
  const pack = buffer.indexOf('000001ba', 0, 'hex');
  if (pack >= 0 && ((buffer[pack + 4] ?? 0) & 0xc4) === 0x44) return PROGRAMME;
  const sequence = buffer.indexOf('000001b3', 0, 'hex');
  if (sequence >= 0 && isSequence(buffer.subarray(sequence + 4))) return MPEG_VIDEO;
  const nals = nalsOf(bytes);
  if (nals.some((_, at) => beginsAvc(nals, at))) return H264;
  if (nals.some((_, at) => beginsHevc(nals, at))) return HEVC;
  const end = Math.min(bytes.length, MAX_JUNK_BYTES);
  for (let at = bytes.indexOf(0xff); at >= 0 && at < end; at = bytes.indexOf(0xff, at + 1)) {
    const sound = soundAt(bytes, at, SURE_FRAMES);
    if (sound) return sound;
  }
  return null;
}

/**
 * Sizes above zero, an aspect and a rate that exist, and the marker bit. Source: ISO/IEC 13818-2,
 * 6.2.2.1.
 */
function isSequence(head: Buffer): boolean {
  if (head.length < 7) return false;
  const [width, height] = [head.readUInt16BE(0) >> 4, head.readUInt16BE(1) & 0xfff];
  const [aspect, rate] = [(head[3] ?? 0) >> 4, (head[3] ?? 0) & 15];
  return (
    width >= 16 &&
    height >= 16 &&
    aspect >= 1 &&
    aspect <= 14 &&
    rate >= 1 &&
    rate <= 8 &&
    ((head[6] ?? 0) & 0x20) !== 0
  );
}

/** Both parameter sets one after the other, then a picture. */
function beginsAvc(nals: readonly Uint8Array[], at: number): boolean {
  const [first, second] = [nals[at], nals[at + 1]];
  if (!first || !second || (first[0] ?? 0) >> 5 === 0 || (second[0] ?? 0) >> 5 === 0) return false;
  if (((second[0] ?? 0) & 31) !== NAL.pps || readSps(first) === null) return false;
  return nals.slice(at + 2, at + 6).some((nal) => [NAL.slice, NAL.idr].some((type) => type === ((nal[0] ?? 0) & 31)));
}

/** The three parameter sets one after the other. */
const beginsHevc = (nals: readonly Uint8Array[], at: number): boolean =>
  [0x40, 0x42, 0x44].every((head, i) => nals[at + i]?.[0] === head && nals[at + i]?.[1] === 1);

function annexB(bytes: Uint8Array): KnownFormat | null {
  const at = startsWith(bytes, 0, '00000001') ? 4 : startsWith(bytes, 0, '000001') ? 3 : -1;
  const first = bytes[at];
  if (at < 0 || first === undefined) return null;
  // H.265's parameter sets: type in bits 1-6, second byte 1.
  if ((first === 0x40 || first === 0x42 || first === 0x46) && bytes[at + 1] === 1) return HEVC;
  // H.264's parameter sets, delimiter, SEI, or a slice at once.
  const type = first & 31;
  return (first & 0x80) === 0 && type >= NAL.idr && type <= NAL.aud ? H264 : null;
}

/**
 * Are there so many frames of AAC or MPEG audio in a row, all of one kind? At the very beginning
 * one may be all that has come.
 */
function soundAt(bytes: Uint8Array, from: number, frames: number): KnownFormat | false {
  for (const [format, lengthOf] of [
    [ADTS, adtsLength],
    [MP3, mpegAudioLength],
  ] as const) {
    const alike = (at: number): boolean =>
      bytes[at + 1] === bytes[from + 1] && ((bytes[at + 2] ?? 0) & 0x0c) === ((bytes[from + 2] ?? 0) & 0x0c);
    let at = from;
    let seen = 0;
    let length = lengthOf(bytes, at);
    while (length !== null && seen <= frames) {
      seen++;
      at += length;
      if (at + 4 > bytes.length) break;
      length = alike(at) ? lengthOf(bytes, at) : null;
    }
    if (seen > frames || (frames === 1 && seen > 0 && length !== null)) return format;
  }
  return false;
}

function adtsLength(bytes: Uint8Array, at: number): number | null {
  if (bytes[at] !== 0xff || ((bytes[at + 1] ?? 0) & 0xf6) !== 0xf0 || at + 3 > bytes.length) return null;
  if (at + 6 > bytes.length) return 7;
  const length = (((bytes[at + 3] ?? 0) & 3) << 11) | ((bytes[at + 4] ?? 0) << 3) | ((bytes[at + 5] ?? 0) >> 5);
  return length >= 7 && ascOfAdts(bytes.subarray(at)) ? length : null;
}

/** Why AAC in ADTS that begins here is not taken as it is, as its name; null: it is. */
export function unplayableAdts(bytes: Uint8Array): string | null {
  const asc = bytes.length >= 7 && adtsLength(bytes, 0) !== null ? ascOfAdts(bytes) : null;
  return asc ? unplayableAac(asc) : 'AAC behind other bytes';
}

/** Layers 2 and 3; nobody streams layer 1, and machine code looks like it. */
const KBPS: Record<string, readonly number[]> = {
  '1-2': [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  '1-3': [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  '2-2': [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  '2-3': [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};

function mpegAudioLength(bytes: Uint8Array, at: number): number | null {
  const [a, b, c] = [bytes[at], bytes[at + 1] ?? 0, bytes[at + 2] ?? 0];
  if (a !== 0xff || (b & 0xe0) !== 0xe0) return null;
  const version = (b >> 3) & 3; // 0: 2.5, 2: 2, 3: 1
  const layer = 4 - ((b >> 1) & 3);
  const kbps = KBPS[`${version === 3 ? 1 : 2}-${layer}`]?.[(c >> 4) - 1];
  const hz = [44_100, 48_000, 32_000][(c >> 2) & 3];
  if (version === 1 || kbps === undefined || hz === undefined) return null;
  const rate = hz >> (version === 3 ? 0 : version === 2 ? 1 : 2);
  const padding = (c >> 1) & 1;
  const samples = layer === 3 && version !== 3 ? 72_000 : 144_000;
  const length = Math.floor((samples * kbps) / rate) + padding;
  return length < SMALLEST_MPEG_AUDIO_BYTES ? null : length;
}
