// A live source whose every frame carries the wall clock in black and white blocks, so that the delay from source to screen can be
// read out of the picture. Frames are drawn here and encoded by an ffmpeg of their own, as a broadcaster's would be.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export const WIDTH = 640;
export const HEIGHT = 360;
export const FPS = 30;
/** 44 bits of milliseconds and 4 of check, two rows of 24 blocks. */
export const BLOCK = 24;
export const BLOCKS_PER_ROW = 24;
export const TIME_BITS = 44;

const LUMA = WIDTH * HEIGHT;
const DARK = 24;
const BRIGHT = 230;

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
    `-c:v libx264 -preset superfast -tune zerolatency -pix_fmt yuv420p -g ${FPS} -fps_mode passthrough -b:v 800k -maxrate 800k -bufsize 400k`.split(
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
  const child: ChildProcess = spawn(ffmpeg, args, { stdio: ['pipe', 'ignore', 'pipe'] });
  let words = '';
  child.stderr?.on('data', (text: Buffer) => (words = (words + text.toString('utf8')).slice(-2_000)));
  child.stdin?.on('error', () => undefined); // it ended; `exit` tells
  let isClosed = false;
  child.on('exit', (code) => {
    if (!isClosed) throw new Error(`the source's ffmpeg ended with ${code}: ${words}`);
  });
  const texture = drawTexture();
  const beganMs = performance.now();
  let number = 0;
  const draw = (): void => {
    if (isClosed) return;
    const frame = Buffer.alloc((LUMA * 3) / 2, 128);
    for (let y = 0; y < HEIGHT; y++) {
      const from = y * WIDTH * 2 + ((number * 2) % WIDTH);
      frame.set(texture.subarray(from, from + WIDTH), y * WIDTH);
    }
    stamp(frame, Date.now());
    if (!child.stdin?.writableNeedDrain) child.stdin?.write(frame);
    number++;
    setTimeout(draw, Math.max(0, beganMs + (number * 1_000) / FPS - performance.now()));
  };
  draw();
  return {
    async close() {
      isClosed = true;
      if (child.exitCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Twice as wide as the picture: a window that moves over it gives an encoder honest work. */
function drawTexture(): Uint8Array {
  const texture = new Uint8Array(WIDTH * 2 * HEIGHT);
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH * 2; x++) {
      const wave = Math.sin((x % WIDTH) / 17) * Math.cos(y / 23) * 60;
      const grain = ((((x % WIDTH) * 7919) ^ (y * 104729)) & 31) - 16;
      texture[y * WIDTH * 2 + x] = 128 + wave + grain;
    }
  return texture;
}

function stamp(frame: Buffer, ms: number): void {
  const bits: number[] = [];
  for (let bit = TIME_BITS - 1; bit >= 0; bit--) bits.push(Math.floor(ms / 2 ** bit) % 2);
  const check = bits.reduce((sum, bit, i) => (sum + bit * (i + 1)) % 16, 0);
  for (let bit = 3; bit >= 0; bit--) bits.push((check >> bit) & 1);
  for (const [i, bit] of bits.entries()) {
    const left = (i % BLOCKS_PER_ROW) * BLOCK;
    const top = Math.floor(i / BLOCKS_PER_ROW) * BLOCK;
    for (let y = top; y < top + BLOCK; y++) frame.fill(bit ? BRIGHT : DARK, y * WIDTH + left, y * WIDTH + left + BLOCK);
  }
}
