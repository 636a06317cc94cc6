// Media as people's sources give it, pushed by the real ffmpeg and looked at in a real tab: the picture goes on, whatever its rate,
// its keyframes and its sound do. Counted by the frames that the tab has decoded, not by what the product says of itself.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireFfmpeg } from '../../servers/shared/ffmpeg.ts';
import { openBrowser } from '../support/browser.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

const ffmpeg = requireFfmpeg();
const SECONDS = 14;

let stack: Stack;
let browser: Browser;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'p2plive-kinds-'));
  [stack, browser] = await Promise.all([startStack(), openBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Kind {
  name: string;
  /** Which of thirty frames a second there are. */
  select?: string;
  gop: number;
  sound?: 'aac';
  /** Which packets of sound are missing. */
  drop?: string;
  /** No two pictures are farther apart than this in the media itself, seconds. */
  gap: number;
  /** A newcomer comes this long after the beginning, seconds. */
  late?: number;
}

const KINDS: readonly Kind[] = [
  {
    name: 'a camera in the dark: 30, then 8 frames a second',
    select: 'if(between(t,4,9),not(mod(n,4)),1)',
    gop: 300,
    gap: 0.14,
  },
  { name: 'one frame lost a second', select: 'mod(n,30)', gop: 300, gap: 0.07 },
  { name: 'five frames lost a second', select: 'gte(mod(n,30),5)', gop: 30, gap: 0.2 },
  { name: 'a screen that moves for a second and rests for two', select: 'lt(mod(t,3),1)', gop: 300, gap: 2.1 },
  { name: 'sound with holes', gop: 60, sound: 'aac', drop: 'between(mod(pts*tb,3),1,1.2)', gap: 0.04 },
  { name: 'sound with a hole of three seconds', gop: 60, sound: 'aac', drop: 'between(pts*tb,4,7)', gap: 0.04 },
  { name: 'sound that ends', gop: 60, sound: 'aac', drop: 'gte(pts*tb,5)', gap: 0.04 },
  { name: 'a keyframe in 25 s', gop: 750, gap: 0.04, late: 6 },
  { name: 'a picture a second with sound', select: 'not(mod(n,30))', gop: 10, sound: 'aac', gap: 1.05 },
];

/** Encodes it once, so that what is pushed is exactly this. */
async function encode(kind: Kind, file: string): Promise<void> {
  const args = [
    '-y',
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    `testsrc2=s=320x180:r=30:d=${SECONDS + (kind.late ?? 0) + 4}`,
  ];
  if (kind.sound) args.push('-f', 'lavfi', '-i', `sine=f=440:r=48000:d=${SECONDS + 4}`);
  if (kind.select) args.push('-vf', `select='${kind.select}'`);
  args.push(
    '-vsync',
    'passthrough',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-pix_fmt',
    'yuv420p',
  );
  args.push(
    '-g',
    String(kind.gop),
    '-keyint_min',
    String(kind.gop),
    '-sc_threshold',
    '0',
    '-c:a',
    'aac',
    '-b:a',
    '96k',
  );
  await done(spawn(ffmpeg, [...args, file], { stdio: ['ignore', 'ignore', 'inherit'] }));
}

const done = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) =>
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`ffmpeg ended with ${code}`)))),
  );

interface Seen {
  frames: number;
  /** The longest time without a new picture, ms. */
  longestMs: number;
  /** The longest such time during which the page said that it plays. */
  lieMs: number;
  playedS: number;
  stalls: { count: number; ms: number };
  firstMs: number | null;
}

/** Watches the picture from inside the page. */
function watch(): void {
  const seen = { frames: 0, longestMs: 0, lieMs: 0, playedS: 0, firstMs: null as number | null };
  Object.assign(window, { seen });
  const beganMs = performance.now();
  let atMs = 0;
  let saidOtherwise = false;
  setInterval(() => {
    const video = document.querySelector('video');
    if (!video) return;
    const now = performance.now();
    const frames = video.getVideoPlaybackQuality().totalVideoFrames;
    seen.playedS = video.currentTime;
    saidOtherwise ||= window.p2plive?.stats().state !== 'playing';
    if (frames !== seen.frames) {
      seen.firstMs ??= now - beganMs;
      seen.frames = frames;
      atMs = now;
      saidOtherwise = false;
    } else if (seen.firstMs !== null) {
      seen.longestMs = Math.max(seen.longestMs, now - atMs);
      if (!saidOtherwise) seen.lieMs = Math.max(seen.lieMs, now - atMs);
    }
  }, 30);
}

const look = (page: Page): Promise<Seen> =>
  page.evaluate(() => ({
    ...(window as unknown as { seen: Seen }).seen,
    stalls: window.p2plive?.stats().stalls ?? { count: 0, ms: 0 },
  }));

describe('a tab goes on playing', () => {
  it.each(KINDS)('[I2] [I8] $name', async (kind) => {
    const name = `kind-${KINDS.indexOf(kind)}`;
    const file = path.join(folder, `${name}.mp4`);
    await encode(kind, file);
    const url = `${stack.ready.coordinate}/stream/${name}`;
    // Without the delta ffmpeg's own muxer waits for sound that does not come.
    const filter = kind.drop ? ['-bsf:a', `noise=drop='${kind.drop}'`, '-max_interleave_delta', '100000'] : [];
    const push = spawn(ffmpeg, ['-v', 'error', '-re', '-i', file, '-c', 'copy', ...filter, '-f', 'flv', url], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const page = await browser.newPage();
    try {
      await page.addInitScript(watch);
      const isLive = async (): Promise<boolean> => {
        const { streams } = (await (await fetch(`${stack.ready.coordinate}/streams`)).json()) as {
          streams: { name: string; state: string }[];
        };
        return streams.some((one) => one.name === name && one.state === 'live');
      };
      await until(`${name} is live`, isLive);
      const lateFrom = performance.now() + (kind.late ?? 0) * 1_000;
      await until('the newcomer comes', () => performance.now() >= lateFrom, { withinMs: 30_000 });
      await page.goto(`${stack.ready.coordinate}/watch/${name}`);
      const begun = await until('its picture', async () => ((await look(page)).firstMs === null ? null : look(page)), {
        withinMs: 15_000,
      });
      expect(begun.firstMs).toBeLessThan(5_000);
      const beganS = begun.playedS;
      const seen = await until(
        'ten seconds of it',
        async () => {
          const now = await look(page);
          return now.playedS - beganS > 9 ? now : null;
        },
        { withinMs: 25_000, describe: async () => JSON.stringify(await look(page)) },
      );
      expect(seen.longestMs).toBeLessThan(kind.gap * 1_000 + 1_500);
      // Of a source that rests for longer, a rest that is going on counts until its end tells what it was.
      if (kind.gap < 1) expect(seen.stalls.ms).toBeLessThan(3_000);
      // Nothing moves for so long, and it said that it plays: only as long as the media itself rests.
      expect(seen.lieMs).toBeLessThan(kind.gap * 1_000 + 600);
    } finally {
      await page.close();
      push.kill('SIGKILL');
    }
  });
});
