// Media as it comes: of each kind, made by ffmpeg, what is done with it, what the broadcaster is
// told, and what viewers get of it.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clip, pipe, post, probe, stand, type Stand } from './harness.ts';
import { LENGTH, TRACKS, TS } from './kinds.ts';
import { WAYS } from './kinds-on-the-way.ts';

/** Pictures of a television camera, in fields. */
const FIELDS = [
  '-f',
  'lavfi',
  '-i',
  'smptebars=s=320x240:r=50',
  '-vf',
  'scroll=h=0.02,tinterlace=4,fieldorder=tff',
  '-flags',
  '+ilme+ildct',
];

describe('a kind of media', () => {
  let coordinate: Stand;
  beforeAll(async () => {
    coordinate = await stand();
  });
  afterAll(() => coordinate.close());

  it.each([...TRACKS, ...WAYS])('[I12] $name', { timeout: 60_000 }, async ({ name, media, how, pictures, sound }) => {
    const { forward, logs, url, dataDir } = coordinate;
    const { status, text } = await post(`${url}/stream/${name}`, await media());
    expect([status, text]).toEqual([200, 'ended\n']);
    await forward.until('ended', () => forward.stateOf(name) === 'ended');
    expect(logs.findLast((line) => line['stream'] === name && line['msg'] === 'push taken in')?.['how']).toMatch(how);
    const epochs = [...new Set(forward.of(name).map((u) => u.epoch))];
    const told = await Promise.all(epochs.map((epoch) => probe(forward.media(name, epoch))));
    expect(told.map(({ errors }) => errors).join('')).toBe('');
    expect(told.map(({ size }) => size)).toEqual(pictures.length > 0 ? pictures.map(([size]) => size) : [null]);
    for (const [i, [, frames]] of pictures.entries()) expect(told[i]?.frames).toBeGreaterThanOrEqual(frames);
    expect(told[0]?.audio).toBe(sound);
    expect(readdirSync(dataDir).includes('spool') ? readdirSync(path.join(dataDir, 'spool')) : []).toEqual([]);
  });

  it.each([
    ['mpeg2', ['-c:v', 'mpeg2video', '-b:v', '4M']],
    ['h264-422', ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv422p']],
  ])('[I12] %s in fields comes out as whole pictures', { timeout: 60_000 }, async (name, codec) => {
    const media = await clip([...FIELDS, ...codec, ...LENGTH, ...TS]);
    await post(`${coordinate.url}/stream/${name}`, media);
    const { forward } = coordinate;
    await forward.until('ended', () => forward.stateOf(name) === 'ended');
    const [before, after] = [await combed(media), await combed(forward.media(name))];
    expect(before).toBeGreaterThan(5);
    expect(after).toBeLessThan(before / 20);
  });
});

const [WIDTH, HEIGHT] = [320, 240];
/** Lines that stick out of both their neighbours by this much are the other field's. */
const COMB = 40 * 40;

/** The share of the picture, in thousandths, in which every second line shows another moment. */
async function combed(media: Buffer): Promise<number> {
  const raw = await pipe(media, ['-i', 'pipe:0', '-an', '-f', 'rawvideo', '-pix_fmt', 'gray']);
  let count = 0;
  for (let at = WIDTH; at + WIDTH < raw.length; at++) {
    const y = Math.floor(at / WIDTH) % HEIGHT;
    if (y === 0 || y === HEIGHT - 1) continue;
    const [above, here, below] = [raw[at - WIDTH] ?? 0, raw[at] ?? 0, raw[at + WIDTH] ?? 0];
    if ((here - above) * (here - below) > COMB) count++;
  }
  return (1_000 * count) / raw.length;
}
