// The rows h of the bench `live`: a finished file is pushed as fast as it is taken. Tabs wait for it beforehand and read every
// frame's number out of the picture: all must be shown, from the first to the last, each in its time.
import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import type { Browser } from 'playwright-core';
import { startStack } from '../../tests/support/stack.ts';
import { emptyRow, gatesInWords, type Measured } from './live-table.ts';
import { SMALL, writeClockFile } from './clock-source.ts';
import { timelineOf } from './timeline.ts';
import { busyPercent, cpuTimes } from './load.ts';
import type { Probe } from './probe.ts';
import { newContext, openTab, percentile, probesOf, seenIn, wait } from './watching.ts';

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
/** A busy page may miss to see frames that were shown: so many running. */
const UNSEEN_FRAMES = 3;
const SEEN_PERCENT = 98;
/** How far from its time a frame may be shown, against the first one: p95. */
const OFF_TIME_MS = 100;

export async function measureFile(ffmpeg: string, browser: Browser, row: FileRow): Promise<Measured> {
  const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-bench-'));
  const file = path.join(folder, 'clock.ts');
  const clockFromMs = Date.now();
  await writeClockFile(ffmpeg, file, SMALL, { frames: FRAMES, fromMs: clockFromMs });
  const stack = await startStack();
  const context = await newContext(browser, SMALL, 0);
  const cpu = cpuTimes();
  try {
    const pages = [];
    for (let i = 0; i < TABS; i++) pages.push(await openTab(context, stack.ready.watch));
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
    const unlike = seen.flatMap(({ offTimeMs }) => offTimeMs);
    return {
      row: {
        ...emptyRow(row.name, row.what, gatesInWords(broken)),
        during: `${percentile(unlike, 0.5)} / ${percentile(unlike, 0.95)} off time`,
        'during it': `${playing.stalls}, ${playing.stallPercent} %`,
        'cpu %': busyPercent(cpu),
      },
      beforeMs: null,
      timelines: probes.map((probe) => timelineOf(probe, fromMs)),
      details: { pushMs, seen },
    };
  } finally {
    await context.close();
    await stack.stop();
    rmSync(folder, { recursive: true });
  }
}

interface Frames {
  first: number;
  last: number;
  seenPercent: number;
  longestUnseen: number;
  /** Of each frame: how far from its time, against the first one's. */
  offTimeMs: number[];
}

function framesOf({ samples }: Probe, clockFromMs: number): Frames {
  const at = samples.map(({ atMs, trueMs }) => ({
    atMs,
    number: Math.round(((atMs - trueMs - clockFromMs) * SMALL.fps) / 1_000),
  }));
  const [first, last] = [at[0], at.at(-1)];
  if (!first || !last) return { first: -1, last: -1, seenPercent: 0, longestUnseen: FRAMES, offTimeMs: [] };
  const steps = at.slice(1).map(({ number }, i) => number - (at[i]?.number ?? 0));
  const dueMs = (number: number): number => first.atMs + ((number - first.number) * 1_000) / SMALL.fps;
  return {
    first: first.number,
    last: last.number,
    seenPercent: Math.round((1_000 * new Set(at.map(({ number }) => number)).size) / FRAMES) / 10,
    longestUnseen: Math.max(0, ...steps.map((step) => step - 1)),
    offTimeMs: at.map(({ atMs, number }) => Math.abs(Math.round(atMs - dueMs(number)))),
  };
}

function brokenBy({ first, last, seenPercent, longestUnseen, offTimeMs }: Frames): string[] {
  const broken = [];
  if (first !== 0 || last !== FRAMES - 1) broken.push(`frames ${first} to ${last} of 0 to ${FRAMES - 1}`);
  if (seenPercent < SEEN_PERCENT || longestUnseen > UNSEEN_FRAMES)
    broken.push(`${seenPercent} % of the frames seen, ${longestUnseen} running not`);
  if (!(percentile(offTimeMs, 0.95) <= OFF_TIME_MS)) broken.push(`${percentile(offTimeMs, 0.95)} ms off time`);
  return broken;
}
