// One simulated audience: people come, stay and leave; the product's engine, capacities and refetching decide; slices travel over net.ts.
// What is simulated of a peer is the time things take.
import { seeded } from '../../support/random.ts';
import { CHILD_SILENCE_MS, PROBE_CHARS, PROBE_MESSAGES, START_PATIENCE_MS } from '../../../protocol/limits.ts';
import { Starts } from '../../../servers/forward/starts.ts';
import { startsFor } from '../../../servers/tracker/starts.ts';
import { SimLosses } from './losses.ts';
import { Measures, type Kind, type SimResult } from './measures.ts';
import { Media } from './media.ts';
import { FLAG, Net } from './net.ts';
import { UPLINKS, type SimOptions } from './options.ts';
import { Parents, sortByHeight } from './parents.ts';
import { SimPeer, STREAM_BITS, type SimEdge } from './peer.ts';
import { BATCH_MS, kFor, parityFor, SimTracker } from './tracker.ts';
import { Wheel } from './wheel.ts';
import { LINE_KEPT_MS, SOCKET_RTTS, World } from './world.ts';

/** A newcomer's run begins at a key that is at least so old (stream-buffer.ts). */
const START_BACK_MS = 400;
const PROBE_MOST_MS = 2_000;
/** What a probe finds where nobody can reach the viewer, though its uplink is there. */
const HIDDEN_COPIES = 3;
const HEIGHTS_EVERY_MS = 1_000;
/** Who comes first finds a stream that has begun. */
const FIRST_UNITS_MS = 2_000;
/** A connection that answers no ping is ended after this [S13]. */
const NO_PONG_MS = 7_500;

export class Simulation {
  readonly #w: World;
  readonly #kWhy: string;
  readonly #parents: Parents;
  readonly #losses: SimLosses;
  readonly #media: Media;
  readonly #shift: number;
  readonly #starts = new Starts();
  #batch: SimPeer[] = [];

  constructor(options: SimOptions) {
    const random = seeded(options.seed);
    this.#shift = random();
    const { viewers } = options;
    const copies = Array.from({ length: viewers }, (_, i) => copiesFor(options.uplinks, (i + 0.5) / viewers));
    const choice = kFor(copies, options.uploadCap);
    const K = options.k === 'auto' ? choice.k : options.k;
    const parity = parityFor(options.parity, copies, options.uploadCap, K);
    const trees = K + (parity ? 1 : 0);
    this.#kWhy = options.k === 'auto' ? choice.why : 'It is set so.';
    const wheel = new Wheel((to, unit, k, from, sentMs, flags) => this.#media.arrive(to, unit, k, from, sentMs, flags));
    const measures = new Measures();
    const net = new Net(options, K, wheel, random, measures);
    const tracker = new SimTracker({ k: K, parity, uploadCap: options.uploadCap, random });
    const forward = new SimPeer(0, trees, { x: 0.5, y: 0.5 }, Infinity, 0, 0);
    this.#w = new World({ options, K, trees, random, wheel, net, tracker, measures, forward });
    this.#parents = new Parents(this.#w);
    this.#losses = new SimLosses(this.#w, this.#parents);
    this.#media = new Media(this.#w, this.#parents, this.#losses);
    tracker.tell = (peer) => this.#parents.told(peer);
  }

  run(): SimResult {
    const { wheel, net, measures, options } = this.#w;
    const { warmUpMs, measuredMs, viewers, flash, mass, cut } = options;
    const endMs = warmUpMs + measuredMs;
    if (options.arriveEveryMs === 0) this.#populate(viewers);
    this.#media.start();
    wheel.at(1_000, () => this.#second());
    wheel.at(HEIGHTS_EVERY_MS, () => this.#tellHeights());
    wheel.at(warmUpMs, () => (net.isMeasuring = true));
    if (options.arriveEveryMs > 0) {
      this.#parents.isInstant = false;
      for (let i = 0; i < viewers; i++)
        wheel.at(FIRST_UNITS_MS + i * options.arriveEveryMs, () => this.#arriveAsViewer());
      // Nobody goes before all have come and settled.
      if (options.churn) wheel.at(warmUpMs, () => this.#nextJoin());
    } else if (options.churn) this.#nextJoin();
    const eventMs = warmUpMs + Math.min(10_000, measuredMs / 4);
    for (let i = 0; i < flash; i++) wheel.at(eventMs + this.#w.random() * 10_000, () => this.#arriveAsViewer());
    if (mass > 0) wheel.at(eventMs, () => this.#leaveAtOnce(mass));
    if (cut > 0) wheel.at(eventMs, () => this.#cutLinks(cut));
    wheel.runUntil(endMs);
    measures.convicted = this.#w.tracker.convicted;
    const depths = [...this.#w.tracker.engine.trees.peers.values()]
      .flatMap((peer) => peer.nodes.map((node) => node.depth))
      .toSorted((a, b) => a - b);
    const depth = { p50: depths[depths.length >> 1] ?? 0, max: depths.at(-1) ?? 0 };
    return {
      ...measures.result(options.unitMs),
      seconds: measures.seconds,
      k: this.#w.K,
      parity: this.#w.trees > this.#w.K,
      kWhy: this.#kWhy,
      depth,
    };
  }

  #newPeer(first: number): SimPeer {
    const place = { x: this.#w.random(), y: this.#w.random() };
    const peer = new SimPeer(
      this.#w.peers.length,
      this.#w.trees,
      place,
      // By the golden ratio, so that any hundred in a row have the shares that were asked for.
      copiesFor(this.#w.options.uplinks, (this.#shift + this.#w.peers.length * 0.618_033_988_75) % 1),
      this.#w.wheel.nowMs,
      first,
    );
    peer.isEvil = this.#w.random() < this.#w.options.evil;
    peer.liveAt = this.#w.live.length;
    this.#w.peers.push(peer);
    this.#w.live.push(peer);
    return peer;
  }

  #populate(count: number): void {
    const peers = Array.from({ length: count }, () => this.#newPeer(0));
    // As if they had come one after the other, the strong ones not all first.
    for (let i = 0; i < peers.length; i += 50) this.#w.tracker.join(peers.slice(i, i + 50), 0, true);
    for (let i = 0; i < 60; i++) this.#w.tracker.tick(-60_000 + i * 1_000);
    this.#parents.isInstant = false;
    for (const peer of peers) {
      if (this.#w.options.churn)
        this.#w.wheel.in(this.#session(), () => this.#leave(peer, this.#w.random() < this.#w.options.silent));
      this.#reportRegularly(peer);
    }
  }

  #session(): number {
    return -this.#w.options.meanSessionMs * Math.log(1 - this.#w.random());
  }

  #nextJoin(): void {
    const meanMs = this.#w.options.meanSessionMs / this.#w.options.viewers;
    this.#w.wheel.in(-meanMs * Math.log(1 - this.#w.random()), () => {
      this.#arriveAsViewer();
      this.#nextJoin();
    });
  }

  #arriveAsViewer(): void {
    const peer = this.#newPeer(this.#w.newestUnit() + 1);
    if (peer.copies <= 0 && this.#w.options.saying > 0 && this.#w.random() < this.#w.options.saying)
      peer.leaf = 'asked';
    if (this.#w.net.isMeasuring) this.#w.measures.joins++;
    if (this.#w.options.churn) {
      const stayMs =
        this.#w.options.arriveEveryMs > 0 ? Math.max(0, this.#w.options.warmUpMs - this.#w.wheel.nowMs) : 0;
      this.#w.wheel.in(stayMs + this.#session(), () => this.#leave(peer, this.#w.random() < this.#w.options.silent));
    }
    const rtt = this.#w.net.rtt(peer, this.#w.forward);
    // Asked the coordinate, dialled the tracker, said hello.
    this.#w.wheel.in(1.5 * rtt + SOCKET_RTTS * rtt, () => this.#hello(peer));
  }

  #hello(peer: SimPeer): void {
    if (!peer.isAlive) return;
    if (this.#batch.length === 0) this.#w.wheel.in(BATCH_MS, () => this.#seatBatch());
    this.#batch.push(peer);
    this.#reportRegularly(peer);
    // The welcome names a forward, which gives the run from a keyframe on at once [P2].
    const rtt = this.#w.net.rtt(peer, this.#w.forward);
    this.#w.wheel.in(rtt / 2 + SOCKET_RTTS * rtt, () => this.#bootstrap(peer));
  }

  #seatBatch(): void {
    const batch = this.#batch.filter((peer) => peer.isAlive);
    this.#batch = [];
    this.#w.tracker.join(batch, this.#w.wheel.nowMs);
  }

  #bootstrap(peer: SimPeer): void {
    if (!peer.isAlive) return;
    const { net, wheel, options, live } = this.#w;
    const newest = this.#w.newestUnit();
    peer.forwardUntilMs = wheel.nowMs + LINE_KEPT_MS;
    const [backed, latest] = [net.keyBefore(newest, START_BACK_MS), net.keyBefore(newest, 0)];
    const seconds = (from: number): number => ((newest - from + 1) * options.unitMs) / 1_000;
    const started = this.#w.forward.edges.reduce((n, edges) => n + edges.filter((edge) => edge.isStart).length, 0);
    this.#starts.flowing = started / this.#w.K;
    this.#starts.tell('the tracker', startsFor(live.length, undefined));
    const start = this.#starts.next({ whole: seconds(backed), short: seconds(latest) }, wheel.nowMs);
    this.#probe(peer);
    if (start === 'none') {
      if (net.isMeasuring) this.#w.measures.putOff++;
      if (peer.serving.every((parent) => parent === null)) peer.waits = true;
      return wheel.in(START_PATIENCE_MS, () => this.#losses.startLate(peer));
    }
    const from = start === 'whole' ? backed : latest;
    peer.first = peer.low = from;
    for (let k = 0; k < this.#w.K; k++) {
      if (peer.serving[k]) continue;
      peer.standIn[k] = this.#w.forward;
      const edge: SimEdge = { child: peer, from: 0, isStandIn: true, isStart: true, height: 0 };
      this.#w.forward.edges[k]?.push(edge);
      for (let unit = from; unit <= newest; unit++)
        if (!peer.has(unit, k)) this.#w.net.send(this.#w.forward, peer, unit, k, 'bootstrap', FLAG.bootstrap);
    }
  }

  /** [P21] It sends its forward some bytes, and is told how fast they came. Where no answer comes it knows after two seconds that it carries no slice. */
  #probe(peer: SimPeer): void {
    const { wheel, net, forward, options } = this.#w;
    const bits = peer.copies * options.bitsPerSecond;
    const sendMs = Math.min(PROBE_MOST_MS, (8_000 * PROBE_MESSAGES * PROBE_CHARS) / bits);
    if (bits > 0) peer.freeAtMs = Math.max(peer.freeAtMs, wheel.nowMs) + sendMs;
    const told = STREAM_BITS * (bits > 0 || this.#w.random() >= options.hidden ? peer.copies : HIDDEN_COPIES);
    const breath = 0.85 + 0.3 * this.#w.random();
    wheel.in(sendMs + net.rtt(peer, forward) + net.oneWay(peer, forward), () => {
      if (peer.isAlive) this.#w.tracker.probed(peer, told * breath, wheel.nowMs);
    });
  }

  #reportRegularly(peer: SimPeer): void {
    const again = (): void => {
      if (!peer.isAlive) return;
      this.#w.tracker.report(peer, this.#w.wheel.nowMs);
      this.#w.wheel.in(1_000, again);
    };
    this.#w.wheel.in(1_000 * this.#w.random(), again);
  }

  #leave(peer: SimPeer, silent: boolean): void {
    if (!peer.isAlive) return;
    const { nowMs } = this.#w.wheel;
    peer.isAlive = false;
    peer.diedMs = nowMs;
    const last = this.#w.live.pop();
    if (last && last !== peer) {
      this.#w.live[peer.liveAt] = last;
      last.liveAt = peer.liveAt;
    }
    if (this.#w.net.isMeasuring) this.#w.measures.departures++;
    for (let k = 0; k < this.#w.trees; k++) {
      for (const parent of [peer.serving[k], peer.standIn[k], peer.joining[k]])
        if (parent && silent) this.#w.wheel.in(CHILD_SILENCE_MS, () => this.#parents.unsubscribe(parent, peer, k));
        else if (parent) this.#parents.unsubscribe(parent, peer, k);
      for (const { child } of peer.edges[k] ?? []) this.#losses.miss(child, k, peer, silent ? 'silent' : 'bye');
    }
    // A closed socket is seen at once; a silent one when its children have spoken and it answers no ping.
    if (!silent) this.#w.wheel.in(this.#w.net.oneWay(peer, this.#w.forward), () => this.#w.tracker.leave(peer));
    else if (peer.edges.every((edges) => edges.length === 0))
      this.#w.wheel.in(NO_PONG_MS, () => this.#w.tracker.leave(peer));
  }

  #leaveAtOnce(share: number): void {
    for (const peer of this.#w.live.slice())
      if (this.#w.random() < share) this.#leave(peer, this.#w.random() < this.#w.options.silent);
  }

  /** Links break while everybody stays. */
  #cutLinks(share: number): void {
    for (const parent of this.#w.live)
      for (let k = 0; k < this.#w.trees; k++)
        for (const { child } of (parent.edges[k] ?? []).slice()) {
          if (this.#w.random() >= share) continue;
          this.#parents.unsubscribe(parent, child, k);
          this.#losses.miss(child, k, parent, 'closed');
        }
  }

  #second(): void {
    const moved = this.#w.tracker.tick(this.#w.wheel.nowMs);
    if (this.#w.net.isMeasuring) {
      this.#w.measures.moves += moved;
      const { thisSecond } = this.#w.net;
      const copies = (kind: Kind): number => (thisSecond[kind] * this.#w.options.unitMs) / 1_000;
      this.#w.measures.seconds.push({
        tree: copies('tree'),
        bootstrap: copies('bootstrap'),
        repair: copies('repair'),
        viewers: this.#w.live.length,
      });
    }
    this.#w.net.thisSecond = { tree: 0, bootstrap: 0, repair: 0 };
    this.#w.wheel.in(1_000, () => this.#second());
  }

  /** Whoever has most levels below is served first; heights travel by keep-alives. */
  #tellHeights(): void {
    const { trees } = this.#w.tracker.engine;
    const heights = new Map<SimPeer, number>();
    for (let k = 0; k < this.#w.trees; k++) {
      heights.clear();
      const levels = trees.levels[k] ?? [];
      for (let depth = levels.length - 1; depth > 0; depth--)
        for (const bag of levels[depth]?.byStrength ?? [])
          for (const node of bag.items) {
            const peer = node.peer && this.#w.byId(node.peer.id);
            const above = node.parent?.peer && this.#w.byId(node.parent.peer.id);
            if (peer && above) heights.set(above, Math.max(heights.get(above) ?? 0, (heights.get(peer) ?? 0) + 1));
          }
      for (const peer of heights.keys()) {
        const edges = peer.edges[k];
        if (!edges || edges.length < 2) continue;
        for (const edge of edges) edge.height = heights.get(edge.child) ?? 0;
        sortByHeight(edges);
      }
    }
    this.#w.wheel.in(HEIGHTS_EVERY_MS, () => this.#tellHeights());
  }
}

/** What a viewer of this audience can upload, by a number from 0 to 1. */
function copiesFor(uplinks: string, roll: number): number {
  let left = roll;
  for (const [share, copies] of UPLINKS[uplinks] ?? []) {
    if (left < share) return copies;
    left -= share;
  }
  return 0;
}
