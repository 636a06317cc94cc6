// What becomes of the picture when the machine is full? Tabs are added to a one-hop floor until its
// processors are; then the same number of tabs watches through the mesh, at ordinary priority like
// everything else; then half of them are closed.
// `npm run bench -- busy [--small] [--tabs=N]` (640x360, or 320x180; so many tabs, full or not).
// Fails when the mesh's delay is more than three times the floor's, or the delay is not what it was
// with half of the tabs, 10 s after there are no more of them.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { findFfmpeg } from '../servers/shared/ffmpeg.ts';
import { openBrowser } from '../tests/support/browser.ts';
import { startStack, untilLive } from '../tests/support/stack.ts';
import { LARGE, SMALL, startClockSource, type Picture } from './support/clock-source.ts';
import { startFloor } from './support/floor.ts';
import { busyPercent, cpuTimes } from './support/load.ts';
import type { Probe } from './support/probe.ts';
import { timelineOf, type Second } from './support/timeline.ts';
import {
  delaysOf,
  framesPerSecond,
  joinTabs,
  newContext,
  openTab,
  percentile,
  probesOf,
  seenIn,
  wait,
} from './support/watching.ts';

/** Of all cores: what is left is what the system itself needs now and then. */
const FULL_PERCENT = 90;
/** A machine that is not full with so many has more cores than this bench is for. */
const MOST_TABS = 24;
const JOIN_EVERY_MS = 1_500;
/**
 * How long the load is looked at after each tab; so often in a row, since other programs come and
 * go.
 */
const LOOK_MS = 3_000;
const FULL_LOOKS = 2;
const SETTLE_MS = 10_000;
const PHASE_MS = 30_000;
/** After half of the tabs are closed. */
const RELIEF_MS = 10_000;
const RELIEF_WINDOW_MS = 10_000;
const TIMES_FLOOR = 3;
/** Two measurements of the same stream differ by as much. */
const SAME_MS = 100;

interface Row {
  what: string;
  tabs: number;
  delayP50: number;
  delayP95: number;
  stalls: number;
  stallPercent: number;
  framesPerSecond: number;
  cpuPercent: number;
  goal: string;
}

interface Result {
  rows: Row[];
  /** Of each tab of the mesh; 0 is when all had come. */
  timelines: Second[][];
}

export async function busy(args: readonly string[] = []): Promise<Result> {
  const ffmpeg = findFfmpeg();
  if (!ffmpeg) throw new Error('ffmpeg is missing');
  const picture = args.includes('--small') ? SMALL : LARGE;
  const tabs = tabsOf(args);
  const floor = await inBrowser((browser) => measureFloor(ffmpeg, browser, picture, tabs));
  const mesh = await inBrowser((browser) => measureMesh(ffmpeg, browser, picture, floor.tabs));
  const [normal, full, relieved] = mesh.rows;
  const rows = [floor, ...mesh.rows];
  console.table(rows);
  if (tabs === null && floor.tabs === MOST_TABS) console.log(`This machine is not full with ${MOST_TABS} tabs.`);
  const times = { p50: full.delayP50 / floor.delayP50, p95: full.delayP95 / floor.delayP95 };
  const leftMs = relieved.delayP50 - normal.delayP50;
  const isHeld = times.p50 <= TIMES_FLOOR && times.p95 <= TIMES_FLOOR && leftMs <= SAME_MS && relieved.stalls === 0;
  console.log(
    `On a full machine the mesh's delay is ${times.p50.toFixed(2)} x the floor's at p50 and ${times.p95.toFixed(2)} x at p95 ` +
      `(gate ${TIMES_FLOOR}); 10 s after relief ${leftMs} ms are left (gate ${SAME_MS}): ${isHeld ? 'held' : 'not held'}`,
  );
  if (!isHeld) process.exitCode = 1;
  return { rows, timelines: mesh.timelines };
}

/** An even number, since half of them are closed; null where none is given. */
function tabsOf(args: readonly string[]): number | null {
  const given = args.find((word) => word.startsWith('--tabs='))?.slice('--tabs='.length);
  if (given === undefined) return null;
  const tabs = 2 * Math.round(Number(given) / 2);
  if (!(tabs >= 2)) throw new Error('--tabs wants a number of at least 2');
  return tabs;
}

async function inBrowser<T>(measure: (browser: Browser) => Promise<T>): Promise<T> {
  const browser = await openBrowser();
  try {
    return await measure(browser);
  } finally {
    await browser.close();
  }
}

/** @param tabs null: as many as fill the machine */
async function measureFloor(ffmpeg: string, browser: Browser, picture: Picture, tabs: number | null): Promise<Row> {
  const floor = await startFloor(ffmpeg);
  const source = startClockSource(ffmpeg, ['-f', 'mpegts', '-method', 'PUT', floor.push], { picture });
  try {
    await wait(3_000);
    const context = await newContext(browser, picture);
    const pages: Page[] = [];
    let fullLooks = 0;
    while (pages.length < (tabs ?? MOST_TABS)) {
      pages.push(...(await joinTabs(() => openTab(context, floor.watch), 1, JOIN_EVERY_MS)));
      if (tabs !== null) continue;
      const cpu = cpuTimes();
      await wait(LOOK_MS);
      fullLooks = busyPercent(cpu) >= FULL_PERCENT ? fullLooks + 1 : 0;
      // Half of an odd number of tabs cannot be closed.
      if (fullLooks >= FULL_LOOKS && pages.length % 2 === 0) break;
    }
    await wait(SETTLE_MS);
    return (await measure('floor, one hop, WebSocket to MSE', pages, PHASE_MS, 'the same load')).row;
  } finally {
    await source.close();
    await floor.close();
  }
}

async function measureMesh(
  ffmpeg: string,
  browser: Browser,
  picture: Picture,
  tabs: number,
): Promise<{ rows: [Row, Row, Row]; timelines: Second[][] }> {
  const stack = await startStack();
  const source = startClockSource(ffmpeg, ['-f', 'mpegts', stack.ready.push], { picture });
  try {
    await untilLive(stack.ready.coordinate, () => source.failure() ?? stack.process.stderr());
    const context = await newContext(browser, picture);
    const pages = await join(context, stack.ready.watch, tabs / 2);
    const normal = await measure('mesh, half of the tabs', pages, PHASE_MS / 2, '');
    pages.push(...(await join(context, stack.ready.watch, tabs / 2)));
    const fromMs = Date.now();
    const full = await measure('mesh, all of them', pages, PHASE_MS, `${TIMES_FLOOR} x the floor`);
    for (const page of pages.splice(tabs / 2)) await page.close();
    await wait(RELIEF_MS);
    const goal = `as half of them, + ${SAME_MS} ms, no stall`;
    const relieved = await measure('mesh, half closed, 10 s later', pages, RELIEF_WINDOW_MS, goal);
    const failure = source.failure();
    if (failure !== null) throw new Error(failure);
    return {
      rows: [normal.row, full.row, relieved.row],
      // Those who stay until the end have seen all of it.
      timelines: relieved.probes.map((probe) => timelineOf(probe, fromMs)),
    };
  } finally {
    await source.close();
    await stack.stop();
  }
}

async function join(context: BrowserContext, url: string, count: number): Promise<Page[]> {
  const pages = await joinTabs(() => openTab(context, url), count, JOIN_EVERY_MS);
  await wait(SETTLE_MS);
  return pages;
}

async function measure(
  what: string,
  pages: readonly Page[],
  lastsMs: number,
  goal: string,
): Promise<{ row: Row; probes: Probe[] }> {
  const [fromMs, cpu] = [Date.now(), cpuTimes()];
  await wait(lastsMs);
  const cpuPercent = busyPercent(cpu);
  const span = { fromMs, toMs: Date.now() };
  const probes = await probesOf(pages);
  const seen = seenIn(probes, span);
  const row: Row = {
    what,
    tabs: pages.length,
    delayP50: percentile(delaysOf(seen), 0.5),
    delayP95: percentile(delaysOf(seen), 0.95),
    stalls: seen.stalls,
    stallPercent: seen.stallPercent,
    framesPerSecond: framesPerSecond(probes, span),
    cpuPercent,
    goal,
  };
  return { row, probes };
}
