// One ffmpeg from its start to its end: its fragments, its numbers, its last words. It writes into our pipe, so that it can't outlive
// us; one that writes nothing for too long is ended here. What an end means is errors.ts's business, what follows from it feed.ts's.
import { spawn } from 'node:child_process';
import { awakeMs } from '../../shared/awake.ts';
import { eachLine, Tail } from '../lines.ts';
import { FragmentSplitter, type Fragment, type Init } from './fragments.ts';
import { ProgressReader, type Numbers } from './progress.ts';

/** A camera may take a while, and on macOS a person is asked first. */
const FIRST_MS = 20_000;
/** Something that delivered and does not any more: pulled out, or asleep. */
const SILENT_MS = 5_000;
const LOOK_EVERY_MS = 250;
const KEPT_LINES = 20;

export interface RunEnding {
  /** It delivered something before. */
  wrote: boolean;
  /** The end of what it said on stderr. */
  lines: string[];
  /** What was wrong apart from what it said: it could not be started, wrote something else, or fell silent. */
  problem: string | null;
}

export interface RunHears {
  init(init: Init): void;
  fragment(fragment: Fragment): void;
  numbers(numbers: Numbers): void;
}

export interface FfmpegRun {
  /** Ends it at once; nothing is heard of it from then on. */
  kill(): void;
  /** The process is gone and its output is read. Never rejects. */
  ended: Promise<RunEnding>;
}

export function runFfmpeg(ffmpeg: string, args: readonly string[], hears: RunHears): FfmpegRun {
  const child = spawn(ffmpeg, args, { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
  const tail = new Tail(KEPT_LINES);
  const progress = new ProgressReader();
  let isDeaf = false;
  let wrote = false;
  let problem: string | null = null;
  const end = (why: string): void => {
    problem ??= why;
    child.kill('SIGKILL');
  };
  let heardMs = awakeMs();
  const watch = setInterval(() => {
    const silentMs = awakeMs() - heardMs;
    if (silentMs > (wrote ? SILENT_MS : FIRST_MS)) end(wrote ? 'it stopped delivering' : 'nothing came from it');
  }, LOOK_EVERY_MS);
  const splitter = new FragmentSplitter({
    init: (init) => {
      if (!isDeaf) hears.init(init);
    },
    fragment: (fragment) => {
      wrote = true;
      heardMs = awakeMs();
      progress.bytes(fragment.bytes.length);
      if (!isDeaf) hears.fragment(fragment);
    },
  });
  child.stdout.on('data', (bytes: Buffer) => {
    const refused = splitter.push(bytes);
    if (refused !== null) end(refused);
  });
  eachLine(child.stderr, (line) => {
    if (!progress.line(line)) {
      const said = forPeople(line);
      if (said !== null) tail.add(said);
    }
    const numbers = progress.take(performance.now());
    if (numbers && !isDeaf) hears.numbers(numbers);
  });
  const ended = new Promise<RunEnding>((resolve) => {
    const settle = (): void => {
      clearInterval(watch);
      resolve({ wrote, lines: tail.list(), problem });
    };
    child.on('error', (error) => {
      problem ??= `it could not be started (${error.message})`;
      if (child.pid === undefined) settle();
    });
    child.on('close', settle);
  });
  return {
    kill: () => {
      isDeaf = true;
      clearInterval(watch);
      child.kill('SIGKILL');
    },
    ended,
  };
}

/** What is said at level warning and above, without that word; null for the rest. Libraries that ffmpeg uses say no level. */
function forPeople(line: string): string | null {
  const level = /^(?:\[[^\]]* @ [^\]]*\] )*\[(\w+)\] /.exec(line)?.[1];
  if (level === undefined) return line;
  return ['warning', 'error', 'fatal', 'panic'].includes(level) ? line.replace(`[${level}] `, '') : null;
}
