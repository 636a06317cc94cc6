// What the viewers of one stream may serve: each one's capacity, the stream's rate, how much there is altogether, and how much of it is
// wanted. The steps are capacity.ts; who sits where is the engine's.
import type { SliceCount } from '../../protocol/fields.ts';
import {
  MOST_SLOTS,
  mostSlots,
  newCapacity,
  nextCapacity,
  slotsFor,
  trustedSlots,
  type Allowance,
  type Capacity,
} from './capacity.ts';
import type { PeerRole, UplinkWord } from '../../protocol/signalling.ts';

/** Slots beyond one copy are asked for below this supply, and only as many as reach the other (MESH.md section 3: rho >= 1.08). */
const SCARCE = 1.08;
const ENOUGH = 1.15;
/** What a channel's own headers (SCTP, DTLS, UDP, IP) add to the bytes that peers count. */
const CHANNEL_OVERHEAD = 1.06;
/** Newcomers on trial are no shortage. */
const COUNTS_AFTER_MS = 2_500;
const RATE_RISE = 0.05;
const RATE_FALL = 0.3;
/** Above this supply headroom is cheap. */
const PLENTY = 1.5;
const RATES_COUNT_FOR_MS = 5_000;
/** [T13] Headroom: all but a tenth where supply is short, less where it is plenty. */
const HEADROOM = { least: 0.7, most: 0.9, usual: 0.85 };

/** A viewer as its capacity is seen. */
export interface Uploader {
  readonly id: string;
  /** A console's monitor is no audience: it neither brings a slot nor takes one. */
  readonly role?: PeerRole;
  readonly shares: boolean;
  readonly sinceMs: number;
  /** Why it takes no children for now; null: it does. */
  readonly leaf: string | null;
  readonly capBitsPerSecond: number | null;
  readonly rates: { forwardBitsPerSecond: number; peersBitsPerSecond: number; sentBitsPerSecond: number };
  readonly reportedMs: number;
}

export interface CapacitiesOptions {
  k: SliceCount;
  parity?: boolean;
  viewers: () => Iterable<Uploader>;
  /** Copies of the stream that the broadcaster lets a viewer upload. */
  uploadCap: number;
}

export class Capacities {
  readonly #options: CapacitiesOptions;
  readonly #by = new Map<string, Capacity>();
  #k: SliceCount;
  /** Slices that a viewer takes: one more than K where parity is sent. */
  #taken: number;
  /** Viewers that the supply is about. */
  #counted = 0;
  /** Slots beyond one copy that may still be given out in this second. */
  #grants = 0;
  /** Slots of all sharing viewers over the slots that all viewers take; 1 without viewers. */
  supply = 1;
  /** Bits a second of the whole stream as viewers receive it; null before anybody has. */
  bitsPerSecond: number | null = null;

  constructor(options: CapacitiesOptions) {
    this.#options = options;
    this.#k = options.k;
    this.#taken = options.k + (options.parity ? 1 : 0);
  }

  /** @param proven upload that a tracker of this system has measured on an earlier visit */
  welcome(viewer: Uploader, proven: number | null, nowMs: number): void {
    const allowed = this.#allowed(viewer);
    const proved = proven === null ? Infinity : slotsFor(proven * allowed.headroom, allowed);
    // While nobody knows what a copy takes, one copy is what anybody is trusted with.
    const isKnown = proven !== null && this.bitsPerSecond !== null;
    const slots = Math.min(mostSlots(allowed), isKnown ? proved : trustedSlots(allowed.K));
    this.#by.set(viewer.id, newCapacity(slots, nowMs, proven));
  }

  forget(id: string): void {
    this.#by.delete(id);
  }

  of(id: string): Capacity | undefined {
    return this.#by.get(id);
  }

  /** Slots that a viewer may have now; 0 for one that takes no children. */
  slots(viewer: Uploader): number {
    const capacity = this.#by.get(viewer.id);
    if (!capacity || viewer.leaf !== null) return 0;
    return Math.min(capacity.slots, mostSlots(this.#allowed(viewer)));
  }

  /** @param used children that it serves now */
  heard(viewer: Uploader, word: UplinkWord, used: number, nowMs: number): void {
    const before = this.#by.get(viewer.id);
    if (!before) return;
    const load = { used, carried: Math.min(used, this.#carried(viewer)) };
    const after = nextCapacity(before, word, load, this.#allowed(viewer), nowMs);
    if (after.slots > before.slots && after.slots > trustedSlots(this.#k)) this.#grants--;
    this.#by.set(viewer.id, after);
  }

  /** Slices that a viewer passes on, by what it has sent since its last report. */
  #carried(viewer: Uploader): number {
    if (this.bitsPerSecond === null) return MOST_SLOTS;
    return Math.round((viewer.rates.sentBitsPerSecond * CHANNEL_OVERHEAD * this.#k) / this.bitsPerSecond);
  }

  /**
   * What each viewer may upload, in copies of the stream, headroom taken off; 0 for one that feeds nobody. An uplink that was never full
   * carries what its cap allows, as far as anybody knows.
   * @param uploadCap what the broadcaster might let a viewer upload instead
   */
  copies(uploadCap = this.#options.uploadCap): number[] {
    const copies: number[] = [];
    for (const viewer of this.#options.viewers()) {
      if (viewer.role === 'monitor') continue;
      const measured = this.#by.get(viewer.id)?.bitsPerSecond ?? null;
      const stream = this.bitsPerSecond;
      const own = viewer.capBitsPerSecond === null || stream === null ? uploadCap : viewer.capBitsPerSecond / stream;
      const carries = measured === null || stream === null ? uploadCap : (measured * this.headroom) / stream;
      copies.push(viewer.shares && viewer.leaf === null ? Math.min(uploadCap, own, carries) : 0);
    }
    return copies;
  }

  /** Slots scale with K, what was measured says it better; parity changes how many of them are taken. */
  relayout(now: SliceCount, parity: boolean): void {
    const before = this.#k;
    this.#k = now;
    this.#taken = now + (parity ? 1 : 0);
    if (now === before) return;
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
      if (viewer.role !== 'monitor' && nowMs - viewer.sinceMs >= COUNTS_AFTER_MS) {
        viewers++;
        if (viewer.shares) slots += this.slots(viewer);
      }
      const rate = viewer.rates.forwardBitsPerSecond + viewer.rates.peersBitsPerSecond;
      if (rate > 0 && nowMs - viewer.reportedMs < RATES_COUNT_FOR_MS) rates.push(rate);
    }
    rates.sort((a, b) => a - b);
    const median = rates[Math.floor(rates.length / 2)];
    // Parity is no part of the stream, though everybody receives it.
    if (median !== undefined) this.#smooth(((median * this.#k) / this.#taken) * CHANNEL_OVERHEAD);
    this.#counted = viewers;
    this.supply = viewers === 0 ? 1 : slots / (viewers * this.#taken);
    this.#grants = this.supply < SCARCE ? Math.ceil(ENOUGH * this.#taken * viewers - slots) : 0;
  }

  /** What the average viewer may pass on now, in copies of the stream; null while there is none. */
  get copiesPerViewer(): number | null {
    return this.#counted === 0 ? null : (this.supply * this.#taken) / this.#k;
  }

  /** What viewers catch up after a hold-up is not the stream's rate: the figure goes up slowly and down fast. */
  #smooth(bitsPerSecond: number): void {
    const before = this.bitsPerSecond ?? bitsPerSecond;
    const gain = bitsPerSecond > before ? RATE_RISE : RATE_FALL;
    this.bitsPerSecond = before + gain * (bitsPerSecond - before);
  }

  get headroom(): number {
    if (this.supply < 1.08) return HEADROOM.most;
    return this.supply > PLENTY ? HEADROOM.least : HEADROOM.usual;
  }

  #allowed(viewer: Uploader): Allowance {
    const K = this.#k;
    const cap = Math.floor(this.#options.uploadCap * K + 1e-9);
    return {
      K,
      streamBitsPerSecond: this.bitsPerSecond,
      headroom: this.headroom,
      most: cap,
      isMoreWanted: this.#grants > 0,
      capBitsPerSecond: viewer.capBitsPerSecond,
    };
  }
}
