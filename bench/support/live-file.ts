// The rows h of the bench `live`: a finished file is pushed as fast as it is taken. Tabs wait for
// it beforehand and read every frame's number out of the picture: all must be played, from the
// first to the last, each in its time.
import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import type { Browser, Page } from 'playwright-core';
import { startStack } from '../../tests/support/stack.ts';
import { emptyRow, gatesInWords, type Measured } from './live-table.ts';
import { SMALL, writeClockFile } from './clock-source.ts';
import { timelineOf } from './timeline.ts';
import { busyPercent, cpuTimes } from './load.ts';
import type { Probe } from './probe.ts';
import { openWindow, percentile, probesOf, seenIn, wait } from './watching.ts';

export interface FileRow {
  name: string;
  what: string;
  /** Resolves when all of it has been taken, or the push has failed. */
  push(ffmpeg: string, file: string, url: string): Promise<void>;
}

export const FILE_ROWS: readonly FileRow[] = [
  {
    name: 'h-ffmpeg',
    what: 'a file by ffmpeg, unpaced',
    async push(ffmpeg, file, url) {
      const args = ['-v', 'error', '-i', file, '-c', 'copy', '-f', 'flv', url];
      await once(spawn(ffmpeg, args, { stdio: ['ignore', 'ignore', 'inherit'] }), 'exit');
    },
  },
  {
    name: 'h-put',
    what: 'the same file by PUT, as curl -T does',
    async push(_ffmpeg, file, url) {
      const headers = { 'content-length': statSync(file).size };
      const sending = request(url, { method: 'PUT', headers });
      const over = Promise.race([once(sending, 'response'), once(sending, 'close')]);
      createReadStream(file).pipe(sending);
      await over.catch(() => undefined); // the frames that are missing tell
    },
  },
];

const TABS = 2;
const SECONDS = 20;
const FRAMES = SECONDS * SMALL.fps;
/** For pages to load and find no stream yet; and for what is in hand when the push is over. */
const WAITING_MS = 3_000;
const DRAINED_MS = 6_000;
/** A push that takes longer than this is not paced but stuck. */
const LONGEST_MS = 3 * SECONDS * 1_000;
/**
 * A busy page misses to see some of what is shown, the first frame among them, and counts others
 * twice.
 */
const UNSURE_FRAMES = 3;
/**
 * How far from its time a frame may be shown, against the median of them: p95. A player that finds
 * its distance moves by that, at a tenth more or less than its speed; more is no real time.
 */
const OFF_TIME_MS = 1_000;

export async function measureFile(ffmpeg: string, browser: Browser, row: FileRow): Promise<Measured> {
  const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-bench-'));
  const file = path.join(folder, 'clock.ts');
  const clockFromMs = Date.now();
  await writeClockFile(ffmpeg, file, SMALL, { frames: FRAMES, fromMs: clockFromMs });
  const stack = await startStack();
  const pages: Page[] = [];
  const cpu = cpuTimes();
  try {
    for (let i = 0; i < TABS; i++) pages.push(await openWindow(browser, stack.ready.watch, SMALL, 0));
    await wait(WAITING_MS);
    const fromMs = Date.now();
    await Promise.race([row.push(ffmpeg, file, stack.ready.push), wait(LONGEST_MS)]);
    const pushMs = Date.now() - fromMs;
    // What comes faster than the pacing is still shown in its time.
    await wait(Math.max(0, SECONDS * 1_000 - pushMs) + DRAINED_MS);
    const probes = await probesOf(pages);
    const seen = probes.map((probe) => framesOf(probe, clockFromMs));
    const broken = seen.flatMap((one) => brokenBy(one));
    const lastMs = Math.min(...probes.map(({ samples }) => samples.at(-1)?.atMs ?? fromMs));
    const playing = seenIn(probes, { fromMs, toMs: lastMs });
    return {
      row: {
        ...emptyRow(row.name, row.what, gatesInWords(broken)),
        during: `off time ${Math.max(...seen.map(({ offTimeMs }) => offTimeMs))}`,
        'during it': `${playing.stalls}, ${playing.stallPercent} %`,
        'cpu %': busyPercent(cpu),
      },
      beforeMs: null,
      timelines: probes.map((probe) => timelineOf(probe, fromMs)),
      details: { pushMs, seen },
    };
  } finally {
    for (const page of pages) await page.context().close();
    await stack.stop();
    rmSync(folder, { recursive: true });
  }
}

interface Frames {
  first: number;
  last: number;
  /** From the first to the last; a busy browser presents not all of them. */
  decoded: number;
  /** Different ones that the page saw presented. */
  seen: number;
  /** p95 over the frames: how far from its time one was shown, against the median. */
  offTimeMs: number;
}

function framesOf({ samples }: Probe, clockFromMs: number): Frames {
  const numbers = samples.map(({ atMs, trueMs }) => Math.round(((atMs - trueMs - clockFromMs) * SMALL.fps) / 1_000));
  const ages = samples.map(({ trueMs }) => trueMs);
  const median = percentile(ages, 0.5);
  return {
    first: numbers[0] ?? -1,
    last: numbers.at(-1) ?? -1,
    decoded: (samples.at(-1)?.decoded ?? 0) - (samples[0]?.decoded ?? 0) + 1,
    seen: new Set(numbers).size,
    offTimeMs: percentile(
      ages.map((age) => Math.abs(age - median)),
      0.95,
    ),
  };
}

function brokenBy({ first, last, decoded, offTimeMs }: Frames): string[] {
  const broken = [];
  const isWhole = first >= 0 && first <= UNSURE_FRAMES && last === FRAMES - 1;
  if (!isWhole) broken.push(`frames ${first} to ${last} of 0 to ${FRAMES - 1}`);
  else if (decoded < last - first + 1 - UNSURE_FRAMES) broken.push(`${last - first + 1 - decoded} frames left out`);
  if (!(offTimeMs <= OFF_TIME_MS)) broken.push(`${offTimeMs} ms off time`);
  return broken;
}
