// How far behind the source is the picture, and who carries it? Eight browser tabs on one machine watch one stream; the delay is read
// out of the picture, the offload out of the forward's own counters. The one-hop floor is measured in the same run.
// `npm run bench -- latency [floor|floor-crash|steady|churn|crash|calm-8|calm-12|audio ...]` (all without a name).
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { findFfmpeg } from '../servers/shared/ffmpeg.ts';
import { openBrowser } from '../tests/support/browser.ts';
import { startStack, type Stack } from '../tests/support/stack.ts';
import { until } from '../tests/support/until.ts';
import { startClockSource } from './support/clock-source.ts';
import { startFloor } from './support/floor.ts';
import { installProbe, NUMBERS, type Probe } from './support/probe.ts';

const VIEWERS = 8;
const JOIN_EVERY_MS = 1_500;
const PHASE_MS = 60_000;

interface Phase {
  name: string;
  label: string;
  viewers: number;
  everyMs: number;
  lastsMs: number;
  crash: boolean;
  gate: string;
}

/** MESH.md section 8 for rich uplinks: p50 and p95. */
const STEADY_GATE = 'delay 400 / 700 ms (240 / 460)';
const TWICE_GATE = 'twice 3 % (0.5), upload 1.06 (1.03)';

/** 15 % of the viewers leave in a minute. */
const calm = (viewers: number): Phase => ({
  name: `calm-${viewers}`,
  label: `${viewers} tabs, 15 % a minute closed and replaced`,
  viewers,
  everyMs: Math.round(60_000 / (0.15 * viewers)),
  lastsMs: 150_000,
  crash: false,
  gate: `stalled 0.5 %, ${TWICE_GATE}`,
});

const PHASES: readonly Phase[] = [
  {
    name: 'churn',
    label: 'one closed and replaced every 5 s',
    viewers: 8,
    everyMs: 5_000,
    lastsMs: PHASE_MS,
    crash: false,
    gate: `stalled 0.5 %, ${TWICE_GATE}`,
  },
  {
    name: 'crash',
    label: 'one crashed and replaced every 5 s',
    viewers: 8,
    everyMs: 5_000,
    lastsMs: PHASE_MS,
    crash: true,
    gate: `stalled 1 %, ${TWICE_GATE}`,
  },
  calm(8),
  calm(12),
];

/** After the last join, before a steady minute begins. */
const SETTLE_MS = 5_000;

interface Row {
  what: string;
  viewers: number;
  delayP50: number;
  delayP95: number;
  firstFrameP50: number;
  firstFrameP95: number;
  offloadPercent: number | null;
  stallPercent: number;
  stalls: number;
  inStepMs: number | null;
  /** K and supply at the end of the phase. */
  slices?: string;
  uploadCopies?: number;
  duplicatePercent?: number;
  /** And the goal, in brackets. */
  gate?: string;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const percentile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN);
};

export async function latency(which: readonly string[] = []): Promise<Row[]> {
  const ffmpeg = findFfmpeg();
  if (!ffmpeg) throw new Error('ffmpeg is missing');
  const wanted = (name: string): boolean => which.length === 0 || which.includes(name);
  const rows: Row[] = [];
  if (wanted('floor')) rows.push(await measureFloor(ffmpeg, 4, null));
  const crashing = PHASES.find(({ name }) => name === 'crash');
  if (wanted('floor-crash') && crashing) rows.push(await measureFloor(ffmpeg, VIEWERS, crashing));
  if (wanted('steady') || PHASES.some(({ name }) => wanted(name)))
    rows.push(...(await measureMesh(ffmpeg, false, wanted)));
  if (wanted('audio')) rows.push(...(await measureMesh(ffmpeg, true, (name) => name === 'steady')));
  console.table(rows);
  const floor = rows.find((row) => row.what.startsWith('floor'));
  const steady = rows.find((row) => row.what.startsWith('mesh, steady'));
  if (floor && steady)
    console.log(`delay p50 of the mesh is ${(steady.delayP50 / floor.delayP50).toFixed(2)} x the one-hop floor`);
  return rows;
}

/** A tab of a browser that is open already, as most viewers' are: each has a renderer process of its own. */
async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url, { waitUntil: 'commit' });
  return page;
}

async function newContext(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 660, height: 520 } });
  await context.addInitScript(installProbe, NUMBERS);
  return context;
}

const probeOf = (page: Page): Promise<Probe> => page.evaluate(() => structuredClone(window.probe));
const reset = (page: Page): Promise<void> =>
  page
    .evaluate(() => Object.assign(window.probe, { delays: [], stallMs: 0, stalls: 0, watchedMs: 0 }))
    .then(() => undefined);

async function join(context: BrowserContext, url: string, count: number): Promise<Page[]> {
  const pages: Page[] = [];
  for (let i = 0; i < count; i++) {
    pages.push(await open(context, url));
    await wait(JOIN_EVERY_MS);
  }
  await until(
    'a picture in every page',
    async () => (await Promise.all(pages.map(probeOf))).every((p) => p.firstFrameMs !== null),
    { withinMs: 20_000 },
  );
  return pages;
}

function row(what: string, probes: readonly Probe[], offloadPercent: number | null): Row {
  const delays = probes.flatMap((p) => p.delays);
  const first = probes.flatMap((p) => p.firstFrameMs ?? []);
  const watched = probes.reduce((sum, p) => sum + p.watchedMs, 0);
  const medians = probes.filter((p) => p.delays.length > 4).map((p) => percentile(p.delays, 0.5));
  return {
    what,
    viewers: probes.length,
    delayP50: percentile(delays, 0.5),
    delayP95: percentile(delays, 0.95),
    firstFrameP50: percentile(first, 0.5),
    firstFrameP95: percentile(first, 0.95),
    offloadPercent: offloadPercent === null ? null : Math.round(offloadPercent * 10) / 10,
    stallPercent: Math.round((probes.reduce((sum, p) => sum + p.stallMs, 0) / watched) * 10_000) / 100,
    stalls: probes.reduce((sum, p) => sum + p.stalls, 0),
    inStepMs: medians.length > 1 ? Math.max(...medians) - Math.min(...medians) : null,
  };
}

/** @param leaving how tabs leave and are replaced meanwhile; null: nobody does */
async function measureFloor(ffmpeg: string, viewers: number, leaving: Phase | null): Promise<Row> {
  const floor = await startFloor(ffmpeg);
  const source = startClockSource(ffmpeg, ['-f', 'mpegts', '-method', 'PUT', floor.push], false);
  const browser = await openBrowser();
  try {
    await wait(3_000);
    const context = await newContext(browser);
    const pages = await join(context, floor.watch, viewers);
    for (const page of pages) await reset(page);
    const name = 'floor, one hop, WebSocket to MSE';
    if (leaving) return row(`${name}, ${leaving.label}`, await leaveInTurn(leaving, context, pages, floor.watch), null);
    await wait(PHASE_MS / 3);
    return row(name, await Promise.all(pages.map(probeOf)), null);
  } finally {
    await browser.close();
    await source.close();
    await floor.close();
  }
}

/** How the tracker has cut the stream, and with what supply: as "2 x 1.15". */
async function layoutOf(stack: Stack): Promise<string> {
  const response = await fetch(`${stack.ready.tracker}/debug`, { headers: { accept: 'application/json' } });
  const { streams } = (await response.json()) as { streams: { k: number; supply: number }[] };
  return streams.map(({ k, supply }) => `${k} x ${supply.toFixed(2)}`).join(', ');
}

interface Bytes {
  egress: number;
  ingress: number;
}

async function bytesOf(stack: Stack): Promise<Bytes> {
  const sum = { egress: 0, ingress: 0 };
  for (const { debug } of stack.ready.forwards) {
    const response = await fetch(debug, { headers: { accept: 'application/json' } });
    const state = (await response.json()) as { egressBytes: Record<string, number>; ingressBytes: number };
    sum.egress +=
      (state.egressBytes['media'] ?? 0) + (state.egressBytes['bootstrap'] ?? 0) + (state.egressBytes['repair'] ?? 0);
    sum.ingress += state.ingressBytes;
  }
  return sum;
}

/** 1 - (what the forward sent to viewers) / (one copy of the stream for each of them). */
const offload = (before: Bytes, after: Bytes, viewers: number): number =>
  100 * (1 - (after.egress - before.egress) / ((after.ingress - before.ingress) * viewers));

async function measureMesh(ffmpeg: string, audio: boolean, wanted: (name: string) => boolean): Promise<Row[]> {
  const name = audio ? 'mesh with AAC' : 'mesh';
  const stack = await startStack();
  const source = startClockSource(ffmpeg, ['-f', 'mpegts', stack.ready.push], audio);
  const browser = await openBrowser();
  const rows: Row[] = [];
  try {
    await until(
      'a live stream',
      async () => (await (await fetch(`${stack.ready.coordinate}/streams`)).text()).includes('"live"'),
      { withinMs: 15_000 },
    );
    await wait(2_000);
    const context = await newContext(browser);
    const pages = await join(context, stack.ready.watch, VIEWERS);
    await wait(SETTLE_MS);
    if (wanted('steady')) {
      // What a minute after all have come does not show.
      rows.push(row(`${name}, since each came`, await Promise.all(pages.map(probeOf)), null));
      for (const page of pages) await reset(page);
      const before = await bytesOf(stack);
      await wait(PHASE_MS);
      const after = await bytesOf(stack);
      rows.push({
        ...row(`${name}, steady minute`, await Promise.all(pages.map(probeOf)), offload(before, after, VIEWERS)),
        slices: await layoutOf(stack),
        gate: STEADY_GATE,
      });
    }
    for (const phase of PHASES) {
      if (!wanted(phase.name)) continue;
      if (pages.length < phase.viewers) {
        pages.push(...(await join(context, stack.ready.watch, phase.viewers - pages.length)));
        await wait(SETTLE_MS);
      }
      rows.push(await measureLeaving(phase, name, context, pages, stack));
    }
    return rows;
  } finally {
    await browser.close();
    await source.close();
    await stack.stop();
  }
}

/** One viewer after the other leaves, and another comes at once, for the phase's time. */
async function measureLeaving(
  phase: Phase,
  name: string,
  context: BrowserContext,
  pages: Page[],
  stack: Stack,
): Promise<Row> {
  for (const page of pages) await reset(page);
  const before = await bytesOf(stack);
  const began = new Map(await Promise.all(pages.map(async (page) => [page, await tallyOf(page)] as const)));
  const shared: Tally = { sent: 0, received: 0, duplicate: 0 };
  const count = async (page: Page): Promise<void> => {
    const [now, then] = [await tallyOf(page), began.get(page)];
    for (const key of ['sent', 'received', 'duplicate'] as const) shared[key] += now[key] - (then?.[key] ?? 0);
  };
  const all = await leaveInTurn(phase, context, pages, stack.ready.watch, count);
  for (const page of pages) await count(page);
  const after = await bytesOf(stack);
  return {
    ...row(`${name}, ${phase.label}`, all, offload(before, after, pages.length)),
    slices: await layoutOf(stack),
    // Of everybody who was here, over one copy for each place.
    uploadCopies: Math.round((shared.sent / ((after.ingress - before.ingress) * pages.length)) * 1_000) / 1_000,
    duplicatePercent: Math.round((shared.duplicate / shared.received) * 10_000) / 100,
    gate: phase.gate,
  };
}

/** @returns what was seen in all pages, those that are gone included */
async function leaveInTurn(
  phase: Phase,
  context: BrowserContext,
  pages: Page[],
  url: string,
  leaves: (page: Page) => Promise<void> = async () => {},
): Promise<Probe[]> {
  const gone: Probe[] = [];
  const endMs = performance.now() + phase.lastsMs;
  for (let turn = 0; performance.now() < endMs; turn++) {
    const at = turn % pages.length;
    const leaving = pages[at];
    if (!leaving) break;
    gone.push(await probeOf(leaving));
    await leaves(leaving);
    if (phase.crash) await crash(leaving);
    else await leaving.close();
    pages[at] = await open(context, url);
    await wait(phase.everyMs);
  }
  return [...gone, ...(await Promise.all(pages.map(probeOf)))].filter((p) => p.firstFrameMs !== null);
}

interface Tally {
  sent: number;
  received: number;
  duplicate: number;
}

const tallyOf = (page: Page): Promise<Tally> =>
  page.evaluate(() => {
    const { sentBytes, receivedBytes, duplicateBytes } = (
      window as unknown as {
        p2plive: {
          stats(): { sentBytes: number; duplicateBytes: number; receivedBytes: { forward: number; peers: number } };
        };
      }
    ).p2plive.stats();
    return { sent: sentBytes, received: receivedBytes.forward + receivedBytes.peers, duplicate: duplicateBytes };
  });

/** The renderer dies on the spot: no pagehide, no bye. */
async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await Promise.race([session.send('Page.crash').catch(() => undefined), wait(500)]);
  await Promise.race([page.close(), wait(1_000)]);
}
