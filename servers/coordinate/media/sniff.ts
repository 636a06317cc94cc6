// From the first bytes of a push to what it is. Only formats named here go on; ffmpeg is then told the format and never guesses.
// Playlists, scripts and session descriptions, which would make it open other files and addresses, are refused by name. Pure.
import { refuse, type Refusal, type Result } from '../../../protocol/refusal.ts';
import type { DirectFormat } from './demuxer.ts';
import { FLV_AAC, FLV_AVC } from './flv-demux.ts';
import { tsCodecs } from './ts-tables.ts';

/** How the media is to be taken in. */
export type Door =
  /** H.264 and AAC in one of these: demuxed here. */
  | { direct: true; format: DirectFormat }
  /** The rest goes through ffmpeg under this name; is the track H.264 / AAC already? */
  | { direct: false; format: string; copyVideo: boolean; copyAudio: boolean };

export type FfmpegDoor = Door & { direct: false };

export type Sniffed = { is: 'more' } | { is: 'door'; door: Door } | { is: 'refused'; refusal: Refusal };

/** Look no further than this; a moov box may be as large. */
export const MAX_SNIFF_BYTES = 1024 * 1024;
/** Enough to know everything but an MP4's tracks. */
const ENOUGH_BYTES = 64 * 1024;
const TS_PACKET = 188;

const transcode = (format: string): Sniffed => door({ format, direct: false, copyVideo: false, copyAudio: false });
const door = (d: Door): Sniffed => ({ is: 'door', door: d });
const no = (detail: string): Sniffed => ({ is: 'refused', refusal: refused(refuse('unsupported-media', detail)) });
const refused = (result: Result<never>): Refusal =>
  result.ok ? { reason: 'bad-message', detail: '' } : result.refusal;

const KNOWN = 'push MPEG-TS, FLV, Matroska/WebM, fragmented MP4 or MPEG video (for ffmpeg: -f mpegts)';

/** First bytes (hex, or text after a quote) and the name ffmpeg has for the format. */
const SIGNATURES: readonly (readonly [offset: number, bytes: string, format: string])[] = [
  [0, '000001ba', 'mpeg'],
  [0, '000001b3', 'mpegvideo'],
  [0, "'OggS", 'ogg'],
  [0, "'DKIF", 'ivf'],
  [0, "'YUV4MPEG2 ", 'yuv4mpegpipe'],
  [0, "'nut/multimedia container", 'nut'],
  [0, '3026b2758e66cf11', 'asf'],
  [0, "'fLaC", 'flac'],
  [0, "'ID3", 'mp3'],
  [0, 'ffd8ff', 'mjpeg'],
  [8, "'AVI ", 'avi'],
  [8, "'WAVE", 'wav'],
];

const REFUSED_TEXT: readonly (readonly [RegExp, string])[] = [
  [/^#EXTM3U/, 'a playlist'],
  [/^ffconcat version/, 'a concat script'],
  [/^(file|stream|duration|inpoint)\s/i, 'a concat script'],
  [/^v=0\r?\n/, 'a session description (SDP)'],
  [/^<\?xml|^<MPD|^<smil/i, 'a manifest'],
  [/^\[playlist\]/i, 'a playlist'],
  [/^\[Reference\]/i, 'a playlist'],
  [/^(https?|rtmp|rtsp|file|srt|udp|tcp):\/\//i, 'an address'],
];

const startsWith = (bytes: Uint8Array, offset: number, want: string): boolean => {
  const expected = want.startsWith("'") ? Buffer.from(want.slice(1), 'latin1') : Buffer.from(want, 'hex');
  return Buffer.compare(bytes.subarray(offset, offset + expected.length), expected) === 0;
};

/**
 * @param bytes everything that has come so far
 * @param ended nothing more will come: decide now
 */
export function sniff(bytes: Uint8Array, ended = false): Sniffed {
  const enough = ended || bytes.length >= ENOUGH_BYTES;
  if (bytes.length === 0) return ended ? no(`Nothing was sent: ${KNOWN}.`) : { is: 'more' };
  if (startsWith(bytes, 0, "'FLV\x01")) return sniffFlv(bytes, enough);
  if (startsWith(bytes, 0, '1a45dfa3')) return sniffMatroska(bytes, enough);
  if (isTs(bytes)) return sniffTs(bytes, enough);
  if (isMp4(bytes)) return sniffMp4(bytes, ended || bytes.length >= MAX_SNIFF_BYTES);
  for (const [offset, want, format] of SIGNATURES) if (startsWith(bytes, offset, want)) return transcode(format);
  const annexB = sniffAnnexB(bytes);
  if (annexB) return annexB;
  if (bytes.length >= 2 && bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xf6) === 0xf0) return transcode('aac');
  if (bytes.length >= 2 && bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0) return transcode('mp3');
  const text = Buffer.from(bytes.subarray(0, 64)).toString('latin1').trimStart();
  for (const [pattern, what] of REFUSED_TEXT)
    if (pattern.test(text)) return no(`That is ${what}, which is never followed: push the media itself.`);
  // The longest signature has 25 bytes; transport stream needs two packets.
  if (!ended && bytes.length < 2 * TS_PACKET + 1 && bytes[0] === 0x47) return { is: 'more' };
  if (!ended && bytes.length < 32) return { is: 'more' };
  return no(`Those bytes are no media format that is known here: ${KNOWN}.`);
}

function sniffAnnexB(bytes: Uint8Array): Sniffed | null {
  const at = startsWith(bytes, 0, '00000001') ? 4 : startsWith(bytes, 0, '000001') ? 3 : -1;
  const first = bytes[at];
  if (at < 0 || first === undefined) return null;
  // H.265's parameter sets: type in bits 1-6, second byte 1.
  if ((first === 0x40 || first === 0x42 || first === 0x46) && bytes[at + 1] === 1) return transcode('hevc');
  // H.264's parameter sets, delimiter, SEI, or a slice at once. Raw streams have no times: ffmpeg makes them.
  const type = first & 31;
  if ((first & 0x80) === 0 && (type === 7 || type === 8 || type === 9 || type === 6 || type === 5))
    return door({ format: 'h264', direct: false, copyVideo: false, copyAudio: false });
  return null;
}

const isTs = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x47 && bytes.length > 2 * TS_PACKET && bytes[TS_PACKET] === 0x47 && bytes[2 * TS_PACKET] === 0x47;

function sniffTs(bytes: Uint8Array, enough: boolean): Sniffed {
  const codecs = tsCodecs(bytes);
  if (!codecs) return enough ? transcode('mpegts') : { is: 'more' };
  const { h264, aac, other } = codecs;
  if ((h264 || aac) && !other) return door({ format: 'mpegts', direct: true });
  return door({ format: 'mpegts', direct: false, copyVideo: h264, copyAudio: aac });
}

function sniffFlv(bytes: Uint8Array, enough: boolean): Sniffed {
  let at = 9 + 4;
  let video: number | null = null;
  let audio: number | null = null;
  for (;;) {
    const [type, a, b, c] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    const first = bytes[at + 11];
    if (type === undefined || a === undefined || b === undefined || c === undefined || first === undefined) break;
    if (type === 9) video ??= (first & 0x80) !== 0 ? -1 : first & 15; // the high bit: a codec by its four letters
    else if (type === 8) audio ??= first >> 4;
    at += 11 + ((a << 16) | (b << 8) | c) + 4;
  }
  const flags = bytes[4] ?? 0;
  const known = ((flags & 1) === 0 || video !== null) && ((flags & 4) === 0 || audio !== null);
  if (!enough && (!known || (video === null && audio === null))) return { is: 'more' };
  const copyVideo = video === null || video === FLV_AVC;
  const copyAudio = audio === null || audio === FLV_AAC;
  if (copyVideo && copyAudio) return door({ format: 'flv', direct: true });
  return door({ format: 'flv', direct: false, copyVideo, copyAudio });
}

function sniffMatroska(bytes: Uint8Array, enough: boolean): Sniffed {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const cluster = buffer.indexOf('1f43b675', 0, 'hex');
  if (cluster < 0 && !enough) return { is: 'more' };
  const head = (cluster < 0 ? buffer : buffer.subarray(0, cluster)).toString('latin1');
  return door({
    format: 'matroska',
    direct: false,
    copyVideo: head.includes('V_MPEG4/ISO/AVC'),
    copyAudio: head.includes('A_AAC'),
  });
}

const isMp4 = (bytes: Uint8Array): boolean =>
  ["'ftyp", "'styp", "'moov"].some((type) => startsWith(bytes, 4, type)) && bytes.length >= 8;

/** MP4 is demuxed here when it is fragmented and has H.264 and AAC only; ffmpeg takes it when its index comes first. */
function sniffMp4(bytes: Uint8Array, last: boolean): Sniffed {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at + 8 <= bytes.length) {
    const size = view.getUint32(at);
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString('latin1');
    if (type === 'mdat' || type === 'moof' || size < 8)
      return no(
        'That MP4 has its index at the end: push fragmented MP4 (-movflags frag_keyframe+empty_moov+default_base_moof).',
      );
    if (type === 'moov') {
      if (at + size > bytes.length) break;
      return sniffMoov(Buffer.from(bytes.subarray(at, at + size)));
    }
    at += size;
  }
  return last ? no('The MP4 does not say what is in it: push fragmented MP4.') : { is: 'more' };
}

function sniffMoov(moov: Buffer): Sniffed {
  const has = (type: string) => moov.includes(type, 0, 'latin1');
  const tracks = moov.toString('latin1').split('stsd').length - 1;
  const [avc1, mp4a] = [has('avc1'), has('mp4a')];
  if (has('mvex') && tracks > 0 && tracks === Number(avc1) + Number(mp4a)) return door({ format: 'mp4', direct: true });
  return door({ format: 'mp4', direct: false, copyVideo: avc1, copyAudio: mp4a });
}
