// A page on a machine that sleeps while its monotonic clock stands, as some do: nothing runs, and the machine's own
// clock goes on. True time is that of this process.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { openViewer, playsOn } from '../support/pages.ts';
import { startLiveStack } from '../support/stack.ts';
import { until } from '../support/until.ts';

const SLEPT_MS = 8_000;
/** As late as before, but for what waking up costs. */
const MORE_MS = 500;
const BACK_WITHIN_MS = { gate: 3_000, most: 6_000 };

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());

/** The page's main thread does nothing for so long, and `performance.now` does not go on meanwhile. */
function sleepHere(ms: number): void {
  const clock = performance as Performance & { stoodMs?: number };
  const real = Performance.prototype.now.bind(performance);
  if (clock.stoodMs === undefined) {
    clock.stoodMs = 0;
    clock.now = () => real() - (clock.stoodMs ?? 0);
  }
  for (const endMs = real() + ms; real() < endMs;);
  clock.stoodMs += ms;
}

it('[S17] a viewer that wakes up is at the live edge again within seconds, and tells no negative delay', async () => {
  const stack = await startLiveStack();
  onTestFinished(async () => void (await stack.stop()));
  const viewer = await openViewer(browser, stack.ready.watch);
  onTestFinished(() => viewer.leave());
  await playsOn(viewer, 60, 30_000);
  await until('a delay', async () => ((await viewer.stats()).delayMs ?? 0) > 0);
  const before = (await viewer.stats()).delayMs ?? 0;
  const video = (): Promise<{ shownMs: number; rate: number }> =>
    viewer.page.evaluate(() => {
      const { currentTime = 0, playbackRate = 0 } = document.querySelector('video') ?? {};
      return { shownMs: currentTime * 1_000, rate: playbackRate };
    });
  // The player's time line is the source's: who is as late as before has gone on by as much as time has.
  const beganMs = performance.now();
  const { shownMs: fromMs } = await video();
  await viewer.page.evaluate(sleepHere, SLEPT_MS);
  const wokeMs = performance.now();
  const delays: (number | null)[] = [];
  const look = async (): Promise<boolean> => {
    const { delayMs, state } = await viewer.stats();
    delays.push(delayMs);
    const { shownMs, rate } = await video();
    const laterMs = performance.now() - beganMs - (shownMs - fromMs);
    const isThere = laterMs < MORE_MS && delayMs !== null && delayMs < before + MORE_MS;
    return isThere && state === 'playing' && Math.abs(rate - 1) < 0.05;
  };
  await until('the live edge at rate 1', look, { describe: () => delays, withinMs: BACK_WITHIN_MS.most });
  console.log(`back ${Math.round(performance.now() - wokeMs)} ms after waking (gate ${BACK_WITHIN_MS.gate})`);
  expect(delays.filter((ms) => ms !== null && ms < 0)).toEqual([]);
});
