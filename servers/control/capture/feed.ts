// The source while it is wanted: runs ffmpeg, runs it again when it breaks, changes over to another source. Whoever hears gets one
// stream of init segments and fragments. Which arguments it runs with is plan.ts's business, where the stream goes capture.ts's.
import type { CaptureState } from '../../../protocol/capture-state.ts';
import type { Log } from '../../shared/log.ts';
import { explainRun, type Failure } from './errors.ts';
import { runFfmpeg, type FfmpegRun, type RunEnding, type RunHears } from './ffmpeg-run.ts';
import type { Fragment, Init } from './fragments.ts';
import type { Numbers } from './progress.ts';
import { Recent } from './recent.ts';
import { reconnectMs } from './reconnect.ts';

export type Asked = Pick<CaptureState & { is: 'live' }, 'source' | 'preset'>;

/** How to capture what was asked for. */
export interface Plan {
  asked: Asked;
  ffmpeg: string;
  args: readonly string[];
  encoder: string;
  /** Devices that only one may have at a time. */
  devices: readonly string[];
}

export type FeedState =
  | { is: 'none' }
  | { is: 'starting'; plan: Plan; sinceMs: number }
  | { is: 'running'; plan: Plan; sinceMs: number }
  | { is: 'waiting'; plan: Plan; attempt: number; untilMs: number; failure: Failure }
  | { is: 'failed'; plan: Plan; failure: Failure };

export interface FeedHears {
  init(init: Init): void;
  fragment(fragment: Fragment): void;
  changed(): void;
}

/** Run so long, the next break starts counting anew. */
const STEADY_MS = 10_000;

export class Feed {
  readonly recent = new Recent();
  readonly #hears: FeedHears;
  readonly #log: Log;
  #state: FeedState = { is: 'none' };
  #numbers: Numbers | null = null;
  #run: FfmpegRun | null = null;
  /** Comes up beside the running one; taken over at its first picture. */
  #next: FfmpegRun | null = null;
  readonly #alive = new Set<FfmpegRun>();
  #timer: NodeJS.Timeout | null = null;
  #breaks = 0;
  #turn = 0;

  constructor(hears: FeedHears, log: Log) {
    this.#hears = hears;
    this.#log = log;
  }

  get state(): FeedState {
    return this.#state;
  }

  get numbers(): Numbers | null {
    return this.#numbers;
  }

  /**
   * Begins, or changes over. A running source goes on until the next one delivers, unless both want the same device.
   * @returns why the next one does not deliver, while the one before goes on; null when there is no more to wait for
   */
  async start(plan: Plan): Promise<Failure | null> {
    const before = this.#state;
    const turn = ++this.#turn;
    this.#clear();
    void this.#drop(this.#next);
    this.#next = null;
    this.#breaks = 0;
    if (before.is === 'running' && !plan.devices.some((device) => before.plan.devices.includes(device)))
      return this.#changeOver(plan);
    const gone = this.#drop(this.#run);
    this.#run = null;
    this.#begin(plan);
    await gone;
    if (turn === this.#turn) this.#spawn(plan);
    return null;
  }

  /** Ends ffmpeg altogether; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#turn++;
    this.#clear();
    void this.#drop(this.#next);
    void this.#drop(this.#run);
    this.#next = this.#run = null;
    this.recent.clear();
    this.#numbers = null;
    this.#become({ is: 'none' });
    await Promise.all([...this.#alive].map((run) => run.ended));
  }

  /** Does not wait any longer; a failed one tries again. */
  retryNow(): void {
    if (this.#state.is !== 'waiting' && this.#state.is !== 'failed') return;
    const { plan } = this.#state;
    if (this.#state.is === 'failed') this.#breaks = 0;
    this.#clear();
    this.#begin(plan);
    this.#spawn(plan);
  }

  #begin(plan: Plan): void {
    this.recent.clear();
    this.#numbers = null;
    this.#become({ is: 'starting', plan, sinceMs: Date.now() });
  }

  #spawn(plan: Plan): void {
    const run = this.#start(plan, {
      init: (init) => this.#init(init),
      fragment: (fragment) => {
        if (this.#state.is === 'starting') this.#become({ is: 'running', plan, sinceMs: Date.now() });
        this.#fragment(fragment);
      },
      numbers: (numbers) => this.#report(numbers),
    });
    this.#run = run;
    void run.ended.then((ending) => {
      if (this.#run === run) this.#broke(plan, ending);
    });
  }

  #changeOver(plan: Plan): Promise<Failure | null> {
    return new Promise((resolve) => {
      let begun: Init | null = null;
      const run = this.#start(plan, {
        init: (init) => {
          begun = init;
        },
        fragment: (fragment) => {
          if (this.#next === run && begun && fragment.key) {
            void this.#drop(this.#run);
            this.#run = run;
            this.#next = null;
            this.#become({ is: 'running', plan, sinceMs: Date.now() });
            this.#init(begun);
            resolve(null);
          }
          if (this.#run === run) this.#fragment(fragment);
        },
        numbers: (numbers) => {
          if (this.#run === run) this.#report(numbers);
        },
      });
      this.#next = run;
      void run.ended.then((ending) => {
        if (this.#run === run) return this.#broke(plan, ending);
        if (this.#next !== run) return resolve(null); // overtaken
        this.#next = null;
        resolve(explainRun(ending, process.platform));
      });
    });
  }

  #start(plan: Plan, hears: RunHears): FfmpegRun {
    const run = runFfmpeg(plan.ffmpeg, plan.args, hears);
    this.#alive.add(run);
    void run.ended.then((ending) => {
      this.#alive.delete(run);
      this.#log.debug({ ...ending }, 'ffmpeg ended');
    });
    return run;
  }

  async #drop(run: FfmpegRun | null): Promise<void> {
    run?.kill();
    await run?.ended;
  }

  /** A source that ran may run again; one that never ran has something to say. */
  #broke(plan: Plan, ending: RunEnding): void {
    const before = this.#state;
    this.#run = null;
    this.recent.clear();
    this.#numbers = null;
    const failure = explainRun(ending, process.platform);
    if (!ending.wrote && this.#breaks === 0) return this.#become({ is: 'failed', plan, failure });
    if (before.is === 'running' && Date.now() - before.sinceMs > STEADY_MS) this.#breaks = 0;
    const delayMs = reconnectMs(this.#breaks, Math.random());
    this.#breaks += 1;
    this.#log.warn({ reason: failure.reason, delayMs: Math.round(delayMs) }, 'the source broke and is started again');
    this.#timer = setTimeout(() => {
      this.#begin(plan);
      this.#spawn(plan);
    }, delayMs);
    this.#become({ is: 'waiting', plan, attempt: this.#breaks, untilMs: Date.now() + delayMs, failure });
  }

  #init(init: Init): void {
    this.recent.begin(init);
    this.#hears.init(init);
  }

  #fragment(fragment: Fragment): void {
    this.recent.add(fragment);
    this.#hears.fragment(fragment);
  }

  #report(numbers: Numbers): void {
    this.#numbers = numbers;
    this.#hears.changed();
  }

  #clear(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #become(state: FeedState): void {
    this.#state = state;
    this.#hears.changed();
  }
}
