// Draws a picture with a clock in it and writes raw yuv420p frames to stdout until stdin closes. A late frame is left out, as a camera
// leaves it out. The picture's numbers come as JSON in the first argument.
import { writeSync } from 'node:fs';

const { width, height, fps, block, perRow, timeBits } = JSON.parse(process.argv[2] ?? '{}');
const DARK = 24;
const BRIGHT = 230;
const luma = width * height;
const texture = drawTexture();
const beganMs = performance.now();
let number = 0;

process.stdin.on('end', () => process.exit(0)).resume();
draw();

function draw() {
  const frame = Buffer.alloc((luma * 3) / 2, 128);
  for (let y = 0; y < height; y++) {
    const from = y * width * 2 + ((number * 2) % width);
    frame.set(texture.subarray(from, from + width), y * width);
  }
  stamp(frame, Date.now());
  if (!write(frame)) process.exit(0);
  number = Math.max(number + 1, Math.ceil(((performance.now() - beganMs) * fps) / 1_000));
  setTimeout(draw, Math.max(0, beganMs + (number * 1_000) / fps - performance.now()));
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
