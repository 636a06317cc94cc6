// The simulated tracker: the product's engine and capacities, driven by words that take their time to arrive, telling plans that take theirs.
import { Capacities } from '../../../servers/tracker/capacities.ts';
import { chooseParity } from '../../../servers/tracker/auto-parity.ts';
import { chooseK, type Choice } from '../../../servers/tracker/choose-k.ts';
import { Engine } from '../../../servers/tracker/engine.ts';
import type { SliceCount } from '../../../protocol/fields.ts';
import type { UplinkWord } from '../../../protocol/signalling.ts';
import { OVERHEAD } from './net.ts';
import type { SimOptions } from './options.ts';
import { STREAM_BITS, type SimPeer } from './peer.ts';

/** As newcomers are batched by the product. */
export const BATCH_MS = 20;
/** Where the twentieth percentile of a breathing line lies (uplink-meter.ts). */
const MEASURES_SHARE = 0.95;
const LOST_APART_MS = 10_000;
const BAD_APART_MS = 60_000;

export interface SimTrackerOptions {
  k: SliceCount;
  parity: boolean;
  uploadCap: number;
  random: () => number;
}

export class SimTracker {
  readonly engine: Engine;
  readonly capacities: Capacities;
  readonly #peers = new Map<string, SimPeer>();
  readonly #accusers = new Map<string, Set<string>>();
  readonly #convicted = new Set<string>();
  /** Tells a peer its parents; ids, null for a forward. */
  tell: (peer: SimPeer) => void = () => {};

  constructor({ k, parity, uploadCap, random }: SimTrackerOptions) {
    this.engine = new Engine({ k, parity, directCopies: null, random });
    this.capacities = new Capacities({ k, parity, viewers: () => this.#peers.values(), uploadCap });
    this.capacities.bitsPerSecond = STREAM_BITS * OVERHEAD;
  }

  get convicted(): number {
    return this.#convicted.size;
  }

  has(id: string): boolean {
    return this.#peers.has(id);
  }

  /** @param known what it can upload is known already, from an earlier visit */
  join(newcomers: readonly SimPeer[], nowMs: number, known = false): void {
    for (const peer of newcomers) {
      this.#peers.set(peer.id, peer);
      this.capacities.welcome(peer, known ? peer.copies * STREAM_BITS : null, nowMs);
    }
    this.engine.join(
      newcomers.map((peer) => ({ id: peer.id, slots: this.#slots(peer), shares: true, network: '' })),
      nowMs,
    );
    this.#dispatch(newcomers);
  }

  leave(peer: SimPeer): void {
    if (!this.#peers.delete(peer.id)) return;
    this.capacities.forget(peer.id);
    this.engine.leave(peer.id);
    this.#dispatch();
  }

  lost(peer: SimPeer, k: number, parent: SimPeer, isBadSlice: boolean, nowMs: number): void {
    if (isBadSlice) {
      const accusers = this.#accusers.get(parent.id) ?? new Set();
      this.#accusers.set(parent.id, accusers.add(peer.id));
      if (accusers.size >= 2 && !this.#convicted.has(parent.id)) {
        this.#convicted.add(parent.id);
        this.engine.setSlots(parent.id, 0);
      }
    }
    this.engine.lost(peer.id, k, parent.id, nowMs + (isBadSlice ? BAD_APART_MS : LOST_APART_MS));
    this.#dispatch();
  }

  /** Once a second from each viewer. */
  report(peer: SimPeer, nowMs: number): void {
    if (!this.#peers.has(peer.id)) return;
    const seconds = (nowMs - peer.reportedMs) / 1_000;
    if (seconds > 0) peer.rates.sentBitsPerSecond = ((peer.uploaded - peer.uploadedThen) * STREAM_BITS) / seconds;
    peer.uploadedThen = peer.uploaded;
    peer.reportedMs = nowMs;
    // An uplink that was full for long enough is measured for what it is; one that never fills says nothing.
    const own = peer.isMeasured ? MEASURES_SHARE * peer.copies * STREAM_BITS : null;
    const probed = own === null && peer.probed !== null;
    const word = { bitsPerSecond: own ?? peer.probed, oldestMs: peer.oldestWaitMs };
    this.#hear(peer, probed ? { ...word, probed } : word, nowMs);
    peer.oldestWaitMs = 0;
  }

  #hear(peer: SimPeer, word: UplinkWord, nowMs: number): void {
    const used = this.engine.peer(peer.id)?.nodes.reduce((sum, node) => sum + node.kids.length, 0) ?? 0;
    this.capacities.heard(peer, word, used, nowMs);
    if (this.#apply(peer)) this.#dispatch();
  }

  /** A newcomer's uplink was measured by its forward [P21]. */
  probed(peer: SimPeer, bitsPerSecond: number, nowMs: number): void {
    if (!this.#peers.has(peer.id)) return;
    peer.probed = bitsPerSecond;
    this.report(peer, nowMs);
  }

  /** @returns how many were moved */
  tick(nowMs: number): number {
    this.capacities.tick(nowMs);
    const moved = this.engine.tick(nowMs);
    this.#dispatch();
    return moved;
  }

  #slots(peer: SimPeer): number {
    if (this.#convicted.has(peer.id)) return 0;
    return this.capacities.slots(peer);
  }

  #apply(peer: SimPeer): boolean {
    const seated = this.engine.peer(peer.id);
    const slots = this.#slots(peer);
    if (!seated || seated.slots === slots) return false;
    this.engine.setSlots(peer.id, slots);
    return true;
  }

  #dispatch(also: readonly SimPeer[] = []): void {
    const told = new Set(also);
    for (const { id } of this.engine.takeTouched()) {
      const peer = this.#peers.get(id);
      if (peer) told.add(peer);
    }
    for (const peer of told) this.tell(peer);
  }
}

/** What `auto` comes to for an audience whose uplinks have been measured. @param copies of each viewer */
export const kFor = (copies: readonly number[], uploadCap: number): Choice => chooseK(measured(copies, uploadCap), 2);

export const parityFor = (
  wanted: SimOptions['parity'],
  copies: readonly number[],
  uploadCap: number,
  K: SliceCount,
): boolean =>
  K > 1 && (wanted === 'auto' ? chooseParity(measured(copies, uploadCap), K, false).isSent : wanted === 'on');

const HEADROOM = 0.85;
const measured = (copies: readonly number[], uploadCap: number): number[] =>
  copies.map((own) => Math.min(uploadCap, (own * HEADROOM) / OVERHEAD));
