// Is the picture moving, as a person sees it? Counts the time in which it should and does not. Jumps of the playhead are no playing, and
// neither is sound over a picture that stands; what the source itself rests is no stall. Pure; the player asks every 40 ms.
import type { TimeLine } from './time-line.ts';

/** A picture that stands this long while it should move is a stall. */
const STALL_MS = 120;
/** The playhead runs no faster than this, and looks come late by as much: farther it has jumped. */
const FASTEST_PLAY = 1.5;
const LATE_LOOK_S = 0.1;
/** Pictures that should have been shown while none was: so many, and for so long, are a frozen one. */
const FROZEN = { pictures: 3, ms: 500 };

export interface Look {
  /** The playhead, seconds on the line. */
  atS: number;
  /** Pictures shown so far; null where the browser does not tell, or shows none (a hidden page). */
  frames: number | null;
  isPaused: boolean;
  isLive: boolean;
}

export class Stalls {
  readonly #line: TimeLine;
  /** When the picture was last seen to move, and where the playhead was then. */
  #moved = { atS: 0, atMs: 0 };
  #looked = { atS: 0, atMs: 0 };
  #pictures = { frames: 0, atS: 0, atMs: 0 };
  #count = 0;
  #ms = 0;
  /** One is going on. */
  isOn = false;

  constructor(line: TimeLine) {
    this.#line = line;
  }

  /** @returns whether it moves; null: it stands, as it may. @param canStall the picture has begun */
  look({ atS, frames, isPaused, isLive }: Look, nowMs: number, canStall: boolean): boolean | null {
    const elapsedS = (nowMs - this.#looked.atMs) / 1_000;
    const playedS = atS - this.#looked.atS;
    this.#looked = { atS, atMs: nowMs };
    const isFrozen = this.#isFrozen(atS, frames, nowMs);
    if (playedS > 0 && playedS < elapsedS * FASTEST_PLAY + LATE_LOOK_S && !isFrozen) {
      this.#end(nowMs, this.#line.pauseS(this.#moved.atS) * 1_000);
      this.#moved = { atS, atMs: nowMs };
      return true;
    }
    if (isPaused || !isLive) {
      this.#end(nowMs, 0);
      this.#moved.atMs = nowMs;
      return null;
    }
    if (canStall && !this.isOn && nowMs - this.#moved.atMs > STALL_MS) {
      this.isOn = true;
      this.#count++;
    }
    return this.isOn ? false : null;
  }

  /** The playhead was put there. */
  jumped(atS: number, nowMs: number): void {
    this.#looked = { atS, atMs: nowMs };
  }

  /** So far, the running one included. */
  sum(nowMs: number): { count: number; ms: number } {
    return { count: this.#count, ms: this.#ms + (this.isOn ? Math.round(nowMs - this.#moved.atMs) : 0) };
  }

  /** @param pauseMs of the time in which the picture stood, so much is the source's own: a screen that rests is shown as it is */
  #end(nowMs: number, pauseMs: number): void {
    if (!this.isOn) return;
    this.isOn = false;
    const stalledMs = Math.round(nowMs - this.#moved.atMs - pauseMs);
    if (stalledMs > STALL_MS) this.#ms += stalledMs;
    else this.#count--;
  }

  /** The playhead has passed pictures, and none has been shown. */
  #isFrozen(atS: number, frames: number | null, nowMs: number): boolean {
    const last = this.#pictures;
    if (frames === null || frames !== last.frames || atS < last.atS) {
      this.#pictures = { frames: frames ?? 0, atS, atMs: nowMs };
      return false;
    }
    return nowMs - last.atMs > FROZEN.ms && this.#line.picturesBetween(last.atS, atS) >= FROZEN.pictures;
  }
}
