// When `auto` has parity sent along: where the viewers' uplinks carry one slice more with room to spare. Coming, it costs every viewer a
// connection and comes no more often than another K; going costs nobody anything and waits for nothing but certainty (MESH.md section 2).
import type { SliceCount } from '../../protocol/fields.ts';
import { FEWEST_VIEWERS, FIRST_REST_MS, REST_MS, STEADY_SECONDS } from './auto-k.ts';
import { supplyAt } from './choose-k.ts';

/** Slots over the K + 1 that each viewer takes with parity: from here on it is sent, and below this no more. In quarters 1.6 and 1.35 copies. */
const SENT_FROM = 1.28;
const SENT_UNTIL = 1.08;

/** Slots that viewers really have, over those that they take: below this the trees are short already, whatever the uplinks may carry. */
const SHORT = 1;

export interface ParityChoice {
  isSent: boolean;
  /** One sentence with the numbers. */
  why: string;
}

const WHY_SHORT = 'There are fewer slots than viewers take: parity would take more of them.';

export class AutoParity {
  #restUntilMs: number;
  #seconds = 0;

  constructor(nowMs: number) {
    this.#restUntilMs = nowMs + FIRST_REST_MS;
  }

  /**
   * Once a second.
   * @param copies what each viewer may upload, in copies of the stream
   * @param supply slots of all viewers over the slots that they take
   * @returns what to do and why: what is with the newest reason, or the other when it is time; null while that is not certain
   */
  step(copies: readonly number[], supply: number, k: SliceCount, isSent: boolean, nowMs: number): ParityChoice | null {
    const choice = supply < SHORT ? { isSent: false, why: WHY_SHORT } : chooseParity(copies, k, isSent);
    if (choice.isSent === isSent) {
      this.#seconds = 0;
      return choice;
    }
    this.#seconds++;
    if (this.#seconds < STEADY_SECONDS || (choice.isSent && nowMs < this.#restUntilMs)) return null;
    this.#seconds = 0;
    this.#restUntilMs = nowMs + REST_MS;
    return choice;
  }
}

export function chooseParity(copies: readonly number[], k: SliceCount, isSent: boolean): ParityChoice {
  if (k === 1) return { isSent: false, why: 'A stream in one slice has no parity.' };
  if (copies.length < FEWEST_VIEWERS)
    return { isSent: false, why: `Fewer than ${FEWEST_VIEWERS} viewers: forwards are near enough to all of them.` };
  const supply = supplyAt(copies, k);
  const needed = ((isSent ? SENT_UNTIL : SENT_FROM) * (k + 1)) / k;
  const cut = k === 2 ? 'halves' : 'quarters';
  const numbers = `the audience can pass on ${supply.toFixed(2)} copies in ${cut}, and parity takes ${needed.toFixed(2)}`;
  return supply >= needed
    ? { isSent: true, why: `Uplinks have room for it: ${numbers}.` }
    : { isSent: false, why: `Uplinks have no room for it: ${numbers}.` };
}
