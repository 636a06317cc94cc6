// The one writer of fragmented MP4: the init segment of an epoch, and one fragment (moof + mdat, a traf per track) for each unit.
// One fragment a unit instead of one a frame: Chromium plays both alike and the bytes are fewer. mvhd and mehd say duration 0: that
// keeps Chromium's low-delay mode. Source: ISO/IEC 14496-12 and 14496-14.
import type { AudioConfig, TrackConfig, TrackKind, VideoConfig } from './sample.ts';

export const VIDEO_TIMESCALE = 90_000;
const TRACK_ID: Record<TrackKind, number> = { video: 1, audio: 2 };
const MATRIX = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];
/** sample_depends_on = 2 (nothing), or 1 and non-sync. */
const FLAGS_KEY = 0x02000000;
const FLAGS_DELTA = 0x01010000;

/** A sample with its place on the epoch's timeline. */
export interface TimedSample {
  dtsUs: number;
  ptsUs: number;
  durationUs: number;
  key: boolean;
  data: Uint8Array;
}

export interface TrackRun {
  kind: TrackKind;
  timescale: number;
  samples: readonly TimedSample[];
}

/** When media was captured. */
export interface Capture {
  /** The coordinate's clock, milliseconds since 1970. */
  capturedMs: number;
  /** The source said so; otherwise it is only as good as its best arrivals. */
  isKnown: boolean;
}

export const timescaleOf = (config: TrackConfig): number =>
  config.kind === 'video' ? VIDEO_TIMESCALE : config.sampleRate;

type Part = Uint8Array | readonly Part[];

function flat(parts: readonly Part[], out: Uint8Array[] = []): Uint8Array[] {
  for (const part of parts)
    if (part instanceof Uint8Array) out.push(part);
    else flat(part, out);
  return out;
}

/** A box of its parts. */
function box(type: string, ...parts: Part[]): Uint8Array {
  const body = flat(parts);
  const size = body.reduce((sum, part) => sum + part.length, 8);
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, size);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  let at = 8;
  for (const part of body) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const u16 = (...values: number[]): Uint8Array => bytes(...values.flatMap((n) => [(n >> 8) & 255, n & 255]));
const u32 = (...values: number[]): Uint8Array =>
  bytes(...values.flatMap((n) => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]));
const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'latin1'));
/** Version and flags, then the fields. */
const full = (type: string, version: number, flags: number, ...parts: Part[]): Uint8Array =>
  box(type, u32(version * 0x1000000 + flags), ...parts);

/** The init segment for these tracks. */
export function muxInit(configs: readonly TrackConfig[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat([
      box('ftyp', text('iso6'), u32(1), text('iso6iso5avc1mp41')),
      box(
        'moov',
        full('mvhd', 0, 0, u32(0, 0, 1_000, 0, 0x10000), u16(0x100, 0), u32(0, 0, ...MATRIX, 0, 0, 0, 0, 0, 0, 3)),
        configs.map(trak),
        box(
          'mvex',
          full('mehd', 0, 0, u32(0)),
          configs.map((config) =>
            full('trex', 0, 0, u32(TRACK_ID[config.kind], 1, 0, 0, config.kind === 'video' ? FLAGS_DELTA : FLAGS_KEY)),
          ),
        ),
      ),
    ]),
  );
}

function trak(config: TrackConfig): Uint8Array {
  const video = config.kind === 'video';
  return box(
    'trak',
    full(
      'tkhd',
      0,
      3,
      u32(0, 0, TRACK_ID[config.kind], 0, 0, 0, 0),
      u16(0, 0, video ? 0 : 0x100, 0),
      u32(...MATRIX, video ? config.width * 0x10000 : 0, video ? config.height * 0x10000 : 0),
    ),
    box(
      'mdia',
      full('mdhd', 0, 0, u32(0, 0, timescaleOf(config), 0), u16(0x55c4, 0)), // language: und
      full('hdlr', 0, 0, u32(0), text(video ? 'vide' : 'soun'), u32(0, 0, 0), bytes(0)),
      box(
        'minf',
        video ? full('vmhd', 0, 1, u16(0, 0, 0, 0)) : full('smhd', 0, 0, u16(0, 0)),
        box('dinf', full('dref', 0, 0, u32(1), full('url ', 0, 1))),
        box(
          'stbl',
          full('stsd', 0, 0, u32(1), video ? avc1(config) : mp4a(config)),
          full('stts', 0, 0, u32(0)),
          full('stsc', 0, 0, u32(0)),
          full('stsz', 0, 0, u32(0, 0)),
          full('stco', 0, 0, u32(0)),
        ),
      ),
    ),
  );
}

const avc1 = (config: VideoConfig): Uint8Array =>
  box(
    'avc1',
    u32(0),
    u16(0, 1, 0, 0),
    u32(0, 0, 0),
    u16(config.width, config.height),
    u32(0x480000, 0x480000, 0),
    u16(1),
    new Uint8Array(32),
    u16(24, 0xffff),
    box('avcC', config.avcC),
  );

const mp4a = (config: AudioConfig): Uint8Array =>
  box(
    'mp4a',
    u32(0),
    u16(0, 1),
    u32(0, 0),
    u16(config.channels, 16, 0, 0),
    u32(Math.min(config.sampleRate, 0xffff) * 0x10000),
    full(
      'esds',
      0,
      0,
      // ES, DecoderConfig (AAC, audio stream), DecoderSpecificInfo, SLConfig
      bytes(3, 23 + config.asc.length, 0, TRACK_ID.audio, 0, 4, 15 + config.asc.length, 0x40, 0x15, 0, 0, 0),
      u32(0, 0),
      bytes(5, config.asc.length),
      config.asc,
      bytes(6, 1, 2),
    ),
  );

/** Seconds from 1900, where NTP counts from, to 1970. */
const NTP_EPOCH_S = 2_208_988_800;
/** prft: the time is that of capture; or only consistent from fragment to fragment. */
const PRFT = { captured: 24, consistent: 8 } as const;

/** Producer reference time (ISO/IEC 14496-12, 8.16.5): which moment of the media was captured when. */
function prft(run: TrackRun, { capturedMs, isKnown, mediaUs }: Capture & { mediaUs: number }): Uint8Array {
  const seconds = Math.floor(capturedMs / 1_000);
  const fraction = Math.floor(((capturedMs - seconds * 1_000) / 1_000) * 0x1_0000_0000);
  const at = Math.round((mediaUs * run.timescale) / 1e6);
  return full(
    'prft',
    1,
    isKnown ? PRFT.captured : PRFT.consistent,
    u32(TRACK_ID[run.kind], seconds + NTP_EPOCH_S, fraction, Math.floor(at / 0x1_0000_0000), at % 0x1_0000_0000),
  );
}

/**
 * One fragment with these runs of samples, none of them empty.
 * @param capture when the first run's moment `mediaUs` (of presentation, on the epoch's line) was captured
 */
export function muxFragment(
  sequence: number,
  runs: readonly TrackRun[],
  capture: (Capture & { mediaUs: number }) | null = null,
): Uint8Array {
  const headers = runs.map(runHeader);
  const moofBytes = 8 + 16 + headers.reduce((sum, h) => sum + h.trafBytes, 0);
  let dataAt = moofBytes + 8;
  const trafs = runs.map((run, i) => {
    const header = headers[i] as RunHeader;
    const traf = header.traf(dataAt);
    dataAt += run.samples.reduce((sum, s) => sum + s.data.length, 0);
    return traf;
  });
  const mdat = u32(dataAt - moofBytes, 0x6d646174);
  const [lead] = runs;
  return new Uint8Array(
    Buffer.concat([
      ...(capture && lead ? [prft(lead, capture)] : []),
      box('moof', full('mfhd', 0, 0, u32(sequence)), trafs),
      mdat,
      ...runs.flatMap((run) => run.samples.map((s) => s.data)),
    ]),
  );
}

interface RunHeader {
  trafBytes: number;
  traf(dataOffset: number): Uint8Array;
}

function runHeader(run: TrackRun): RunHeader {
  const ticks = (us: number) => Math.round((us * run.timescale) / 1e6);
  const first = run.samples[0] as TimedSample;
  // Differences of rounded times, so that rounding never adds up.
  const durations = run.samples.map((s) => Math.max(1, ticks(s.dtsUs + s.durationUs) - ticks(s.dtsUs)));
  const even = durations.every((d) => d === durations[0]);
  const offsets = run.samples.map((s) => ticks(s.ptsUs) - ticks(s.dtsUs));
  const shifted = offsets.some((o) => o !== 0);
  const keyFirst = run.kind === 'video' && first.key;
  const flags = 0x1 | 0x200 | (keyFirst ? 0x4 : 0) | (even ? 0 : 0x100) | (shifted ? 0x800 : 0);
  const start = ticks(first.dtsUs);
  const traf = (dataOffset: number): Uint8Array =>
    box(
      'traf',
      full('tfhd', 0, 0x20000 | (even ? 0x8 : 0), u32(TRACK_ID[run.kind]), even ? u32(durations[0] ?? 1) : []),
      full('tfdt', 1, 0, u32(Math.floor(start / 0x1_0000_0000), start % 0x1_0000_0000)),
      full(
        'trun',
        1,
        flags,
        u32(run.samples.length, dataOffset),
        keyFirst ? u32(FLAGS_KEY) : [],
        run.samples.map((s, i) => [
          even ? [] : u32(durations[i] ?? 1),
          u32(s.data.length),
          shifted ? u32(offsets[i] ?? 0) : [],
        ]),
      ),
    );
  return { trafBytes: traf(0).length, traf };
}
