// What the viewers of one stream may serve: each one's capacity, the stream's rate, how much there is altogether, and how much of it is
// wanted. The steps are capacity.ts; who sits where is the engine's.
import type { SliceCount } from '../../protocol/fields.ts';
import { mostSlots, newCapacity, nextCapacity, slotsFor, type Allowance, type Capacity } from './capacity.ts';
import type { Report, Viewer } from './viewer.ts';

/** Slots beyond one copy are asked for below this supply, and no longer above the other (MESH.md: rho >= 1.08). */
const SCARCE = 1.15;
const ENOUGH = 1.5;
const RATES_COUNT_FOR_MS = 5_000;
/** [T13] Headroom: all but a tenth where supply is short, less where it is plenty. */
const HEADROOM = { least: 0.7, most: 0.9, usual: 0.85 };

export interface CapacitiesOptions {
  k: SliceCount;
  viewers: () => Iterable<Viewer>;
  /** Copies of the stream that the broadcaster lets a viewer upload. */
  uploadCap: number;
}

export class Capacities {
  readonly #options: CapacitiesOptions;
  readonly #by = new Map<string, Capacity>();
  #k: SliceCount;
  #wantsMore = false;
  /** Slots of all sharing viewers over the slots that all viewers take; 1 without viewers. */
  supply = 1;
  /** Bits a second of the whole stream as viewers receive it; null before anybody has. */
  bitsPerSecond: number | null = null;

  constructor(options: CapacitiesOptions) {
    this.#options = options;
    this.#k = options.k;
  }

  /** @param proven upload that a tracker of this system has measured on an earlier visit */
  welcome(viewer: Viewer, proven: number | null, nowMs: number): void {
    const allowed = this.#allowed(viewer);
    const proved = proven === null ? Infinity : slotsFor(proven * allowed.headroom, allowed);
    const slots = Math.min(mostSlots(allowed), proved);
    this.#by.set(viewer.id, newCapacity(slots, nowMs, proven));
  }

  forget(id: string): void {
    this.#by.delete(id);
  }

  of(id: string): Capacity | undefined {
    return this.#by.get(id);
  }

  /** Slots that a viewer may have now; 0 for one that takes no children. */
  slots(viewer: Viewer): number {
    const capacity = this.#by.get(viewer.id);
    if (!capacity || viewer.leaf !== null) return 0;
    return Math.min(capacity.slots, mostSlots(this.#allowed(viewer)));
  }

  heard(viewer: Viewer, report: Report, used: number, nowMs: number): void {
    const before = this.#by.get(viewer.id);
    if (!before || !report.uplink) return;
    this.#by.set(viewer.id, nextCapacity(before, report.uplink, used, this.#allowed(viewer), nowMs));
  }

  /** Slots scale with K; what was measured says it better. */
  relayout(now: SliceCount): void {
    const before = this.#k;
    this.#k = now;
    for (const [id, capacity] of this.#by) {
      const scaled = Math.floor((capacity.slots * now) / before);
      const { bitsPerSecond } = capacity;
      const measured =
        bitsPerSecond === null
          ? scaled
          : slotsFor(bitsPerSecond * this.headroom, { K: now, streamBitsPerSecond: this.bitsPerSecond });
      this.#by.set(id, { ...capacity, slots: Math.max(scaled, measured) });
    }
  }

  /** Once a second: the stream's rate, the supply, and with it what is asked of each viewer. */
  tick(nowMs: number): void {
    const rates: number[] = [];
    let [slots, viewers] = [0, 0];
    for (const viewer of this.#options.viewers()) {
      viewers++;
      if (viewer.shares) slots += this.slots(viewer);
      const rate = viewer.rates.forwardBitsPerSecond + viewer.rates.peersBitsPerSecond;
      if (rate > 0 && nowMs - viewer.reportedMs < RATES_COUNT_FOR_MS) rates.push(rate);
    }
    rates.sort((a, b) => a - b);
    this.bitsPerSecond = rates[Math.floor(rates.length / 2)] ?? this.bitsPerSecond;
    this.supply = viewers === 0 ? 1 : slots / (viewers * this.#k);
    if (this.supply < SCARCE) this.#wantsMore = true;
    else if (this.supply > ENOUGH) this.#wantsMore = false;
  }

  get headroom(): number {
    if (this.supply < 1.08) return HEADROOM.most;
    return this.supply > ENOUGH ? HEADROOM.least : HEADROOM.usual;
  }

  #allowed(viewer: Viewer): Allowance {
    const K = this.#k;
    const cap = Math.floor(this.#options.uploadCap * K + 1e-9);
    return {
      K,
      streamBitsPerSecond: this.bitsPerSecond,
      headroom: this.headroom,
      // Nobody carries more than one copy while the others suffice.
      most: this.#wantsMore ? cap : Math.min(K, cap),
      capBitsPerSecond: viewer.capBitsPerSecond,
    };
  }
}
