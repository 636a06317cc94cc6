// `p2plive drill NAME`: a system of its own on free ports with the test source and a synthetic audience, one blow, and the verdict. The
// work is the control plane's.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DRILLS, type DrillName, type DrillReport } from '../protocol/rehearsal.ts';
import { launchNode } from './control/launch.ts';
import { Plane } from './control/plane.ts';
import { inWords } from './control/rehearsal/drill-reports.ts';
import { EXIT, StartError } from './shared/exit-codes.ts';
import { requireFfmpeg } from './shared/ffmpeg.ts';
import { createLog } from './shared/log.ts';
import { sourcesOf } from './shared/settings.ts';
import { parseFlags } from './shared/settings-flags.ts';

const LIVE_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 200;
const MOST_VIEWERS = 200;
const STOPPED = 'The drill was stopped before it had a verdict.';
const FREE_PORTS = ['--coordinate-port', '0', '--tracker-port', '0', '--push-port', '0', '--pull-port', '0'];

export interface DrillWords {
  viewers?: string;
  report?: string;
  json?: boolean;
}

/** @returns the exit code: 0 passed, 1 failed */
export async function drill(name: string, words: DrillWords): Promise<number> {
  const found = DRILLS.find((one) => one === name);
  if (!found) throw new StartError(EXIT.badSettings, `There is no drill ${name}; there are ${DRILLS.join(', ')}.`);
  const viewers = Number(words.viewers ?? 12);
  if (!Number.isInteger(viewers) || viewers < 2 || viewers > MOST_VIEWERS)
    throw new StartError(EXIT.badSettings, `--viewers is a whole number from 2 to ${MOST_VIEWERS}.`);
  requireFfmpeg(undefined);
  if (words.report !== undefined) checkReport(words.report);
  const data = mkdtempSync(path.join(tmpdir(), 'p2plive-drill-'));
  const flags = parseFlags(['up', 'coordinate', 'tracker', 'forward'], [...FREE_PORTS, '--data-dir', data]);
  const plane = new Plane({
    launch: launchNode(fileURLToPath(new URL('.', import.meta.url))),
    sources: sourcesOf(flags, {}),
    makesStreamKey: false,
    log: createLog('drill', 'error', () => !words.json),
  });
  let isAsked = false;
  const stop = (): void => {
    isAsked = true;
    void plane.close();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const say = (line: string): void => void (words.json ? process.stderr : process.stdout).write(`${line}\n`);
  say(`Drill ${name} with ${viewers} synthetic viewers on a system of its own.`);
  try {
    // Whatever was under way when it was stopped fails in its own words.
    const done = await run(plane, found, viewers, () => isAsked).catch((error: unknown) => {
      if (isAsked) return STOPPED;
      throw error;
    });
    return tell(isAsked ? STOPPED : done, words, say);
  } finally {
    await plane.close();
    rmSync(data, { recursive: true, force: true });
  }
}

/** @returns the report, or a sentence why there is none */
async function run(
  plane: Plane,
  name: DrillName,
  viewers: number,
  isAsked: () => boolean,
): Promise<DrillReport | string> {
  await plane.start();
  for (const outcome of [
    await plane.capture.setSource({ source: { kind: 'test' }, preset: '360p' }),
    plane.capture.goLive(),
  ])
    if (!outcome.ok) throw new StartError(EXIT.died, outcome.detail);
  await until(() => plane.mesh.view.tables['streams']?.['live']?.['state'] === 'live' || isAsked());
  return plane.rehearsal.drillNow(name, viewers);
}

/** @returns the exit code */
function tell(done: DrillReport | string, { report: file, json }: DrillWords, say: (line: string) => void): number {
  if (typeof done === 'string') {
    if (json) process.stdout.write(`${JSON.stringify({ event: 'failed', detail: done })}\n`);
    else say(done);
    return EXIT.died;
  }
  if (file !== undefined)
    writeFileSync(file, file.endsWith('.md') ? inWords(done) : `${JSON.stringify(done, null, 2)}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ event: 'done', ...done })}\n`);
  else say(`${done.what}\n${done.sentences.join('\n')}\n${done.verdict}`);
  return done.verdict === 'passed' ? EXIT.ok : EXIT.died;
}

/** Now, and not when the whole drill has been run for nothing. */
function checkReport(file: string): void {
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(
      EXIT.badSettings,
      `The report cannot be written to ${file} (${code}); name another file with --report.`,
    );
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + LIVE_WITHIN_MS; !holds();) {
    if (performance.now() > endMs)
      throw new StartError(EXIT.died, 'The test source did not go live within half a minute.');
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
