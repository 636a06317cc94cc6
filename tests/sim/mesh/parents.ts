// How simulated peers come to their parents: plans, connections, subscriptions, make-before-break. Sources of the times: limits.ts and the
// constants named here.
import { reseated } from '../../../client/mesh/substream.ts';
import { isSpared } from '../../../servers/tracker/parity-tree.ts';
import type { SimEdge, SimPeer } from './peer.ts';
import { FLAG } from './net.ts';
import { LINE_KEPT_MS, SOCKET_RTTS, type World } from './world.ts';

/** Offer, answer, ICE, DTLS and SCTP in round trips between the two, and gathering with its spread (measured: 115 to 194 ms by STUN). */
const CONNECT_RTTS = 3.5;
const GATHER_MS = 50;
const GATHER_SPREAD_MS = 100;
/** A slice that flows changes its parent calmly, and one that somebody stands in for more calmly still (joining.ts). */
const CALM_MS = { least: 350, spread: 450 };
const MENDING_MS = { least: 800, spread: 1_000 };
const CATCH_UP_UNITS = 30;

export class Parents {
  readonly #w: World;
  /** A parent was not there any more. */
  unreachable: (peer: SimPeer, k: number, parent: SimPeer) => void = () => {};
  /** The first plans are there already when the clock starts. */
  isInstant = true;

  constructor(world: World) {
    this.#w = world;
  }

  told(peer: SimPeer): void {
    const seat = this.#w.tracker.engine.peer(peer.id);
    if (!seat) return;
    for (const node of seat.nodes) {
      const k = node.tree;
      if (isSpared(this.#w.tracker.engine.trees, node)) {
        this.#spare(peer, k);
        continue;
      }
      const id = node.parent?.peer?.id ?? null;
      if (peer.planned[k] === id) continue;
      peer.planned[k] = id;
      const parent = id === null ? this.#w.forward : this.#w.byId(id);
      if (!parent) continue;
      if (this.isInstant) this.#seatNow(peer, k, parent);
      else {
        if (this.#w.net.isMeasuring) this.#w.measures.moves++;
        this.#w.wheel.in(this.#w.net.oneWay(peer, this.#w.forward), () => this.#join(peer, k, parent));
      }
    }
  }

  /** No slot for parity: it does without. */
  #spare(peer: SimPeer, k: number): void {
    peer.planned[k] = undefined;
    for (const former of [peer.serving[k], peer.joining[k]]) if (former) this.unsubscribe(former, peer, k);
    peer.serving[k] = peer.joining[k] = null;
  }

  #seatNow(peer: SimPeer, k: number, parent: SimPeer): void {
    const before = peer.serving[k];
    if (before) this.unsubscribe(before, peer, k);
    peer.serving[k] = parent;
    const sub = peer.subs[k];
    if (sub) sub.serving = parent.id;
    parent.edges[k]?.push({ child: peer, from: 0, isStandIn: false, height: 0 });
  }

  /** The plan has come: dial where no line is open, calmly where the slice flows, then subscribe [P3]. */
  #join(peer: SimPeer, k: number, parent: SimPeer): void {
    if (!peer.isAlive || peer.planned[k] !== (parent.index === 0 ? null : parent.id)) return;
    const given = peer.joining[k];
    peer.joining[k] = null;
    if (given && given !== parent) this.turnAway(given, peer, k);
    if (peer.serving[k] === parent) return;
    peer.joining[k] = parent;
    const rtt = this.#w.net.rtt(peer, parent);
    const { nowMs } = this.#w.wheel;
    let ms: number;
    if (parent.index === 0) ms = peer.forwardUntilMs > nowMs ? rtt / 2 : (SOCKET_RTTS + 0.5) * rtt;
    else if (this.#isConnected(peer, parent)) ms = rtt / 2;
    else {
      const viaTracker = 2 * (this.#w.net.oneWay(peer, this.#w.forward) + this.#w.net.oneWay(parent, this.#w.forward));
      ms = viaTracker + CONNECT_RTTS * rtt + GATHER_MS + GATHER_SPREAD_MS * this.#w.random();
      const { least, spread } = peer.standIn[k] && !peer.isNew ? MENDING_MS : CALM_MS;
      if (peer.serving[k] || peer.standIn[k] || k === this.#w.K) ms += least + spread * this.#w.random();
    }
    this.#w.wheel.in(ms, () => this.#subscribe(peer, k, parent));
  }

  #isConnected(a: SimPeer, b: SimPeer): boolean {
    return (
      a.serving.includes(b) ||
      b.serving.includes(a) ||
      a.standIn.includes(b) ||
      this.#w.tracker.engine
        .peer(a.id)
        ?.nodes.some((node) => node.alternative?.id === b.id && node.parent?.peer?.id === b.id) === true
    );
  }

  #subscribe(peer: SimPeer, k: number, parent: SimPeer): void {
    if (!peer.isAlive || peer.joining[k] !== parent) return;
    if (!parent.isAlive) {
      // No connection in time; the tracker hears of it.
      peer.joining[k] = null;
      this.unreachable(peer, k, parent);
      return;
    }
    if (parent.index === 0) peer.forwardUntilMs = this.#w.wheel.nowMs + LINE_KEPT_MS;
    const edges = parent.edges[k];
    const known = edges?.find((edge) => edge.child === peer);
    const flows = peer.serving[k] !== null || peer.standIn[k] !== null;
    const newest = this.#w.newestUnit();
    if (known) known.isStandIn = known.isStart = false;
    else {
      if (peer.waits) this.beginAtNextKey(peer);
      const from = flows ? this.#newestOf(peer, k) + 2 : 0;
      edges?.push({ child: peer, from, isStandIn: false, height: 0 });
      sortByHeight(edges);
      this.catchUp(parent, peer, k, flows ? from : Math.max(peer.low, newest - CATCH_UP_UNITS), 'tree');
    }
    // Who has had nothing yet is seated when something comes, as the product does it; who has lost its parent turns to the new one at once.
    if ((!flows && peer.hasPicture) || peer.standIn[k] === parent || known) this.seat(peer, k, parent);
  }

  beginAtNextKey(peer: SimPeer): void {
    peer.waits = false;
    peer.first = peer.low = this.#w.net.keyBefore(this.#w.newestUnit(), 0) + this.#w.net.keyEvery;
  }

  #newestOf(peer: SimPeer, k: number): number {
    return Math.max(peer.subs[k]?.newest ?? 0, peer.first - 1);
  }

  catchUp(parent: SimPeer, peer: SimPeer, k: number, from: number, kind: 'tree' | 'repair'): void {
    for (let unit = Math.max(from, peer.first); unit <= this.#w.newestUnit(); unit++)
      if (!peer.has(unit, k) && peer.wholeMs(unit) === Infinity && (parent.index === 0 || parent.has(unit, k)))
        this.#w.net.send(parent, peer, unit, k, kind, FLAG.regular);
  }

  /** The new parent delivers: the former one and whoever stood in are told to stop. */
  seat(peer: SimPeer, k: number, parent: SimPeer): void {
    const [before, standIn] = [peer.serving[k], peer.standIn[k]];
    peer.serving[k] = parent;
    peer.joining[k] = null;
    peer.standIn[k] = null;
    const sub = peer.subs[k];
    if (sub) {
      sub.serving = parent.id;
      reseated(sub, this.#w.wheel.nowMs);
    }
    for (const former of new Set([before, standIn])) if (former && former !== parent) this.turnAway(former, peer, k);
  }

  /** It is told to stop, and hears it a moment later, unless it is needed by then. */
  turnAway(former: SimPeer, peer: SimPeer, k: number): void {
    this.#w.wheel.in(this.#w.net.oneWay(peer, former), () => {
      const isUsed = [peer.serving[k], peer.standIn[k], peer.joining[k]].includes(former);
      if (!isUsed) this.unsubscribe(former, peer, k);
    });
  }

  unsubscribe(parent: SimPeer, peer: SimPeer, k: number): void {
    const edges = parent.edges[k];
    const at = edges?.findIndex((edge) => edge.child === peer) ?? -1;
    if (at < 0) return;
    edges?.splice(at, 1);
    this.#w.net.uncommit(
      parent,
      peer,
      parent.edges.reduce((n, e) => n + e.length, 0),
    );
  }
}

/** Whoever has most levels below is served first. */
export function sortByHeight(edges: SimEdge[] | undefined): void {
  if (edges && edges.length > 1) edges.sort((a, b) => b.height - a.height);
}
