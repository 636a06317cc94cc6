// The simulated network between peers: round trips by place, one uplink per peer that sends one slice after the other, losses that cost a
// round trip. Bytes are counted in copies of a unit.
import type { Measures, Kind } from './measures.ts';
import type { SimOptions } from './options.ts';
import type { SimPeer } from './peer.ts';
import type { Wheel } from './wheel.ts';

/**
 * Headers, proofs and SCTP's own, over the media in a slice (measured: 48 + 96 B on some 3.5 kB, and DTLS). Uplinks are told in copies of
 * the bare stream and carry the headers too; what is counted is in copies with headers, as receivers count them.
 */
export const OVERHEAD = 1.05;
/** A slice that has waited so long for its turn is dropped (children.ts). */
const WORTH_MS = 1_500;
/** Handed to the channels beyond what has left: uplink.ts. */
const IN_FLIGHT_BITS = 32 * 1_024 * 8;

/** How a slice came, as the receiver needs to know. */
export const FLAG = { regular: 0, retransmit: 1, bootstrap: 2, spoilt: 4 } as const;

export class Net {
  readonly #options: SimOptions;
  readonly #wheel: Wheel;
  readonly #random: () => number;
  readonly #measures: Measures;
  readonly #K: number;
  readonly keyEvery: number;
  isMeasuring = false;
  thisSecond: Record<Kind, number> = { tree: 0, bootstrap: 0, repair: 0 };

  constructor(options: SimOptions, K: number, wheel: Wheel, random: () => number, measures: Measures) {
    this.#options = options;
    this.#wheel = wheel;
    this.#random = random;
    this.#measures = measures;
    this.#K = K;
    this.keyEvery = Math.round(1_000 / options.unitMs);
  }

  rtt(a: SimPeer, b: SimPeer): number {
    const [near, far] = this.#options.rttMs;
    if (this.#options.shape === 'star') {
      const out = (peer: SimPeer): number => (peer.index === 0 ? 0 : (near + (far - near) * peer.x) / 2);
      return out(a) + out(b);
    }
    return near + (far - near) * Math.min(1, Math.hypot(a.x - b.x, a.y - b.y) / 1.1);
  }

  oneWay(a: SimPeer, b: SimPeer): number {
    return this.rtt(a, b) / 2;
  }

  isKey(unit: number): boolean {
    return unit % this.keyEvery === 0;
  }

  /** The newest keyframe unit that is at least so much older than `unit`. */
  keyBefore(unit: number, backMs: number): number {
    const back = Math.max(0, unit - Math.ceil(backMs / this.#options.unitMs));
    return back - (back % this.keyEvery);
  }

  /** A slice's share of its unit's average size. */
  #size(unit: number): number {
    const { keySize } = this.#options;
    const usual = (this.keyEvery - keySize) / (this.keyEvery - 1);
    return (this.isKey(unit) ? keySize : usual) / this.#K;
  }

  /** @returns false when the sender drops it */
  send(from: SimPeer, to: SimPeer, unit: number, k: number, kind: Kind, flags: number): boolean {
    const { nowMs } = this.#wheel;
    const size = this.#size(unit);
    let endMs = nowMs;
    if (from.index === 0) {
      this.thisSecond[kind] += size;
      if (this.isMeasuring) this.#measures.forward[kind] += size;
    } else {
      if (from.copies <= 0) {
        // Nothing gets through: what is queued waits until it is worth nothing, and the meter sees a full line that carries nothing.
        from.oldestWaitMs = WORTH_MS;
        from.busyMs += Math.min(nowMs - from.busyUntilMs, this.#options.unitMs);
        from.busyUntilMs = nowMs;
        return false;
      }
      const waitMs = Math.max(0, from.freeAtMs - nowMs);
      const inFlightMs = (IN_FLIGHT_BITS / (from.copies * this.#options.bitsPerSecond)) * 1_000;
      from.oldestWaitMs = Math.max(from.oldestWaitMs, waitMs - inFlightMs);
      if (waitMs > WORTH_MS) return false;
      // A real uplink breathes: 0.85 to 1.15 of what it carries in the long run.
      const breath = 0.85 + 0.3 * this.#random();
      endMs = nowMs + waitMs + (size * OVERHEAD * this.#options.unitMs) / (from.copies * breath);
      from.freeAtMs = endMs;
      const busyFromMs = Math.max(nowMs, from.busyUntilMs);
      if (endMs - inFlightMs > busyFromMs) {
        from.busyMs += endMs - inFlightMs - busyFromMs;
        from.busyUntilMs = endMs - inFlightMs;
      }
      from.uploaded += (size * this.#options.unitMs) / 1_000;
      if (this.isMeasuring) this.#measures.peers += size;
    }
    let ms = this.oneWay(from, to) + this.#options.hopMs - this.#options.hopJitterMs * Math.log(1 - this.#random());
    if (this.#random() < this.#options.loss) ms += this.rtt(from, to) + 20;
    const spoilt = from.isEvil ? FLAG.spoilt : 0;
    this.#wheel.arriveAt(endMs + ms, to.index, unit, k, from.index, endMs, flags | spoilt);
    return true;
  }

  /** The child has turned away: what waits for it is not sent any more. @param others children that stay */
  uncommit(from: SimPeer, to: SimPeer, others: number): void {
    const { nowMs } = this.#wheel;
    const waitMs = from.freeAtMs - nowMs;
    if (from.index === 0 || waitMs <= 0) return;
    from.freeAtMs = nowMs + (waitMs * others) / (others + 1);
    from.busyUntilMs = Math.min(from.busyUntilMs, from.freeAtMs);
    to.turnedFrom.set(from.index, nowMs);
    if (to.turnedFrom.size > 16) to.turnedFrom.delete(to.turnedFrom.keys().next().value ?? 0);
  }

  received(unit: number, what: 'new' | 'twice' | 'made'): void {
    if (!this.isMeasuring) return;
    if (what === 'new') this.#measures.useful += this.#size(unit);
    else this.#measures.duplicate += this.#size(unit);
    if (what === 'made') this.#measures.made += this.#size(unit);
  }
}
