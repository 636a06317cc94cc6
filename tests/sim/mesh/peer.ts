// One simulated viewer: where it is, what its uplink can do, what it holds, who feeds it and whom it feeds. A record; simulation.ts acts on it.
import { newSubstream, type Substream } from '../../../client/mesh/substream.ts';
import type { Uploader } from '../../../servers/tracker/capacities.ts';

/** Units remembered: a power of two, more than the product's ring of six seconds at any length of a unit. */
export const RING = 256;
const MASK = RING - 1;
const NONE = 255;
/** The meter's four samples of half a second each (uplink-meter.ts). */
const MEASURED_AFTER_MS = 2_000;

/** A line to a child: it gets slice k from unit `from` on. */
export interface SimEdge {
  child: SimPeer;
  from: number;
  isStandIn: boolean;
  /** From its start on: not a stand-in for a parent that was lost. */
  isStart?: boolean;
  /** Levels below the child, as keep-alives tell. */
  height: number;
}

export class SimPeer implements Uploader {
  readonly index: number;
  readonly id: string;
  readonly x: number;
  readonly y: number;
  /** Upload in copies of the stream; Infinity for a forward. */
  readonly copies: number;
  readonly sinceMs: number;
  isAlive = true;
  isEvil = false;
  diedMs = Infinity;
  /** Place in the list of those alive. */
  liveAt = -1;
  // As the tracker sees it.
  readonly shares = true;
  /** Who cannot upload says so, or the tracker finds out. */
  leaf: 'asked' | null = null;
  readonly capBitsPerSecond = null;
  readonly rates: { forwardBitsPerSecond: number; peersBitsPerSecond: number; sentBitsPerSecond: number };
  reportedMs: number;
  /** The plan as it was sent: ids, null = forward; undefined = none yet. */
  planned: (string | null | undefined)[];
  // Supply, by slice.
  readonly subs: Substream[];
  readonly serving: (SimPeer | null)[];
  readonly standIn: (SimPeer | null)[];
  readonly joining: (SimPeer | null)[];
  /** When a parent of this slice was lost and nothing has come since; -1: nothing is amiss. And whether that parent said a word. */
  readonly lostMs: number[];
  readonly lostSilently: boolean[];
  /** Slices received, a bit each, by unit. */
  readonly #masks = new Uint8Array(RING);
  readonly #units = new Int32Array(RING).fill(-1);
  readonly #wholeMs = new Float64Array(RING);
  readonly #firstMs = new Float64Array(RING);
  readonly #firstK = new Uint8Array(RING);
  readonly #unseen = new Uint8Array(RING).fill(NONE);
  /** Requests for single slices: when last, how often; by unit and slice. */
  readonly asked = new Map<number, { atMs: number; count: number }>();
  recentWants: number[] = [];
  /** First unit that it wants at all. */
  first: number;
  /** Everything before this is whole or given up. */
  low: number;
  /** Its usual delay: what a playout buffer is measured from; -1 before it is known. */
  usualMs = -1;
  hasPicture = false;
  /** Its forward starts too many: it begins with the keyframe that follows when its first parent is there. */
  waits = false;
  // Giving.
  readonly edges: SimEdge[][];
  freeAtMs = 0;
  /** The longest wait in its queue since the last report, the 32 KB before it not counted: those are out of sight in the channels. */
  oldestWaitMs = 0;
  /** Until when slices wait in the queue, and for how long they did in all: what its meter measures by (uplink-meter.ts). */
  busyUntilMs = 0;
  busyMs = 0;
  /** Seconds of the whole stream, and at its last report. */
  uploaded = 0;
  uploadedThen = 0;
  /** Bits a second that a forward has measured; null: none has. */
  probed: number | null = null;
  /** Until when its line to the forward is open. */
  forwardUntilMs = -1;
  /** Former parents, and since when: what they had not sent by then never comes. */
  readonly turnedFrom = new Map<number, number>();
  /** When it was lost by somebody first, as the tracker heard. */
  suspectedMs = -1;

  /** @param trees substreams: one for each slice, and one for parity */
  constructor(
    index: number,
    trees: number,
    place: { x: number; y: number },
    copies: number,
    nowMs: number,
    first: number,
  ) {
    this.index = index;
    this.id = index === 0 ? 'f00000' : `v${String(index).padStart(6, '0')}`;
    this.x = place.x;
    this.y = place.y;
    this.copies = copies;
    this.sinceMs = nowMs;
    this.reportedMs = nowMs;
    this.rates = { forwardBitsPerSecond: 0, peersBitsPerSecond: 0, sentBitsPerSecond: 0 };
    this.planned = Array.from({ length: trees }, () => undefined);
    this.subs = Array.from({ length: trees }, (_, k) => newSubstream(k));
    this.serving = Array.from({ length: trees }, () => null);
    this.standIn = Array.from({ length: trees }, () => null);
    this.joining = Array.from({ length: trees }, () => null);
    this.lostMs = Array.from({ length: trees }, () => -1);
    this.lostSilently = Array.from({ length: trees }, () => false);
    this.edges = Array.from({ length: trees }, () => []);
    this.first = this.low = first;
  }

  /** Its parents have not all delivered yet: who stands in was there from the start. */
  get isNew(): boolean {
    return this.usualMs < 0;
  }

  /** Its uplink was full for long enough to say what it carries. */
  get isMeasured(): boolean {
    return this.busyMs >= MEASURED_AFTER_MS;
  }

  /** [P6] [P7] It knows that nothing leaves its uplink, and says so. */
  get carriesNothing(): boolean {
    return this.copies <= 0 && this.isMeasured;
  }

  has(unit: number, k: number): boolean {
    const at = unit & MASK;
    return this.#units[at] === unit && ((this.#masks[at] ?? 0) & (1 << k)) !== 0;
  }

  holdsAny(unit: number): boolean {
    return this.#units[unit & MASK] === unit;
  }

  /**
   * Any K slices make the unit whole; what is missing of it then is made at once, and `take` says so.
   * @returns 0: it was here, or its place holds a newer unit; 1: new; 2: the unit is whole with it
   */
  take(unit: number, k: number, K: number, nowMs: number): 0 | 1 | 2 {
    const at = unit & MASK;
    if ((this.#units[at] ?? -1) > unit) return 0;
    if (this.#units[at] !== unit) {
      this.#units[at] = unit;
      this.#masks[at] = 0;
      this.#wholeMs[at] = Infinity;
      this.#firstMs[at] = nowMs;
      this.#firstK[at] = k;
      this.#unseen[at] = NONE;
    }
    const mask = this.#masks[at] ?? 0;
    if (mask & (1 << k)) return 0;
    const now = (this.#masks[at] = mask | (1 << k));
    if (this.#wholeMs[at] !== Infinity || bitsOf(now) < K) return 1;
    this.#wholeMs[at] = nowMs;
    const missing = ~now & ((1 << this.subs.length) - 1);
    this.#unseen[at] = missing === 0 ? NONE : 31 - Math.clz32(missing);
    return 2;
  }

  /** The slice that a whole unit did without, until it comes; null: all have come. */
  unseenOf(unit: number): number | null {
    const at = unit & MASK;
    const k = this.#units[at] === unit ? (this.#unseen[at] ?? NONE) : NONE;
    return k === NONE ? null : k;
  }

  /** It was made here: whoever asks for it gets it. */
  make(unit: number, k: number): void {
    const at = unit & MASK;
    this.#masks[at] = (this.#masks[at] ?? 0) | (1 << k);
  }

  /** The slice that the unit did without has come after all. */
  see(unit: number, k: number): void {
    this.make(unit, k);
    this.#unseen[unit & MASK] = NONE;
  }

  /** The slice of a unit that came first; null: none is here. */
  firstOf(unit: number): { k: number; atMs: number } | null {
    const at = unit & MASK;
    return this.#units[at] === unit ? { k: this.#firstK[at] ?? 0, atMs: this.#firstMs[at] ?? 0 } : null;
  }

  /** When a unit was whole here; Infinity: not. */
  wholeMs(unit: number): number {
    const at = unit & MASK;
    return this.#units[at] === unit ? (this.#wholeMs[at] ?? Infinity) : Infinity;
  }
}

/** The stream's rate in the simulation; every size is counted in copies of it. */
export const STREAM_BITS = 1_500_000;

function bitsOf(mask: number): number {
  let bits = 0;
  for (let left = mask; left !== 0; left &= left - 1) bits++;
  return bits;
}
