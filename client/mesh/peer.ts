// A peer of the mesh, in any runtime: finds its tracker, joins, takes slices from parents, checks them, passes them on to children
// and hands whole units to whoever plays them, in order. The parts decide; this file connects them.
import { streamTag, type UnitHead } from '../../protocol/chunk.ts';
import type { IceServer, SliceCount, StreamState } from '../../protocol/fields.ts';
import { ACK_EVERY_MS, KEEP_ALIVE_MS, MAX_SIGNAL_CHARS, VIEWER_REPORT_MS } from '../../protocol/limits.ts';
import type { PeerMessage } from '../../protocol/peering.ts';
import type { FromTracker, LeafReason, ViewerState } from '../../protocol/signalling.ts';
import { base64UrlBytes } from './base64url.ts';
import { Children } from './children.ts';
import type { PeerEnv } from './env.ts';
import { Finder } from './finder.ts';
import { Journal } from './journal.ts';
import { KeepAlive, type PlayerReport } from './keep-alive.ts';
import type { Link } from './link.ts';
import { Links } from './links.ts';
import type { PeerEvents, PeerOptions } from './peer-options.ts';
import { totalsOf, type PeerTotals } from './peer-totals.ts';
import { Playout } from './playout.ts';
import { Quiet, Rounds } from './rounds.ts';
import { Servers } from './servers.ts';
import { UnitStore } from './store.ts';
import { Terms } from './terms.ts';
import { Supplies } from './supplies.ts';
import { CATCH_UP_MS, Taking } from './taking.ts';
import { TrackerLink } from './tracker-link.ts';
import { Uplink } from './uplink.ts';
import { Verifier } from './verifier.ts';

const TICK_MS = 30;
/** Tickets open doors for ten minutes; a forward may be needed at any time. */
const TICKET_EVERY_MS = 4 * 60_000;

export class MeshPeer {
  readonly store = new UnitStore();
  readonly tracker: TrackerLink;
  readonly supplies: Supplies;
  readonly children: Children;
  readonly playout: Playout;
  readonly journal: Journal;
  streamState: StreamState = 'waiting';
  /** Why the tracker or the coordinate said no, if it did. */
  problem: string | null = null;
  /** Own reports are asked for here. */
  player: () => PlayerReport = () => ({ stalls: { count: 0, ms: 0 }, hidden: false });
  readonly #env: PeerEnv;
  readonly #options: PeerOptions;
  readonly #events: PeerEvents;
  readonly #finder: Finder;
  readonly #uplink: Uplink;
  readonly #regular: KeepAlive;
  readonly #servers: Servers;
  readonly #rounds: Rounds;
  readonly #quiet = new Quiet();
  #catchesUpMs = Number.NEGATIVE_INFINITY;
  readonly #verifier: Verifier;
  readonly #taking: Taking;
  #links: Links | null = null;
  #id: string | null = null;
  readonly #terms: Terms;
  #iceServers: readonly IceServer[] = [];
  #ticket: string | undefined;
  #closed = false;

  constructor(env: PeerEnv, options: PeerOptions, events: PeerEvents) {
    this.#env = env;
    this.#options = options;
    this.#events = events;
    this.#terms = new Terms(options);
    const now = (): number => env.now();
    this.#servers = new Servers(env);
    this.#rounds = new Rounds(env);
    this.playout = new Playout(this.store, () => this.coordinateMs(), events);
    this.#uplink = new Uplink(now);
    this.#verifier = new Verifier(env, options.stream, new Uint8Array(32));
    this.journal = new Journal(now);
    this.supplies = new Supplies({
      now,
      random: () => env.random(),
      self: () => this.#id ?? '',
      store: this.store,
      links: () => this.#mustLinks(),
      forwards: () => this.#servers.forwards,
      tell: (message) => this.tracker.send(message),
      note: (text) => this.journal.note(text),
      nextUnit: () => this.playout.next,
      isLive: () => this.streamState === 'live',
      feeds: (k, K) => this.children.has(k, K),
      playedMs: (sourceMs) => this.playout.playedMs(sourceMs, env.now()),
    });
    this.children = new Children({
      now,
      store: this.store,
      uplink: this.#uplink,
      K: () => this.supplies.newest?.K ?? 0,
      shares: () => this.#terms.shares,
      supplied: (K) => this.supplies.of(K),
    });
    this.supplies.ended = (K) => this.children.layoutEnded(K);
    if (options.capBitsPerSecond !== undefined) this.#uplink.setCap(options.capBitsPerSecond);
    this.#regular = new KeepAlive({
      now,
      store: this.store,
      supplies: this.supplies,
      children: this.children,
      links: () => this.#links,
      uplink: this.#uplink,
      skipped: () => this.playout.skipped,
    });
    this.#taking = new Taking({
      env,
      store: this.store,
      verifier: this.#verifier,
      supplies: this.supplies,
      children: this.children,
      playout: this.playout,
      regular: this.#regular,
      coordinateMs: () => this.coordinateMs(),
      isClosed: () => this.#closed,
      spoilt: (link, head) => this.#spoilt(link, head),
    });
    this.tracker = new TrackerLink(
      env,
      { stream: options.stream, role: options.role, terms: () => this.#terms.hello() },
      this.#servers.backoff,
      {
        message: (message) => this.#fromTracker(message),
        seating: () => ({
          parents: this.supplies
            .parents()
            .map(({ slice, id }) => ({ slice, id }))
            .slice(0, 8),
          children: this.children.list().slice(0, 16),
        }),
        unreachable: () => this.#finder.find(),
        removed: () => this.close(),
        state: () => events.changed(),
        clockJumped: () => this.#woke(),
      },
    );
    this.#finder = new Finder(env, options, this.#servers.backoff, {
      found: (assignment) => {
        this.problem = null;
        this.#verifier.setKey(base64UrlBytes(assignment.publicKey));
        this.#ticket = assignment.ticket;
        // Asked again for the key or a fresh ticket: whoever is seated stays where it is.
        if (this.tracker.state === 'joined') return this.tracker.renew(assignment.ticket);
        this.#setState(assignment.state);
        this.tracker.open(assignment.tracker, assignment.ticket);
      },
      failed: (sentence) => {
        this.problem = sentence;
        events.changed();
      },
    });
  }

  start(): void {
    this.#finder.find();
    const { every } = this.#rounds;
    every(TICKET_EVERY_MS, () => this.#finder.find());
    every(TICK_MS, () => this.#tick());
    every(KEEP_ALIVE_MS, () => this.#regular.toNeighbours());
    every(ACK_EVERY_MS, () => this.#regular.toForwards());
    every(VIEWER_REPORT_MS, () => this.playout.heedDelays(this.#regular.delays(this.player()).p99(this.#env.now())));
    every(VIEWER_REPORT_MS, this.#report);
  }

  /** Bye to everybody; for pagehide and the program's end. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#rounds.close();
    this.#finder.close();
    this.#links?.close();
    this.tracker.close();
  }

  get id(): string | null {
    return this.#id;
  }

  get shares(): boolean {
    return this.#terms.shares;
  }

  /** false: from now on no peer connection, and those that are open end. */
  setShares(shares: boolean): void {
    if (this.#terms.shares === shares) return;
    this.#terms.shares = shares;
    this.tracker.send(this.#terms.sharing());
    if (shares) return;
    this.children.clear();
    for (const link of this.#links?.all() ?? []) {
      if (link.kind !== 'peer') continue;
      this.#links?.drop(link.id);
      this.#closedLink(link, 'closed');
    }
  }

  /** Why it feeds nobody for now, though others feed it; null: it does. */
  setLeaf(leaf: LeafReason | null): void {
    if (this.#terms.leaf === leaf) return;
    this.#terms.leaf = leaf;
    this.tracker.send(this.#terms.sharing());
  }

  /** The coordinate's clock, milliseconds; null until known. */
  coordinateMs(): number | null {
    return this.tracker.clock.at(this.#env.now());
  }

  /** false: whoever could give this peer media, or name somebody who can, does not answer. */
  get serversAnswer(): boolean {
    return !this.tracker.isSilent && this.#servers.answer(this.tracker.state === 'joined');
  }

  get state(): ViewerState {
    if (this.streamState === 'ended') return 'ended';
    if (this.tracker.state !== 'joined' && this.playout.next === 0) return this.#id === null ? 'finding' : 'joining';
    if (this.playout.next === 0) return this.supplies.current === null ? 'joining' : 'buffering';
    // Without a clock nothing is late by it.
    const isStill = this.coordinateMs() === null && this.#quiet.isQuiet;
    return this.playout.isLate || isStill ? 'starving' : 'playing';
  }

  totals(): PeerTotals {
    return totalsOf(this.#links?.totals(), { uplink: this.#uplink, supplies: this.supplies, playout: this.playout });
  }

  readonly #report = (): void => {
    this.tracker.send(this.#regular.report(this.state, this.player()));
    if (this.streamState === 'live' && this.#quiet.isDue(this.store.newest)) this.tracker.ask();
  };

  /** Delays so far are wrong by as much as a clock has jumped; what comes next was held up here. */
  #woke(): void {
    this.journal.note('a clock has jumped, or this machine has slept: the clock is measured again');
    this.#catchesUpMs = this.#env.now() + CATCH_UP_MS;
  }

  #mustLinks(): Links {
    if (!this.#links) throw new Error('no links before the welcome');
    return this.#links;
  }

  #setState(state: StreamState): void {
    if (this.streamState === state) return;
    this.streamState = state;
    this.#events.changed();
  }

  #fromTracker(message: FromTracker): void {
    switch (message.type) {
      case 'welcome':
        return this.#welcomed(message);
      case 'plan':
        return this.supplies.follow(message);
      case 'child':
        return this.children.expect(message.slice, message.id, message.expected, message.of);
      case 'signal':
        if (this.#terms.shares) this.#links?.signal(message.from, message.data);
        return;
      case 'target':
        this.playout.swarmDelayMs = message.delayMs;
        return this.#servers.told({ returnMs: message.returnMs });
      case 'stream':
        if (message.publicKey !== undefined) this.#verifier.setKey(base64UrlBytes(message.publicKey));
        return this.#setState(message.state);
      case 'forwards':
        return this.#servers.told(message);
      case 'refused':
        this.problem = message.detail;
        return this.#events.changed();
      case 'history':
        this.#terms.history = message.token;
        this.#events.remember?.(message.token);
        return;
      case 'pong':
        return;
    }
  }

  #welcomed(message: Extract<FromTracker, { type: 'welcome' }>): void {
    this.problem = null;
    this.#iceServers = message.iceServers;
    this.#servers.told(message);
    this.playout.swarmDelayMs = message.targetDelayMs;
    this.children.forgetExpectations();
    if (this.#id !== message.id) {
      // Another tracker gave another name: the old edges are nobody's any more.
      this.#links?.close();
      this.#id = message.id;
      this.#links = this.#newLinks(message.id);
    }
    this.#setState(message.state);
    this.supplies.welcomed(message.k, message.layout);
    this.#events.changed();
  }

  #newLinks(self: string): Links {
    return new Links(
      {
        env: this.#env,
        common: {
          stream: this.#options.stream,
          streamTag: streamTag(this.#options.stream),
          self,
          ticket: () => this.#ticket,
          now: () => this.#env.now(),
          wants: (epoch, unit, k, K) => this.#wants(epoch, unit, k, K),
        },
        iceServers: () => this.#iceServers,
        sendSignal: (to, data) => {
          if (JSON.stringify(data).length < MAX_SIGNAL_CHARS) this.tracker.send({ type: 'signal', to, data });
        },
        drained: () => this.#uplink.pump(),
        backoff: this.#servers.backoff,
      },
      {
        opened: (link) => this.supplies.opened(link),
        message: (link, message) => this.#fromLink(link, message),
        slice: (link, slice) => void this.#taking.slice(link, slice),
        duplicate: (link, fragment) => this.#taking.again(link, fragment),
        original: (link, slice) => void this.#taking.original(link, slice),
        closed: (link, why) => this.#closedLink(link, link.state === 'closed' && why === 'bye' ? 'bye' : 'closed'),
      },
    );
  }

  #fromLink(link: Link, message: PeerMessage): void {
    switch (message.type) {
      case 'subscribe':
        return this.children.subscribe(link, message);
      case 'unsubscribe':
        return this.children.unsubscribe(link, message);
      case 'want':
        return this.children.want(link, message);
      case 'refused':
        if (message.what === 'hello') {
          this.#links?.drop(link.id, false);
          return this.#closedLink(link, 'refused');
        }
        return this.supplies.refused(link, message);
      case 'stream':
        if (link.kind === 'forward') this.#setState(message.state);
        return;
      case 'measure':
        if (link.kind === 'forward' && this.#terms.mayBeMeasured) this.#uplink.meter.probe.send(link, this.#env.now());
        return;
      case 'probed':
        if (link.kind !== 'forward') return;
        this.#uplink.meter.probe.answered(message.bitsPerSecond);
        return this.#report();
      case 'ping':
        return link.send({ type: 'pong', t: message.t });
      case 'bye':
        this.#links?.drop(link.id, false);
        return this.#closedLink(link, 'bye');
      case 'hello':
      case 'alive':
      case 'probe':
      case 'ack':
      case 'pong':
        return;
    }
  }

  /** Cheap: asked for each fragment. What is cut in another way than the layout says comes too late or too early. */
  #wants(epoch: number, unit: number, k: number, K: SliceCount): boolean {
    const cut = epoch === this.store.epoch ? this.supplies.slicesOf(unit) : null;
    return (cut === null || cut === K) && this.store.wants(epoch, unit, k, K);
  }

  /** [W5] one bad slice convicts its sender; a newer epoch may mean a restarted coordinate with another key. */
  #spoilt(link: Link, { epoch }: UnitHead): void {
    if (epoch > this.store.epoch) this.#finder.refreshKey();
    else if (link.kind === 'peer') {
      this.#links?.drop(link.id);
      this.#closedLink(link, 'bad-slice');
    }
  }

  #closedLink(link: Link, how: 'bye' | 'closed' | 'bad-slice' | 'refused'): void {
    this.children.gone(link);
    this.supplies.lost(link, how);
  }

  #tick(): void {
    this.tracker.look();
    if (this.#env.now() < this.#catchesUpMs) this.#regular.delays(this.player()).clear();
    if (!this.#links) return;
    this.supplies.tick();
    this.children.sweep();
    this.#uplink.pump();
    this.playout.give();
  }
}
