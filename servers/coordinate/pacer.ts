// Between the demuxer and the packager: lets samples through when they are due. A live source is never held back: what comes early
// waits here, within bounds. Only a source that stays ahead until those are reached is held back: whoever feeds it waits for
// `room()`, and the push itself stops (TCP does the rest). What is due when is source-clock.ts's decision.
import type { Capture } from './media/mp4-mux.ts';
import type { MediaSink, Sample, TrackConfig, TrackKind } from './media/sample.ts';
import { SourceClock } from './media/source-clock.ts';
import { Timeline } from './media/timeline.ts';
import type { Packager } from './media/packager.ts';

/** A timer is no more exact than this. */
const EARLY_MS = 2;
/** How often the first media is looked at until it has settled. */
const LOOK_MS = 20;
/** A source that is so far ahead is a file: longer than what a relay keeps (a group of pictures, at most some 10 s). */
const MOST_AHEAD_MS = 20_000;
const MOST_AHEAD_BYTES = 24 * 1024 * 1024;
/** What is so late is of no use where a newer keyframe has come as well. */
const TOO_LATE_MS = 1_000;
/** So late already, it waits this long for what comes right behind it, as long as that keeps coming. */
const GATHER = { quietMs: 20, mostMs: 300 };
/** A unit waits so many times its length for its last picture. */
const OPEN_UNITS = 1.5;
/** A source's clock is believed when its media is no more than this ahead of ours, and no older than that. */
const CLOCKS_AGREE_MS = 100;
const MOST_AGO_MS = 60_000;
/** Without a picture for so long, the sound tells the time. */
const LEAD_MS = 2_000;

type Item =
  | { is: 'tracks'; kinds: readonly TrackKind[] }
  | { is: 'config'; config: TrackConfig }
  | { is: 'sample'; sample: Sample };

export class Pacer implements MediaSink {
  readonly clock = new SourceClock();
  readonly #timeline = new Timeline();
  readonly #packager: Packager;
  readonly #nowMs: () => number;
  readonly #unitMs: number;
  #queue: Item[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #flushTimer: NodeJS.Timeout | null = null;
  #waiting: { for: 'room' | 'end'; resolve: () => void }[] = [];
  /** Added to media time it is the time of capture, as the source says it. */
  #reference: number | null = null;
  #closed = false;
  #videoMs = Number.NEGATIVE_INFINITY;
  #cameMs = 0;
  #gatherSinceMs: number | null = null;
  /** Since when the unit that is being filled has pictures. */
  #openSinceMs: number | null = null;
  /** Pictures that were left out because newer ones had come. */
  skipped = 0;

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
    if (this.#closed) return;
    const now = this.#nowMs();
    const { sample, stepped } = this.#timeline.place(given, now);
    const mediaMs = sample.dtsUs / 1_000;
    // The pictures tell the time: sound is packed, and may be ahead or behind.
    if (sample.track === 'video') this.#videoMs = now;
    if (stepped) this.clock.restart(now, mediaMs);
    else if (sample.track === 'video' || now - this.#videoMs > LEAD_MS)
      this.clock.observe(now, mediaMs, sample.ptsUs / 1_000);
    this.#cameMs = now;
    this.#bytes += sample.data.length;
    this.#put({ is: 'sample', sample });
    if (this.#aheadMs > MOST_AHEAD_MS || this.#bytes > MOST_AHEAD_BYTES) this.clock.becomeFile(now);
  }

  /** [I2] */
  reference(ptsUs: number, capturedMs: number): void {
    const agoMs = this.#nowMs() - capturedMs;
    // Another machine's clock that is set wrong says nothing.
    this.#reference =
      agoMs > -CLOCKS_AGREE_MS && agoMs < MOST_AGO_MS ? capturedMs - this.#timeline.placed(ptsUs) / 1_000 : null;
  }

  /** When what is shown at `ptsUs` was captured: by the source's own word, or as far as arrivals tell. */
  capture(ptsUs: number): Capture {
    const isKnown = this.#reference !== null;
    const capturedMs = isKnown ? (this.#reference ?? 0) + ptsUs / 1_000 : this.clock.capturedMs(ptsUs / 1_000);
    return { capturedMs, isKnown };
  }

  /** Resolves when more may come, or on close: at once, unless the source is far ahead of real time. */
  room(): Promise<void> {
    return this.#isFull && !this.#closed ? this.#wait('room') : Promise.resolve();
  }

  /** Nothing more comes. Resolves when all that was held has been let out in its time, or on close. */
  drained(): Promise<void> {
    if (this.#queue.length === 0 || this.#closed) return Promise.resolve();
    if (this.clock.isOpening || this.#aheadMs > TOO_LATE_MS) this.clock.becomeFile(this.#nowMs());
    this.#again(0);
    return this.#wait('end');
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#flushTimer) clearTimeout(this.#flushTimer);
    this.#queue = [];
    this.#bytes = 0;
    this.#wake();
  }

  get #isFull(): boolean {
    return this.#aheadMs > MOST_AHEAD_MS || this.#bytes > MOST_AHEAD_BYTES;
  }

  /** How much media is held. */
  get #aheadMs(): number {
    const [first, last] = [this.#queue.find(isSample), this.#queue.findLast(isSample)];
    return first && last ? (last.sample.dtsUs - first.sample.dtsUs) / 1_000 : 0;
  }

  #wait(until: 'room' | 'end'): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ for: until, resolve }));
  }

  #put(item: Item): void {
    if (this.#closed) return;
    this.#queue.push(item);
    if (this.#timer === null) this.#release();
  }

  #again(inMs: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#release();
    }, inMs);
  }

  /** Passes on what is due. */
  #release(): void {
    const now = this.#nowMs();
    if (this.clock.isOpening && !this.clock.settle(now)) {
      if (this.#queue.some(isSample)) this.#again(LOOK_MS);
      return;
    }
    if (this.#isGathering(now)) return this.#again(GATHER.quietMs);
    if (!this.clock.isFile) this.#skip(now);
    let done = 0;
    for (const item of this.#queue) {
      const dueMs = item.is === 'sample' ? this.clock.dueMs(item.sample.dtsUs / 1_000) : now;
      if (dueMs > now + EARLY_MS) {
        this.#again(dueMs - now);
        break;
      }
      done++;
      this.#pass(item);
    }
    this.#queue.splice(0, done);
    this.#wake();
  }

  /** Late media that comes faster than real time is looked at as a whole. */
  #isGathering(now: number): boolean {
    const first = this.#queue.find(isSample);
    const isLate =
      first !== undefined && !this.clock.isFile && this.clock.latenessMs(now, first.sample.dtsUs / 1_000) > TOO_LATE_MS;
    if (!isLate) {
      this.#gatherSinceMs = null;
      return false;
    }
    this.#gatherSinceMs ??= now;
    const isOver = now - this.#cameMs >= GATHER.quietMs || now - this.#gatherSinceMs >= GATHER.mostMs;
    if (isOver) this.#gatherSinceMs = null;
    return !isOver;
  }

  /** Leaves out what is too late, where there is a newer keyframe to go on with. */
  #skip(now: number): void {
    const first = this.#queue.find(isSample);
    if (!first || this.clock.latenessMs(now, first.sample.dtsUs / 1_000) <= TOO_LATE_MS) return;
    const key = this.#queue.findLast(
      (item) =>
        isSample(item) &&
        item.sample.track === 'video' &&
        item.sample.key &&
        this.clock.dueMs(item.sample.dtsUs / 1_000) <= now + EARLY_MS,
    );
    if (!key || !isSample(key) || key === first) return;
    const fromUs = key.sample.dtsUs;
    this.#queue = this.#queue.filter((item) => {
      if (!isSample(item) || item.sample.dtsUs >= fromUs) return true;
      this.#bytes -= item.sample.data.length;
      if (item.sample.track === 'video') this.skipped++;
      return false;
    });
  }

  #pass(item: Item): void {
    if (item.is === 'tracks') this.#packager.tracks(item.kinds);
    else if (item.is === 'config') this.#packager.config(item.config);
    else {
      this.#bytes -= item.sample.data.length;
      this.#packager.sample(item.sample);
      if (!this.#packager.hasPictures) this.#openSinceMs = null;
      else if (this.#openSinceMs === null) {
        this.#openSinceMs = this.#nowMs();
        this.#flushTimer ??= setTimeout(() => this.#flushLate(), OPEN_UNITS * this.#unitMs);
      }
    }
  }

  /** A unit is not kept open for pictures that do not come. */
  #flushLate(): void {
    this.#flushTimer = null;
    if (this.#openSinceMs === null) return;
    const leftMs = this.#openSinceMs + OPEN_UNITS * this.#unitMs - this.#nowMs();
    if (leftMs > EARLY_MS) this.#flushTimer = setTimeout(() => this.#flushLate(), leftMs);
    else {
      this.#openSinceMs = null;
      this.#packager.flush();
    }
  }

  #wake(): void {
    const isEmpty = this.#queue.length === 0 || this.#closed;
    const hasRoom = isEmpty || !this.#isFull;
    const ready = this.#waiting.filter((one) => (one.for === 'room' ? hasRoom : isEmpty));
    if (ready.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => !ready.includes(one));
    for (const { resolve } of ready) resolve();
  }
}

const isSample = (item: Item): item is Item & { is: 'sample' } => item.is === 'sample';
