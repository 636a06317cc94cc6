// Plays units on a <video> by Media Source Extensions, at the swarm's target delay. All epochs lie on one line, one after the other;
// which place of it is due when is time-line.ts's. Knows nothing of peers.
import { FLAG } from '../../protocol/chunk.ts';
import { TARGET_MARGIN_MS } from '../../protocol/limits.ts';
import { Arrivals } from '../mesh/arrivals.ts';
import type { Playable } from '../mesh/sequencer.ts';
import { unitBytesOf } from '../mesh/playout.ts';
import { Bursts } from './bursts.ts';
import { steer } from './live-edge.ts';
import { codecsOf, timeOfUnit, timescalesOf } from './mp4.ts';
import { Stalls } from './stalls.ts';
import { TimeLine } from './time-line.ts';

/** Played media is dropped after this. */
const KEEP_BEHIND_S = 8;
/** The queue in front of a slow SourceBuffer: the longest group of pictures that a newcomer may be given. */
const MAX_QUEUE = 2_000;
/** Units that wait together are appended together, up to so many bytes: a long run is then quickly in. */
const MAX_APPEND_BYTES = 1024 * 1024;
/** A newcomer's first media is older than regular media. */
const CATCH_UP_MS = 1_500;
/** A longer step is a new epoch or a hole that was skipped. */
const MAX_ADVANCE_S = 1;
/** The decoder's frames in hand. */
const PICTURE_RESERVE_S = 0.02;
/**
 * Sound is decoded and mixed further ahead than the picture. Chromium stands still with less than some 0.13 s of it, for 0.3 s the first time and
 * twice as long each time after (measured; docs/decisions/012-sound.md).
 */
const SOUND_RESERVE_S = 0.15;
/** All delays are planned with a margin, for the picture's sake. */
const SOUND_ABOVE_MARGIN_MS = SOUND_RESERVE_S * 1_000 - TARGET_MARGIN_MS;
/** Begins the line. */
const ORIGIN_S = 10;

type Job =
  | { kind: 'init'; bytes: Uint8Array<ArrayBuffer>; mime: string }
  | { kind: 'unit'; bytes: Uint8Array<ArrayBuffer>; offsetS: number }
  | { kind: 'remove'; endS: number };

/** What is behind the picture on screen. */
export interface Delay {
  ms: number;
  /** Since its capture; otherwise since the encoder's best. */
  isSinceCapture: boolean;
}

export interface PlayerClock {
  /** The coordinate's clock; null until known. */
  coordinateMs(): number | null;
  targetDelayMs(): number;
  now(): number;
}

export type PlayerState = 'opening' | 'filling' | 'playing' | 'stalled' | 'ended';

/** The page's media source class: Safari on iPhone has only the managed one. */
type SourceClass = typeof MediaSource;
export const mediaSourceClass = (): SourceClass | null =>
  (globalThis as { MediaSource?: SourceClass }).MediaSource ??
  (globalThis as { ManagedMediaSource?: SourceClass }).ManagedMediaSource ??
  null;

export class Player {
  /** How late after its source time media becomes playable here. */
  readonly arrivals = new Arrivals();
  state: PlayerState = 'opening';
  /** A sentence, when this browser cannot play the stream. */
  problem: string | null = null;
  readonly #video: HTMLVideoElement;
  readonly #clock: PlayerClock;
  #source: MediaSource | null = null;
  #buffer: SourceBuffer | null = null;
  #queue: Job[] = [];
  #timescales = new Map<number, number>();
  #hasSound = false;
  readonly #line = new TimeLine();
  /** Of the running epoch: seconds to add to media time, null until its first unit. */
  #offsetS: number | null = null;
  /** Where the next epoch may begin on the line. */
  #lineEndS = ORIGIN_S;
  readonly #watched = new Stalls(this.#line);
  #started = false;
  /** End of the last buffered range, and when there was one first. */
  #endS = 0;
  #firstEndMs: number | null = null;
  readonly #bursts = new Bursts();

  constructor(video: HTMLVideoElement, clock: PlayerClock) {
    this.#video = video;
    this.#clock = clock;
  }

  init(bytes: Uint8Array<ArrayBuffer>): void {
    const codecs = codecsOf(bytes);
    const Source = mediaSourceClass();
    const mime = `${codecs?.startsWith('mp4a') ? 'audio' : 'video'}/mp4; codecs="${codecs}"`;
    if (!Source)
      this.problem =
        'This browser has no Media Source Extensions. Open the link in a current Chrome, Edge, Firefox or Safari.';
    else if (!codecs || !Source.isTypeSupported(mime))
      this.problem = `This browser cannot decode ${codecs ?? 'this stream'}. Open the link in another browser.`;
    if (this.problem !== null || !Source) return;
    this.#timescales = timescalesOf(bytes);
    this.#hasSound = codecs?.includes('mp4a') ?? false;
    this.#offsetS = null;
    this.#queue.push({ kind: 'init', bytes, mime });
    if (!this.#source) this.#open(Source);
    this.#pump();
  }

  unit({ held }: Playable): void {
    const bytes = unitBytesOf(held);
    const time = timeOfUnit(bytes, this.#timescales);
    if (time === null || this.problem !== null) return;
    const { sourceMs, durationMs, flags } = held.head;
    // An epoch begins where the one before it ended: what lay between was never there.
    this.#offsetS ??= this.#lineEndS - time.mediaMs / 1_000;
    const atS = this.#offsetS + time.mediaMs / 1_000;
    this.#lineEndS = Math.max(this.#lineEndS, atS + durationMs / 1_000);
    this.#line.add({
      atS,
      sourceMs,
      capturedMs: time.capturedMs ?? sourceMs,
      isCaptureKnown: time.isCaptureKnown,
      isKey: (flags & FLAG.key) !== 0,
      hasPicture: time.hasPicture,
    });
    if (this.#queue.length >= MAX_QUEUE) this.#queue = this.#queue.filter((job) => job.kind === 'init');
    this.#queue.push({ kind: 'unit', bytes, offsetS: this.#offsetS });
    this.#pump();
  }

  /** Called every 40 ms. @param isLive the stream is running: a standing picture is then a stall */
  tick(isLive: boolean): void {
    if (!this.#source) return;
    const video = this.#video;
    const ranges = this.#ranges();
    const last = ranges.at(-1);
    if (!last) return;
    const coordinateMs = this.#clock.coordinateMs();
    const targetMs = this.#clock.targetDelayMs();
    const wanted =
      (coordinateMs === null ? null : this.#line.dueS(coordinateMs - targetMs)) ?? last.end - targetMs / 1_000;
    const reserve = this.#hasSound ? SOUND_RESERVE_S + this.#bursts.nextInS(this.#clock.now()) : PICTURE_RESERVE_S;
    const move = steer({ currentTime: video.currentTime, wanted, ranges, reserve });
    this.#watch(isLive);
    if (move.kind === 'seek') {
      video.currentTime = move.to;
      this.#watched.jumped(move.to, this.#clock.now());
    } else if (video.playbackRate !== move.rate) video.playbackRate = move.rate;
    this.#trim();
  }

  /** How far the picture on screen is behind, by the coordinate's clock; null until playing. */
  delay(): Delay | null {
    const coordinateMs = this.#clock.coordinateMs();
    const captured = this.#started ? this.#line.captured(this.#video.currentTime) : null;
    if (coordinateMs === null || captured === null) return null;
    return { ms: Math.max(0, Math.round(coordinateMs - captured.ms)), isSinceCapture: captured.isKnown };
  }

  delayMs(): number | null {
    return this.delay()?.ms ?? null;
  }

  /** Stalls so far, the running one included. */
  stallsNow(): { count: number; ms: number } {
    return this.#watched.sum(this.#clock.now());
  }

  bufferMs(): number {
    const end = this.#ranges().at(-1)?.end;
    return end === undefined ? 0 : Math.round((end - this.#video.currentTime) * 1_000);
  }

  close(): void {
    this.state = 'ended';
    this.#queue = [];
    if (this.#video.src) URL.revokeObjectURL(this.#video.src);
    this.#video.removeAttribute('src');
    this.#source = this.#buffer = null;
  }

  #open(Source: SourceClass): void {
    const source = new Source();
    this.#source = source;
    this.#video.disableRemotePlayback = true; // ManagedMediaSource asks for it
    // Another source pauses an element that has had one, and breaks its promise to play.
    const isToPlay = !this.#video.paused;
    this.#video.src = URL.createObjectURL(source);
    if (isToPlay) this.#video.play().catch(() => undefined); // where autoplay is refused, the picture waits for a tap
    source.addEventListener('sourceopen', () => this.#pump());
    this.state = 'filling';
  }

  #pump(): void {
    const source = this.#source;
    if (!source || source.readyState !== 'open' || this.#buffer?.updating) return;
    const job = this.#queue.shift();
    if (!job) return;
    try {
      this.#do(source, job);
    } catch (error) {
      if (error instanceof DOMException && error.name === 'QuotaExceededError') this.#makeRoom(job);
      else this.#restart(String(error));
    }
    if (!this.#buffer?.updating && this.#queue.length > 0) queueMicrotask(() => this.#pump());
  }

  /** The browser's own limit was reached: all before the last keyframe that is being played goes, or else the player starts again. */
  #makeRoom(job: Job): void {
    const key = this.#line.keyBefore(this.#video.currentTime);
    const first = this.#ranges()[0];
    if (key !== null && first && first.start < key - 0.1) this.#queue.unshift({ kind: 'remove', endS: key }, job);
    else this.#restart('its buffer is full');
  }

  #do(source: MediaSource, job: Job): void {
    if (job.kind === 'init') {
      if (!this.#buffer) {
        this.#buffer = source.addSourceBuffer(job.mime);
        this.#buffer.mode = 'segments';
        this.#buffer.addEventListener('updateend', () => {
          this.#observeEnd();
          this.#pump();
          if (!this.#started) this.tick(true); // the first picture waits for no round
        });
        this.#buffer.addEventListener('error', () => this.#restart('append failed'));
      } else this.#buffer.changeType(job.mime);
      this.#buffer.appendBuffer(job.bytes);
    } else if (!this.#buffer) return;
    else if (job.kind === 'unit') {
      if (this.#buffer.timestampOffset !== job.offsetS) this.#buffer.timestampOffset = job.offsetS;
      this.#buffer.appendBuffer(this.#withNext(job));
    } else if (job.endS > 0) this.#buffer.remove(0, job.endS);
  }

  #withNext(job: Job & { kind: 'unit' }): Uint8Array<ArrayBuffer> {
    const parts = [job.bytes];
    let length = job.bytes.length;
    for (let next = this.#queue[0]; next?.kind === 'unit' && next.offsetS === job.offsetS; next = this.#queue[0]) {
      if (length + next.bytes.length > MAX_APPEND_BYTES) break;
      length += next.bytes.length;
      parts.push(next.bytes);
      this.#queue.shift();
    }
    if (parts.length === 1) return job.bytes;
    const all = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** What the decoder will not take must not end the show: a fresh source, from the next init segment on. */
  #restart(why: string): void {
    console.warn(`P2PLive: the player starts again (${why}).`);
    this.#buffer = null;
    this.#source = null;
    this.#queue = [];
    this.#started = false;
    this.onRestart();
  }

  /** Set by the page: hands the init segment and the units from the last key on again. */
  onRestart: () => void = () => undefined;

  /**
   * The end of what can be played has moved: just before it was latest behind the source. Sound and picture count together: where sound
   * comes in bursts, they make the end move in bursts.
   */
  #observeEnd(): void {
    const endS = this.#ranges().at(-1)?.end;
    const coordinateMs = this.#clock.coordinateMs();
    const nowMs = this.#clock.now();
    const was = this.#endS;
    if (endS === undefined || endS <= was) return;
    this.#endS = endS;
    if (was > 0 && endS - was <= MAX_ADVANCE_S) this.#bursts.add(endS - was, nowMs);
    this.#firstEndMs ??= nowMs;
    // What a newcomer is given first is old on purpose, and a jump is no delay.
    const dueMs = this.#line.newlyDueMs(was, endS);
    if (coordinateMs === null || dueMs === null || nowMs - this.#firstEndMs < CATCH_UP_MS) return;
    if (endS - was > MAX_ADVANCE_S) return;
    const delayMs = coordinateMs - dueMs;
    this.arrivals.add(this.#hasSound ? delayMs + SOUND_ABOVE_MARGIN_MS : delayMs, nowMs);
  }

  #ranges(): { start: number; end: number }[] {
    const buffered = this.#buffer?.buffered;
    if (!buffered) return [];
    return Array.from({ length: buffered.length }, (_, i) => ({ start: buffered.start(i), end: buffered.end(i) }));
  }

  #watch(isLive: boolean): void {
    const video = this.#video;
    const frames = document.hidden ? null : (video.getVideoPlaybackQuality?.().totalVideoFrames ?? null);
    const look = { atS: video.currentTime, frames, isPaused: video.paused, isLive };
    const isMoving = this.#watched.look(look, this.#clock.now(), this.#started);
    if (isMoving === true) {
      if (!this.#started && !video.paused && video.readyState >= 2) this.#started = true;
      this.state = this.#started ? 'playing' : 'filling';
    } else if (isMoving === false) this.state = 'stalled';
  }

  /** Played media goes, in whole groups of pictures: what is removed takes all along that needs it. */
  #trim(): void {
    const first = this.#ranges()[0];
    const key = this.#line.keyBefore(this.#video.currentTime - KEEP_BEHIND_S);
    if (!first || key === null || first.start > key - KEEP_BEHIND_S) return;
    this.#line.forgetBefore(key);
    if (!this.#queue.some((job) => job.kind === 'remove')) this.#queue.push({ kind: 'remove', endS: key });
    this.#pump();
  }
}
