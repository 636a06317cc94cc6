// What does the console's mesh cost the page that shows it? A pretended plane of 200, 1,000 and 2,000 viewers sends ten batches a second,
// in each of which a twentieth of the viewers report, one leaves and one comes. Targets: 8 ms of main thread a change, 30 pictures a second.
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { openBrowser } from '../tests/support/browser.ts';
import { FakePlane } from '../tests/support/fake-plane.ts';
import { heapBytes, MeshFeed } from '../tests/support/mesh-feed.ts';

export interface MeshViewRow {
  viewers: number;
  /** Nodes of React Flow that are in the page. */
  nodes: number;
  /** From the navigation to the graph that can be clicked. */
  interactiveMs: number;
  framesPerSecond: number;
  /** Script of one change, from its message to the end of all that it sets off by timers and the worker's answer. */
  changeP50Ms: number;
  changeP95Ms: number;
  /** Processor time of script, style and layout of everything the page did, samples and logs included, for each change: the mean. */
  allMeanMs: number;
  heapMegabytes: number;
  targetMs: number;
  targetFramesPerSecond: number;
  holds: boolean;
}

const SIZES = [200, 1_000, 2_000];
const WARM_MS = 2_000;
const MEASURED_MS = 10_000;
const TARGET_MS = 8;
const TARGET_FRAMES = 30;

/** Prints one table and returns its rows, with the renderer that drew. */
export async function meshView(): Promise<{ renderer: string; rows: MeshViewRow[] }> {
  if (!existsSync(path.resolve(import.meta.dirname, '../out/renderer/index.html')))
    throw new Error('The console is not built: run npm run build.');
  const browser = await openBrowser();
  try {
    const renderer = await rendererOf(browser);
    console.log(`renderer: ${renderer}`);
    const rows: MeshViewRow[] = [];
    for (const viewers of SIZES) rows.push(await measure(browser, viewers));
    console.table(rows);
    return { renderer, rows };
  } finally {
    await browser.close();
  }
}

async function measure(browser: Browser, viewers: number): Promise<MeshViewRow> {
  const bundle = path.resolve(import.meta.dirname, '../out/renderer');
  const plane = await new FakePlane({ viewers, bundle, meshEveryMs: 0 }).start();
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  try {
    await page.addInitScript(watchChanges);
    await page.goto(plane.url.replace('/#', '/?pane=mesh#'));
    const interactiveMs = await page.evaluate(untilDrawn);
    const feed = new MeshFeed(plane);
    await feed.run(WARM_MS);
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    await page.evaluate(() => window.meshBench.begin());
    const before = await busyMs(session);
    const changes = await feed.run(MEASURED_MS);
    const busy = (await busyMs(session)) - before;
    const { tookMs, frames, spanMs } = await page.evaluate(() => window.meshBench.end());
    const sorted = tookMs.toSorted((a, b) => a - b);
    const framesPerSecond = round((frames / spanMs) * 1000);
    const changeP95Ms = round(quantile(sorted, 0.95));
    return {
      viewers,
      nodes: await page.locator('.react-flow__node').count(),
      interactiveMs: Math.round(interactiveMs),
      framesPerSecond,
      changeP50Ms: round(quantile(sorted, 0.5)),
      changeP95Ms,
      allMeanMs: round(busy / changes),
      heapMegabytes: round((await heapBytes(session)) / 1e6),
      targetMs: TARGET_MS,
      targetFramesPerSecond: TARGET_FRAMES,
      holds: changeP95Ms <= TARGET_MS && framesPerSecond >= TARGET_FRAMES,
    };
  } finally {
    await page.close();
    await plane.close();
  }
}

interface MeshBench {
  begin(): void;
  end(): { tookMs: number[]; frames: number; spanMs: number };
}
declare global {
  interface Window {
    meshBench: MeshBench;
  }
}

/** Runs in the page before anything else: times what messages, the worker's answers and timers set off, microtasks included. */
function watchChanges(): void {
  let tookMs: number[] = [];
  let frames = 0;
  let beganMs = 0;
  /** Enough turns of the microtask queue for React to have drawn. */
  const TURNS = 20;
  const timed = (run: () => void, isChange: boolean): void => {
    const startMs = performance.now();
    if (isChange) tookMs.push(0);
    const at = tookMs.length - 1;
    run();
    let turns = 0;
    const next = (): void => {
      if (++turns < TURNS) return queueMicrotask(next);
      if (at >= 0) tookMs[at] = (tookMs[at] ?? 0) + performance.now() - startMs;
    };
    queueMicrotask(next);
  };
  // oxlint-disable-next-line typescript/unbound-method -- called with the target it is called on
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function patched(
    this: EventTarget,
    type: string,
    heard: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    const isWire = this instanceof WebSocket;
    if (type !== 'message' || typeof heard !== 'function' || !(isWire || this instanceof Worker))
      return listen.call(this, type, heard, options);
    const wrapped = (event: Event): void => {
      const { data } = event as MessageEvent<unknown>;
      const isChange = isWire && typeof data === 'string' && data.includes('meshChanged');
      if (isWire && !isChange) heard.call(this, event);
      else timed(() => heard.call(this, event), isChange);
    };
    listen.call(this, type, wrapped, options);
  };
  for (const kind of [WebSocket, Worker])
    Object.defineProperty(kind.prototype, 'onmessage', {
      set(this: EventTarget, heard: EventListener | null) {
        if (heard) this.addEventListener('message', heard);
      },
    });
  const later = window.setTimeout.bind(window);
  window.setTimeout = ((run: TimerHandler, ms?: number, ...rest: unknown[]) =>
    later(typeof run === 'function' ? () => timed(() => run(...rest), false) : run, ms)) as typeof window.setTimeout;
  const count = (): void => {
    frames++;
    requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
  window.meshBench = {
    begin(): void {
      tookMs = [];
      frames = 0;
      beganMs = performance.now();
    },
    end: () => ({ tookMs, frames, spanMs: performance.now() - beganMs }),
  };
}

/** Runs in the page: milliseconds since the navigation when the graph is there and the page answers. */
function untilDrawn(): Promise<number> {
  return new Promise((done) => {
    const look = (): void => {
      if (!document.querySelector('.react-flow__node')) return void requestAnimationFrame(look);
      requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
    };
    look();
  });
}

async function busyMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return (of('ScriptDuration') + of('RecalcStyleDuration') + of('LayoutDuration')) * 1000;
}

async function rendererOf(browser: Browser): Promise<string> {
  const page: Page = await browser.newPage();
  const webgl = await page.evaluate(() => {
    const gl = document.createElement('canvas').getContext('webgl');
    const info = gl?.getExtension('WEBGL_debug_renderer_info');
    return gl && info ? String(gl.getParameter(info.UNMASKED_RENDERER_WEBGL)) : null;
  });
  await page.close();
  return webgl ?? 'software, no graphics card (compositor on the processor)';
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
const round = (value: number): number => Math.round(value * 10) / 10;
