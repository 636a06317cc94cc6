// `p2plive up`: all servers in child processes, and the test source on air if asked. What it says to a person or, with --json, to a
// program; the work is the control plane's.
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Addresses, PlaneState } from '../protocol/control.ts';
import { launchNode } from './control/launch.ts';
import { Plane, type PlaneSettings } from './control/plane.ts';
import { endWithNpm } from './npm-parent.ts';
import { EXIT, StartError } from './shared/exit-codes.ts';
import { requireFfmpeg } from './shared/ffmpeg.ts';
import { isLoopback } from './shared/http.ts';
import { createLog } from './shared/log.ts';
import { emit, runProgram, type Voice } from './shared/program.ts';
import { resolve, sourcesOf } from './shared/settings.ts';
import type { Flags } from './shared/settings-flags.ts';

/** Runs until told to stop. */
export async function up(flags: Flags): Promise<void> {
  let json = flags.get('json') === 'true';
  let streamKey: string | null = null;
  const log = createLog('up', process.env['P2PLIVE_LOG_LEVEL'] ?? 'warn');
  const voice: Voice = {
    log,
    // No console yet: the next piece of work serves it.
    ready: (addresses) =>
      json ? emit('ready', { ...addresses, console: null }) : tell(addresses as unknown as Addresses, streamKey),
    failed(error) {
      if (json) emit('failed', { code: error.code, detail: error.message });
    },
  };
  endWithNpm(() => process.kill(process.pid, 'SIGTERM'));
  await runProgram(
    'up',
    async () => {
      const settings = planeSettings(flags);
      json = settings.up.json;
      const { source, ffmpeg } = settings.up;
      if (!json) streamKey = openStreamKey(settings);
      if (source !== undefined) requireFfmpeg(ffmpeg);
      let ending = false;
      const plane = new Plane({
        launch: launchNode(fileURLToPath(new URL('.', import.meta.url))),
        settings,
        log,
        onChange: json ? jsonReporter() : plainReporter(),
        // While all end, the programs miss each other: that is no news.
        onLog: (program, line) => ending || passLog(program, line, json),
      });
      const addresses = await plane.start();
      if (source !== undefined) {
        const outcome = plane.goLive({ source });
        if (!outcome.ok) throw new StartError(EXIT.died, outcome.detail);
      }
      const close = (): Promise<void> => {
        ending = true;
        return plane.close();
      };
      return { ready: { ...addresses }, close };
    },
    voice,
  );
}

function planeSettings(flags: Flags): PlaneSettings {
  const sources = sourcesOf(flags, process.env);
  return {
    up: resolve('up', sources),
    coordinate: resolve('coordinate', sources),
    tracker: resolve('tracker', sources),
    forward: resolve('forward', sources),
  };
}

/** Open to other machines and without a key of the person's own, encoders get a random one: it stands in the push address. */
function openStreamKey({ coordinate }: PlaneSettings): string | null {
  if (isLoopback(coordinate.host) || coordinate.streamKey !== undefined || 'live' in coordinate.streamKeys) return null;
  coordinate.streamKey = randomBytes(12).toString('base64url');
  return coordinate.streamKey;
}

/** A few lines for a person, the link last. */
function tell({ push, watch, coordinate, tracker, forwards }: Addresses, streamKey: string | null): void {
  const rows: [string, string][] = [
    ['push a stream to', streamKey === null ? push : `${push}?key=${streamKey}`],
    ['debug', [`${coordinate}/debug`, `${tracker}/debug`, ...forwards.map((forward) => forward.debug)].join('  ')],
    ['watch', watch],
  ];
  process.stdout.write('P2PLive is up; Ctrl-C stops it.\n');
  for (const [name, value] of rows) process.stdout.write(`  ${name.padEnd(18)}${value}\n`);
}

function jsonReporter(): (state: PlaneState) => void {
  let before = '';
  return (state) => {
    const now = JSON.stringify(state.capture);
    if (now !== before && before !== '') emit('capture', { ...state.capture });
    before = now;
    trouble(state);
  };
}

const plainReporter = (): ((state: PlaneState) => void) => trouble;

const said = new Map<string, string>();
/** A program's last words are not repeated while they stay the same. */
const saidWords = new Map<string, string>();

/** Says once what a person may want to act on. A failure before everything was ready once ends `up` itself, with its sentence. */
function trouble({ programs, capture, addresses }: PlaneState): void {
  for (const [name, state] of Object.entries(programs)) {
    if (state.is === 'backoff') {
      const words = state.lastLines.filter((line) => !line.startsWith('{')).join('\n');
      const again = words === '' || words === saidWords.get(name) ? '' : `\n${words}`;
      saidWords.set(name, words);
      say(name, `${state.attempt}`, `The ${name} ended (${state.ending}) and is started again.${again}`);
    } else if (state.is === 'failed' && addresses !== null) say(name, 'failed', state.detail);
  }
  if (capture.is === 'failed') say('source', 'failed', `The source stopped: ${capture.reason}`);
  if (capture.is === 'reconnecting')
    say('source', `${capture.attempt}`, `The source is reconnecting: ${capture.reason}`);
}

function say(subject: string, key: string, sentence: string): void {
  if (said.get(subject) === key) return;
  said.set(subject, key);
  process.stderr.write(`${sentence}\n`);
}

const WARN = 40;
/** A program's log: whole lines for a program, warnings and errors for a person. Its last words are told when it ends. */
function passLog(program: string, line: string, json: boolean): void {
  if (!line.startsWith('{')) return;
  if (json) {
    process.stderr.write(`${line}\n`);
    return;
  }
  try {
    const { level, msg } = JSON.parse(line) as { level?: number; msg?: string };
    if ((level ?? 0) >= WARN && msg) process.stderr.write(`${program}: ${msg}\n`);
  } catch {
    process.stderr.write(`${program}: ${line}\n`);
  }
}
