// Who comes later begins at a key of the stream, of whatever kind that is: in a real browser, the
// decoded frames counted.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { codecsOf } from '../../client/web/mp4.ts';
import { FLAG } from '../../protocol/chunk.ts';
import { openBrowser } from '../support/browser.ts';
import { clip, PICTURE, post, SOUND, stand, type Stand } from './harness.ts';

let browser: Browser;
let page: Page;
let coordinate: Stand;
beforeAll(async () => {
  [browser, coordinate] = await Promise.all([openBrowser(), stand({ webDir: '/nowhere' })]);
  page = await browser.newPage();
  await page.goto(`${coordinate.url}/healthz`);
});
afterAll(async () => {
  await browser.close();
  await coordinate.close();
});

interface Played {
  error: string | null;
  ranges: number;
  frames: number;
}

/** Appends these units to a new player and plays them to their end. */
const play = (units: string[], mime: string): Promise<Played> =>
  page.evaluate(
    async ({ units, mime }) => {
      const video = document.createElement('video');
      video.muted = true;
      document.body.append(video);
      let error: string | null = null;
      const failed = new Promise<void>((resolve) =>
        video.addEventListener('error', () => {
          error = video.error?.message ?? 'error';
          resolve();
        }),
      );
      const media = new MediaSource();
      video.src = URL.createObjectURL(media);
      await new Promise((resolve) => media.addEventListener('sourceopen', resolve, { once: true }));
      const buffer = media.addSourceBuffer(mime);
      for (const unit of units) {
        const done = new Promise((resolve) => buffer.addEventListener('updateend', resolve, { once: true }));
        buffer.appendBuffer(Uint8Array.from(atob(unit), (c) => c.charCodeAt(0)));
        await Promise.race([done, failed]);
        if (error !== null) break;
      }
      const ranges = video.buffered.length;
      if (error === null && ranges > 0) {
        video.currentTime = video.buffered.start(0);
        video.playbackRate = 2;
        media.endOfStream();
        const ended = new Promise((resolve) => video.addEventListener('ended', resolve, { once: true }));
        await Promise.race([video.play().then(() => ended), failed]);
      }
      const frames = video.getVideoPlaybackQuality().totalVideoFrames;
      video.remove();
      return { error, ranges, frames };
    },
    { units, mime },
  );

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-x264-params'];
const FRAMES = 150;
const LENGTH = ['-t', String(FRAMES / 30)];
const NO_SEI = ['-bsf:v', 'filter_units=remove_types=6'];
const OPEN = 'open-gop=1:keyint=30:bframes=2:scenecut=0';
const REFRESH = 'intra-refresh=1:keyint=30:bframes=0:scenecut=0';
const HEVC = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=60'];

const KINDS: [name: string, args: string[]][] = [
  ['ts-closed', [...PICTURE, ...X264, 'keyint=30', ...LENGTH, '-f', 'mpegts']],
  ['ts-open', [...PICTURE, ...X264, OPEN, ...LENGTH, '-f', 'mpegts']],
  ['flv-open', [...PICTURE, ...X264, OPEN, ...LENGTH, '-f', 'flv']],
  ['mp4-open', [...PICTURE, ...X264, OPEN, ...LENGTH, '-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov']],
  ['ts-open-unmarked', [...PICTURE, ...X264, OPEN, ...NO_SEI, ...LENGTH, '-f', 'mpegts']],
  ['ts-refresh', [...PICTURE, ...X264, REFRESH, ...LENGTH, '-f', 'mpegts']],
  ['flv-refresh', [...PICTURE, ...X264, REFRESH, ...LENGTH, '-f', 'flv']],
  [
    'ts-422',
    [...PICTURE, ...SOUND, ...X264, 'keyint=60', '-pix_fmt', 'yuv422p', '-c:a', 'ac3', ...LENGTH, '-f', 'mpegts'],
  ],
  ['mp4-hevc', [...PICTURE, ...HEVC, ...LENGTH, '-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov']],
];

describe('a newcomer', () => {
  it.each(KINDS)('[I13] sees %s from a key within 2 s of any moment', { timeout: 90_000 }, async (name, args) => {
    const { forward, url } = coordinate;
    await post(`${url}/stream/${name}`, await clip(args));
    await forward.until('ended', () => forward.stateOf(name) === 'ended');
    const [init, ...units] = forward.of(name);
    const keys = units.flatMap((unit, i) => ((unit.flags & FLAG.key) !== 0 ? [i] : []));
    const spans = keys.map((at, i) => units.slice(at, keys[i + 1]).reduce((ms, unit) => ms + unit.durationMs, 0));
    expect(Math.max(...spans)).toBeLessThanOrEqual(2_100);
    const mime = `video/mp4; codecs="${codecsOf(init?.payload ?? new Uint8Array()) ?? ''}"`;
    const base64 = (list: typeof units): string[] => list.map((u) => Buffer.from(u.payload).toString('base64'));
    const head = init ? [init] : [];
    const whole = await play(base64([...head, ...units]), mime);
    expect(whole).toMatchObject({ error: null, ranges: 1 });
    expect(whole.frames).toBeGreaterThanOrEqual(FRAMES * 0.95);
    const late = units.slice(keys[1]);
    const joined = await play(base64([...head, ...late]), mime);
    expect(joined).toMatchObject({ error: null, ranges: 1 });
    const frames = late.reduce((ms, unit) => ms + unit.durationMs, 0) * 0.03;
    expect(joined.frames).toBeGreaterThanOrEqual(frames * 0.9);
  });
});
