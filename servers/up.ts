// `p2plive up`: all servers in child processes, and the test source on air if asked. What it says to a person or, with --json, to a
// program; the work is the control plane's.
import { fileURLToPath } from 'node:url';
import type { Addresses, PlaneState } from '../protocol/control.ts';
import { launchNode } from './control/launch.ts';
import { ConsoleServer } from './control/console-server.ts';
import { Plane } from './control/plane.ts';
import { endWithNpm } from './npm-parent.ts';
import { EXIT, StartError } from './shared/exit-codes.ts';
import { requireFfmpeg } from './shared/ffmpeg.ts';
import { createLog } from './shared/log.ts';
import { logLevel, logText } from './shared/log-text.ts';
import { emit, runProgram, type Voice } from './shared/program.ts';
import { resolve, sourcesOf } from './shared/settings.ts';
import type { Flags } from './shared/settings-flags.ts';

/** Runs until told to stop. */
export async function up(flags: Flags): Promise<void> {
  let json = flags.get('json') === 'true';
  let ownKey: string | null = null;
  let isReady = false;
  let changed = (): void => {};
  const log = createLog('up', process.env['P2PLIVE_LOG_LEVEL'] ?? 'warn', () => !json);
  const voice: Voice = {
    log,
    ready(fields) {
      if (json) emit('ready', fields);
      else tell(fields as unknown as Ready, ownKey);
      isReady = true;
      changed();
    },
    failed(error) {
      if (json) emit('failed', { code: error.code, detail: error.message });
    },
  };
  endWithNpm(() => process.kill(process.pid, 'SIGTERM'));
  await runProgram(
    'up',
    async () => {
      const sources = sourcesOf(flags, process.env);
      const { source, ffmpeg, json: asJson, console: serves, consolePort } = resolve('up', sources);
      json = asJson;
      if (source !== undefined) requireFfmpeg(ffmpeg);
      let ending = false;
      const folder = fileURLToPath(new URL('.', import.meta.url));
      const plane: Plane = new Plane({
        launch: launchNode(folder),
        sources,
        // A program that starts us gives the keys itself.
        makesStreamKey: !json,
        log,
        onChange: json
          ? jsonReporter(
              () => ending,
              () => isReady,
            )
          : plainReporter(() => ending),
        // While all end, the programs miss each other: that is no news.
        onLog: (program, line) =>
          unlessEnding(
            () => ending || plane.programs.isClosed,
            () => passLog(program, line, json),
          ),
      });
      const { token } = plane.saved.value;
      const server = serves
        ? new ConsoleServer({ host: '127.0.0.1', port: consolePort, token, folder: `${folder}renderer`, plane, log })
        : null;
      const close = async (): Promise<void> => {
        ending = true;
        await Promise.all([server?.close(), plane.close()]);
      };
      try {
        const link = (await server?.start()) ?? null;
        const addresses = await plane.start();
        ownKey = plane.madeStreamKey;
        changed = () => plane.changed();
        if (source !== undefined) await goLive(plane, source);
        return { ready: { ...addresses, console: link }, close };
      } catch (error) {
        await close();
        throw error;
      }
    },
    voice,
  );
}

async function goLive(plane: Plane, kind: 'test'): Promise<void> {
  for (const outcome of [await plane.capture.setSource({ source: { kind }, preset: '360p' }), plane.capture.goLive()])
    if (!outcome.ok) throw new StartError(EXIT.died, outcome.detail);
}

type Ready = Addresses & { console: string | null };

/** A few lines for a person, the link last. */
function tell({ push, watch, coordinate, tracker, forwards, console }: Ready, streamKey: string | null): void {
  const rows: [string, string][] = [
    ['push a stream to', streamKey === null ? push : `${push}?key=${streamKey}`],
    ['debug', [`${coordinate}/debug`, `${tracker}/debug`, ...forwards.map((forward) => forward.debug)].join('  ')],
    ...(console === null ? [] : ([['console', console]] satisfies [string, string][])),
    ['watch', watch],
  ];
  process.stdout.write('P2PLive is up; Ctrl-C stops it.\n');
  for (const [name, value] of rows) process.stdout.write(`  ${name.padEnd(18)}${value}\n`);
}

function jsonReporter(isEnding: () => boolean, isReady: () => boolean): (state: PlaneState) => void {
  let before = '{"is":"idle"}';
  return (state) => {
    trouble(state, isEnding);
    // The ready line comes first; what the source did meanwhile follows it.
    if (!isReady()) return;
    const now = JSON.stringify(state.capture.state);
    if (now !== before) emit('capture', { ...state.capture.state });
    before = now;
  };
}

const plainReporter =
  (isEnding: () => boolean) =>
  (state: PlaneState): void =>
    trouble(state, isEnding);

const GROUP_MS = 150;
/** A signal to the whole group may reach a program or its ffmpeg before it reaches us: then its end is no trouble. */
function unlessEnding(isEnding: () => boolean, then: () => void): void {
  setTimeout(() => isEnding() || then(), GROUP_MS).unref();
}

const said = new Map<string, string>();
/** A program's last words are not repeated while they stay the same. */
const saidWords = new Map<string, string>();

/** Says once what a person may want to act on. A failure before everything was ready once ends `up` itself, with its sentence. */
function trouble({ programs, capture: { state: capture }, addresses }: PlaneState, isEnding: () => boolean): void {
  for (const [name, state] of Object.entries(programs)) {
    if (state.is === 'backoff') {
      const words = state.lastLines.filter((line) => !line.startsWith('{')).join('\n');
      const again = words === '' || words === saidWords.get(name) ? '' : `\n${words}`;
      saidWords.set(name, words);
      const sentence = `The ${name} ended (${state.ending}) and is started again.${again}`;
      unlessEnding(isEnding, () => say(name, `${state.attempt}`, sentence));
    } else if (state.is === 'failed' && addresses !== null) say(name, 'failed', state.detail);
  }
  if (capture.is === 'failed') say('source', 'failed', `The source stopped: ${capture.reason}`);
  if (capture.is === 'reconnecting') {
    const { attempt, reason } = capture;
    unlessEnding(isEnding, () => say('source', `${attempt}`, `The source is reconnecting: ${reason}`));
  }
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
  const level = logLevel(line);
  if (level === null) process.stderr.write(`${program}: ${logText(line)}\n`);
  else if (level >= WARN) process.stderr.write(`${logText(line, program)}\n`);
}
