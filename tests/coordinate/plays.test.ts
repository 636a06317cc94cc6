// What the coordinate makes of a push plays in a real browser by Media Source Extensions, unit by unit, without a hole.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import { AAC, H264, live, PICTURE, SOUND, stand, type Stand } from './harness.ts';

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
  ranges: [number, number][];
  frames: number;
  dropped: number;
}

/** Appends the units one by one and plays them from the first moment to the last. */
const play = (units: string[], mime: string): Promise<Played> =>
  page.evaluate(
    async ({ units, mime }) => {
      const video = document.createElement('video');
      video.muted = true;
      document.body.append(video);
      const media = new MediaSource();
      video.src = URL.createObjectURL(media);
      await new Promise((resolve) => media.addEventListener('sourceopen', resolve, { once: true }));
      const buffer = media.addSourceBuffer(mime);
      let error: string | null = null;
      video.addEventListener('error', () => (error = video.error?.message ?? 'error'));
      for (const unit of units) {
        const bytes = Uint8Array.from(atob(unit), (c) => c.charCodeAt(0));
        const done = new Promise((resolve) => buffer.addEventListener('updateend', resolve, { once: true }));
        buffer.appendBuffer(bytes);
        await done;
        if (error !== null) break;
      }
      const { buffered } = video;
      const ranges = Array.from(
        { length: buffered.length },
        (_, i) => [buffered.start(i), buffered.end(i)] as [number, number],
      );
      if (error === null && ranges.length > 0) {
        video.currentTime = ranges[0]?.[0] ?? 0;
        media.endOfStream();
        const ended = new Promise((resolve) => video.addEventListener('ended', resolve, { once: true }));
        await video.play();
        await ended;
      }
      const quality = video.getVideoPlaybackQuality();
      video.remove();
      return { error, ranges, frames: quality.totalVideoFrames, dropped: quality.droppedVideoFrames };
    },
    { units, mime },
  );

const KINDS = [
  {
    name: 'pictures',
    args: [...live(PICTURE), ...H264, '-f', 'flv'],
    mime: 'video/mp4; codecs="avc1.42c00d"',
    frames: 45,
  },
  {
    name: 'b-frames',
    args: [
      ...live(PICTURE),
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-bf',
      '2',
      '-g',
      '15',
      '-pix_fmt',
      'yuv420p',
      '-f',
      'mpegts',
    ],
    mime: 'video/mp4; codecs="avc1.4d400d"',
    frames: 44,
  },
  {
    name: 'both',
    args: [...live(PICTURE), ...live(SOUND), ...H264, ...AAC, '-f', 'mpegts'],
    mime: 'video/mp4; codecs="avc1.42c00d,mp4a.40.2"',
    frames: 44,
  },
  { name: 'sound', args: [...live(SOUND), ...AAC, '-f', 'flv'], mime: 'audio/mp4; codecs="mp4a.40.2"', frames: 0 },
];

describe('in a browser', () => {
  it.each(KINDS)('[I2] plays $name from the first frame to the last', async ({ name, args, mime, frames }) => {
    const { forward } = coordinate;
    await coordinate.push(name, [...args.slice(0, -2), '-t', '1.5', ...args.slice(-2)]).ended;
    await forward.until('ended', () => forward.stateOf(name) === 'ended');
    const units = forward.of(name).map((u) => Buffer.from(u.payload).toString('base64'));
    const played = await play(units, mime);
    expect(played.error).toBe(null);
    expect(played.ranges).toHaveLength(1);
    const [from, to] = played.ranges[0] ?? [0, 0];
    expect(from).toBeLessThan(0.15);
    expect(to - from).toBeGreaterThan(1.3);
    if (frames > 0) expect(played.frames).toBeGreaterThanOrEqual(frames - 1);
  });
});
