// A live source whose every frame carries the wall clock in black and white blocks, so that the delay from source to screen can be
// read out of the picture. Frames are drawn here and encoded by an ffmpeg of their own, as a broadcaster's would be.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import path from 'node:path';

export const WIDTH = 640;
export const HEIGHT = 360;
export const FPS = 30;
/** 44 bits of milliseconds and 4 of check, two rows of 24 blocks. */
export const BLOCK = 24;
export const BLOCKS_PER_ROW = 24;
export const TIME_BITS = 44;

const PREFERRED = -10;

export interface ClockSource {
  close(): Promise<void>;
}

/**
 * Pushes to a URL until closed.
 * @param audio a tone as AAC beside the picture
 */
export function startClockSource(ffmpeg: string, output: readonly string[], audio: boolean): ClockSource {
  const tone = audio ? ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'] : [];
  const sound = audio ? ['-map', '0:v', '-map', '1:a', '-c:a', 'aac', '-b:a', '96k'] : [];
  const video =
    `-c:v libx264 -preset superfast -tune zerolatency -pix_fmt yuv420p -g ${FPS} ${passthrough(ffmpeg)} -b:v 800k -maxrate 800k -bufsize 400k`.split(
      ' ',
    );
  // As from a camera: frames carry the time at which they came, and what the encoder has no time for is dropped, not queued.
  const input =
    `-use_wallclock_as_timestamps 1 -f rawvideo -pix_fmt yuv420p -s ${WIDTH}x${HEIGHT} -r ${FPS} -i pipe:0`.split(' ');
  const args = [
    '-v',
    'error',
    '-probesize',
    '32',
    '-analyzeduration',
    '0',
    ...input,
    ...tone,
    ...sound,
    ...video,
    ...output,
  ];
  // A process of its own draws: what this one does (opening and closing tabs) must not hold the source up.
  const picture = { width: WIDTH, height: HEIGHT, fps: FPS, block: BLOCK, perRow: BLOCKS_PER_ROW, timeBits: TIME_BITS };
  const program = path.join(import.meta.dirname, 'clock-program.mjs');
  const artist = spawn(process.execPath, [program, JSON.stringify(picture)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const child = spawn(ffmpeg, args, { stdio: [artist.stdout, 'ignore', 'pipe'] });
  artist.stdout.destroy(); // ffmpeg has it now
  for (const one of [artist, child]) prefer(one.pid);
  let words = '';
  child.stderr.on('data', (text: Buffer) => (words = (words + text.toString('utf8')).slice(-2_000)));
  let isClosed = false;
  child.on('exit', (code) => {
    if (!isClosed) throw new Error(`the source's ffmpeg ended with ${code}: ${words}`);
  });
  return {
    async close() {
      isClosed = true;
      await Promise.all([end(artist), end(child)]);
    },
  };
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

/** Before the viewers' processes, where this user may: a broadcaster and the servers are other machines than the viewers'. */
export function prefer(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    setPriority(pid, PREFERRED);
    return true;
  } catch {
    return false;
  }
}
