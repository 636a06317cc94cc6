// Arguments of the capturing ffmpeg, by source and preset. Pure; running it is capture.ts.

export interface Preset {
  width: number;
  height: number;
  framesPerSecond: number;
  videoBitsPerSecond: number;
  audioBitsPerSecond: number;
}

export const TEST_PRESET: Preset = {
  width: 640,
  height: 360,
  framesPerSecond: 30,
  videoBitsPerSecond: 800_000,
  audioBitsPerSecond: 96_000,
};

/** Arguments that belong together. */
const line = (...args: string[]): string[] => args;

const QUIET = ['-hide_banner', '-nostdin', '-loglevel', 'error'];
/** The wall clock, top right; the pattern itself shows its own running time. */
const CLOCK =
  "drawtext=text='%{localtime\\:%X}':x=w-tw-16:y=16:fontsize=28:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=8";

/**
 * The test pattern with a running clock and a tone, in real time, as FLV on stdout: of all muxers it holds frames back least.
 * @param canDrawText whether this ffmpeg draws text (it needs a font)
 */
export function testSourceArgs(preset: Preset, canDrawText: boolean): string[] {
  const { width, height, framesPerSecond } = preset;
  const picture = `testsrc2=size=${width}x${height}:rate=${framesPerSecond}`;
  return [
    ...QUIET,
    ...line('-re', '-f', 'lavfi', '-i', canDrawText ? `${picture},${CLOCK}` : picture),
    ...line('-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'),
    ...line('-map', '0:v', '-map', '1:a'),
    ...encoderArgs(preset),
    ...flvToStdout(),
  ];
}

/** One frame through the clock filter: exit code 0 says that text can be drawn. */
export const drawTextProbeArgs = (): string[] => [
  ...QUIET,
  ...line('-f', 'lavfi', '-i', `color=size=320x240:rate=1:duration=1,${CLOCK}`),
  ...line('-frames:v', '1', '-f', 'null', '-'),
];

/** H.264 without lookahead or B-frames and a keyframe each second; AAC. */
function encoderArgs({ framesPerSecond, videoBitsPerSecond, audioBitsPerSecond }: Preset): string[] {
  const rate = String(videoBitsPerSecond);
  const gop = String(framesPerSecond);
  return [
    ...line(
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-tune',
      'zerolatency',
      '-profile:v',
      'main',
      '-pix_fmt',
      'yuv420p',
    ),
    ...line('-g', gop, '-keyint_min', gop, '-sc_threshold', '0', '-bf', '0'),
    ...line('-b:v', rate, '-maxrate', rate, '-bufsize', String(Math.round(videoBitsPerSecond / 2))),
    ...line('-c:a', 'aac', '-b:a', String(audioBitsPerSecond), '-ac', '2'),
  ];
}

const flvToStdout = (): string[] => [
  ...line('-flvflags', 'no_duration_filesize', '-flush_packets', '1', '-f', 'flv', 'pipe:1'),
];
