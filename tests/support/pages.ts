// Viewer pages in a real Chromium, and what a test asks of them. Nothing but the page's public face is used: its <video> and
// window.p2plive.
import type { Browser, Page } from 'playwright-core';
import type {} from '../../client/web/watch.ts'; // declares window.p2plive
import type { ViewerStats } from '../../client/web/viewer.ts';
import { until } from './until.ts';

export interface ViewerPage {
  page: Page;
  stats(): Promise<ViewerStats>;
  /** Frames decoded so far; 0 before the first. */
  frames(): Promise<number>;
  /** RTCPeerConnections that the page has made since it was opened. */
  connections(): Promise<number>;
  /** The ways its connections have found: candidate types of both ends, and the other's address where it is told. */
  ways(): Promise<{ local: string; remote: string; address: string }[]>;
  notice(): Promise<string>;
  /** Addresses of everything it has asked for and of every WebSocket it has opened. */
  dialled: string[];
  /** Errors thrown in the page or logged by it. */
  errors: string[];
  /** The window is closed, as a person does it. */
  leave(): Promise<void>;
  /** The renderer dies on the spot: no bye to anybody. */
  crash(): Promise<void>;
}

type Counting = Window & { connectionsMade?: number; connectionsKept?: RTCPeerConnection[] };

/** Counts and keeps connections before any script of the page runs. */
function countConnections(): void {
  const counter = window as Counting;
  counter.connectionsMade = 0;
  counter.connectionsKept = [];
  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      counter.connectionsMade = (counter.connectionsMade ?? 0) + 1;
      counter.connectionsKept?.push(this);
    }
  };
}

async function waysFound(): Promise<{ local: string; remote: string; address: string }[]> {
  const ways = [];
  for (const connection of (window as Counting).connectionsKept ?? []) {
    const all = new Map<string, Record<string, unknown>>();
    for (const [id, entry] of await connection.getStats()) all.set(id as string, entry as Record<string, unknown>);
    for (const pair of all.values()) {
      if (pair['type'] !== 'candidate-pair' || pair['nominated'] !== true || pair['state'] !== 'succeeded') continue;
      const local = all.get(String(pair['localCandidateId']));
      const remote = all.get(String(pair['remoteCandidateId']));
      const [from, to] = [local?.['candidateType'], remote?.['candidateType']];
      const address = typeof remote?.['address'] === 'string' ? remote['address'] : '';
      ways.push({ local: String(from), remote: String(to), address });
    }
  }
  return ways;
}

/** Opens a viewer page in a window of its own. */
export async function openViewer(browser: Browser, url: string): Promise<ViewerPage> {
  const context = await browser.newContext({ viewport: { width: 720, height: 620 }, ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const errors: string[] = [];
  const dialled: string[] = [];
  page.on('request', (request) => dialled.push(request.url()));
  page.on('websocket', (socket) => dialled.push(socket.url()));
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.addInitScript(countConnections);
  await page.goto(url, { waitUntil: 'commit' });
  return {
    page,
    dialled,
    errors,
    async stats() {
      await page.waitForFunction(() => window.p2plive !== undefined);
      return page.evaluate(() => window.p2plive?.stats() as ViewerStats);
    },
    frames: () => page.evaluate(() => document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0),
    connections: () => page.evaluate(() => (window as Counting).connectionsMade ?? 0),
    ways: () => page.evaluate(waysFound),
    notice: () =>
      page.evaluate(() => document.querySelector<HTMLElement>('.p2p-notice:not([hidden])')?.textContent ?? ''),
    leave: () => context.close(),
    async crash() {
      const session = await context.newCDPSession(page);
      const crashed = new Promise<void>((resolve) => page.once('crash', () => resolve()));
      session.send('Page.crash').catch(() => undefined); // nobody is left to answer
      await crashed;
      await context.close();
    },
  };
}

/** The picture moves: `count` more frames than now are decoded. */
export async function playsOn(viewer: ViewerPage, count = 20, withinMs = 15_000): Promise<void> {
  const before = await viewer.frames();
  await until(`${count} more frames`, async () => (await viewer.frames()) >= before + count, {
    withinMs,
    describe: () =>
      viewer.page.evaluate(() =>
        JSON.stringify({
          ...window.p2plive?.stats(),
          frames: document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames,
          notice: document.querySelector('.p2p-notice')?.textContent,
        }),
      ),
  });
}

/** Both slices come from other viewers. */
export const isFedByViewers = (stats: ViewerStats): boolean =>
  stats.parents.length >= 2 && stats.parents.every((parent) => parent.kind === 'peer');
