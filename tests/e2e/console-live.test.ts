// The console in a real Chromium on the real programs: from the first press to a green lamp, which the console's own monitor lights by
// decoding what viewers decode; a viewer beside it; a source changed on air; the end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { openViewer, playsOn } from '../support/pages.ts';
import type { Owned } from '../support/processes.ts';
import { eventIn, FREE_PORTS, startCli } from '../support/stack.ts';
import { until } from '../support/until.ts';

let browser: Browser;
let plane: Owned;
const data = mkdtempSync(path.join(tmpdir(), 'p2plive-console-'));
let page: Page;
let link: string;
const errors: string[] = [];

beforeAll(async () => {
  plane = startCli(['up', '--json', ...FREE_PORTS, '--console-port', '0', '--data-dir', data]);
  const ready = await until('the ready line', () => eventIn(plane, 'ready'), {
    describe: () => plane.stderr(),
    withinMs: 30_000,
  });
  browser = await openBrowser();
  page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  link = String(ready['console']);
  await page.goto(link);
});
afterAll(async () => {
  await browser.close();
  await plane.stop();
  rmSync(data, { recursive: true, force: true });
});

const button = (name: string) => page.getByRole('button', { name, exact: true });
const lamp = (is: string) => page.locator(`[data-lamp=${is}]`);
const framesOf = (selector: string): Promise<number> =>
  page.evaluate(
    (at) => document.querySelector<HTMLVideoElement>(at)?.getVideoPlaybackQuality().totalVideoFrames ?? 0,
    selector,
  );

const viewersShown = (count: string): Promise<boolean> =>
  until(`${count} viewers`, async () => {
    const shown = await page.getByRole('region', { name: 'Numbers' }).locator('dd').first().textContent();
    return shown === count;
  });

it('shows a preview, goes live in two presses, and turns green when the monitor decodes', async () => {
  await lamp('off').waitFor();
  await button('Test pattern').click();
  await until('frames of the preview', async () => (await framesOf('.stage video')) > 20, { withinMs: 30_000 });
  expect(await framesOf('video[data-monitor]')).toBe(0);
  await button('Go live').click();
  await lamp('decoded').waitFor();
  await page.getByText(/Decoded by this console's monitor, \d+ ms behind the source\./).waitFor();
  expect(await framesOf('video[data-monitor]')).toBeGreaterThan(0);
  // The monitor is no audience.
  await viewersShown('0');
});

it('counts a viewer, shares with it, and changes the picture’s size without losing it', async () => {
  const share = await page.locator('.share-link').getAttribute('href');
  const viewer = await openViewer(browser, share ?? '');
  await playsOn(viewer);
  await page.getByText(/Decoded by this console's monitor and 1 viewer/).waitFor();
  await viewersShown('1');
  await page.getByLabel('Picture').selectOption('480p');
  await until(
    'the other size',
    () => viewer.page.evaluate(() => document.querySelector('video')?.videoHeight === 480),
    {
      withinMs: 30_000,
    },
  );
  await playsOn(viewer);
  await lamp('decoded').waitFor();
  await viewer.leave();
});

it('is the same in a second console and after a reload; each hears what the other does', async () => {
  const second = await page.context().newPage();
  await second.goto(link);
  await second.locator('[data-lamp=decoded]').waitFor();
  await page.reload();
  await lamp('decoded').waitFor();
  await second.getByRole('button', { name: 'Stop', exact: true }).click();
  await lamp('off').waitFor();
  await button('Go live').click();
  await second.locator('[data-lamp=decoded]').waitFor();
  await lamp('decoded').waitFor();
  // The monitor plays as it did the first time, and does not jump from picture to picture.
  await page.getByText(/Decoded by this console's monitor, \d+ ms behind the source\./).waitFor();
  expect(await page.evaluate(() => document.querySelector<HTMLVideoElement>('video[data-monitor]')?.paused)).toBe(
    false,
  );
  await second.close();
});

it('stops at once, keeps the preview, and logs no error', async () => {
  await button('Stop').click();
  await lamp('off').waitFor({ timeout: 2_000 });
  const before = await framesOf('.stage video');
  await until('the preview to go on', async () => (await framesOf('.stage video')) !== before);
  expect(errors).toEqual([]);
});
