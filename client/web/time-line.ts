// Which media belongs to which time: for each unit on the player's line, when it is due and when it was captured. Source times may
// stand still or leap where the source was late; the media's own line has no steps. Pure.

export interface Mark {
  /** Where the unit begins on the player's line, seconds. */
  atS: number;
  /** When that is due, on the coordinate's clock. */
  sourceMs: number;
  /** When it was captured, on the same clock. */
  capturedMs: number;
  /** The source said so, or knew; otherwise counted from its best. */
  isCaptureKnown: boolean;
  isKey: boolean;
  hasPicture: boolean;
}

/** A unit is no longer than this while its source moves (SPEC I2). */
const USUAL_UNIT_S = 0.12;
/** Time scales round. */
const EXACT_S = 0.001;
/** Some minutes of units: far more than is kept to play. */
const MOST_MARKS = 4_000;

export class TimeLine {
  #marks: Mark[] = [];

  get last(): Mark | undefined {
    return this.#marks.at(-1);
  }

  /** Units come in playing order; one that begins before the one before it (sound that was packed) says nothing new. */
  add(mark: Mark): void {
    const last = this.#marks.at(-1);
    if (last && mark.atS <= last.atS) return;
    this.#marks.push(mark);
    if (this.#marks.length > MOST_MARKS) this.#marks.shift();
  }

  /** What is due at this source time: where on the line, seconds; null while the line is empty. */
  dueS(sourceMs: number): number | null {
    const [first] = this.#marks;
    if (!first) return null;
    const i = this.#marks.findLastIndex((mark) => mark.sourceMs <= sourceMs);
    const mark = this.#marks[i];
    if (!mark) return first.atS - (first.sourceMs - sourceMs) / 1_000;
    const due = mark.atS + (sourceMs - mark.sourceMs) / 1_000;
    const next = this.#marks[i + 1];
    return next ? Math.min(due, next.atS) : due;
  }

  /** Media up to `toS` has become playable, `fromS` was so before: when the first of the newest unit is due. */
  newlyDueMs(fromS: number, toS: number): number | null {
    const mark = this.#at(toS - 2 * EXACT_S);
    return mark ? mark.sourceMs + Math.max(0, fromS - mark.atS) * 1_000 : null;
  }

  /** What is shown at `atS` was captured then; null before the first unit. */
  captured(atS: number): { ms: number; isKnown: boolean } | null {
    const mark = this.#at(atS);
    return mark ? { ms: mark.capturedMs + (atS - mark.atS) * 1_000, isKnown: mark.isCaptureKnown } : null;
  }

  /** How many pictures at least should have been shown between these two places. */
  picturesBetween(fromS: number, toS: number): number {
    return this.#marks.filter((mark) => mark.hasPicture && mark.atS > fromS && mark.atS <= toS).length;
  }

  /** How long the source itself rested at `atS` or within a unit after it, seconds: what a unit lasted above the usual length. */
  pauseS(atS: number): number {
    const i = Math.max(
      0,
      this.#marks.findLastIndex((mark) => mark.atS <= atS + EXACT_S),
    );
    const near = this.#marks.slice(i, i + 3).filter((mark, n) => n === 0 || mark.atS <= atS + USUAL_UNIT_S);
    const lasted = near.map((mark, n) => (this.#marks[i + n + 1]?.atS ?? mark.atS) - mark.atS);
    return Math.max(0, ...lasted.map((seconds) => seconds - USUAL_UNIT_S));
  }

  /** The last keyframe at or before `atS`: what may be forgotten ends there. null where none is known */
  keyBefore(atS: number): number | null {
    return this.#marks.findLast((mark) => mark.isKey && mark.atS <= atS)?.atS ?? null;
  }

  /** Forgets all units that end before `atS`. */
  forgetBefore(atS: number): void {
    const from = this.#marks.findLastIndex((mark) => mark.atS <= atS);
    if (from > 0) this.#marks.splice(0, from);
  }

  #at(atS: number): Mark | undefined {
    return this.#marks.findLast((mark) => mark.atS <= atS + EXACT_S);
  }
}
