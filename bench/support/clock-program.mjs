// Draws a picture with a clock in it and writes raw yuv420p frames to stdout until stdin closes.
// The picture's numbers come as JSON in the first argument; `hold MS` on stdin stops the drawing
// for that time.
import { writeSync } from 'node:fs';

/**
 * `rate`: how fast the camera's own clock runs; 1.0003 is 300 ppm fast.
 * `keepsAll`: a late frame is drawn all the same; otherwise it is left out, as a camera leaves it
 * out.
 * `frames`: so many in all; null: without end.
 * `fromMs`: not null: nothing is waited for, and the clock shows what it would from that moment on.
 */
const {
  width,
  height,
  fps,
  block,
  perRow,
  timeBits,
  rate = 1,
  keepsAll = false,
  frames = null,
  fromMs = null,
} = JSON.parse(process.argv[2] ?? '{}');
const DARK = 24;
const BRIGHT = 230;
const luma = width * height;
const texture = drawTexture();
const beganMs = performance.now();
let heldMs = 0;
let number = 0;

process.stdin.on('data', (words) => {
  for (const [, ms] of String(words).matchAll(/hold (\d+)\n/g)) heldMs += Number(ms);
});
process.stdin.on('end', () => process.exit(0)).resume();
draw();

function draw() {
  const waitMs = fromMs === null ? dueMs(number) - performance.now() : 0;
  if (waitMs > 1) return void setTimeout(draw, waitMs);
  const frame = Buffer.alloc((luma * 3) / 2, 128);
  for (let y = 0; y < height; y++) {
    const from = y * width * 2 + ((number * 2) % width);
    frame.set(texture.subarray(from, from + width), y * width);
  }
  stamp(frame, fromMs === null ? Date.now() : fromMs + Math.round((number * 1_000) / fps));
  if (!write(frame)) process.exit(0);
  number++;
  if (!keepsAll && fromMs === null) while (dueMs(number) < performance.now()) number++;
  if (frames !== null && number >= frames) process.exit(0);
  setTimeout(draw, fromMs === null ? Math.max(0, dueMs(number) - performance.now()) : 0);
}

function dueMs(frame) {
  return beganMs + heldMs + (frame * 1_000) / (fps * rate);
}

/** Waits for the reader. @returns false when it is gone */
function write(frame) {
  for (let at = 0; at < frame.length;)
    try {
      at += writeSync(1, frame, at);
    } catch (error) {
      if (error.code === 'EAGAIN') continue;
      return false;
    }
  return true;
}

/** Twice as wide as the picture: a window that moves over it gives an encoder honest work. */
function drawTexture() {
  const drawn = new Uint8Array(width * 2 * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width * 2; x++) {
      const wave = Math.sin((x % width) / 17) * Math.cos(y / 23) * 60;
      const grain = ((((x % width) * 7919) ^ (y * 104729)) & 31) - 16;
      drawn[y * width * 2 + x] = 128 + wave + grain;
    }
  return drawn;
}

/** The time in `timeBits` bits and four of check, as dark and bright blocks. */
function stamp(frame, ms) {
  const bits = [];
  for (let bit = timeBits - 1; bit >= 0; bit--) bits.push(Math.floor(ms / 2 ** bit) % 2);
  const check = bits.reduce((sum, bit, i) => (sum + bit * (i + 1)) % 16, 0);
  for (let bit = 3; bit >= 0; bit--) bits.push((check >> bit) & 1);
  for (const [i, bit] of bits.entries()) {
    const left = (i % perRow) * block;
    const top = Math.floor(i / perRow) * block;
    for (let y = top; y < top + block; y++) frame.fill(bit ? BRIGHT : DARK, y * width + left, y * width + left + block);
  }
}
