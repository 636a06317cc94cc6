// What do viewers have of a source that people have? Two tabs of 320x180 watch a camera whose
// encoder and uplink are disturbed in one way a row; a third comes 3 s after the disturbance is
// over. The delay is read out of the picture before, meanwhile, 10 s after and 60 s after; what the
// page says of it at the same moments is checked against it. Nothing has any priority over
// anything. The push is MPEG-TS by HTTP through a line of the bench's own. While that is slow the
// encoder's bytes queue in the sockets' buffers, a few hundred kilobytes on loopback; when they are
// full ffmpeg stands, and the camera's frames are left out.
// `npm run bench -- live [ROW ...] [--brief]`; --brief: nothing is measured 60 s after. Fails when
// a gate is not held.
import type { Browser, Page } from 'playwright-core';
import { findFfmpeg } from '../servers/shared/ffmpeg.ts';
import { openBrowser } from '../tests/support/browser.ts';
import { startStack, untilLive } from '../tests/support/stack.ts';
import { SMALL, startClockSource } from './support/clock-source.ts';
import { FILE_ROWS, measureFile } from './support/live-file.ts';
import { LIVE_ROWS, type LiveRow } from './support/live-rows.ts';
import {
  emptyRow,
  gatesInWords,
  HELD,
  inWords,
  orNull,
  stallsInWords,
  type Measured,
  type Row,
} from './support/live-table.ts';
import { LEFT_MS, TOLD_MS, verdictOf } from './support/live-verdict.ts';
import { timelineOf, type Second } from './support/timeline.ts';
import { busyPercent, cpuTimes } from './support/load.ts';
import { startUplink } from './support/uplink.ts';
import { joinTabs, openWindow, probesOf, wait, type Span } from './support/watching.ts';

const TABS = 2;
const JOIN_EVERY_MS = 1_000;
/** After the last tab has its picture, before anything is measured. */
const SETTLE_MS = 6_000;
const WINDOW_MS = 5_000;
const NEWCOMER_AFTER_MS = 3_000;
const AFTER_MS = 10_000;
const LONG_AFTER_MS = 60_000;
/** A tab that has just come is told nothing that could be wrong: its picture begins. */
const BEGINS_MS = 2_000;

interface Result {
  rows: Row[];
  /** Of each row, of each tab. */
  timelines: Record<string, Second[][]>;
  details: Record<string, unknown>;
}

export async function live(args: readonly string[] = []): Promise<Result> {
  const ffmpeg = findFfmpeg();
  if (!ffmpeg) throw new Error('ffmpeg is missing');
  const isBrief = args.includes('--brief');
  const names = args.filter((word) => !word.startsWith('--'));
  const known = [...LIVE_ROWS, ...FILE_ROWS].map(({ name }) => name);
  const unknown = names.filter((name) => !known.some((one) => isMeant(one, [name])));
  if (unknown.length > 0) throw new Error(`no such row: ${unknown.join(', ')}; there are ${known.join(', ')}`);
  const result: Result = { rows: [], timelines: {}, details: {} };
  const browser = await openBrowser();
  let referenceMs: number | null = null;
  try {
    for (const row of LIVE_ROWS) {
      if (!isMeant(row.name, names)) continue;
      if (row.atStart === true) referenceMs ??= await measureReference(ffmpeg, browser);
      const measured = await orBroken(row, measureRow(ffmpeg, browser, row, referenceMs, isBrief));
      referenceMs ??= measured.beforeMs;
      note(result, measured);
    }
    for (const row of FILE_ROWS)
      if (isMeant(row.name, names)) note(result, await orBroken(row, measureFile(ffmpeg, browser, row)));
  } finally {
    await browser.close();
  }
  console.table(result.rows);
  console.log(
    `Goals: at most +${LEFT_MS} ms 10 s after the end; told within ${TOLD_MS} ms at p95; i: no stall after two bursts; h: every frame.`,
  );
  if (result.rows.some(({ gates }) => gates !== HELD)) process.exitCode = 1;
  return result;
}

/** `e` means e-start and e-middle. */
const isMeant = (row: string, names: readonly string[]): boolean =>
  names.length === 0 || names.some((name) => row === name || row.startsWith(`${name}-`));

/**
 * A row that cannot be measured, since no picture comes, is not held; the others are measured all
 * the same.
 */
async function orBroken(
  { name, what }: { name: string; what: string },
  measuring: Promise<Measured>,
): Promise<Measured> {
  try {
    return await measuring;
  } catch (error) {
    return { row: emptyRow(name, what, (error as Error).message), beforeMs: null, timelines: [], details: null };
  }
}

function note(result: Result, { row, timelines, details }: Measured): void {
  result.rows.push(row);
  result.timelines[row.row] = timelines;
  result.details[row.row] = details;
  console.log(`${row.row}: ${row.gates}`);
}

/**
 * The median delay of an undisturbed stream, for rows that are disturbed from their first moment
 * on.
 */
async function measureReference(ffmpeg: string, browser: Browser): Promise<number | null> {
  const row: LiveRow = { name: 'reference', what: '', disturb: () => wait(1_000), lastsOn: true };
  return (await measureRow(ffmpeg, browser, row, null, true)).beforeMs;
}

const spanOf = (fromMs: number, lastsMs = WINDOW_MS): Span => ({ fromMs, toMs: fromMs + lastsMs });

async function measureRow(
  ffmpeg: string,
  browser: Browser,
  row: LiveRow,
  referenceMs: number | null,
  isBrief: boolean,
): Promise<Measured> {
  const stack = await startStack();
  const uplink = await startUplink(stack.ready.push, row.way);
  const source = startClockSource(ffmpeg, ['-f', 'mpegts', uplink.url], { picture: SMALL, ...row.source });
  const cpu = cpuTimes();
  const pages: Page[] = [];
  try {
    const join = async (count: number): Promise<void> => {
      await untilLive(stack.ready.coordinate, () => source.failure() ?? stack.process.stderr());
      const open = async (): Promise<Page> => {
        const page = await openWindow(browser, stack.ready.watch, SMALL);
        pages.push(page);
        return page;
      };
      await joinTabs(open, count, JOIN_EVERY_MS);
    };
    let before: Span | null = null;
    let joining: Promise<void> | null = null;
    if (row.atStart === true) {
      joining = join(TABS);
      joining.catch(() => undefined); // awaited below
    } else {
      await join(TABS);
      await wait(SETTLE_MS);
      before = spanOf(Date.now());
      await wait(WINDOW_MS);
    }
    const fromMs = Date.now();
    const bytesPerSecond = row.atStart === true ? 0 : uplink.bytesPerSecond();
    await row.disturb({ source, uplink, bytesPerSecond });
    const during: Span = { fromMs, toMs: Date.now() };
    await joining;
    const sinceEnd = (ms: number): Promise<void> => wait(during.toMs + ms - Date.now());
    let after: Span | null = null;
    let longAfter: Span | null = null;
    if (row.lastsOn !== true) {
      await sinceEnd(NEWCOMER_AFTER_MS);
      await join(1);
      after = spanOf(during.toMs + AFTER_MS);
      await sinceEnd(AFTER_MS + WINDOW_MS);
      if (!isBrief) {
        longAfter = spanOf(during.toMs + LONG_AFTER_MS);
        await sinceEnd(LONG_AFTER_MS + WINDOW_MS);
      }
    }
    const probes = await probesOf(pages);
    const firstMs = Math.min(...probes.map(({ firstFrameAtMs }) => firstFrameAtMs ?? Date.now()));
    const told = { fromMs: before?.fromMs ?? firstMs + BEGINS_MS, toMs: Date.now() };
    const smoothFromMs = row.smoothAfterMs === undefined ? null : fromMs + row.smoothAfterMs;
    const verdict = verdictOf(probes, { before, during, after, longAfter }, { referenceMs, smoothFromMs, told });
    const failure = source.failure();
    if (failure !== null) verdict.broken.push(failure);
    return {
      row: {
        ...emptyRow(row.name, row.what, gatesInWords(verdict.broken)),
        before: before === null ? `(${referenceMs ?? '-'})` : inWords(verdict.before),
        during: inWords(verdict.during),
        '10 s after': inWords(verdict.after),
        '60 s after': inWords(verdict.longAfter),
        'told off': orNull(verdict.toldErrorMs),
        'stalls before': stallsInWords(verdict.before),
        'during it': stallsInWords(verdict.during),
        'after it': stallsInWords(verdict.after),
        'cpu %': busyPercent(cpu),
      },
      beforeMs: verdict.before?.p50 ?? null,
      timelines: probes.map((probe) => timelineOf(probe, fromMs)),
      details: { ...verdict, bytesPerSecond: Math.round(bytesPerSecond) },
    };
  } finally {
    for (const page of pages) await page.context().close();
    await source.close();
    await uplink.close();
    await stack.stop();
  }
}
