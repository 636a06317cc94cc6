// How long from *Go live* to the first decoded frame in a viewer who waits, and how the mesh pane bears many viewers. The first is measured
// on the real programs and a real page; the second is mesh-view.ts. `npm run bench -- console [live|mesh|replay]`: replay, an hour of the
// mesh pane in a minute or two, only when it is named.
import { WebSocket } from 'ws';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import type { ConsoleAnswer } from '../protocol/control.ts';
import { openBrowser } from '../tests/support/browser.ts';
import { eventIn, FREE_PORTS, startCli } from '../tests/support/stack.ts';
import { until } from '../tests/support/until.ts';
import { meshView } from './mesh-view.ts';
import { replayAnHour } from './support/feed-replay.ts';

const ROUNDS = 10;
const TARGET_P50_MS = 1_500;
/** Between two rounds: the viewer has seen the end. */
const REST_MS = 1_500;

async function measure(which: readonly string[] = []): Promise<unknown> {
  const wanted = (name: string): boolean => which.length === 0 || which.includes(name);
  const live = wanted('live') ? [await measureGoLive()] : [];
  if (live.length > 0) globalThis.console.table(live);
  const mesh = wanted('mesh') ? await meshView() : [];
  const replay = which.includes('replay') ? await replayAnHour() : [];
  if (replay.length > 0) globalThis.console.table(replay);
  return { live, mesh, replay };
}

async function measureGoLive(): Promise<Record<string, number | string | boolean>> {
  const data = mkdtempSync(path.join(tmpdir(), 'p2plive-bench-'));
  const owned = startCli(['up', '--json', ...FREE_PORTS, '--console-port', '0', '--data-dir', data]);
  const browser = await openBrowser();
  try {
    const ready = await until('the ready line', () => eventIn(owned, 'ready'), { withinMs: 30_000 });
    const call = await openConsole(String(ready['console']));
    await call('setSource', { source: { kind: 'test' }, preset: '360p' });
    const is = async (state: string): Promise<boolean> => {
      const { value } = (await call('getState')) as { value: { capture: { state: { is: string } } } };
      return value.capture.state.is === state;
    };
    await until('the preview', () => is('previewing'), { withinMs: 20_000 });
    const page = await browser.newPage();
    await page.goto(String(ready['watch']));
    const tookMs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const shown = nextFrame(page);
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      const pressedMs = Date.now();
      await call('goLive');
      tookMs.push((await shown) - pressedMs);
      await call('stopLive');
      await until('the preview again', () => is('previewing'));
    }
    tookMs.sort((a, b) => a - b);
    const [p50, p95] = [0.5, 0.95].map((q) => tookMs[Math.min(ROUNDS - 1, Math.floor(ROUNDS * q))] ?? Number.NaN);
    return {
      what: 'Go live to the first decoded frame of a waiting viewer',
      rounds: ROUNDS,
      'p50 ms': p50 ?? Number.NaN,
      'p95 ms': p95 ?? Number.NaN,
      'target p50 ms': TARGET_P50_MS,
      holds: (p50 ?? Infinity) <= TARGET_P50_MS,
    };
  } finally {
    await browser.close();
    await owned.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

/** When the page decodes another frame than those so far, as Date.now(). */
const nextFrame = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const frames = (): number => document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
    // What was on its way when the last round ended is not the next one's.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const before = frames();
    return new Promise<number>((resolve) => {
      const looking = setInterval(() => {
        // Fewer: the player began anew.
        if (frames() === before || frames() === 0) return;
        clearInterval(looking);
        resolve(Date.now());
      }, 5);
    });
  });

/** The console's WebSocket, as its page uses it. */
async function openConsole(link: string): Promise<(name: string, argument?: unknown) => Promise<unknown>> {
  const { host, hash } = new URL(link);
  const socket = new WebSocket(`ws://${host}/console`);
  const waiting = new Map<number, (outcome: unknown) => void>();
  let serial = 0;
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.on('message', (data) => {
    const message = JSON.parse((data as Buffer).toString()) as ConsoleAnswer;
    if (message.type === 'answer') waiting.get(message.id)?.(message.outcome);
  });
  socket.send(JSON.stringify({ type: 'hello', token: hash.replace('#token=', '') }));
  return (name, argument) =>
    new Promise((resolve) => {
      waiting.set(++serial, resolve);
      socket.send(JSON.stringify({ type: 'call', id: serial, name, argument }));
    });
}

export { measure as console };
