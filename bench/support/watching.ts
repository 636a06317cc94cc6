// Tabs that watch, and what their probes saw between two moments.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { until } from '../../tests/support/until.ts';
import { LARGE, type Picture } from './clock-source.ts';
import { installProbe, numbersFor, type Probe, type Sample } from './probe.ts';

/** How long a tab may need to show its first picture on a busy machine. */
const FIRST_PICTURE_MS = 30_000;

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Rounded; NaN of nothing. */
export const percentile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN);
};

/** Tabs of one window. @param sampleEveryMs 0: every frame */
export async function newContext(browser: Browser, picture = LARGE, sampleEveryMs?: number): Promise<BrowserContext> {
  const viewport = { width: picture.width + 20, height: picture.height + 160 };
  const context = await browser.newContext({ viewport });
  await context.addInitScript(installProbe, numbersFor(picture, sampleEveryMs));
  return context;
}

/**
 * A tab of a browser that is open already, as most viewers' are: each has a renderer process of its
 * own.
 */
export async function openTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url, { waitUntil: 'commit' });
  return page;
}

/**
 * A tab in a window of its own, which shows every frame. Behind another tab frames are decoded, and
 * presented once a second. Whoever calls this closes its context.
 */
export async function openWindow(
  browser: Browser,
  url: string,
  picture: Picture,
  sampleEveryMs?: number,
): Promise<Page> {
  return openTab(await newContext(browser, picture, sampleEveryMs), url);
}

/** Opens one after the other; resolves when each of them shows a picture. */
export async function joinTabs(open: () => Promise<Page>, count: number, everyMs: number): Promise<Page[]> {
  const pages: Page[] = [];
  for (let i = 0; i < count; i++) {
    pages.push(await open());
    await wait(everyMs);
  }
  await until(
    'a picture in every page',
    async () =>
      (await Promise.all(pages.map((page) => page.evaluate(() => window.probe.firstFrameMs !== null)))).every(Boolean),
    { withinMs: FIRST_PICTURE_MS },
  );
  return pages;
}

export const probeOf = (page: Page): Promise<Probe> =>
  page.evaluate(() => ({ ...structuredClone(window.probe), readAtMs: Date.now() }));
export const probesOf = (pages: readonly Page[]): Promise<Probe[]> => Promise.all(pages.map(probeOf));

/** Moments of the wall's clock. */
export interface Span {
  fromMs: number;
  toMs: number;
}

export interface Seen {
  samples: Sample[];
  stalls: number;
  stallPercent: number;
}

/** What happened in all of these tabs between two moments. */
export function seenIn(probes: readonly Probe[], { fromMs, toMs }: Span): Seen {
  let [watchedMs, stallMs, stalls] = [0, 0, 0];
  for (const { stands, firstFrameAtMs, readAtMs } of probes) {
    const endMs = Math.min(toMs, readAtMs);
    if (firstFrameAtMs !== null) watchedMs += Math.max(0, endMs - Math.max(fromMs, firstFrameAtMs));
    for (const stand of stands) {
      const lasts = Math.min(endMs, stand.toMs ?? endMs) - Math.max(fromMs, stand.fromMs);
      if (lasts <= 0) continue;
      stallMs += lasts;
      stalls++;
    }
  }
  return {
    samples: probes.flatMap(({ samples }) => samples.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)),
    stalls,
    stallPercent: watchedMs === 0 ? 0 : Math.round((stallMs / watchedMs) * 10_000) / 100,
  };
}

/** Pictures a second that a tab showed, the mean over the tabs. */
export function framesPerSecond(probes: readonly Probe[], { fromMs, toMs }: Span): number {
  const rates = probes.map(({ samples }) => {
    const within = samples.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    const [first, last] = [within[0], within.at(-1)];
    return first && last && last !== first ? ((last.frames - first.frames) * 1_000) / (last.atMs - first.atMs) : 0;
  });
  return Math.round((10 * rates.reduce((sum, rate) => sum + rate, 0)) / Math.max(1, rates.length)) / 10;
}

export const delaysOf = ({ samples }: Seen): number[] => samples.map(({ trueMs }) => trueMs);
