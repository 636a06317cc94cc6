// One stream's viewers and their trees: takes what viewers say, lets the engine decide, tells who must know. Time-driven work is in
// `tick`, which the tracker calls; sockets are opened and greeted elsewhere (session.ts).
import type { SliceCount, StreamState } from '../../protocol/fields.ts';
import type { FromViewer, SignalData } from '../../protocol/signalling.ts';
import type { Log } from '../shared/log.ts';
import { Capacities } from './capacities.ts';
import { Engine } from './engine.ts';
import { forecast, type Forecast } from './forecast.ts';
import type { Forwards } from './forwards.ts';
import { firstUnit, seatedAnew } from './layout.ts';
import { LostEdges } from './lost-edges.ts';
import { Ledger } from './ledger.ts';
import { Planner } from './planner.ts';
import { takeReport } from './report.ts';
import { Returning } from './returning.ts';
import { Returns } from './returns.ts';
import { Shape, type Wanted } from './shape.ts';
import { TargetDelay } from './target.ts';
import { Trials } from './trials.ts';
import type { Trust } from './trust.ts';
import { isDue } from './upload-history.ts';
import type { Viewer } from './viewer.ts';

/** Newcomers of this time are seated together, the strongest first. */
const BATCH_MS = 20;
const BAD_FORWARD_MS = 15_000;
/** The time from joining until a viewer's delays tell about the mesh and no longer about its start. */
const SETTLED_MS = 3_000;
const REPORT_COUNTS_MS = 5_000;

export interface SwarmOptions {
  name: string;
  wanted: Wanted;
  directCopies: number | null;
  uploadCap: number;
  /** The most that the tracker takes. */
  mostViewers: number;
  /** A newcomer of whom nothing is known serves nobody before this. */
  trustAfterMs: number;
  forwards: Forwards;
  log: Log;
  /** A viewer's row is out of date, or its viewer is gone. */
  changed(viewer: string, swarm: Swarm): void;
  /** Forwards cut this stream in another way from now on. */
  layoutChanged(swarm: Swarm): void;
  /** Signs what a viewer's upload was, for its next visit. */
  history(bitsPerSecond: number | null): string;
}

type Lost = Extract<FromViewer, { type: 'lost' }>;
type Sharing = Extract<FromViewer, { type: 'sharing' }>;

export class Swarm {
  readonly name: string;
  /** Grows over restarts too, so that viewers never mistake an old plan for a new one. */
  layout = Math.floor(Date.now() / 1_000);
  /** First unit of the layout; 0: it was so from the begin. */
  layoutFrom = 0;
  engine: Engine;
  readonly shape: Shape;
  readonly capacities: Capacities;
  readonly forwards: Forwards;
  readonly target = new TargetDelay();
  readonly returns = new Returns();
  readonly ledger = new Ledger();
  readonly viewers = new Map<string, Viewer>();
  state: StreamState = 'waiting';
  epoch = 0;
  /** Since when nobody is here; null while somebody is. */
  emptySinceMs: number | null = performance.now();
  readonly #options: SwarmOptions;
  readonly #planner: Planner;
  readonly #lostEdges: LostEdges;
  readonly #trials: Trials;
  #newcomers: Viewer[] = [];
  readonly #returning: Returning;
  readonly #sayAgain = new Set<Viewer>();
  #batch: NodeJS.Timeout | null = null;

  constructor(options: SwarmOptions) {
    this.#options = options;
    this.name = options.name;
    this.forwards = options.forwards;
    this.shape = new Shape(options.wanted, performance.now());
    const { k, parity } = this.shape;
    this.engine = new Engine({ k, parity, directCopies: options.directCopies, random: Math.random });
    this.#planner = new Planner(this);
    this.#lostEdges = new LostEdges(this, (nowMs) => this.#planner.dispatch(nowMs), options.log);
    this.#trials = new Trials(options.trustAfterMs, (newcomers) => this.#trust(newcomers));
    this.#returning = new Returning(performance.now(), (viewer) => this.#newcomer(viewer));
    this.capacities = new Capacities({
      k,
      parity,
      viewers: () => this.viewers.values(),
      uploadCap: options.uploadCap,
    });
  }

  get k(): SliceCount {
    return this.engine.trees.k;
  }

  /** What an operator wants: slices and parity as they are named, or as the viewers' uplinks decide. */
  want(wanted: Partial<Wanted>): void {
    this.shape.want(wanted, performance.now());
    this.#reshape();
  }

  /** The trees become what the shape says, where they are not. */
  #reshape(): void {
    const { k, parity, kWhy, parityWhy } = this.shape;
    const { trees } = this.engine;
    if (k === trees.k && parity === trees.hasParity) return;
    this.capacities.relayout(k, parity);
    if (k !== trees.k) return this.#relayout(k, parity, kWhy);
    this.#options.log.info({ stream: this.name, parity, why: parityWhy }, 'parity comes or goes');
    this.engine.setParity(parity);
    this.#planner.dispatch(performance.now());
  }

  /** [T14] From a unit soon on the stream is cut into k slices. @param why one sentence, for the debug pages */
  #relayout(k: SliceCount, parity: boolean, why: string): void {
    const options = { k, parity, directCopies: this.#options.directCopies, random: Math.random };
    this.engine = seatedAnew(this.engine, options, (id) => this.#slotsOf(this.viewers.get(id)));
    this.layout++;
    const viewers = [...this.viewers.values()];
    this.layoutFrom = firstUnit(viewers, this.state === 'live');
    this.#options.log.info({ stream: this.name, k, from: this.layoutFrom, why }, 'the layout changes');
    this.#options.layoutChanged(this);
    const nowMs = performance.now();
    for (const viewer of viewers) this.#planner.relayout(viewer, nowMs);
    this.#planner.dispatch(nowMs, viewers);
  }

  viewer(id: string): Viewer | undefined {
    return this.viewers.get(id);
  }

  get trust(): Trust {
    return this.#lostEdges.trust;
  }

  changed(id: string): void {
    this.#options.changed(id, this);
  }

  /** A viewer that was welcomed. With claims it is seated when its neighbours are back too, or the time for that is over. */
  enter(viewer: Viewer): void {
    this.viewers.set(viewer.id, viewer);
    this.emptySinceMs = null;
    this.#trials.admit(viewer);
    this.capacities.welcome(viewer, viewer.proven?.bitsPerSecond ?? null, performance.now());
    this.#lostEdges.welcome(viewer, this.k, performance.now());
    if (viewer.claims) this.#returning.wait(viewer, performance.now());
    else this.#newcomers.push(viewer);
    this.#batch ??= setTimeout(() => this.#seatBatch(), BATCH_MS);
    this.changed(viewer.id);
  }

  /** The same viewer on a new connection: it keeps its seat, and the old connection ends. */
  resume(former: Viewer, viewer: Viewer): void {
    const { shares, leaf, capBitsPerSecond } = viewer;
    viewer.takeOver(former);
    this.viewers.set(viewer.id, viewer);
    this.#planner.transfer(former, viewer);
    this.#newcomers = this.#newcomers.map((newcomer) => (newcomer === former ? viewer : newcomer));
    this.#returning.resume(viewer);
    former.socket.terminate();
    this.sharing(viewer, { shares, leaf, capBitsPerSecond: capBitsPerSecond ?? undefined });
    this.#planner.dispatch(performance.now(), [viewer]);
  }

  leave(viewer: Viewer): void {
    if (this.viewers.get(viewer.id) !== viewer) return;
    this.viewers.delete(viewer.id);
    this.#newcomers = this.#newcomers.filter((newcomer) => newcomer !== viewer);
    for (const part of [this.#lostEdges, this.#returning, this.capacities, this.ledger]) part.forget(viewer.id);
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
    if (!a.shares || !b.shares || this.trust.isConvicted(a.id) || this.trust.isConvicted(b.id)) return false;
    const nowMs = performance.now();
    const recently = (x: Viewer, y: Viewer): boolean => (x.recent.get(y.id) ?? -Infinity) > nowMs;
    const claimed = (x: Viewer, y: Viewer): boolean =>
      (x.claims?.parents.some((edge) => edge.id === y.id) && y.claims?.children.some((edge) => edge.id === x.id)) ??
      false;
    return a.wasTold(b.id) || b.wasTold(a.id) || recently(a, b) || recently(b, a) || claimed(a, b) || claimed(b, a);
  }

  report(viewer: Viewer, report: Extract<FromViewer, { type: 'report' }>): void {
    const nowMs = performance.now();
    takeReport(this, viewer, report, nowMs);
    const used = this.engine.peer(viewer.id)?.nodes.reduce((sum, node) => sum + node.kids.length, 0) ?? 0;
    if (report.uplink) this.capacities.heard(viewer, report.uplink, used, nowMs);
    if (this.#applySlots(viewer)) this.#planner.dispatch(nowMs);
    this.changed(viewer.id);
  }

  /** Words about a layout that is over are out of date. */
  seated(viewer: Viewer, slice: number, id: string, layout = this.layout): void {
    if (layout === this.layout && viewer.planned[slice]?.id === id) this.#planner.seated(viewer, slice);
  }

  /** One edge failed for one viewer [T9]. Words about edges that are not planned change nothing. */
  lost(viewer: Viewer, { slice, id, how, layout = this.layout }: Lost): void {
    if (layout !== this.layout) return;
    const nowMs = performance.now();
    if (this.#returning.has(viewer.id)) return this.#seatReturning(); // no time to wait for the others
    const planned = viewer.planned[slice];
    const isPlanned = planned?.id === id;
    // About a parent that it has just been taken from it is still a witness.
    if (!isPlanned && !viewer.handingOver.some((former) => former.slice === slice && former.id === id)) return;
    if (isPlanned && planned.kind === 'forward') return this.#lostForward(viewer, slice, id, nowMs);
    this.#options.log.debug({ viewer: viewer.id, parent: id, slice, how }, 'an edge is lost');
    this.#lostEdges.hear(viewer, slice, id, how, isPlanned, nowMs);
  }

  #lostForward(viewer: Viewer, slice: number, id: string, nowMs: number): void {
    viewer.badForwards.set(id, nowMs + BAD_FORWARD_MS);
    for (const former of viewer.badForwards.keys()) if (viewer.badForwards.size > 8) viewer.badForwards.delete(former);
    this.engine.touch(viewer.id);
    this.#planner.dispatch(nowMs);
    // With no other forward the plan is the same; it is said again a little later, so that the viewer tries again.
    if (viewer.planned[slice]?.id === id) this.#sayAgain.add(viewer);
  }

  sharing(viewer: Viewer, terms: Pick<Sharing, 'shares' | 'leaf' | 'capBitsPerSecond'>): void {
    const { shares } = terms;
    viewer.leaf = terms.leaf ?? null;
    viewer.capBitsPerSecond = terms.capBitsPerSecond ?? null;
    if (viewer.shares !== shares) {
      viewer.shares = shares;
      if (!shares) viewer.recent.clear();
      this.engine.setShares(viewer.id, shares && !this.#lostEdges.isBanished(viewer.id, performance.now()));
    }
    this.#applySlots(viewer);
    this.#planner.dispatch(performance.now());
    this.changed(viewer.id);
  }

  /** Forwards came or went: direct viewers are given others at once [T12]. */
  forwardsChanged(): void {
    const { engine, forwards } = this;
    for (const peer of engine.trees.peers.values())
      if (peer.nodes.some((node) => node.parent?.peer === null)) engine.trees.touched.add(peer);
    this.#planner.dispatch(performance.now());
    const news = { type: 'forwards' as const, forwards: forwards.named() };
    for (const viewer of this.viewers.values()) viewer.send(news);
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
    this.#lostEdges.tick(nowMs);
    this.ledger.tick(nowMs);
    this.capacities.tick(nowMs);
    this.shape.step(this.capacities.copies(), this.capacities.supply, nowMs);
    this.#reshape();
    for (const viewer of this.viewers.values()) {
      this.#applySlots(viewer);
      this.#tellHistory(viewer, nowMs);
    }
    this.engine.tick(nowMs);
    this.#planner.dispatch(
      nowMs,
      [...this.#sayAgain].filter((viewer) => this.viewers.get(viewer.id) === viewer),
    );
    this.#sayAgain.clear();
    this.#planner.sweep(nowMs);
    if (this.#returning.size > 0) this.#seatBatch();
  }

  /**
   * Every two seconds: where the swarm's delay goes, and how it is to come back should this tracker
   * be lost.
   */
  retarget(nowMs: number): void {
    const heard = [...this.viewers.values()].filter(
      (v) => v.arrivals.length > 0 && nowMs - v.reportedMs < REPORT_COUNTS_MS,
    );
    const settled = heard.filter((viewer) => nowMs - viewer.sinceMs >= SETTLED_MS);
    const arrivals = (settled.length > 0 ? settled : heard).map((viewer) => Math.min(...viewer.arrivals));
    const isNews = this.returns.step(this.viewers.size);
    if (this.target.step(arrivals) === null && !isNews) return;
    const news = { type: 'target' as const, delayMs: this.target.ms, returnMs: this.returns.ms };
    for (const viewer of this.viewers.values()) viewer.send(news);
  }

  /** How large an audience would hold with viewers like these. */
  forecast(): Forecast {
    return forecast({
      copiesPerViewer: this.capacities.copiesPerViewer,
      forwardSlices: this.forwards.slices(),
      k: this.k,
      mostViewers: this.#options.mostViewers,
      uploadCap: this.#options.uploadCap,
      copiesAt: (uploadCap) => this.capacities.copies(uploadCap),
    });
  }

  close(): void {
    if (this.#batch) clearTimeout(this.#batch);
    this.#lostEdges.close();
    this.#trials.close();
    this.viewers.clear();
  }

  /** [T13] What a viewer may serve now. */
  #slotsOf(viewer: Viewer | undefined): number {
    return viewer?.isTrusted && !this.#lostEdges.isLeaf(viewer.id) ? this.capacities.slots(viewer) : 0;
  }

  /** @returns whether anything changed */
  #applySlots(viewer: Viewer): boolean {
    const peer = this.engine.peer(viewer.id);
    const slots = this.#slotsOf(viewer);
    if (!peer || peer.slots === slots) return false;
    this.engine.setSlots(viewer.id, slots);
    return true;
  }

  /** Newcomers have shown for a moment that they stay: they may serve, and the forwards are relieved of their first children at once. */
  #trust(newcomers: readonly Viewer[]): void {
    for (const { id } of newcomers) {
      const viewer = this.viewers.get(id);
      if (viewer) this.#applySlots(viewer);
    }
    this.engine.relieve();
    this.#planner.dispatch(performance.now());
  }

  #tellHistory(viewer: Viewer, nowMs: number): void {
    const capacity = this.capacities.of(viewer.id);
    if (!capacity || !isDue(viewer, nowMs)) return;
    viewer.historyMs = nowMs;
    viewer.send({ type: 'history', token: this.#options.history(capacity.bitsPerSecond) });
  }

  #seatBatch(): void {
    if (this.#batch) clearTimeout(this.#batch);
    this.#batch = null;
    const nowMs = performance.now();
    if (this.#returning.isDue(this.engine, this.forwards.size > 0, nowMs)) this.#seatReturning();
    const newcomers = this.#newcomers;
    this.#newcomers = [];
    this.#trials.begin(newcomers);
    this.engine.join(
      newcomers.map((viewer) => this.#newcomer(viewer)),
      nowMs,
    );
    this.#planner.dispatch(nowMs, newcomers);
  }

  #seatReturning(): void {
    if (this.#returning.size === 0) return;
    const nowMs = performance.now();
    const returned = this.#returning.seat(this.engine, nowMs);
    this.#planner.dispatch(nowMs, returned);
  }

  #newcomer(viewer: Viewer) {
    const shares = viewer.shares && !this.#lostEdges.isBanished(viewer.id, performance.now());
    return { id: viewer.id, slots: this.#slotsOf(viewer), shares, network: viewer.network };
  }
}
