import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { Capture } from '../../servers/control/capture/capture.ts';
import { createLog } from '../../servers/shared/log.ts';
import { openBrowser } from '../support/browser.ts';
import { freePorts } from '../support/ports.ts';
import { eventIn, startCli } from '../support/stack.ts';
import { until } from '../support/until.ts';

type Role = 'coordinate' | 'tracker' | 'forward';
const ORDERS: Role[][] = [
  ['coordinate', 'tracker', 'forward'],
  ['coordinate', 'forward', 'tracker'],
  ['tracker', 'coordinate', 'forward'],
  ['tracker', 'forward', 'coordinate'],
  ['forward', 'coordinate', 'tracker'],
  ['forward', 'tracker', 'coordinate'],
];
const PLAYING_WITHIN_MS = 10_000;

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

it.each(ORDERS.map((order) => [order.join(', '), order] as const))('%s: a viewer plays', async (_name, order) => {
  const [coordinatePort = 0, trackerPort = 0, pushPort = 0, pullPort = 0] = await freePorts(4);
  const data = mkdtempSync(path.join(tmpdir(), 'p2plive-orders-'));
  const coordinate = `http://127.0.0.1:${coordinatePort}`;
  const commands: Record<Role, string[]> = {
    coordinate: ['--coordinate-port', String(coordinatePort), '--data-dir', data],
    tracker: ['--tracker-port', String(trackerPort), '--coordinate', coordinate],
    forward: [...portArgs(pushPort, pullPort), '--trackers', `http://127.0.0.1:${trackerPort}`],
  };
  // The encoder has been trying all along.
  const encoder = new Capture({
    target: () => ({ url: `${coordinate}/stream/live` }),
    recordingsFolder: data,
    mediaFolder: data,
    log: createLog('test', 'silent'),
  });
  await encoder.setSource({ source: { kind: 'test' }, preset: '360p' });
  encoder.goLive();
  onTestFinished(() => encoder.close());
  for (const role of order) {
    const program = startCli([role, ...commands[role]]);
    onTestFinished(async () => {
      await program.stop();
      rmSync(data, { recursive: true, force: true });
    });
    await until(`${role} to be ready`, () => eventIn(program, 'ready'), { describe: () => program.stderr() });
  }
  const lastStartMs = performance.now();
  encoder.retryNow();
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(`${coordinate}/watch/live`);
  await until(
    'a second of decoded frames',
    () => page.evaluate(() => (document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0) > 30),
    {
      withinMs: PLAYING_WITHIN_MS - (performance.now() - lastStartMs),
      describe: () => page.evaluate(() => document.body.innerText),
    },
  );
  expect(performance.now() - lastStartMs).toBeLessThan(PLAYING_WITHIN_MS);
});

const portArgs = (push: number, pull: number): string[] => ['--push-port', String(push), '--pull-port', String(pull)];
