// From the first bytes of a push to what it is. Only formats named here go on; ffmpeg is then told
// the format and never guesses. What is taken as it is, and what is transcoded, follows from what
// each track is. Playlists, scripts and session descriptions, which would make ffmpeg open other
// files and addresses, are refused by name. Pure.
import { refuse, type Refusal, type Result } from '../../../protocol/refusal.ts';
import type { DirectFormat } from './demuxer.ts';
import { flvAudioName, flvVideoName } from './flv-demux.ts';
import { toTake, type FoundTrack } from './found-track.ts';
import { matroskaTracks } from './mkv-tracks.ts';
import { viewOf } from './mp4-boxes.ts';
import { tracksOf } from './mp4-tracks.ts';
import { FIRST_OF_EACH } from './sample.ts';
import { ADTS, byContent, bySignature, unplayableAdts, startsWith, type KnownFormat } from './signatures.ts';
import { syncIn, TS_PACKET_BYTES, TsPackets } from './ts-packets.ts';
import { tsPayload, TsTables } from './ts-tables.ts';

/** H.264 and AAC in one of these: demuxed here. */
export interface DirectDoor {
  direct: true;
  format: DirectFormat;
  /** Of a transport stream with several. */
  program: number | null;
  timeless: boolean;
}

/** The rest goes through ffmpeg, which is told the format by this name. */
export interface FfmpegDoor {
  direct: false;
  format: string;
  /** Is the track H.264 / AAC already, of a kind that browsers play? */
  copyVideo: boolean;
  copyAudio: boolean;
  /** ffmpeg's specifiers of the tracks that are taken. */
  video: string;
  audio: string;
  /** There is a picture, as far as is known. */
  picture: boolean;
  /** Its pictures may be coded as fields. */
  interlaced: boolean;
  /** It carries no times: those of its arrival count, where it is live. */
  timeless: boolean;
  /** What is transcoded, for people. */
  what: readonly string[];
}

/** How the media is to be taken in. */
export type Door = DirectDoor | FfmpegDoor;

export type Sniffed =
  | { is: 'more' }
  | { is: 'door'; door: Door }
  /** An MP4 whose index comes last or is long: what is in it is known when all of it is here. */
  | { is: 'whole-file' }
  | { is: 'refused'; refusal: Refusal };

/** Look no further than this; a moov box may be as large. */
export const MAX_SNIFF_BYTES = 1024 * 1024;
/** Enough to know everything but an MP4's tracks. */
const ENOUGH_BYTES = 64 * 1024;
const ADTS_HEADER_BYTES = 7;

const door = (d: Door): Sniffed => ({ is: 'door', door: d });
const direct = (format: DirectFormat, program: number | null = null): Sniffed =>
  door({ direct: true, format, program, timeless: format === 'adts' });
const no = (detail: string): Sniffed => ({ is: 'refused', refusal: refused(refuse('unsupported-media', detail)) });
const refused = (result: Result<never>): Refusal =>
  result.ok ? { reason: 'bad-message', detail: '' } : result.refusal;

const KNOWN = 'push MPEG-TS, FLV, Matroska/WebM, MP4 or MPEG video (for ffmpeg: -f mpegts)';

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

/**
 * @param bytes everything that has come so far
 * @param ended nothing more will come: decide now
 */
export function sniff(bytes: Uint8Array, ended = false): Sniffed {
  const enough = ended || bytes.length >= ENOUGH_BYTES;
  const last = ended || bytes.length >= MAX_SNIFF_BYTES;
  if (bytes.length === 0) return ended ? no(`Nothing was sent: ${KNOWN}.`) : { is: 'more' };
  if (startsWith(bytes, 0, "'FLV\x01")) return sniffFlv(bytes, enough);
  if (startsWith(bytes, 0, '1a45dfa3')) return sniffMatroska(bytes, last);
  if (bytes[0] === 0x47 && syncIn(bytes).at === 0) {
    if (syncIn(bytes).stride !== null) return sniffTs(bytes, enough, last);
    if (!ended && bytes.length < 4 * TS_PACKET_BYTES) return { is: 'more' };
  }
  if (isMp4(bytes)) return sniffMp4(bytes, last);
  const named = bySignature(bytes);
  if (named === ADTS && bytes.length < ADTS_HEADER_BYTES && !ended) return { is: 'more' };
  if (named) return knownDoor(named, bytes);
  const text = Buffer.from(bytes.subarray(0, 64)).toString('latin1').trimStart();
  for (const [pattern, what] of REFUSED_TEXT)
    if (pattern.test(text)) return no(`That is ${what}, which is never followed: push the media itself.`);
  if (syncIn(bytes).stride !== null) return sniffTs(bytes, enough, last);
  const bare = enough ? byContent(bytes) : null;
  if (bare) return knownDoor(bare, bytes);
  return last ? no(`Those bytes are no media format that is known here: ${KNOWN}.`) : { is: 'more' };
}

/** The door for two tracks of a container; `video` and `audio` are ffmpeg's specifiers. */
function ffmpegDoor(
  format: string,
  tracks: { video: FoundTrack | null; audio: FoundTrack | null },
  specifiers: { video: string; audio: string } = FIRST_OF_EACH,
): FfmpegDoor {
  const { video, audio } = tracks;
  const what = [video, audio].flatMap((track) => (track && !track.taken ? [track.what] : []));
  const copies = { copyVideo: video?.taken ?? false, copyAudio: audio?.taken ?? false };
  const picture = video !== null;
  const interlaced = video?.interlaced ?? false;
  return { direct: false, format, ...copies, ...specifiers, picture, interlaced, timeless: false, what };
}

function knownDoor(known: KnownFormat, bytes: Uint8Array): Sniffed {
  const unplayable = known === ADTS ? unplayableAdts(bytes) : undefined;
  if (unplayable === null) return direct('adts');
  const { format, picture, interlaced, timeless } = known;
  const what = unplayable ?? known.what;
  const copies = { copyVideo: false, copyAudio: false, ...FIRST_OF_EACH };
  return door({ direct: false, format, ...copies, picture, interlaced, timeless, what: [what] });
}

function sniffTs(bytes: Uint8Array, enough: boolean, last: boolean): Sniffed {
  const packets = new TsPackets();
  const tables = new TsTables();
  packets.push(bytes);
  for (let packet = packets.next(); packet; packet = packets.next()) {
    const payload = tsPayload(packet);
    if (payload) tables.take(packet, payload);
  }
  const program = tables.best();
  if (!program || !(tables.complete || enough)) {
    if (!last) return { is: 'more' };
    if (!program)
      return no('The transport stream does not say what is in it: send its tables (PAT, PMT) every second.');
  }
  const [video, audio] = [toTake(program.tracks, 'video'), toTake(program.tracks, 'audio')];
  if (!video && !audio) return no('The transport stream has neither pictures nor sound in it.');
  if (video?.taken !== false && audio?.taken !== false) return direct('mpegts', program.number);
  const pid = (track: { pid: number } | null, other: string): string => (track ? `i:${track.pid}` : other);
  return door(ffmpegDoor('mpegts', { video, audio }, { video: pid(video, 'v:0'), audio: pid(audio, 'a:0') }));
}

function sniffFlv(bytes: Uint8Array, enough: boolean): Sniffed {
  let at = 9 + 4;
  let video: string | null | undefined;
  let audio: string | null | undefined;
  for (;;) {
    const [type, a, b, c] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    const body = bytes.subarray(at + 11);
    if (type === undefined || a === undefined || b === undefined || c === undefined || body.length === 0) break;
    const isFlvVideo = type === 9;
    if (isFlvVideo && video === undefined) {
      if ((body[0] ?? 0) >= 0x80 && body.length < 5) break; // its four letters have not come
      video = flvVideoName(body);
    } else if (type === 8 && audio === undefined) audio = flvAudioName(body);
    at += 11 + ((a << 16) | (b << 8) | c) + 4;
  }
  const flags = bytes[4] ?? 0;
  const known = ((flags & 1) === 0 || video !== undefined) && ((flags & 4) === 0 || audio !== undefined);
  if (!enough && (!known || (video === undefined && audio === undefined))) return { is: 'more' };
  if ((video ?? null) === null && (audio ?? null) === null) return direct('flv');
  const track = (kind: 'video' | 'audio', what: string | null | undefined): FoundTrack | null =>
    what === undefined ? null : { kind, what: what ?? '', taken: what === null, interlaced: false };
  return door(ffmpegDoor('flv', { video: track('video', video), audio: track('audio', audio) }));
}

function sniffMatroska(bytes: Uint8Array, last: boolean): Sniffed {
  const tracks = matroskaTracks(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  if (!tracks && !last) return { is: 'more' };
  if (!tracks || tracks.length === 0)
    return no('That Matroska stream does not say what is in it: push it from its beginning.');
  return door(fromTracks('matroska', tracks));
}

/** ffmpeg counts the tracks of each kind in the container's order. */
function fromTracks(format: string, tracks: readonly FoundTrack[]): FfmpegDoor {
  const [video, audio] = [toTake(tracks, 'video'), toTake(tracks, 'audio')];
  const place = (track: FoundTrack | null): number =>
    track ? tracks.filter((t) => t.kind === track.kind).indexOf(track) : 0;
  return ffmpegDoor(format, { video, audio }, { video: `v:${place(video)}`, audio: `a:${place(audio)}` });
}

/** Boxes that a file may begin with. */
const FIRST_BOXES = ['ftyp', 'styp', 'moov', 'mdat', 'moof', 'free', 'skip', 'wide', 'pnot', 'sidx', 'emsg', 'prft'];
const isMp4 = (bytes: Uint8Array): boolean =>
  bytes.length >= 8 && FIRST_BOXES.includes(Buffer.from(bytes.subarray(4, 8)).toString('latin1'));

/**
 * Fragmented MP4 with H.264 and AAC is demuxed here; ffmpeg takes it when its index comes first, or
 * reads the whole file.
 */
function sniffMp4(bytes: Uint8Array, last: boolean): Sniffed {
  const view = viewOf(bytes);
  let at = 0;
  while (at + 8 <= bytes.length) {
    const short = view.getUint32(at);
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString('latin1');
    if (type === 'moof') return no('That fragmented MP4 has no beginning: push it from its first byte.');
    if (type === 'mdat') return { is: 'whole-file' };
    if (short === 1 && at + 16 > bytes.length) break;
    const size = short === 1 ? Number(view.getBigUint64(at + 8)) : short;
    if (size < 8) return no('The MP4 can not be read: it has a box without a length.');
    if (type === 'moov') {
      if (at + size > bytes.length) return last ? { is: 'whole-file' } : { is: 'more' };
      return mp4Door(Buffer.from(bytes.subarray(at + (short === 1 ? 16 : 8), at + size)));
    }
    at += size;
  }
  return last ? { is: 'whole-file' } : { is: 'more' };
}

/** @param moov the body of a movie box */
export function mp4Door(moov: Buffer): Sniffed {
  const tracks = tracksOf(viewOf(moov));
  if (tracks.length === 0) return no('That MP4 has neither pictures nor sound in it.');
  const taken = (['video', 'audio'] as const).every((kind) => toTake(tracks, kind)?.taken ?? true);
  return taken && moov.includes('mvex', 0, 'latin1') ? direct('mp4') : door(fromTracks('mp4', tracks));
}
