// Between the demuxer and the packager: lets samples through no faster than they happen. A source that is faster than real time
// is not buffered but held back: whoever feeds it waits for `room()`, and the push itself stops (TCP does the rest).
import type { MediaSink, Sample, TrackConfig, TrackKind } from './media/sample.ts';
import { SourceClock } from './media/source-clock.ts';
import { Timeline } from './media/timeline.ts';
import type { Packager } from './media/packager.ts';

/** A timer is no more exact than this. */
const EARLY_MS = 2;
/**
 * The first samples wait so long for what comes right behind them: an encoder (or ffmpeg's probing) begins with a burst, and only
 * its end tells when its beginning happened. While the burst goes on they wait on, but not for ever. Later samples wait for nothing.
 */
const SETTLE_MS = { least: 60, quiet: 40, most: 500 };

type Item =
  | { is: 'tracks'; kinds: readonly TrackKind[] }
  | { is: 'config'; config: TrackConfig }
  | { is: 'discontinuity' }
  | { is: 'sample'; sample: Sample };

export class Pacer implements MediaSink {
  readonly clock = new SourceClock();
  readonly #timeline = new Timeline();
  readonly #packager: Packager;
  readonly #nowMs: () => number;
  readonly #unitMs: number;
  #queue: Item[] = [];
  #timer: NodeJS.Timeout | null = null;
  #flushTimer: NodeJS.Timeout | null = null;
  #waiting: (() => void)[] = [];
  #closed = false;
  #stepped = false;
  /** Until when the first samples wait, and until when at most. */
  #settle: { untilMs: number; mostMs: number } | null = null;

  constructor(packager: Packager, unitMs: number, nowMs: () => number) {
    this.#packager = packager;
    this.#unitMs = unitMs;
    this.#nowMs = nowMs;
  }

  tracks(kinds: readonly TrackKind[]): void {
    this.#put({ is: 'tracks', kinds });
  }

  config(config: TrackConfig): void {
    if (config.kind === 'audio') this.#timeline.audioSampleRate = config.sampleRate;
    this.#put({ is: 'config', config });
  }

  sample(given: Sample): void {
    const placed = this.#timeline.place(given);
    if (this.#closed) return;
    if (placed.stepped) {
      // What is still held belongs to the time before: the clock starts anew when it has gone.
      this.#stepped = true;
      this.#put({ is: 'discontinuity' });
    }
    if (!this.#stepped) this.#observe(placed.sample.ptsUs / 1_000);
    this.#put({ is: 'sample', sample: placed.sample });
  }

  /** Resolves when nothing has come before its time, or on close. */
  room(): Promise<void> {
    if (this.#newestDueMs <= this.#nowMs() + EARLY_MS || this.#queue.length === 0 || this.#closed)
      return Promise.resolve();
    return this.drained();
  }

  /** Resolves when nothing is held any more, or on close. */
  drained(): Promise<void> {
    if (this.#queue.length === 0 || this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#flushTimer) clearTimeout(this.#flushTimer);
    this.#queue = [];
    this.#wake();
  }

  #put(item: Item): void {
    if (this.#closed) return;
    this.#queue.push(item);
    if (this.#timer === null) this.#release();
  }

  get #newestDueMs(): number {
    const newest = this.#queue.at(-1);
    return newest?.is === 'sample' ? this.clock.wallMs(newest.sample.ptsUs / 1_000) : -Infinity;
  }

  #observe(mediaMs: number): void {
    const now = this.#nowMs();
    this.#settle ??= { untilMs: now + SETTLE_MS.least, mostMs: now + SETTLE_MS.most };
    const settling = now < this.#settle.untilMs;
    const before = this.clock.running ? this.clock.anchorMs : null;
    if (this.clock.observe(now, mediaMs, settling)) this.#put({ is: 'discontinuity' });
    if (settling && before !== null && this.clock.anchorMs < before - 1)
      this.#settle.untilMs = Math.min(this.#settle.mostMs, Math.max(this.#settle.untilMs, now + SETTLE_MS.quiet));
  }

  /** Passes on what is due. */
  #release(): void {
    this.#timer = null;
    const now = this.#nowMs();
    let done = 0;
    for (const item of this.#queue) {
      const dueMs =
        item.is === 'sample'
          ? Math.max(this.#settle?.untilMs ?? 0, this.clock.wallMs(item.sample.ptsUs / 1_000))
          : -Infinity;
      if (dueMs > now + EARLY_MS) {
        this.#timer = setTimeout(() => this.#release(), dueMs - now);
        break;
      }
      done++;
      this.#pass(item);
    }
    this.#queue.splice(0, done);
    if (this.#queue.length === 0) this.#wake();
  }

  #pass(item: Item): void {
    if (item.is === 'tracks') this.#packager.tracks(item.kinds);
    else if (item.is === 'config') this.#packager.config(item.config);
    else if (item.is === 'discontinuity') {
      this.#packager.discontinuity();
      if (this.#stepped) this.clock.restart();
      this.#stepped = false;
    } else {
      if (!this.clock.running) this.#observe(item.sample.ptsUs / 1_000);
      this.#packager.sample(item.sample);
      // A unit is not kept open for frames that do not come.
      if (this.#flushTimer) this.#flushTimer.refresh();
      else this.#flushTimer = setTimeout(() => this.#packager.flushLate(), 2 * this.#unitMs);
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
