// The source on air: runs ffmpeg and posts what it writes to the coordinate, for as long as it is asked to. ffmpeg writes into our
// pipe, so that it can't outlive us; the pipe stops when the coordinate does not take more, so that nothing piles up.
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { CaptureState, Source } from '../../protocol/control.ts';
import { explainFfmpeg, requireFfmpeg } from '../shared/ffmpeg.ts';
import type { Log } from '../shared/log.ts';
import { drawTextProbeArgs, TEST_PRESET, testSourceArgs } from './ffmpeg-args.ts';
import { eachLine, Tail } from './lines.ts';

export interface CaptureOptions {
  /** Where to post, asked at each attempt: a restarted coordinate may be elsewhere. */
  push: () => string;
  streamKey?: string;
  ffmpeg?: string;
  log: Log;
  onChange?: (state: CaptureState) => void;
}

/** Wait before each attempt after a break; the last one repeats. */
const RECONNECT_MS = [0, 300, 1_200, 2_700, 4_800, 7_000];
/** On air this long, the next break starts counting anew. */
const STEADY_MS = 10_000;
const PROBE_LIMIT_MS = 5_000;
const KEPT_LINES = 20;
const MOST_ANSWER_CHARS = 2_000;
/** Answers that trying again would not change. */
const FINAL_STATUS = [400, 401, 403, 404, 411, 413, 415];

/** After a clean end the coordinate has this long to answer. */
const ANSWER_LIMIT_MS = 500;

interface Ending {
  retry: boolean;
  reason: string;
}
const STOPPED: Ending = { retry: false, reason: 'stopped' };

export class Capture {
  readonly #options: CaptureOptions;
  #state: CaptureState = { is: 'idle' };
  /** Ends the attempt under way; null while none is. */
  #abort: (() => void) | null = null;
  #ended: Promise<void> = Promise.resolve();
  /** The wait before the next attempt, and that attempt. */
  #next: { timer: NodeJS.Timeout; attempt: () => void } | null = null;
  #source: Source | null = null;
  #breaks = 0;

  constructor(options: CaptureOptions) {
    this.#options = options;
  }

  get state(): CaptureState {
    return this.#state;
  }

  /**
   * Goes on air and stays there until `stop`. Answers at once; the state says the rest.
   * @throws StartError(ffmpegMissing)
   */
  start(source: Source): void {
    if (this.#source !== null) return;
    const ffmpeg = requireFfmpeg(this.#options.ffmpeg);
    this.#source = source;
    this.#breaks = 0;
    this.#attempt(ffmpeg, testSourceArgs(TEST_PRESET, canDrawText(ffmpeg)));
  }

  /** Goes off air; the coordinate sees a clean end. */
  async stop(): Promise<void> {
    this.#source = null;
    if (this.#next) clearTimeout(this.#next.timer);
    this.#next = null;
    this.#abort?.();
    await this.#ended;
    this.#become({ is: 'idle' });
  }

  /** The coordinate is back, or a person asks: does not wait any longer. */
  retryNow(): void {
    if (!this.#next) return;
    clearTimeout(this.#next.timer);
    this.#next.attempt();
  }

  #attempt(ffmpeg: string, args: string[]): void {
    const source = this.#source;
    if (source === null) return;
    this.#next = null;
    let liveSinceMs: number | null = null;
    const run = publish(ffmpeg, args, this.#options, () => {
      if (this.#source === null) return;
      liveSinceMs = Date.now();
      this.#become({ is: 'live', source, sinceMs: liveSinceMs });
    });
    this.#abort = () => run.abort();
    this.#ended = run.ended.then(({ retry, reason }) => {
      this.#abort = null;
      if (this.#source === null) return;
      if (liveSinceMs !== null && Date.now() - liveSinceMs > STEADY_MS) this.#breaks = 0;
      if (!retry) {
        this.#source = null;
        this.#become({ is: 'failed', source, reason });
        return;
      }
      const delayMs = reconnectMs(this.#breaks, Math.random());
      this.#breaks += 1;
      this.#become({ is: 'reconnecting', source, attempt: this.#breaks, reason });
      const attempt = (): void => this.#attempt(ffmpeg, args);
      this.#next = { timer: setTimeout(attempt, delayMs), attempt };
    });
  }

  #become(state: CaptureState): void {
    if (state.is === 'idle' && this.#state.is === 'idle') return;
    this.#state = state;
    this.#options.onChange?.(state);
  }
}

/** @param random 0..1; up to a quarter is added so that many do not return at once */
export const reconnectMs = (breaks: number, random: number): number =>
  (RECONNECT_MS[Math.min(breaks, RECONNECT_MS.length - 1)] ?? 0) * (1 + random / 4);

/** One ffmpeg and one request, from both beginnings to both ends. */
function publish(
  ffmpeg: string,
  args: string[],
  { push, streamKey, log }: CaptureOptions,
  onLive: () => void,
): { abort(): void; ended: Promise<Ending> } {
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(ffmpeg, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const tail = new Tail(KEPT_LINES);
  eachLine(child.stderr, (line) => tail.add(line));
  const post = request(push(), {
    method: 'POST',
    headers: {
      'content-type': 'video/x-flv',
      ...(streamKey === undefined ? {} : { authorization: `Bearer ${streamKey}` }),
    },
  });
  let wrote = false;
  let first: Ending | null = null;
  /** What happened first explains the end; the rest follows from it. */
  const because = (ending: Ending): void => {
    first ??= ending;
    child.stdout.unpipe(post);
    child.kill('SIGKILL');
  };
  post.on('error', (error) => because({ retry: true, reason: `The coordinate is not there (${error.message}).` }));
  post.on('response', (answer) => void sentenceOf(answer).then(because, () => {})); // cut off: 'error' says it
  child.stdout.once('data', () => (wrote = true));
  whenFlowing(child.stdout, post, onLive);
  child.stdout.pipe(post, { end: false });
  const ended = new Promise<Ending>((resolve) => {
    child.on('error', (error) => because({ retry: false, reason: `ffmpeg could not be started (${error.message}).` }));
    child.on('close', () => {
      // A source that ran and broke may run again; one that never ran has something to say.
      first ??= { retry: wrote, reason: explainFfmpeg(tail.list().join('\n')) };
      log.debug(first, 'source ended');
      // Only our own stop is a clean end to the viewers; anything else is an interruption.
      if (first === STOPPED) post.end(() => setTimeout(() => post.destroy(), ANSWER_LIMIT_MS).unref());
      else post.destroy();
      resolve(first);
    });
  });
  return { abort: () => because(STOPPED), ended };
}

/** Calls back once, when the first bytes have left for a coordinate that is there. */
function whenFlowing(from: Readable, post: ClientRequest, onLive: () => void): void {
  let connected = false;
  let written = false;
  const check = (): void => {
    if (connected && written) onLive();
  };
  post.once('socket', (socket) => {
    const open = (): void => {
      connected = true;
      check();
    };
    if (socket.connecting) socket.once('connect', open);
    else open();
  });
  from.once('data', () => {
    written = true;
    check();
  });
}

async function sentenceOf(answer: IncomingMessage): Promise<Ending> {
  let text = '';
  answer.setEncoding('utf8');
  for await (const part of answer) if (text.length < MOST_ANSWER_CHARS) text += String(part);
  const status = answer.statusCode ?? 0;
  const said = text.trim().split('\n')[0] ?? '';
  return {
    retry: !FINAL_STATUS.includes(status),
    reason: said.slice(0, 500) || `The coordinate ended the stream with status ${status}.`,
  };
}

/** Tries the clock filter once: whether a font is found shows only by trying. */
function canDrawText(ffmpeg: string): boolean {
  return spawnSync(ffmpeg, drawTextProbeArgs(), { stdio: 'ignore', timeout: PROBE_LIMIT_MS }).status === 0;
}
