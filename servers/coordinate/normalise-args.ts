// The arguments of the ffmpeg that turns a push into FLV with H.264 and AAC: copied where it is
// that already, otherwise transcoded with as little delay as can be. Pure. FLV out, because
// ffmpeg's own MP4 muxer holds every frame until the next one comes.
import type { FfmpegDoor } from './media/sniff.ts';

/** Frames larger than 4K are somebody's mistake, or worse. */
const MAX_PIXELS = 4096 * 2304;
/** Largest block ffmpeg may allocate. */
const MAX_ALLOC_BYTES = 512 * 1024 * 1024;
/**
 * Looking longer than this for tracks delays the first picture; transport streams from the wild
 * need more.
 */
const PROBE_BYTES: Record<string, number> = { mpegts: 100_000, mpeg: 100_000, asf: 100_000 };
const DEFAULT_PROBE_BYTES = 32_768;

/**
 * A keyframe a second, also after media time has jumped; x264's own interval is only a backstop.
 */
const KEYFRAMES = 'expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+1)+lt(t,prev_forced_t))';
/**
 * Each picture keeps its own time: no grid of an assumed rate, nor of milliseconds, drops or
 * repeats any.
 */
const OWN_TIMES = '-vsync vfr -enc_time_base 1:90000';
const H264_ARGS = (
  '-c:v libx264 -preset superfast -tune zerolatency -bf 0 -pix_fmt yuv420p -crf 23 -maxrate 4M -bufsize 2M ' +
  `-g 250 -sc_threshold 0 ${OWN_TIMES}`
).split(' ');
const AAC_ARGS = '-c:a aac -b:a 128k -ar 48000 -ac 2'.split(' ');
/**
 * Only pictures that are coded as fields. It waits for the next frame: left out where there can be
 * none.
 */
const DEINTERLACE = 'yadif=deint=interlaced,';
/** Odd sizes lose a line. */
const EVEN = 'scale=trunc(iw/2)*2:trunc(ih/2)*2';
/**
 * Sound whose times are those of its arrival is laid out anew where it is further off than this
 * many seconds.
 */
const LAID_OUT = 'aresample=async=1:min_hard_comp=0.3:first_pts=0';

export interface NormaliseHow {
  /** Of decoder and encoder each. */
  threads: number;
  /** The time of arrival counts: a live stream without times. */
  arrival: boolean;
  /** Times go on where another reader stopped. */
  keepTimes: boolean;
  /** A file of ours to read instead of the pipe: it can be read from its end. */
  file: string | null;
}

export function normaliseArgs(door: FfmpegDoor, how: NormaliseHow): string[] {
  const threads = ['-threads', String(how.threads)];
  const input = [
    ['-hide_banner', '-nostdin', '-loglevel', 'warning'],
    ['-max_alloc', String(MAX_ALLOC_BYTES)],
    ['-protocol_whitelist', how.file === null ? 'pipe' : 'file,pipe'],
    [
      '-probesize',
      String(PROBE_BYTES[door.format] ?? DEFAULT_PROBE_BYTES),
      '-analyzeduration',
      '0',
      '-fpsprobesize',
      '0',
    ],
    // Not `-fflags nobuffer`: with copy it throws the first keyframe away.
    ['-flags', 'low_delay', '-max_pixels', String(MAX_PIXELS)],
    threads,
    how.arrival ? ['-use_wallclock_as_timestamps', '1'] : [],
    how.keepTimes ? ['-copyts'] : [],
    ['-f', door.format, '-i', how.file === null ? 'pipe:0' : `file:${how.file}`],
  ];
  const filters = `${door.interlaced ? DEINTERLACE : ''}${EVEN}`;
  const encode = [...H264_ARGS, ...threads, '-force_key_frames', KEYFRAMES, '-filter_threads', '1', '-vf', filters];
  const video = door.copyVideo ? ['-c:v', 'copy'] : encode;
  const audio = door.copyAudio ? ['-c:a', 'copy'] : [...AAC_ARGS, ...(how.arrival ? ['-af', LAID_OUT] : [])];
  const bitstream = door.copyAudio && (door.format === 'mpegts' || door.format === 'aac') ? 'aac_adtstoasc' : null;
  const output = [
    ['-map', `0:${door.video}?`, '-map', `0:${door.audio}?`, '-dn', '-sn'],
    video,
    audio,
    bitstream ? ['-bsf:a', bitstream] : [],
    ['-flush_packets', '1'],
    ['-flvflags', 'no_duration_filesize', '-f', 'flv', 'pipe:1'],
  ];
  return [...input, ...output].flat();
}

/** What one transcode may use of a machine: enough for 1080p, and never all of a large one. */
export const threadsOf = (cores: number): number => Math.min(4, cores);
