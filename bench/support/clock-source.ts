// A live source whose every frame carries the wall clock in black and white blocks, so that the
// delay from source to screen can be read out of the picture. Frames are drawn by one process and
// encoded by another, an ffmpeg, as a broadcaster's would be; both run at ordinary priority. Where
// ffmpeg is held up (its socket takes no more, it is stopped), the pipe between them takes two
// frames, and the frames that do not fit are left out, as a camera's are.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** 44 bits of milliseconds and 4 of check, two rows of 24 blocks. */
export interface Picture {
  width: number;
  height: number;
  fps: number;
  block: number;
  perRow: number;
  timeBits: number;
  bitsPerSecond: number;
}

export const LARGE: Picture = {
  width: 640,
  height: 360,
  fps: 30,
  block: 24,
  perRow: 24,
  timeBits: 44,
  bitsPerSecond: 800_000,
};
/** For weak machines: a quarter of the work, in the encoder and in each tab. */
export const SMALL: Picture = { ...LARGE, width: 320, height: 180, block: 12, bitsPerSecond: 400_000 };

export interface SourceOptions {
  /** LARGE when not given. */
  picture?: Picture;
  /** A tone as AAC beside the picture. */
  audio?: boolean;
  /**
   * wall (when not given): a frame's time is that of its arrival at ffmpeg, and late ones are left
   * out.
   * count: a frame's time is its number over the frame rate; late ones are drawn all the same.
   */
  stamps?: 'wall' | 'count';
  /** How fast the camera's own clock runs: 1.0003 is 300 ppm fast. Told by `count` stamps only. */
  rate?: number;
}

export interface ClockSource {
  encoderPid: number;
  /** No frame is drawn for that time. */
  hold(ms: number): void;
  /** What ffmpeg said when it ended by itself; null while it runs. */
  failure(): string | null;
  close(): Promise<void>;
}

/**
 * Pushes to a URL until closed.
 * @param output ffmpeg's arguments, such as `['-f', 'mpegts', url]`
 */
export function startClockSource(
  ffmpeg: string,
  output: readonly string[],
  { picture = LARGE, audio = false, stamps = 'wall', rate = 1 }: SourceOptions = {},
): ClockSource {
  const tone = audio ? ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'] : [];
  const sound = audio ? ['-map', '0:v', '-map', '1:a', '-c:a', 'aac', '-b:a', '96k'] : [];
  const clock = stamps === 'wall' ? WALL_STAMPS : [];
  const quick = ['-v', 'error', '-probesize', '32', '-analyzeduration', '0'];
  const input = [...quick, ...inputArgs(picture), ...tone];
  // What a process of its own draws is not held up by what this one does (opening and closing
  // tabs).
  const artist = startArtist({ ...picture, rate, keepsAll: stamps === 'count' });
  const child = spawn(ffmpeg, [...input, ...sound, ...clock, ...encodeArgs(ffmpeg, picture), ...output], {
    stdio: [artist.stdout, 'ignore', 'pipe'],
  });
  artist.stdout?.destroy(); // ffmpeg has it now
  let words = '';
  child.stderr?.on('data', (text: Buffer) => (words = (words + text.toString('utf8')).slice(-2_000)));
  let failure: string | null = null;
  let isClosed = false;
  child.on('exit', (code, signal) => {
    if (!isClosed) failure = `the source's ffmpeg ended with ${code ?? signal}: ${words}`;
  });
  return {
    encoderPid: child.pid ?? 0,
    hold: (ms) => void artist.stdin?.write(`hold ${ms}\n`),
    failure: () => failure,
    async close() {
      isClosed = true;
      await Promise.all([end(artist), end(child)]);
    },
  };
}

/** Writes a finished file whose clock begins at `fromMs`. */
export async function writeClockFile(
  ffmpeg: string,
  file: string,
  picture: Picture,
  { frames, fromMs }: { frames: number; fromMs: number },
): Promise<void> {
  const artist = startArtist({ ...picture, frames, fromMs });
  const args = ['-v', 'error', ...inputArgs(picture), ...encodeArgs(ffmpeg, picture), '-y', file];
  const child = spawn(ffmpeg, args, { stdio: [artist.stdout, 'ignore', 'inherit'] });
  artist.stdout?.destroy(); // ffmpeg has it now
  const [code] = (await once(child, 'exit')) as [number | null];
  await end(artist);
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
}

function startArtist(picture: Record<string, unknown>): ChildProcess {
  const program = path.join(import.meta.dirname, 'clock-program.mjs');
  const artist = spawn(process.execPath, [program, JSON.stringify(picture)], { stdio: ['pipe', 'pipe', 'inherit'] });
  artist.stdin.on('error', () => undefined); // it has ended
  return artist;
}

/**
 * Milliseconds since it began, when a frame has come to the encoder. Wall-clock stamps of the
 * demuxer's would not do: rawvideo rounds them to whole frames, and `-r` before the input counts
 * frames whatever their stamps are.
 */
const WALL_STAMPS = '-vf settb=1/1000,setpts=(RTCTIME-RTCSTART)/1000 -enc_time_base 1:1000'.split(' ');

const inputArgs = ({ width, height, fps }: Picture): string[] =>
  `-f rawvideo -pix_fmt yuv420p -s ${width}x${height} -framerate ${fps} -i pipe:0`.split(' ');

function encodeArgs(ffmpeg: string, { fps, bitsPerSecond }: Picture): string[] {
  const rate = `-b:v ${bitsPerSecond} -maxrate ${bitsPerSecond} -bufsize ${bitsPerSecond / 2}`;
  const words = `-c:v libx264 -preset superfast -tune zerolatency -pix_fmt yuv420p -g ${fps} ${passthrough(ffmpeg)} ${rate}`;
  return words.split(' ');
}

/** The option that leaves every frame its own time; before ffmpeg 5.1 it had another name. */
function passthrough(ffmpeg: string): string {
  const { stdout } = spawnSync(ffmpeg, ['-hide_banner', '-h', 'long'], { encoding: 'utf8' });
  return stdout.includes('fps_mode') ? '-fps_mode passthrough' : '-vsync passthrough';
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
