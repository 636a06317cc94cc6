// When `auto` changes the number of slices: not for a moment's sake, not soon after the last time, not for a handful of viewers. Which
// number is best is choose-k.ts.
import type { SliceCount } from '../../protocol/fields.ts';
import { chooseK, type Choice } from './choose-k.ts';

/** Every viewer gets new parents: at most this often. */
export const REST_MS = 60_000;
/** The begin of a show says little: people come, nothing has been measured. */
export const FIRST_REST_MS = 15_000;
/** The same choice so many seconds in a row. */
export const STEADY_SECONDS = 5;
export const FEWEST_VIEWERS = 8;

export class AutoK {
  #restUntilMs: number;
  #seconds = 0;

  constructor(nowMs: number) {
    this.#restUntilMs = nowMs + FIRST_REST_MS;
  }

  /**
   * Once a second.
   * @param copies what each viewer may upload, in copies of the stream
   * @returns what to do and why: the present K with the newest reason, another one when it is time; null while too little is known
   */
  step(copies: readonly number[], now: SliceCount, nowMs: number): Choice | null {
    if (copies.length < FEWEST_VIEWERS) return null;
    const choice = chooseK(copies, now);
    if (choice.k === now) {
      this.#seconds = 0;
      return choice;
    }
    this.#seconds++;
    if (this.#seconds < STEADY_SECONDS || nowMs < this.#restUntilMs) return null;
    this.#seconds = 0;
    this.#restUntilMs = nowMs + REST_MS;
    return choice;
  }
}

/** What a stream begins with. */
export const firstK = (wanted: SliceCount | 'auto'): SliceCount => (wanted === 'auto' ? 2 : wanted);
