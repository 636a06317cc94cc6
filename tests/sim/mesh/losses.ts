// What simulated peers do when a parent is gone, silent, or sends a bad slice: they learn of it in their way, ask for help, tell the tracker.
import { STAND_INS } from '../../../client/mesh/children.ts';
import { DEAD_SILENCE_MS, SUSPECT_SILENCE_MS, TAKEOVER_MS } from '../../../protocol/limits.ts';
import type { Parents } from './parents.ts';
import type { SimEdge, SimPeer } from './peer.ts';
import { LINE_KEPT_MS, SOCKET_RTTS, TIMER_MS, type World } from './world.ts';

/** [P6] who stands in must have had the slice this recently. */
const FRESH_MS = 300;
/** The tracker's ping to whom a child calls lost. */
const PROBE_MS = 1_500;
const CATCH_UP_UNITS = 30;
/** Who stands in with nothing is left after this (stand-ins.ts). */
const STAND_IN_SILENCE_MS = 160;

export class SimLosses {
  readonly #w: World;
  readonly #parents: Parents;

  constructor(world: World, parents: Parents) {
    this.#w = world;
    this.#parents = parents;
    parents.unreachable = (peer, k, parent) => this.#tellLost(peer, k, parent, false);
  }

  /** A parent is gone, silent, or unreachable; the child learns of it in its way and asks for help [P8] [P9]. */
  miss(child: SimPeer, k: number, parent: SimPeer, how: 'bye' | 'closed' | 'silent'): void {
    if (child.isAlive && child.joining[k] === parent) {
      // Not yet its parent: the former one goes on, and the tracker hears that this edge came to nothing.
      child.joining[k] = null;
      const ms = how === 'silent' ? DEAD_SILENCE_MS : TIMER_MS;
      this.#w.wheel.in(ms, () => this.#tellLost(child, k, parent, false));
    }
    if (!child.isAlive || (child.serving[k] !== parent && child.standIn[k] !== parent)) return;
    if (k < this.#w.K) child.lostMs[k] = this.#w.wheel.nowMs;
    child.lostSilently[k] = how === 'silent';
    const isServing = child.serving[k] === parent;
    const timerMs = TIMER_MS * this.#w.random();
    if (how !== 'silent') {
      const ms = how === 'bye' ? this.#w.net.oneWay(child, parent) : timerMs;
      this.#w.wheel.in(ms, () => this.#lose(child, k, parent, isServing, true));
      return;
    }
    this.#w.wheel.in(SUSPECT_SILENCE_MS + timerMs, () => {
      if (child.isAlive && child.serving[k] === parent && !child.standIn[k]) this.#standIn(child, k, [parent]);
    });
    this.#w.wheel.in(DEAD_SILENCE_MS + timerMs, () => this.#lose(child, k, parent, isServing, false));
  }

  /** Its parents have not delivered what its forward did not give it at the start. */
  startLate(child: SimPeer): void {
    if (!child.isAlive) return;
    if (child.waits) this.#parents.beginAtNextKey(child);
    for (let k = 0; k < this.#w.K; k++) if (!child.serving[k]) this.#stand(child, k, this.#w.forward);
  }

  #lose(child: SimPeer, k: number, parent: SimPeer, wasServing: boolean, isClosed: boolean): void {
    if (!child.isAlive) return;
    if (child.standIn[k] === parent) child.standIn[k] = null;
    if (wasServing && child.serving[k] === parent) {
      child.serving[k] = null;
      const sub = child.subs[k];
      if (sub) sub.serving = null;
      this.#tellLost(child, k, parent, false);
    }
    if (isClosed || !child.standIn[k]) this.#standIn(child, k, [parent]);
  }

  #tellLost(child: SimPeer, k: number, parent: SimPeer, isBadSlice: boolean): void {
    this.#w.wheel.in(this.#w.net.oneWay(child, this.#w.forward), () => {
      const { nowMs } = this.#w.wheel;
      this.#w.tracker.lost(child, k, parent, isBadSlice, nowMs);
      child.planned[k] = undefined;
      this.#parents.told(child);
      if (parent.isAlive || parent.suspectedMs >= 0) return;
      parent.suspectedMs = nowMs;
      this.#w.wheel.in(PROBE_MS, () => this.#w.tracker.leave(parent));
    });
  }

  /** Somebody at hand, now: parents of other slices, then children, at last the forward. Who was directly under the forward is helped by it alone. */
  #standIn(child: SimPeer, k: number, not: readonly SimPeer[]): void {
    if (k === this.#w.K) return; // nobody stands in for a parity parent [P19]
    if (!child.isAlive || child.standIn[k] || (child.serving[k] && !not.includes(child.serving[k]))) return;
    const [lost] = not;
    const wasTop = lost !== undefined && lost.index !== 0 && lost.serving[k] === this.#w.forward;
    const at = wasTop ? undefined : this.#atHand(child, k).find((peer) => peer.index !== 0 && !not.includes(peer));
    if (!at) {
      const rtt = this.#w.net.rtt(child, this.#w.forward);
      const ms = wasTop || child.forwardUntilMs > this.#w.wheel.nowMs ? rtt / 2 : (SOCKET_RTTS + 0.5) * rtt;
      this.#w.wheel.in(ms, () => this.#stand(child, k, this.#w.forward));
      return;
    }
    this.#w.wheel.in(this.#w.net.oneWay(child, at), () => {
      if (this.#standsIn(at, child, k)) {
        if (at.copies > 0) return this.#stand(child, k, at);
        // It means well, and nothing leaves its uplink.
        return this.#w.wheel.in(STAND_IN_SILENCE_MS, () => this.#stand(child, k, this.#w.forward));
      }
      this.#w.wheel.in(this.#w.net.oneWay(child, at), () => this.#standIn(child, k, [...not, at]));
    });
  }

  /** Whom it is connected with, the parents first. */
  #atHand(child: SimPeer, k: number): SimPeer[] {
    const parents = child.serving.flatMap((peer, other) => (peer && other !== k ? peer : []));
    return [...parents, ...child.edges.flatMap((edges) => edges.map((edge) => edge.child))];
  }

  /** [P5] [P6] so many stand-ins at a time, and nobody who lacks the slice or gets it from the asker. */
  #standsIn(at: SimPeer, child: SimPeer, k: number): boolean {
    const sub = at.subs[k];
    if (!at.isAlive || !sub || at.serving[k] === null) return false;
    if (this.#w.wheel.nowMs - sub.lastMs > FRESH_MS || sub.lastFrom === child.id) return false;
    const standIns = at.edges.reduce((sum, edges) => sum + edges.filter((edge) => edge.isStandIn).length, 0);
    if (standIns >= STAND_INS || at.carriesNothing) return false;
    for (let x: SimPeer | null = at, steps = 0; x && steps < 64; x = x.serving[k] ?? x.standIn[k] ?? null, steps++)
      if (x === child) return false;
    return true;
  }

  #stand(child: SimPeer, k: number, at: SimPeer): void {
    if (!child.isAlive || !at.isAlive || child.standIn[k]) return;
    if (child.serving[k]?.isAlive && child.serving[k] !== at && child.lostMs[k] === -1) return;
    if (at.index === 0) child.forwardUntilMs = this.#w.wheel.nowMs + LINE_KEPT_MS;
    child.standIn[k] = at;
    const edge: SimEdge = { child, from: 0, isStandIn: true, height: 0 };
    at.edges[k]?.push(edge);
    this.#parents.catchUp(at, child, k, Math.max(child.low, this.#w.newestUnit() - CATCH_UP_UNITS), 'repair');
    if (at.index === 0) return;
    this.#w.wheel.in(TAKEOVER_MS, () => {
      if (child.standIn[k] !== at || !edge.isStandIn) return;
      child.standIn[k] = null;
      this.#parents.unsubscribe(at, child, k);
      if (!child.serving[k]) this.#stand(child, k, this.#w.forward);
    });
  }

  /** [W5] the first bad slice ends the link; the tracker hears why. */
  convict(peer: SimPeer, sender: SimPeer): void {
    for (let k = 0; k < this.#w.trees; k++) {
      if (peer.serving[k] !== sender && peer.standIn[k] !== sender && peer.joining[k] !== sender) continue;
      const wasServing = peer.serving[k] === sender;
      this.#parents.unsubscribe(sender, peer, k);
      if (peer.joining[k] === sender) peer.joining[k] = null;
      if (peer.standIn[k] === sender) peer.standIn[k] = null;
      if (wasServing) {
        peer.serving[k] = null;
        if (k < this.#w.K) peer.lostMs[k] = this.#w.wheel.nowMs;
      }
      this.#tellLost(peer, k, sender, true);
      this.#standIn(peer, k, [sender]);
    }
  }
}
