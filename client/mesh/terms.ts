// What this viewer lets its uplink be used for, and what is signed about it: the same words in its hello and whenever they change.
import type { FromViewer, LeafReason } from '../../protocol/signalling.ts';

type Hello = Extract<FromViewer, { type: 'hello' }>;
type Sharing = Extract<FromViewer, { type: 'sharing' }>;

export class Terms {
  shares: boolean;
  /** Why it feeds nobody for now, though others feed it; null: it does. */
  leaf: LeafReason | null = null;
  /** Signed by a tracker on this visit or an earlier one. */
  history: string | undefined;
  readonly #capBitsPerSecond: number | undefined;

  constructor(from: { shares: boolean; history?: string | undefined; capBitsPerSecond?: number | undefined }) {
    this.shares = from.shares;
    this.history = from.history;
    this.#capBitsPerSecond = from.capBitsPerSecond;
  }

  /** Others may be fed by this viewer. */
  get feeds(): boolean {
    return this.shares && this.leaf === null;
  }

  /** [P21] What is measured is sent as fast as it goes, and would break a cap. */
  get mayBeMeasured(): boolean {
    return this.feeds && this.#capBitsPerSecond === undefined;
  }

  hello(): Pick<Hello, 'shares' | 'leaf' | 'capBitsPerSecond' | 'history'> {
    return {
      shares: this.shares,
      ...this.#cap(),
      ...(this.leaf === null ? {} : { leaf: this.leaf }),
      ...(this.history === undefined ? {} : { history: this.history }),
    };
  }

  sharing(): Sharing {
    return { type: 'sharing', shares: this.shares, leaf: this.leaf, ...this.#cap() };
  }

  #cap(): { capBitsPerSecond?: number } {
    return this.#capBitsPerSecond === undefined ? {} : { capBitsPerSecond: this.#capBitsPerSecond };
  }
}
