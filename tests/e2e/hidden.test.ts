// A tab that nobody looks at goes on relaying, in a browser that holds hidden tabs back as people's browsers do.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type {} from '../../client/web/watch.ts'; // declares window.p2plive
import type { ViewerStats } from '../../client/web/viewer.ts';
import { openBrowser } from '../support/browser.ts';
import { startStack } from '../support/stack.ts';
import { Tabs, type Tab } from '../support/tabs.ts';
import { until } from '../support/until.ts';

const HIDDEN_MS = 22_000;
/** A picture that stands longer than this has stalled for the eye. */
const STANDS_MS = 1_500;
/** Units are about this long. */
const UNIT_MS = 66;
/** All short stalls of a child together: a busy machine has some of its own. */
const STALLED_MS = 2_000;

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser({ throttled: true });
});
afterAll(() => browser?.close());

const isHidden = (tab: Tab): Promise<boolean> => tab.run(() => document.hidden);
const statsOf = (tab: Tab): Promise<ViewerStats | undefined> => tab.run(() => window.p2plive?.stats());
const framesOf = (tab: Tab): Promise<number> =>
  tab.run(() => document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0);

/** How often a page timer of 20 ms comes in two seconds. */
const timersOf = (tab: Tab): Promise<number> =>
  tab.run(
    () =>
      new Promise<number>((done) => {
        const beganMs = performance.now();
        let count = 0;
        const timer = setInterval(() => {
          count++;
          if (performance.now() - beganMs < 2_000) return;
          clearInterval(timer);
          done(count);
        }, 20);
      }),
  );

it('a hidden relay keeps its children playing', async ({ skip }) => {
  const tabs = await Tabs.of(browser);
  const blank = await tabs.open('about:blank');
  await tabs.open('about:blank', false);
  // The headless shell gives every page a window of its own: there nothing is ever hidden.
  const canHide = await until('a tab behind another', () => isHidden(blank), { withinMs: 3_000 }).catch(() => false);
  skip(!canHide, 'This browser has no tabs that can be hidden: install Chrome or Chromium to run this test.');

  const stack = await startStack(['--source', 'test']);
  onTestFinished(async () => void (await stack.stop()));
  const viewers: { tab: Tab; cover: Tab; id: string }[] = [];
  for (let i = 0; i < 3; i++) {
    const tab = await tabs.open(stack.ready.watch);
    const cover = await tabs.open('about:blank', false);
    expect(await cover.windowId()).toBe(await tab.windowId());
    await tab.show();
    await until('the picture', async () => (await framesOf(tab)) > 5, { withinMs: 20_000 });
    viewers.push({ tab, cover, id: (await statsOf(tab))?.id ?? '' });
  }
  const childrenOf = async (id: string): Promise<{ tab: Tab; slices: number[] }[]> => {
    const all = await Promise.all(viewers.map(async ({ tab }) => ({ tab, stats: await statsOf(tab) })));
    return all
      .map(({ tab, stats }) => ({ tab, slices: (stats?.parents ?? []).filter((p) => p.id === id).map((p) => p.slice) }))
      .filter(({ slices }) => slices.length > 0);
  };
  // With three viewers at least one feeds both others or is fed itself while it feeds: whoever has most children is hidden.
  const middle = await until(
    'a viewer that is fed by a viewer and feeds another',
    async () => {
      for (const viewer of viewers) {
        const isFed = (await statsOf(viewer.tab))?.parents.some((p) => p.kind === 'peer');
        if (isFed && (await childrenOf(viewer.id)).length > 0) return viewer;
      }
      return null;
    },
    { withinMs: 30_000, describe: async () => JSON.stringify(await Promise.all(viewers.map((v) => statsOf(v.tab)))) },
  );
  const others = viewers.filter((viewer) => viewer !== middle);

  for (const { tab } of viewers) expect(await isHidden(tab)).toBe(false);
  await middle.cover.show();
  await until('the relay to be hidden', () => isHidden(middle.tab));
  for (const other of others) expect(await isHidden(other.tab)).toBe(false);

  const children = await childrenOf(middle.id);
  expect(children.length).toBeGreaterThan(0);
  const before = await Promise.all(children.map(async ({ tab }) => statsOf(tab)));
  let sent = (await statsOf(middle.tab))?.sentBytes ?? 0;
  const beganMs = performance.now();
  const pictures = new Map<Tab, { frames: number; atMs: number; longestMs: number }>();
  let lastSentMs = beganMs;
  const faults: string[] = [];
  const look = async (): Promise<boolean> => {
    const nowMs = performance.now();
    if (!(await isHidden(middle.tab))) faults.push('it was seen again');
    for (const { tab } of children) {
      const frames = await framesOf(tab);
      const known = pictures.get(tab) ?? { frames: frames - 1, atMs: nowMs, longestMs: 0 };
      if (frames > known.frames) Object.assign(known, { frames, atMs: nowMs });
      known.longestMs = Math.max(known.longestMs, nowMs - known.atMs);
      pictures.set(tab, known);
    }
    const nowSent = (await statsOf(middle.tab))?.sentBytes ?? 0;
    if (nowSent > sent) [sent, lastSentMs] = [nowSent, nowMs];
    if (nowMs - lastSentMs > STANDS_MS) faults.push(`nothing sent for ${Math.round(nowMs - lastSentMs)} ms`);
    return nowMs - beganMs > HIDDEN_MS;
  };
  const throttled = timersOf(middle.tab);
  await until('the hidden time to pass', look, { withinMs: HIDDEN_MS + 10_000 });
  // The browser does hold this tab back: unhindered the timer would have come a hundred times.
  expect(await throttled).toBeLessThan(10);
  const journals = async (): Promise<string> => {
    const entries = ({ tab }: { tab: Tab }) => tab.run(() => window.p2plive?.journal().slice(-30));
    return JSON.stringify(await Promise.all(viewers.map(entries)));
  };
  expect(faults, faults.length > 0 ? await journals() : '').toEqual([]);
  for (const { longestMs } of pictures.values()) expect(longestMs).toBeLessThan(STANDS_MS);
  for (const [i, { tab, slices }] of children.entries()) {
    const [was, is] = [before[i], await statsOf(tab)];
    // The same parent for the same slices all along, and hardly a moment of standing.
    expect(is?.parents.filter((p) => p.id === middle.id).map((p) => p.slice)).toEqual(slices);
    expect((is?.receivedBytes.peers ?? 0) - (was?.receivedBytes.peers ?? 0)).toBeGreaterThan(100_000);
    // In its regular way: a relay that waits for its timers has every unit asked for again, of somebody else.
    const asked = (stats: ViewerStats | undefined): number => (stats?.hedges ?? 0) + (stats?.pulls ?? 0);
    expect(asked(is) - asked(was)).toBeLessThan(HIDDEN_MS / UNIT_MS / 2);
    expect((is?.stalls.ms ?? 0) - (was?.stalls.ms ?? 0)).toBeLessThan(STALLED_MS);
  }
});
