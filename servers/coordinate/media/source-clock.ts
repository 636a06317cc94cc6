// When media is shown and when it was captured, judged from when it arrives. Pure: times come from outside, in milliseconds.
//
// The offset of a sample is its arrival minus its media time. Everything here is read off offsets:
// - A queue somewhere before us raises them; one that has room drains, one that has none grows. An offset that stays level is
//   no queue: it is where the source's clock stands, and the schedule moves there, later or earlier.
// - What comes later than the schedule is passed on at once and costs its own lateness; the schedule does not move for it.
// - What comes earlier waits. A source that stays ahead until the bounds of the pacer are reached is a file.
// - A source that comes in regular bursts is scheduled one burst later, so that each lasts until the next.
// Decision 013 tells what was measured and given up.
import { BurstDepth } from './burst-depth.ts';

/** Offsets are judged by their least in each half second: delay only ever adds. */
const BUCKET_MS = 500;
/** A step later is seen after so many of them, when they differ by less than this share of it. */
const LATER = { buckets: 3, spread: 1 / 3 };
/**
 * A step earlier is believed when the least offsets are level: so many of them differ by no more than this, or rise and fall by no
 * more than 1.5 % of real time over the longer span, jitter or not. A file comes faster than that.
 */
const EARLIER = { buckets: 6, spreadMs: 30, longBuckets: 20, slope: 0.015 };
/** Nearer to the schedule than this is jitter. */
const JITTER_MS = 30;
/** Quartz clocks differ by less: a fast one is followed at once. */
const CRYSTAL = 0.0005;
/** The best offset is remembered for two minutes: what late media is measured against. */
const BEST_BUCKETS = 240;
/** A source that fell silent for this share of what it then lags has lost that time: nothing will catch up. */
const SILENT_SHARE = 0.7;
/** Encoders hold no more pictures back than this. */
const MOST_REORDER_MS = 1_000;
/** A file is held for longer than this when it comes as one. */
const NO_FILE_MS = 1_000;
/** Silences are remembered for twelve seconds: a step later is seen by then. */
const SILENCE_BUCKETS = 24;
/** Lateness up to this is left to the viewers' buffers; more is not theirs to wait for. */
export const VISIBLE_LATENESS_MS = 150;
/** The schedule follows shorter bursts at this rate: viewers play as much faster. When there are none any more, it leaps. */
const SHRINK = 0.1;
/**
 * The first media settles when it came no faster than real time, give or take jitter, for this share of what came before: a longer
 * burst is looked at for longer, since what reads a file may pause too.
 */
const SETTLE = { share: 0.25, leastMs: 150, mostMs: 750, rate: 1.5, giveUpMs: 1_500 };

interface Came {
  atMs: number;
  /** The newest media of all that had come by then. */
  newestMs: number;
}

type State =
  /** Nothing is let out: is this the end of a burst, or does it go on like that? */
  | { is: 'opening'; sinceMs: number; firstMediaMs: number; recent: Came[] }
  /** Following the source. */
  | { is: 'live' }
  /** Faster than real time for good: shown in real time from its first frame on. */
  | { is: 'file' };

export class SourceClock {
  #state: State | null = null;
  #offsetMs = 0;
  /** The least offset that is believed, of the last minutes: never above the schedule's. */
  #bestMs = 0;
  /** Pictures are shown up to so much after they are decoded. */
  #reorderMs = 0;
  readonly #bursts = new BurstDepth();
  #depthMs = 0;
  #buckets: { bucket: number; leastMs: number }[] = [];
  #lastMs = 0;
  #leastMs = Number.POSITIVE_INFINITY;
  /** The longest silences of late. */
  #silences: { bucket: number; ms: number }[] = [];
  #scheduledMs = Number.NEGATIVE_INFINITY;

  get isOpening(): boolean {
    return this.#state === null || this.#state.is === 'opening';
  }

  get isFile(): boolean {
    return this.#state?.is === 'file';
  }

  /** When the moment `mediaMs` is due. */
  dueMs(mediaMs: number): number {
    return this.#offsetMs + this.#depthMs + mediaMs;
  }

  /**
   * The time that a unit beginning at `mediaMs` and passed on at `nowMs` carries: when it is due, or as late as viewers should
   * plan for. Never goes back.
   */
  stampMs(mediaMs: number, nowMs: number): number {
    this.#scheduledMs = Math.max(this.#scheduledMs, this.dueMs(mediaMs), nowMs - VISIBLE_LATENESS_MS);
    return this.#scheduledMs;
  }

  /** When what is shown at `ptsMs` was captured, as far as arrivals tell: by the source's best offset of the last minutes. */
  capturedMs(ptsMs: number): number {
    return ptsMs + this.#bestMs - this.#reorderMs;
  }

  /** How far behind its schedule the source is now; negative: ahead of it. */
  latenessMs(nowMs: number, mediaMs: number): number {
    return nowMs - this.dueMs(mediaMs);
  }

  /**
   * Something came at `arrivalMs`.
   * @param mediaMs when it is decoded
   * @param shownMs when it is shown: not before that
   */
  observe(arrivalMs: number, mediaMs: number, shownMs = mediaMs): void {
    const offsetMs = arrivalMs - mediaMs;
    this.#reorderMs = Math.max(this.#reorderMs, Math.min(MOST_REORDER_MS, shownMs - mediaMs));
    this.#state ??= { is: 'opening', sinceMs: arrivalMs, firstMediaMs: mediaMs, recent: [] };
    this.#leastMs = Math.min(this.#leastMs, offsetMs);
    const silentMs = this.#lastMs === 0 ? 0 : Math.max(0, arrivalMs - this.#lastMs);
    this.#lastMs = Math.max(this.#lastMs, arrivalMs);
    if (this.#state.is === 'opening') {
      const newestMs = Math.max(mediaMs, this.#state.recent.at(-1)?.newestMs ?? mediaMs);
      this.#state.recent.push({ atMs: arrivalMs, newestMs });
      this.#bursts.observe(arrivalMs, offsetMs);
      return;
    }
    // A file that is late for all that was held of it has become slower than real time: it is one no more.
    if (this.#state.is === 'file' && offsetMs <= this.#offsetMs + NO_FILE_MS) return;
    if (this.#state.is === 'file') this.#becomeLive(arrivalMs);
    const bucket = Math.floor(arrivalMs / BUCKET_MS);
    this.#noteSilence(bucket, silentMs);
    this.#bursts.observe(arrivalMs, offsetMs);
    if (offsetMs < this.#offsetMs) this.#comeEarlier(offsetMs, silentMs);
    this.#followBursts(silentMs);
    const newest = this.#buckets.at(-1);
    if (newest?.bucket === bucket) newest.leastMs = Math.min(newest.leastMs, offsetMs);
    else {
      if (newest) this.#judge();
      this.#buckets.push({ bucket, leastMs: offsetMs });
      if (this.#buckets.length > BEST_BUCKETS) this.#buckets.shift();
    }
  }

  /**
   * Ends the opening when the source has come down to real time, or has taken too long over it.
   * @returns whether anything may be let out by now
   */
  settle(nowMs: number): boolean {
    const state = this.#state;
    if (state?.is !== 'opening') return state !== null;
    const newestMs = state.recent.at(-1)?.newestMs ?? state.firstMediaMs;
    const forMs = Math.max(SETTLE.leastMs, Math.min(SETTLE.mostMs, (newestMs - state.firstMediaMs) * SETTLE.share));
    // What had come before that time, and what has come in it.
    const before = state.recent.findLast((one) => one.atMs <= nowMs - forMs);
    const isCalm = before !== undefined && newestMs - before.newestMs <= forMs * SETTLE.rate + JITTER_MS;
    if (!isCalm && nowMs - state.sinceMs < SETTLE.giveUpMs) return false;
    this.#offsetMs = this.#bestMs = isCalm ? this.#leastMs : nowMs - state.firstMediaMs;
    this.#becomeLive(nowMs);
    return true;
  }

  #becomeLive(nowMs: number): void {
    this.#state = { is: 'live' };
    this.#buckets = [{ bucket: Math.floor(nowMs / BUCKET_MS), leastMs: this.#offsetMs }];
    this.#silences = [];
  }

  /** It has come so far ahead, or to its end: from now on it is shown in real time, nothing skipped. */
  becomeFile(nowMs: number): void {
    if (this.#state?.is === 'opening') {
      this.#offsetMs = nowMs - this.#state.firstMediaMs;
    }
    this.#bestMs = this.#offsetMs;
    this.#depthMs = 0;
    this.#state = { is: 'file' };
  }

  /** The time line was mended: what came before says nothing about what follows, which is due at once. */
  restart(arrivalMs: number, mediaMs: number): void {
    if (this.#state === null || this.#state.is !== 'live') return;
    this.#buckets = [];
    this.#silences = [];
    this.#offsetMs = this.#bestMs = arrivalMs - mediaMs;
    this.#lastMs = arrivalMs;
  }

  /** Back to what it once was: at once. Beyond that only as a crystal may, until it is level there. */
  #comeEarlier(offsetMs: number, elapsedMs: number): void {
    this.#offsetMs = Math.max(offsetMs, Math.min(this.#offsetMs, this.#bestMs) - elapsedMs * CRYSTAL);
    this.#bestMs = Math.min(this.#bestMs, this.#offsetMs);
  }

  /** After each half second: is the offset level, and not where the schedule is? */
  #judge(): void {
    const least = this.#buckets.map((one) => one.leastMs);
    const recent = least.slice(-LATER.buckets);
    const laterMs = Math.min(...recent) - this.#offsetMs;
    if (
      recent.length === LATER.buckets &&
      laterMs > JITTER_MS &&
      spreadOf(recent) < Math.max(JITTER_MS, laterMs * LATER.spread)
    )
      this.#goLater(Math.min(...recent));
    else {
      const level = levelOf(least);
      if (level !== null && level < this.#offsetMs - JITTER_MS) {
        this.#offsetMs = level;
        this.#bestMs = Math.min(this.#bestMs, level);
      }
    }
    // The best is forgotten when nothing has come near it for all that time. What came earlier still is not believed yet.
    this.#bestMs = Math.min(...this.#buckets.map((one) => Math.max(one.leastMs, this.#bestMs)));
  }

  #goLater(offsetMs: number): void {
    this.#offsetMs = offsetMs;
    // It stood still and nothing has caught up: that time is gone. Otherwise it is late, however long that lasts.
    if (Math.max(...this.#silences.map(({ ms }) => ms)) < (offsetMs - this.#bestMs) * SILENT_SHARE) return;
    this.#bestMs = offsetMs;
    this.#buckets = this.#buckets.slice(-LATER.buckets);
  }

  #noteSilence(bucket: number, ms: number): void {
    const newest = this.#silences.at(-1);
    if (newest?.bucket === bucket) newest.ms = Math.max(newest.ms, ms);
    else this.#silences.push({ bucket, ms });
    if (this.#silences.length > SILENCE_BUCKETS) this.#silences.shift();
  }

  #followBursts(elapsedMs: number): void {
    const wanted = this.#bursts.depthMs;
    if (wanted >= this.#depthMs || wanted === 0) this.#depthMs = wanted;
    else this.#depthMs = Math.max(wanted, this.#depthMs - elapsedMs * SHRINK);
  }
}

const spreadOf = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);

/** Where the offsets of the last seconds are level; null when they are not. @param least one a bucket, milliseconds */
function levelOf(least: readonly number[]): number | null {
  const short = least.slice(-EARLIER.buckets);
  if (short.length === EARLIER.buckets && spreadOf(short) <= EARLIER.spreadMs) return Math.min(...short);
  const long = least.slice(-EARLIER.longBuckets);
  return long.length === EARLIER.longBuckets && Math.abs(slopeOf(long)) <= EARLIER.slope ? medianOf(long) : null;
}

const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Least squares over one value a bucket: milliseconds per millisecond. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const above = values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0);
  const below = values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return above / below / BUCKET_MS;
}
