// Arguments of the capturing ffmpeg, by what is captured, preset and encoder. Pure; running it is ffmpeg-run.ts. Nothing that a
// person typed gets here: devices and files come from the lists of this machine.
import type { Preset } from './presets.ts';

/** What is opened, once it is known how this machine calls it. */
export type Input =
  | { kind: 'test'; drawsText: boolean }
  /** One or two devices: the arguments that open each. */
  | { kind: 'devices'; picture: string[]; sound: string[] | null; soundIsInPicture: boolean }
  | { kind: 'file'; path: string };

/** Arguments that belong together. */
export const line = (...args: string[]): string[] => args;

const QUIET = ['-hide_banner', '-nostdin', '-loglevel', 'error'];
/**
 * Numbers as lines on stderr: a further descriptor is not inherited alike on every system. Each other line begins with its level, so
 * that what is meant for people is told from the rest; the loudness is said at level info.
 */
const TOLD = ['-hide_banner', '-nostdin', '-loglevel', 'repeat+level+info', '-nostats', '-progress', 'pipe:2'];
/** The wall clock, top right; the pattern itself shows its own running time. */
const CLOCK =
  "drawtext=text='%{localtime\\:%X}':x=w-tw-16:y=16:fontsize=28:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=8";
/** The loudness of half a second, said for each packet of sound. */
const LOUDNESS = 'astats=metadata=1:reset=24,ametadata=mode=print:key=lavfi.astats.Overall.RMS_level';

/** H.264 and AAC as fragmented MP4 on stdout, one fragment for each frame. */
export function captureArgs(input: Input, preset: Preset, encoder: string): string[] {
  return [
    ...TOLD,
    ...deviceOf(encoder),
    ...inputArgs(input, preset),
    ...line('-vf', videoFilter(input, preset, encoder)),
    ...videoArgs(preset, encoder),
    ...line('-af', LOUDNESS, '-c:a', 'aac', '-b:a', String(preset.audioBitsPerSecond), '-ar', '48000', '-ac', '2'),
    ...fragmentsToStdout(),
  ];
}

/** No playlists: a file may not name others. */
const CONTAINERS = 'mov,mp4,m4a,matroska,webm,flv,mpegts,mpeg,avi,ogg';

function inputArgs(input: Input, { width, height, framesPerSecond }: Preset): string[] {
  switch (input.kind) {
    case 'test':
      return [
        ...line('-re', '-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=${framesPerSecond}`),
        ...line('-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'),
        ...line('-map', '0:v:0', '-map', '1:a:0'),
      ];
    case 'devices':
      return [
        ...input.picture,
        ...(input.sound ?? []),
        ...line('-map', '0:v:0'),
        ...(input.sound ? line('-map', '1:a:0') : input.soundIsInPicture ? line('-map', '0:a:0') : []),
      ];
    case 'file':
      return [
        ...line('-stream_loop', '-1', '-re', '-protocol_whitelist', 'file', '-format_whitelist', CONTAINERS),
        ...line('-i', `file:${input.path}`),
        ...line('-map', '0:v:0?', '-map', '0:a:0?', '-dn', '-sn'),
      ];
  }
}

/** Whatever comes is made to fit: even in size and in rate, black beside it, nothing cut off. */
function videoFilter(input: Input, { width, height, framesPerSecond }: Preset, encoder: string): string {
  const fitted =
    input.kind === 'test'
      ? input.drawsText
        ? [CLOCK]
        : []
      : [
          `fps=${framesPerSecond}`,
          `scale=${width}:${height}:force_original_aspect_ratio=decrease`,
          `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2`,
          'setsar=1',
        ];
  const given = encoder === 'h264_vaapi' ? ['format=nv12', 'hwupload'] : [`format=${pixelsOf(encoder)}`];
  return [...fitted, ...given].join(',');
}

const pixelsOf = (encoder: string): string =>
  ['h264_qsv', 'h264_amf', 'h264_mf'].includes(encoder) ? 'nv12' : 'yuv420p';

const VAAPI_DEVICE = '/dev/dri/renderD128';
const deviceOf = (encoder: string): string[] => (encoder === 'h264_vaapi' ? ['-vaapi_device', VAAPI_DEVICE] : []);

/** What makes each encoder answer at once: no lookahead, no B-frames, a flat rate. */
const LOW_DELAY: Readonly<Record<string, string[]>> = {
  libx264: ['-preset', 'veryfast', '-tune', 'zerolatency', '-profile:v', 'main', '-sc_threshold', '0'],
  h264_videotoolbox: ['-realtime', '1', '-profile:v', 'main'],
  h264_nvenc: ['-preset', 'fast', '-rc', 'cbr', '-zerolatency', '1', '-delay', '0', '-profile:v', 'main'],
  h264_qsv: ['-preset', 'veryfast', '-async_depth', '1', '-profile:v', 'main'],
  h264_amf: ['-usage', 'ultralowlatency', '-rc', 'cbr', '-profile:v', 'main'],
  h264_vaapi: ['-rc_mode', 'CBR', '-profile:v', 'main'],
  h264_mf: ['-rate_control', 'cbr', '-scenario', 'live_streaming'],
};

/** A keyframe each second, at most half a second of the rate in one go. */
function videoArgs({ framesPerSecond, videoBitsPerSecond }: Preset, encoder: string): string[] {
  const rate = String(videoBitsPerSecond);
  const group = String(framesPerSecond);
  return [
    ...line('-c:v', encoder, ...(LOW_DELAY[encoder] ?? [])),
    ...line('-g', group, '-keyint_min', group, '-bf', '0', '-force_key_frames', 'expr:gte(t,n_forced)'),
    ...line('-b:v', rate, '-maxrate', rate, '-bufsize', String(Math.round(videoBitsPerSecond / 2))),
  ];
}

const fragmentsToStdout = (): string[] => [
  ...line('-movflags', 'frag_every_frame+empty_moov+default_base_moof'),
  ...line('-flush_packets', '1', '-f', 'mp4', 'pipe:1'),
];

/** A few frames through an encoder, as they would be captured: exit code 0 and fragments say that it works here. */
export const encoderProbeArgs = (encoder: string, preset: Preset): string[] => [
  ...QUIET,
  ...deviceOf(encoder),
  ...line('-f', 'lavfi', '-i', `testsrc2=size=${preset.width}x${preset.height}:rate=${preset.framesPerSecond}`),
  ...line('-frames:v', '5', '-vf', videoFilter({ kind: 'test', drawsText: false }, preset, encoder)),
  ...videoArgs(preset, encoder),
  ...fragmentsToStdout(),
];

/** One frame through the clock filter: exit code 0 says that text can be drawn; whether a font is found shows only by trying. */
export const drawTextProbeArgs = (): string[] => [
  ...QUIET,
  ...line('-f', 'lavfi', '-i', `color=size=320x240:rate=1:duration=1,${CLOCK}`),
  ...line('-frames:v', '1', '-f', 'null', '-'),
];
