// The units of the running epoch that a peer holds: for its children, for hedges and pulls, and for its own player, which takes
// them out in order. Knows nothing of links.
import { FLAG, type UnitHead } from '../../protocol/chunk.ts';
import type { SliceCount } from '../../protocol/fields.ts';
import { RING_MS } from '../../protocol/limits.ts';
import type { Slice } from '../../protocol/slice.ts';

export interface HeldUnit {
  head: UnitHead;
  K: SliceCount;
  /** The K data slices, then the parity slice. */
  slices: (Slice | null)[];
  /** When the first and the last slice came, monotonic milliseconds; which one was the first. */
  firstMs: number;
  firstK: number;
  wholeMs: number | null;
  /** Of a whole unit: the slice that was not needed, or was made here, and has not come from anybody; null: all have. */
  unseen: number | null;
}

/** Two minutes of the usual length: a group of pictures is kept whole, since nothing in it can be shown without its keyframe. */
const MAX_UNITS = 2_000;
/** And no more than this of it. */
const MAX_BYTES = 48 * 1024 * 1024;

export type Added = 'new' | 'whole' | 'duplicate' | 'stale' | 'mismatch' | 'epoch';

export class UnitStore {
  epoch = 0;
  /** Newest unit of which any slice is here. */
  newest = 0;
  #init: HeldUnit | null = null;
  readonly #units = new Map<number, HeldUnit>();
  #bytes = 0;
  /** The last two keyframes that are known of, the newer one last: from the older one on everything is kept. */
  #keys: number[] = [];

  get init(): HeldUnit | null {
    return this.#init?.wholeMs === null ? null : this.#init;
  }

  get(unit: number): HeldUnit | undefined {
    return unit === 0 ? (this.#init ?? undefined) : this.#units.get(unit);
  }

  /** Is a slice of this identity worth verifying? Cheap: called for each fragment. */
  wants(epoch: number, unit: number, k: number, K?: SliceCount): boolean {
    if (epoch !== this.epoch) return epoch > this.epoch;
    const held = this.get(unit);
    if (held && K !== undefined && held.K !== K) return false; // cut in another way here
    // Of a whole unit nothing more is of use: what is missing can be made [P19].
    return !held?.slices[k] && (held?.wholeMs ?? null) === null && !this.#isTooOld(unit);
  }

  /**
   * Takes a verified slice. 'epoch': it opened a newer epoch (and is new in it); 'whole': its unit is complete with it.
   * @param isMade it was made here of the others, and has come from nobody
   */
  add(slice: Slice, nowMs: number, isMade = false): Added {
    const { head, k, K } = slice;
    if (head.epoch < this.epoch) return 'stale';
    const opened = head.epoch > this.epoch;
    if (opened) this.#open(head.epoch);
    if (this.#isTooOld(head.unit)) return 'stale';
    let held = this.get(head.unit);
    if (!held) {
      const slices: (Slice | null)[] = Array.from({ length: K + 1 }, () => null);
      held = { head, K, slices, firstMs: nowMs, firstK: k, wholeMs: null, unseen: null };
      if (head.unit === 0) this.#init = held;
      else {
        this.#units.set(head.unit, held);
        this.#bytes += head.unitBytes;
        if (head.flags & FLAG.key) this.#keys = [...this.#keys, head.unit].toSorted((a, b) => a - b).slice(-2);
      }
    }
    if (held.K !== K) return 'mismatch';
    if (held.slices[k]) return 'duplicate';
    held.slices[k] = slice;
    if (head.unit > this.newest) {
      this.newest = head.unit;
      this.#prune();
    }
    if (held.unseen === k && !isMade) held.unseen = null;
    const isWhole = held.wholeMs === null && held.slices.every((s, at) => s !== null || at === K);
    if (isWhole) {
      held.wholeMs = nowMs;
      held.unseen = isMade ? k : held.slices[K] ? null : K;
    }
    return opened ? 'epoch' : isWhole ? 'whole' : 'new';
  }

  /** Is this the original of a slice that a whole unit did without? */
  isUnseen(unit: number, k: number, K: SliceCount): boolean {
    const held = this.get(unit);
    return held?.K === K && held.unseen === k;
  }

  /** The original has come, and is not needed any more. */
  seen(unit: number): void {
    const held = this.get(unit);
    if (held) held.unseen = null;
  }

  /** Newest unit of which slice k of K is here or could be made; 0 when none. */
  newestOf(k: number, K: SliceCount): number {
    for (let unit = this.newest; unit > 0 && unit > this.newest - MAX_UNITS; unit--)
      if (this.#has(unit, k, K)) return unit;
    return 0;
  }

  /** The first unit from `from` on whose slice k of K is missing. */
  firstMissing(k: number, K: SliceCount, from: number): number {
    let unit = Math.max(1, from);
    while (unit <= this.newest && this.#has(unit, k, K)) unit++;
    return unit;
  }

  /** Slice k of K of a unit, where it is held and cut like that. */
  slice(unit: number, k: number, K: SliceCount): Slice | null {
    const held = this.get(unit);
    return held?.K === K ? (held.slices[k] ?? null) : null;
  }

  /** The first whole keyframe unit at or after `from`; null when there is none. */
  keyFrom(from: number): number | null {
    for (let unit = Math.max(1, from, this.newest - MAX_UNITS); unit <= this.newest; unit++)
      if (this.#isKey(unit)) return unit;
    return null;
  }

  /** The newest whole keyframe unit; null when there is none. */
  newestKey(): number | null {
    for (let unit = this.newest; unit > 0 && unit > this.newest - MAX_UNITS; unit--) if (this.#isKey(unit)) return unit;
    return null;
  }

  /** Held units from `from` on, oldest first. */
  *since(from: number): Generator<HeldUnit> {
    for (let unit = Math.max(1, from, this.newest - MAX_UNITS); unit <= this.newest; unit++) {
      const held = this.#units.get(unit);
      if (held) yield held;
    }
  }

  #has(unit: number, k: number, K: SliceCount): boolean {
    const held = this.get(unit);
    return held?.K === K && (held.wholeMs !== null || Boolean(held.slices[k]));
  }

  #isKey(unit: number): boolean {
    const held = this.#units.get(unit);
    return held !== undefined && held.wholeMs !== null && (held.head.flags & FLAG.key) !== 0;
  }

  #open(epoch: number): void {
    this.epoch = epoch;
    this.newest = 0;
    this.#init = null;
    this.#units.clear();
    this.#bytes = 0;
    this.#keys = [];
  }

  #isTooOld(unit: number): boolean {
    if (unit === 0) return false;
    if (unit <= this.newest - MAX_UNITS) return true;
    if (this.#keys[0] !== undefined && unit >= this.#keys[0] && this.#bytes <= MAX_BYTES) return false;
    const newest = this.#units.get(this.newest);
    const average = newest ? Math.max(20, newest.head.durationMs) : 100;
    return (this.newest - unit) * average > RING_MS;
  }

  #prune(): void {
    for (const [unit, { head }] of this.#units)
      if (this.#isTooOld(unit)) {
        this.#units.delete(unit);
        this.#bytes -= head.unitBytes;
      }
  }
}
