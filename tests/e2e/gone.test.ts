// All servers of a page that plays are gone: what it says meanwhile, and that it plays on by itself
// when they are back.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { startEncoder } from '../support/encoder.ts';
import { openViewer, playsOn } from '../support/pages.ts';
import { startParts } from '../support/parts.ts';
import { until } from '../support/until.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());

it('[S18] a page whose servers are gone says that they do not answer, and plays on when they are back', async () => {
  const parts = await startParts();
  onTestFinished(() => parts.stop());
  const viewer = await openViewer(browser, `${parts.ready.coordinate}/watch/live`);
  onTestFinished(() => viewer.leave());
  await playsOn(viewer, 30, 30_000);
  expect((await viewer.stats()).state).toBe('playing');
  const all = [parts.coordinate, parts.tracker, ...parts.forwards];
  await Promise.all(all.map((part) => part.kill()));
  await until('the true state', async () => (await viewer.stats()).state === 'unreachable', {
    describe: () => viewer.stats(),
  });
  await until('the page to say so', async () => /do not answer|cannot be reached/.test(await viewer.notice()), {
    describe: () => viewer.notice(),
  });
  for (const part of all) await part.start();
  const encoder = startEncoder(`${parts.ready.coordinate}/stream/live`, '320x180');
  onTestFinished(async () => void (await encoder.stop('SIGKILL')));
  await playsOn(viewer, 30, 60_000);
  await until('it to be playing', async () => (await viewer.stats()).state === 'playing');
  expect((await viewer.stats()).delayMs).toBeGreaterThanOrEqual(0);
});
