// The arguments of the ffmpeg that turns a push into FLV with H.264 and AAC: copied where it is that already, otherwise transcoded
// with as little delay as can be. Pure. FLV out, because ffmpeg's own MP4 muxer holds every frame until the next one comes.
import type { FfmpegDoor } from './media/sniff.ts';

/** Frames larger than 4K are somebody's mistake, or worse. */
const MAX_PIXELS = 4096 * 2304;
/** Largest block ffmpeg may allocate. */
const MAX_ALLOC_BYTES = 512 * 1024 * 1024;
/** Looking longer than this for tracks delays the first picture; transport streams from the wild need more. */
const PROBE_BYTES: Record<string, number> = { mpegts: 100_000, mpeg: 100_000, asf: 100_000 };
const DEFAULT_PROBE_BYTES = 32_768;

/** A keyframe a second, whatever the frame rate is; x264's own interval is only a backstop. Odd sizes lose a line. */
const H264_ARGS = (
  '-c:v libx264 -preset superfast -tune zerolatency -bf 0 -pix_fmt yuv420p -crf 23 -maxrate 4M -bufsize 2M ' +
  '-force_key_frames expr:gte(t,n_forced) -g 250 -sc_threshold 0 -vf scale=trunc(iw/2)*2:trunc(ih/2)*2'
).split(' ');
const AAC_ARGS = '-c:a aac -b:a 128k -ar 48000 -ac 2'.split(' ');

export function normaliseArgs(door: FfmpegDoor): string[] {
  const input = [
    ['-hide_banner', '-nostdin', '-loglevel', 'warning'],
    ['-max_alloc', String(MAX_ALLOC_BYTES)],
    ['-protocol_whitelist', 'pipe'],
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
    ['-f', door.format, '-i', 'pipe:0'],
  ];
  const video = door.copyVideo ? ['-c:v', 'copy'] : H264_ARGS;
  const audio = door.copyAudio ? ['-c:a', 'copy'] : AAC_ARGS;
  const filter = door.copyAudio && door.format === 'mpegts' ? ['-bsf:a', 'aac_adtstoasc'] : [];
  const output = [
    ['-map', '0:v:0?', '-map', '0:a:0?', '-dn', '-sn'],
    video,
    audio,
    filter,
    ['-flush_packets', '1'],
    ['-flvflags', 'no_duration_filesize', '-f', 'flv', 'pipe:1'],
  ];
  return [...input, ...output].flat();
}
