// What all parts of a simulated audience share: clock, network, tracker, who is there.
import type { SliceCount } from '../../../protocol/fields.ts';
import type { Measures } from './measures.ts';
import type { Net } from './net.ts';
import type { SimOptions } from './options.ts';
import type { SimPeer } from './peer.ts';
import type { SimTracker } from './tracker.ts';
import type { Wheel } from './wheel.ts';

/** Keep-alives and timers make things known this much later, at most. */
export const TIMER_MS = 30;
/** TCP, TLS and the WebSocket's own, in round trips. */
export const SOCKET_RTTS = 3;
/** A line to the forward is kept open for so long after its last use. */
export const LINE_KEPT_MS = 12_000;

export interface WorldParts {
  options: SimOptions;
  K: SliceCount;
  /** Trees: one for each slice, and one for parity. */
  trees: number;
  random: () => number;
  wheel: Wheel;
  net: Net;
  tracker: SimTracker;
  measures: Measures;
  forward: SimPeer;
}

export class World {
  readonly options: SimOptions;
  readonly K: SliceCount;
  readonly trees: number;
  readonly random: () => number;
  readonly wheel: Wheel;
  readonly net: Net;
  readonly tracker: SimTracker;
  readonly measures: Measures;
  readonly forward: SimPeer;
  /** Everybody ever, by index; the forward is 0. */
  readonly peers: SimPeer[];
  readonly live: SimPeer[] = [];

  constructor(parts: WorldParts) {
    this.options = parts.options;
    this.K = parts.K;
    this.trees = parts.trees;
    this.random = parts.random;
    this.wheel = parts.wheel;
    this.net = parts.net;
    this.tracker = parts.tracker;
    this.measures = parts.measures;
    this.forward = parts.forward;
    this.peers = [parts.forward];
  }

  newestUnit(): number {
    return Math.floor(this.wheel.nowMs / this.options.unitMs) - 1;
  }

  madeMs(unit: number): number {
    return (unit + 1) * this.options.unitMs;
  }

  byId(id: string): SimPeer | undefined {
    return this.peers[Number(id.slice(1))];
  }
}
