// One program as a child process: started, known to be ready by its line, restarted when it dies, stopped when we say so. What its
// settings are and what its ready line means is its owner's business.
import * as v from 'valibot';
import type { ProgramState } from '../../protocol/control.ts';
import { localPatience } from '../shared/awake.ts';
import { EXIT, StartError, type ExitCode } from '../shared/exit-codes.ts';
import type { Child, Launch, LaunchSpec } from './launch.ts';
import { eachLine, Tail } from './lines.ts';

export type ReadyFields = Record<string, unknown>;

export interface Supervision {
  name: string;
  launch: Launch;
  /** How to start it, given the last ready line: a restarted program gets the ports it had. Asked at each start. */
  spec(before: ReadyFields | null): LaunchSpec;
  /** The state was replaced. */
  onChange?(state: ProgramState): void;
  /** A line of its log. */
  onLog?(line: string): void;
}

/**
 * A program that has not said ready by then is ended and counts as died; it has longer on a machine
 * that is busy [R10].
 */
const START_LIMIT_MS = 20_000;
/** After asking it to stop; programs themselves give up closing after 3 s. */
const STOP_LIMIT_MS = 2_500;
const FIRST_BACKOFF_MS = 200;
const MOST_BACKOFF_MS = 5_000;
/** Ready for this long, the next death starts counting anew. */
const STEADY_MS = 10_000;
/** A program that never got ready is given up after as many deaths. */
const MOST_FIRST_DEATHS = 5;
/** A port once ours may be held for a moment by another's outgoing connection. */
const MOST_PORT_RETRIES = 8;
const KEPT_LINES = 20;
/** A refused start explains itself with these. */
const NEVER_RETRIED: readonly number[] = [EXIT.badSettings, EXIT.ffmpegMissing, EXIT.missingPart];

const FailedLine = v.object({ code: v.number(), detail: v.string() });

export class Supervisor {
  readonly name: string;
  readonly #how: Supervision;
  #state: ProgramState = { is: 'stopped' };
  #child: Child | null = null;
  #gone: Promise<void> = Promise.resolve();
  #lastReady: ReadyFields | null = null;
  #deaths = 0;
  #timer: NodeJS.Timeout | null = null;
  #wanted = false;
  #closed = false;
  readonly #waiters = new Set<{ resolve(ready: ReadyFields): void; reject(error: Error): void }>();

  constructor(how: Supervision) {
    this.name = how.name;
    this.#how = how;
  }

  get state(): ProgramState {
    return this.#state;
  }

  /** What it said when it was ready the last time; null before. */
  get lastReady(): ReadyFields | null {
    return this.#lastReady;
  }

  /** Starts it, unless it runs already. */
  start(): void {
    if (this.#closed || this.#wanted) return;
    this.#wanted = true;
    this.#deaths = 0;
    this.#launch();
  }

  /**
   * The ready line of the program as it runs now or will next.
   * @throws StartError when it failed for good; Error when it is stopped meanwhile
   */
  ready(): Promise<ReadyFields> {
    const state = this.#state;
    if (state.is === 'ready') return Promise.resolve(state.ready);
    if (state.is === 'failed') return Promise.reject(failure(state));
    return new Promise((resolve, reject) => this.#waiters.add({ resolve, reject }));
  }

  /** Ends it quietly; it can be started again. */
  async stop(): Promise<void> {
    this.#wanted = false;
    this.#clearTimer();
    this.#settle((waiter) => waiter.reject(new Error(`${this.name} was stopped`)));
    const child = this.#child;
    if (!child) {
      this.#become({ is: 'stopped' });
      return;
    }
    child.stop();
    const killer = setTimeout(() => child.kill(), STOP_LIMIT_MS);
    await this.#gone;
    clearTimeout(killer);
  }

  async restart(): Promise<void> {
    await this.stop();
    this.start();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.stop();
  }

  #launch(): void {
    this.#timer = null;
    const child = this.#how.launch(this.#how.spec(this.#lastReady));
    this.#child = child;
    const tail = new Tail(KEPT_LINES);
    let refused: string | null = null;
    let readySinceMs: number | null = null;
    this.#become({ is: 'starting', sinceMs: Date.now() });
    const startMs = performance.now();
    const waitNoMore = localPatience(START_LIMIT_MS, () => {
      tail.add(`not ready after ${Math.round((performance.now() - startMs) / 1000)} s`);
      child.kill();
    });
    eachLine(child.stdout, (line) => {
      const event = parseEvent(line);
      if (event?.['event'] === 'ready' && this.#child === child && this.#wanted) {
        waitNoMore();
        readySinceMs = Date.now();
        this.#lastReady = event;
        this.#become({ is: 'ready', sinceMs: readySinceMs, pid: child.pid ?? 0, ready: event });
        this.#settle((waiter) => waiter.resolve(event));
      }
      if (event?.['event'] === 'failed' && v.is(FailedLine, event)) refused = event.detail;
    });
    eachLine(child.stderr, (line) => {
      tail.add(line);
      this.#how.onLog?.(line);
    });
    this.#gone = new Promise((resolve) => {
      child.onExit((code, signal) => {
        waitNoMore();
        this.#child = null;
        if (readySinceMs !== null && Date.now() - readySinceMs > STEADY_MS) this.#deaths = 0;
        this.#ended(code, signal, refused, tail.list());
        resolve();
      });
    });
  }

  /** The three endings: stopped by us, refused to start, died. */
  #ended(code: number | null, signal: string | null, refused: string | null, lastLines: string[]): void {
    if (!this.#wanted) {
      this.#become({ is: 'stopped' });
      return;
    }
    this.#deaths += 1;
    const ending = code === null ? `ended by ${signal ?? 'a signal'}` : `exit code ${code}`;
    const neverReady = this.#lastReady === null;
    const portGone = code === EXIT.portTaken && (neverReady || this.#deaths > MOST_PORT_RETRIES);
    if ((code !== null && NEVER_RETRIED.includes(code)) || portGone) {
      this.#fail(code ?? EXIT.died, refused ?? lastLines.at(-1) ?? ending, lastLines);
    } else if (neverReady && this.#deaths >= MOST_FIRST_DEATHS) {
      this.#fail(EXIT.died, `The ${this.name} does not start (${ending}): ${telling(lastLines)}`, lastLines);
    } else {
      const delayMs = backoffMs(this.#deaths, Math.random());
      this.#become({ is: 'backoff', untilMs: Date.now() + delayMs, attempt: this.#deaths, ending, lastLines });
      this.#timer = setTimeout(() => this.#launch(), delayMs);
    }
  }

  #fail(code: number, detail: string, lastLines: string[]): void {
    this.#wanted = false;
    const state = { is: 'failed' as const, code, detail: detail.slice(0, 1_000), lastLines };
    this.#become(state);
    this.#settle((waiter) => waiter.reject(failure(state)));
  }

  #become(state: ProgramState): void {
    this.#state = state;
    this.#how.onChange?.(state);
  }

  #settle(each: (waiter: { resolve(ready: ReadyFields): void; reject(error: Error): void }) => void): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) each(waiter);
  }

  #clearTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** 0.2, 0.4, 0.8 ... 5 s, each up to a quarter shorter so that many do not return at once. @param random 0..1 */
export const backoffMs = (deaths: number, random: number): number =>
  Math.min(MOST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (deaths - 1)) * (1 - random / 4);

/** The line that most likely names the cause: a stack trace does not end with it. */
const telling = (lines: readonly string[]): string =>
  lines.findLast((line) => /^\S*Error\b/.test(line)) ?? lines.at(-1) ?? 'it said nothing';

const failure = (state: { code: number; detail: string }): StartError =>
  new StartError(state.code as ExitCode, state.detail);

function parseEvent(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null; // a program may print other things; only whole JSON lines are events
  }
}
