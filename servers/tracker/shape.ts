// How a stream is cut: into how many slices, with parity or without, and why. Each is set by an operator or follows the viewers' uplinks
// (auto-k.ts, auto-parity.ts). What changes with it is swarm.ts.
import type { SliceCount } from '../../protocol/fields.ts';
import { AutoK, firstK } from './auto-k.ts';
import { AutoParity } from './auto-parity.ts';

export interface Wanted {
  k: SliceCount | 'auto';
  parity: 'auto' | 'on' | 'off';
}

const WHY = { set: 'It is set so.', begins: 'It begins with halves; the viewers’ uplinks will tell.' };
const WHY_NONE = 'It begins without; the viewers’ uplinks will tell.';

export class Shape {
  k: SliceCount = 2;
  parity = false;
  kWhy = WHY.set;
  parityWhy = WHY.set;
  #autoK: AutoK | null = null;
  #autoParity: AutoParity | null = null;
  /** An operator's word on parity; it holds for every K that has any. */
  #isParitySet = false;

  constructor(wanted: Wanted, nowMs: number) {
    this.k = firstK(wanted.k);
    this.want(wanted, nowMs);
    if (this.#autoK) this.kWhy = WHY.begins;
  }

  /** What an operator wants from now on: numbers, or that the viewers' uplinks decide. */
  want({ k, parity }: Partial<Wanted>, nowMs: number): void {
    if (k !== undefined) this.#autoK = k === 'auto' ? new AutoK(nowMs) : null;
    if (k !== undefined && k !== 'auto') [this.k, this.kWhy] = [k, WHY.set];
    if (parity !== undefined) {
      this.#autoParity = parity === 'auto' ? new AutoParity(nowMs) : null;
      this.#isParitySet = parity === 'on';
      this.parityWhy = parity === 'auto' ? WHY_NONE : WHY.set;
    }
    this.#settle();
  }

  /**
   * Once a second.
   * @param copies what each viewer may upload, in copies of the stream
   * @param supply slots of all viewers over the slots that they take
   */
  step(copies: readonly number[], supply: number, nowMs: number): void {
    const k = this.#autoK?.step(copies, this.k, nowMs);
    if (k) [this.k, this.kWhy] = [k.k, k.why];
    const parity = this.#autoParity?.step(copies, supply, this.k, this.parity, nowMs);
    if (parity) [this.parity, this.parityWhy] = [parity.isSent, parity.why];
    this.#settle();
  }

  #settle(): void {
    this.parity = this.k > 1 && (this.#autoParity ? this.parity : this.#isParitySet);
  }
}
