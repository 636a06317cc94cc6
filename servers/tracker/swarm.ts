// One stream's viewers and their trees: takes what viewers say, lets the engine decide, tells who must know. Time-driven work is in
// `tick`, which the tracker calls; sockets are opened and greeted elsewhere (session.ts).
import type { SliceCount, StreamState } from '../../protocol/fields.ts';
import type { FromViewer, SignalData } from '../../protocol/signalling.ts';
import type { Log } from '../shared/log.ts';
import { Engine } from './engine.ts';
import type { Forwards } from './forwards.ts';
import { apartMs, LEAF_MS, Losses } from './losses.ts';
import { Planner } from './planner.ts';
import { isComplete, rejoin, type Claim } from './rejoin.ts';
import { takeReport } from './report.ts';
import { TargetDelay } from './target.ts';
import { WHY } from './place.ts';
import type { Viewer } from './viewer.ts';

/** Newcomers of this time are seated together, the strongest first. */
const BATCH_MS = 20;
/** After a start, viewers that come back are waited for so long (they come with 0 to 5 s of jitter). */
export const REJOIN_MS = 6_000;
/** A viewer that others call lost has so long to answer a ping. */
const PROBE_MS = 1_500;
const BAD_FORWARD_MS = 15_000;
/** The time from joining until a viewer's delays tell about the mesh and no longer about its start. */
const SETTLED_MS = 3_000;
const REPORT_COUNTS_MS = 5_000;

export interface SwarmOptions {
  name: string;
  k: SliceCount;
  directCopies: number | null;
  uploadCap: number;
  forwards: Forwards;
  log: Log;
  /** A viewer's row is out of date, or its viewer is gone. */
  changed(viewer: string, swarm: Swarm): void;
}

type Lost = Extract<FromViewer, { type: 'lost' }>;

export class Swarm {
  readonly name: string;
  readonly layout = 1;
  readonly engine: Engine;
  readonly forwards: Forwards;
  readonly target = new TargetDelay();
  readonly viewers = new Map<string, Viewer>();
  readonly startedMs = performance.now();
  state: StreamState = 'waiting';
  epoch = 0;
  /** Since when nobody is here; null while somebody is. */
  emptySinceMs: number | null = performance.now();
  readonly #options: SwarmOptions;
  readonly #planner: Planner;
  readonly #losses = new Losses();
  #newcomers: Viewer[] = [];
  readonly #returning = new Map<string, Viewer>();
  readonly #sayAgain = new Set<Viewer>();
  #batch: NodeJS.Timeout | null = null;
  readonly #probes = new Map<string, NodeJS.Timeout>();
  /** Peers that serve nobody for a while, and until when. */
  readonly #leaves = new Map<string, number>();

  constructor(options: SwarmOptions) {
    this.#options = options;
    this.name = options.name;
    this.forwards = options.forwards;
    this.engine = new Engine({ k: options.k, directCopies: options.directCopies, random: Math.random });
    this.#planner = new Planner(this);
  }

  get k(): SliceCount {
    return this.#options.k;
  }

  viewer(id: string): Viewer | undefined {
    return this.viewers.get(id);
  }

  changed(id: string): void {
    this.#options.changed(id, this);
  }

  /** A viewer that was welcomed. With claims it is seated when its neighbours are back too, or the time for that is over. */
  enter(viewer: Viewer): void {
    this.viewers.set(viewer.id, viewer);
    this.emptySinceMs = null;
    if (viewer.claims) this.#returning.set(viewer.id, viewer);
    else this.#newcomers.push(viewer);
    this.#batch ??= setTimeout(() => this.#seatBatch(), BATCH_MS);
    this.changed(viewer.id);
  }

  /** The same viewer on a new connection: it keeps its seat, and the old connection ends. */
  resume(former: Viewer, viewer: Viewer): void {
    const { shares } = viewer;
    viewer.takeOver(former);
    this.viewers.set(viewer.id, viewer);
    this.#planner.transfer(former, viewer);
    this.#newcomers = this.#newcomers.map((newcomer) => (newcomer === former ? viewer : newcomer));
    if (this.#returning.has(viewer.id)) this.#returning.set(viewer.id, viewer);
    former.socket.terminate();
    this.sharing(viewer, shares);
    this.#planner.dispatch(performance.now(), [viewer]);
  }

  leave(viewer: Viewer): void {
    if (this.viewers.get(viewer.id) !== viewer) return;
    this.viewers.delete(viewer.id);
    this.#returning.delete(viewer.id);
    this.#newcomers = this.#newcomers.filter((newcomer) => newcomer !== viewer);
    clearTimeout(this.#probes.get(viewer.id));
    this.#probes.delete(viewer.id);
    this.#leaves.delete(viewer.id);
    this.#losses.forget(viewer.id);
    this.#planner.forget(viewer);
    this.engine.leave(viewer.id);
    this.#planner.dispatch(performance.now());
    if (this.viewers.size === 0) this.emptySinceMs = performance.now();
    this.changed(viewer.id);
  }

  /**
   * Passes on what two joined peers say to each other [S7].
   * @returns false for anybody else, there or not; to a neighbour that has just gone the words are lost without a word
   */
  signal(from: Viewer, to: string, data: SignalData): boolean {
    const other = this.viewers.get(to);
    if (!other || !this.joined(from, other)) return from.met.has(to);
    other.meet(from.id);
    other.send({ type: 'signal', from: from.id, data });
    return true;
  }

  /** There is, was a moment ago, or is planned an edge between the two, in either direction. */
  joined(a: Viewer, b: Viewer): boolean {
    if (!a.shares || !b.shares) return false;
    const nowMs = performance.now();
    const recently = (x: Viewer, y: Viewer): boolean => (x.recent.get(y.id) ?? -Infinity) > nowMs;
    const claimed = (x: Viewer, y: Viewer): boolean =>
      (x.claims?.parents.some((edge) => edge.id === y.id) && y.claims?.children.some((edge) => edge.id === x.id)) ??
      false;
    return a.wasTold(b.id) || b.wasTold(a.id) || recently(a, b) || recently(b, a) || claimed(a, b) || claimed(b, a);
  }

  report(viewer: Viewer, report: Extract<FromViewer, { type: 'report' }>): void {
    takeReport(this, viewer, report, performance.now());
    this.changed(viewer.id);
  }

  seated(viewer: Viewer, slice: number, id: string): void {
    const planned = viewer.planned[slice];
    if (planned?.id === id) this.#planner.seated(viewer, slice);
  }

  /** One edge failed for one viewer [T9]. Words about edges that are not planned change nothing. */
  lost(viewer: Viewer, { slice, id, how }: Lost): void {
    const nowMs = performance.now();
    if (this.#returning.has(viewer.id)) return this.#seatReturning(); // no time to wait for the others
    const planned = viewer.planned[slice];
    const isPlanned = planned?.id === id;
    // About a parent that it has just been taken from it is still a witness.
    if (!isPlanned && !viewer.handingOver.some((former) => former.slice === slice && former.id === id)) return;
    if (isPlanned && planned.kind === 'forward') return this.#lostForward(viewer, slice, id, nowMs);
    this.#options.log.debug({ viewer: viewer.id, parent: id, slice, how }, 'an edge is lost');
    const verdict = this.#losses.hear(viewer.id, id, how, nowMs);
    if (verdict === 'child cannot connect') {
      this.engine.keepApart(viewer.id, id, nowMs + LEAF_MS);
      this.engine.setShares(viewer.id, false, WHY.unreachable);
      this.#leaves.set(viewer.id, nowMs + LEAF_MS);
    } else {
      if (isPlanned) this.engine.lost(viewer.id, slice, id, nowMs + apartMs(how));
      if (verdict === 'parent fails') {
        this.engine.setSlots(id, 0);
        this.#leaves.set(id, nowMs + LEAF_MS);
      }
      this.#probe(id);
    }
    this.#planner.dispatch(nowMs);
  }

  #lostForward(viewer: Viewer, slice: number, id: string, nowMs: number): void {
    viewer.badForwards.set(id, nowMs + BAD_FORWARD_MS);
    for (const former of viewer.badForwards.keys()) if (viewer.badForwards.size > 8) viewer.badForwards.delete(former);
    const peer = this.engine.peer(viewer.id);
    if (peer) this.engine.trees.touched.add(peer);
    this.#planner.dispatch(nowMs);
    // With no other forward the plan is the same; it is said again a little later, so that the viewer tries again.
    if (viewer.planned[slice]?.id === id) this.#sayAgain.add(viewer);
  }

  sharing(viewer: Viewer, shares: boolean): void {
    if (viewer.shares === shares) return;
    viewer.shares = shares;
    if (!shares) viewer.recent.clear();
    this.engine.setShares(viewer.id, shares);
    if (!this.#leaves.has(viewer.id)) this.engine.setSlots(viewer.id, this.#slots());
    this.#planner.dispatch(performance.now());
    this.changed(viewer.id);
  }

  /** Forwards came or went: direct viewers are given others at once [T12]. */
  forwardsChanged(): void {
    const { engine, forwards } = this;
    for (const peer of engine.trees.peers.values())
      if (peer.nodes.some((node) => node.parent?.peer === null)) engine.trees.touched.add(peer);
    this.#planner.dispatch(performance.now());
    const named = forwards.named();
    for (const viewer of this.viewers.values()) viewer.send({ type: 'forwards', forwards: named });
    if (this.#returning.size > 0) this.#seatBatch();
  }

  /** The stream's newest state; told to everyone when it is news. */
  news(state: StreamState, epoch: number, publicKey: string | undefined): void {
    if (this.state === state && this.epoch === epoch) return;
    [this.state, this.epoch] = [state, epoch];
    const key = publicKey === undefined ? {} : { publicKey };
    for (const viewer of this.viewers.values()) viewer.send({ type: 'stream', state, epoch, ...key });
  }

  /** Once a second. */
  tick(nowMs: number): void {
    for (const [id, untilMs] of this.#leaves) {
      if (untilMs > nowMs) continue;
      this.#leaves.delete(id);
      const viewer = this.viewers.get(id);
      if (viewer?.shares) this.engine.setShares(id, true);
      this.engine.setSlots(id, this.#slots());
    }
    this.engine.tick(nowMs);
    const again = [...this.#sayAgain].filter((viewer) => this.viewers.get(viewer.id) === viewer);
    this.#sayAgain.clear();
    this.#planner.dispatch(nowMs, again);
    this.#planner.sweep(nowMs);
    if (this.#returning.size > 0) this.#seatBatch();
  }

  /** Every two seconds: where the swarm's delay goes. */
  retarget(nowMs: number): void {
    const heard = [...this.viewers.values()].filter(
      (v) => v.arrivals.length > 0 && nowMs - v.reportedMs < REPORT_COUNTS_MS,
    );
    const settled = heard.filter((viewer) => nowMs - viewer.sinceMs >= SETTLED_MS);
    const arrivals = (settled.length > 0 ? settled : heard).map((viewer) => Math.min(...viewer.arrivals));
    const delayMs = this.target.step(arrivals);
    if (delayMs === null) return;
    for (const viewer of this.viewers.values()) viewer.send({ type: 'target', delayMs });
  }

  close(): void {
    if (this.#batch) clearTimeout(this.#batch);
    for (const probe of this.#probes.values()) clearTimeout(probe);
    this.#probes.clear();
    this.viewers.clear();
  }

  #slots(): number {
    return Math.min(this.k, Math.floor(this.#options.uploadCap * this.k));
  }

  #seatBatch(): void {
    if (this.#batch) clearTimeout(this.#batch);
    this.#batch = null;
    const nowMs = performance.now();
    const isHere = (id: string): boolean => this.engine.peer(id) !== undefined;
    const waitsOver = nowMs - this.startedMs >= REJOIN_MS;
    if (waitsOver || (this.forwards.size > 0 && isComplete(this.#claims(), isHere))) this.#seatReturning();
    const newcomers = this.#newcomers;
    this.#newcomers = [];
    this.engine.join(
      newcomers.map((viewer) => this.#newcomer(viewer)),
      nowMs,
    );
    this.#planner.dispatch(nowMs, newcomers);
  }

  #seatReturning(): void {
    const returning = [...this.#returning.values()];
    if (returning.length === 0) return;
    rejoin(this.engine, this.#claims(), performance.now());
    this.#returning.clear();
    for (const viewer of returning) viewer.claims = null;
    this.#planner.dispatch(performance.now(), returning);
  }

  #claims(): Map<string, Claim> {
    return new Map(
      Array.from(this.#returning.values(), (viewer) => [
        viewer.id,
        { ...this.#newcomer(viewer), parents: viewer.claims?.parents ?? [], children: viewer.claims?.children ?? [] },
      ]),
    );
  }

  #newcomer(viewer: Viewer) {
    return { id: viewer.id, slots: this.#slots(), shares: viewer.shares, network: viewer.network };
  }

  /** Whom one child calls lost must show that it is there. */
  #probe(id: string): void {
    const viewer = this.viewers.get(id);
    if (!viewer || this.#probes.has(id)) return;
    const askedMs = performance.now();
    viewer.socket.ping();
    const probe = setTimeout(() => {
      this.#probes.delete(id);
      if (viewer.heardMs < askedMs) viewer.socket.terminate();
    }, PROBE_MS);
    this.#probes.set(id, probe);
  }
}
