// Slices on their way through the simulated trees: made at the forward, relayed, asked for again by the product's own rules, judged in time.
import { planRefetch, worthAsking, type Missing, type Supplier } from '../../../client/mesh/refetch.ts';
import { dueMs, isRegular, observeArrival } from '../../../client/mesh/substream.ts';
import { TARGET_MARGIN_MS } from '../../../protocol/limits.ts';
import type { SimLosses } from './losses.ts';
import { BUFFERS_MS } from './measures.ts';
import { FLAG } from './net.ts';
import type { Parents } from './parents.ts';
import { RING, type SimPeer } from './peer.ts';
import type { World } from './world.ts';

/** Holes are looked for this often: twice a peer's own tick, to look at a hundred thousand in time. */
const SCAN_MS = 60;
const EVALUATE_AFTER_MS = 5_000;
/** A newcomer's first units are old on purpose. */
const SETTLE_MS = 3_000;
const OLDEST_HOLE_UNITS = 40;
const MOST_HOLES = 32;
/** A quantile that is followed one sample at a time. */
const P95_STEP_MS = 0.5;

export class Media {
  readonly #w: World;
  readonly #parents: Parents;
  readonly #losses: SimLosses;
  #swarmUsualMs = 300;
  /** What nearly all viewers keep up with, and with it when units are played (target.ts). */
  #p95Ms = 400;

  constructor(world: World, parents: Parents, losses: SimLosses) {
    this.#w = world;
    this.#parents = parents;
    this.#losses = losses;
  }

  start(): void {
    const { wheel, options } = this.#w;
    wheel.at(options.unitMs, () => this.#make(0));
    wheel.at(SCAN_MS, () => this.#scan());
  }

  #make(unit: number): void {
    if (this.#w.net.isMeasuring) {
      this.#w.measures.madeUnits++;
      this.#w.measures.viewerUnits += this.#w.live.length;
    }
    for (let k = 0; k < this.#w.trees; k++)
      for (const edge of this.#w.forward.edges[k] ?? []) {
        const kind = edge.isStart ? 'bootstrap' : edge.isStandIn ? 'repair' : 'tree';
        if (unit >= edge.from) this.#w.net.send(this.#w.forward, edge.child, unit, k, kind, FLAG.regular);
      }
    this.#w.wheel.in(EVALUATE_AFTER_MS, () => this.#evaluate(unit));
    this.#w.wheel.in(this.#w.options.unitMs, () => this.#make(unit + 1));
  }

  arrive(to: number, unit: number, k: number, from: number, sentMs: number, flags: number): void {
    const [peer, sender] = [this.#w.peers[to], this.#w.peers[from]];
    if (!peer?.isAlive || !sender || sender.diedMs < sentMs) return;
    if (flags & FLAG.spoilt) return this.#losses.convict(peer, sender);
    if (
      sentMs > (peer.turnedFrom.get(from) ?? Infinity) &&
      !peer.serving.includes(sender) &&
      !peer.standIn.includes(sender) &&
      !peer.joining.includes(sender)
    )
      return;
    const { nowMs } = this.#w.wheel;
    // A former parent that has not heard it yet.
    if (flags === FLAG.regular && ![peer.serving[k], peer.standIn[k], peer.joining[k]].includes(sender))
      this.#parents.turnAway(sender, peer, k);
    // The original of a slice that the unit could do without: it says who supplies it, and is passed on no more.
    const isUnseen = peer.unseenOf(unit) === k;
    const taken = isUnseen ? 1 : peer.take(unit, k, this.#w.K, nowMs);
    if (!isUnseen) this.#w.net.received(unit, taken > 0 ? 'new' : 'twice');
    else if (k < this.#w.K) this.#w.net.received(unit, 'made');
    const sub = peer.subs[k];
    if (!sub) return;
    if (peer.joining[k] === sender && (flags & (FLAG.retransmit | FLAG.bootstrap)) === 0)
      this.#parents.seat(peer, k, sender);
    if (taken === 0) return;
    if (taken === 2 && !peer.hasPicture && this.#w.net.isKey(unit)) this.#hasPicture(peer, nowMs);
    if ((flags & FLAG.retransmit) === 0) {
      const newest = Math.max(...peer.subs.map((other) => other.newest));
      const isFresh = isRegular(sub, unit, newest, nowMs);
      sub.lastMs = nowMs;
      sub.lastFrom = sender.id;
      sub.newest = Math.max(sub.newest, unit);
      if (isFresh && (peer.serving[k] === sender || peer.standIn[k] === sender))
        observeArrival(sub, nowMs, this.#w.madeMs(unit));
    }
    const lostMs = peer.lostMs[k] ?? -1;
    if (lostMs >= 0 && sender.isAlive && (flags & FLAG.retransmit) === 0) {
      peer.lostMs[k] = -1;
      const { backSilent, backGraceful } = this.#w.measures;
      if (this.#w.net.isMeasuring) (peer.lostSilently[k] ? backSilent : backGraceful).add(nowMs - lostMs);
    }
    if (isUnseen) return peer.see(unit, k);
    this.#relay(peer, unit, k, sender);
    const made = taken === 2 ? peer.unseenOf(unit) : null;
    if (made === null || (made === this.#w.K && peer.edges[made]?.length === 0)) return;
    peer.make(unit, made);
    this.#relay(peer, unit, made, null);
  }

  #hasPicture(peer: SimPeer, nowMs: number): void {
    peer.hasPicture = true;
    if (peer.sinceMs >= this.#w.options.warmUpMs) this.#w.measures.firstPicture.add(nowMs - peer.sinceMs);
  }

  #relay(peer: SimPeer, unit: number, k: number, from: SimPeer | null): void {
    for (const edge of peer.edges[k] ?? [])
      if (unit >= edge.from && edge.child !== from) this.#w.net.send(peer, edge.child, unit, k, 'tree', FLAG.regular);
  }

  /** [P10] [P11] what is late is asked again, by the product's own rules. */
  #scan(): void {
    const { nowMs } = this.#w.wheel;
    const newest = this.#w.newestUnit();
    for (const peer of this.#w.live) {
      while (peer.low <= newest && peer.wholeMs(peer.low) < Infinity) peer.low++;
      if (peer.low > newest - 1) continue;
      const oldest = Math.max(peer.low, newest - OLDEST_HOLE_UNITS);
      const holes: Missing[] = [];
      for (let unit = oldest; unit <= newest && holes.length < MOST_HOLES; unit++) {
        const heldUpMs = this.#heldUpMs(peer, unit);
        if (peer.wholeMs(unit) === Infinity) holes.push(...this.#late(peer, unit, heldUpMs, nowMs));
      }
      if (holes.length > 0) this.#refetch(peer, holes, nowMs);
    }
    this.#w.wheel.in(SCAN_MS, () => this.#scan());
  }

  /** As pulls.ts does: no more than the unit lacks beside what is here and what is still to come [P19]. */
  #late(peer: SimPeer, unit: number, heldUpMs: number, nowMs: number): readonly Missing[] {
    const { K } = this.#w;
    const sourceMs = this.#w.madeMs(unit);
    const late: Missing[] = [];
    let lacks: number = K;
    for (const sub of peer.subs) {
      const due = dueMs(sub, sourceMs);
      const isComing = due !== null && nowMs < due + heldUpMs && Boolean(peer.serving[sub.k] ?? peer.standIn[sub.k]);
      if (isComing || peer.has(unit, sub.k)) lacks--;
      else if (due !== null && nowMs >= due + heldUpMs && sub.k < K) {
        const book = peer.asked.get(unit * 8 + sub.k);
        const [askedMs, asked] = [book?.atMs ?? null, book?.count ?? 0];
        const playedMs = (peer.edges[sub.k]?.length ?? 0) > 0 ? null : sourceMs + this.#targetMs;
        late.push({ unit, k: sub.k, sourceMs, begun: peer.holdsAny(unit), heldUpMs, playedMs, askedMs, asked });
      }
    }
    return worthAsking(late, lacks);
  }

  /** How much later than usual the first slice of a unit came. */
  #heldUpMs(peer: SimPeer, unit: number): number {
    const first = peer.firstOf(unit);
    const usualMs = first && peer.subs[first.k]?.delayMs;
    return first && typeof usualMs === 'number' ? Math.max(0, first.atMs - this.#w.madeMs(unit) - usualMs) : 0;
  }

  #refetch(peer: SimPeer, holes: readonly Missing[], nowMs: number): void {
    peer.recentWants = peer.recentWants.filter((atMs) => nowMs - atMs < 1_000);
    const suppliers: Supplier[] = [];
    const seen = new Set<SimPeer>();
    for (const at of [...peer.serving, ...peer.standIn])
      if (at && at.isAlive && at.index !== 0 && !seen.has(at)) {
        seen.add(at);
        suppliers.push({ id: at.id, kind: 'peer', newest: at.subs.map((sub) => sub.newest), recentWants: 0 });
      }
    suppliers.push({ id: this.#w.forward.id, kind: 'forward', newest: [], recentWants: peer.recentWants.length });
    for (const want of planRefetch(holes, peer.subs, suppliers, nowMs)) {
      const key = want.unit * 8 + want.k;
      const book = peer.asked.get(key);
      peer.asked.set(key, { atMs: nowMs, count: (book?.count ?? 0) + 1 });
      if (peer.asked.size > RING) peer.asked.delete(peer.asked.keys().next().value ?? 0);
      const at = this.#w.byId(want.to) ?? this.#w.forward;
      if (at.index === 0) peer.recentWants.push(nowMs);
      this.#w.wheel.in(this.#w.net.oneWay(peer, at), () => {
        if (!peer.isAlive || !at.isAlive) return;
        if (at.index === 0 || (at.has(want.unit, want.k) && !at.carriesNothing))
          this.#w.net.send(at, peer, want.unit, want.k, 'repair', FLAG.retransmit);
        else this.#w.wheel.in(this.#w.net.oneWay(peer, at), () => this.#again(peer, key));
      });
    }
  }

  /** Refused: the next one may be asked at once. */
  #again(peer: SimPeer, key: number): void {
    const book = peer.asked.get(key);
    if (book) book.atMs = -Infinity;
  }

  get #targetMs(): number {
    return this.#p95Ms + this.#w.options.unitMs + TARGET_MARGIN_MS;
  }

  /** Five seconds later: who had this unit in time, for each playout buffer above its usual delay. */
  #evaluate(unit: number): void {
    const madeMs = this.#w.madeMs(unit);
    const isMeasured = this.#w.net.isMeasuring && madeMs >= this.#w.options.warmUpMs;
    let [sum, count] = [0, 0];
    for (const peer of this.#w.live) {
      if (unit < peer.first || madeMs < peer.sinceMs) continue;
      const delayMs = peer.wholeMs(unit) - madeMs;
      if (delayMs < 5_000) {
        sum += delayMs;
        this.#p95Ms += P95_STEP_MS * (delayMs > this.#p95Ms ? 0.95 : -0.05);
        count++;
        if (peer.usualMs >= 0) peer.usualMs += 0.02 * (Math.min(delayMs, peer.usualMs + 1_000) - peer.usualMs);
        else if (madeMs - peer.sinceMs > SETTLE_MS || peer.sinceMs === 0) peer.usualMs = delayMs;
      }
      if (!isMeasured) continue;
      const usualMs = peer.usualMs >= 0 ? peer.usualMs : this.#swarmUsualMs;
      this.#w.measures.units++;
      if (delayMs < 5_000) this.#w.measures.delay.add(delayMs);
      for (const [i, bufferMs] of BUFFERS_MS.entries())
        if (delayMs > usualMs + bufferMs) this.#w.measures.late[i] = (this.#w.measures.late[i] ?? 0) + 1;
    }
    if (count > 0) this.#swarmUsualMs += 0.05 * (sum / count - this.#swarmUsualMs);
  }
}
