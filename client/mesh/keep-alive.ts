// What a peer says of itself at regular times: to its neighbours (alive), to forwards (ack), to the tracker (report).
import { KEEP_ALIVE_MS } from '../../protocol/limits.ts';
import type { PeerMessage } from '../../protocol/peering.ts';
import type { FromViewer, ViewerState } from '../../protocol/signalling.ts';
import { Arrivals } from './arrivals.ts';
import type { Children } from './children.ts';
import type { Links } from './links.ts';
import type { UnitStore } from './store.ts';
import type { Supply } from './supply.ts';
import type { Supplies } from './supplies.ts';
import type { Uplink } from './uplink.ts';

/** Even where media flows all the time, path and newest units are told this often. */
const ALIVE_AT_LEAST_MS = 800;

/** What the peer's player knows and the tracker should hear. */
export interface PlayerReport {
  /** How late after its source time media becomes playable here; absent: the arrival of units says it. */
  arrivals?: Arrivals;
  bufferMs?: number;
  delay?: { ms: number; isSinceCapture: boolean } | null;
  /** The picture should move and does not. */
  isStanding?: boolean;
  stalls: { count: number; ms: number };
  hidden: boolean;
}

export interface Neighbourhood {
  now: () => number;
  store: UnitStore;
  supplies: Supplies;
  children: Children;
  links: () => Links | null;
  uplink: Uplink;
  /** Units that the player went past. */
  skipped: () => number;
}

export class KeepAlive {
  readonly arrivals = new Arrivals();
  readonly #at: Neighbourhood;
  /** When each link was last told. */
  readonly #toldMs = new Map<string, number>();
  #receipts = new Map<string, number>();

  constructor(at: Neighbourhood) {
    this.#at = at;
  }

  /** A genuine slice came from this link. */
  receipt(slice: number, from: string, bytes: number): void {
    const key = `${slice}.${from}`;
    this.#receipts.set(key, (this.#receipts.get(key) ?? 0) + bytes);
  }

  toNeighbours(): void {
    const { now, supplies, children } = this.#at;
    const links = this.#at.links();
    if (!links) return;
    const nowMs = now();
    const inUse = supplies.inUse();
    for (const child of children.list()) inUse.add(child.id);
    links.sweep(inUse);
    if (this.#toldMs.size > 128) this.#toldMs.clear();
    for (const link of links.open()) {
      const isBusy =
        nowMs - link.sentMs < KEEP_ALIVE_MS && nowMs - (this.#toldMs.get(link.id) ?? 0) < ALIVE_AT_LEAST_MS;
      if (link.kind !== 'peer' || isBusy) continue;
      this.#toldMs.set(link.id, nowMs);
      for (const supply of supplies.all()) link.send(this.#alive(supply));
    }
  }

  #alive(supply: Supply): PeerMessage {
    const { store, children, uplink } = this.#at;
    const { K } = supply;
    const slices = supply.substreams.map((sub) => sub.k);
    return {
      type: 'alive',
      epoch: store.epoch,
      of: K,
      newest: slices.map((k) => store.newestOf(k, K)),
      path: slices.map((k) => supply.path(k)),
      heights: slices.map((k) => children.height(k, K)),
      backlogMs: uplink.backlogMs,
    };
  }

  /** Receipts to forwards, which see lag by them. */
  toForwards(): void {
    for (const link of this.#at.links()?.open() ?? [])
      if (link.kind === 'forward')
        link.send({ type: 'ack', epoch: this.#at.store.epoch, unit: link.newest, bytes: link.receivedBytes });
  }

  /** Of what is played, where there is a player: sound may come later than the picture in the same units. */
  delays(player: PlayerReport): Arrivals {
    return player.arrivals ?? this.arrivals;
  }

  report(state: ViewerState, player: PlayerReport): FromViewer {
    const { uplink } = this.#at;
    const nowMs = this.#at.now();
    const received = this.#at.links()?.totals() ?? { forward: 0, peers: 0, duplicate: 0 };
    const arrivalMs = this.delays(player).p95(nowMs);
    const receipts = [...this.#receipts]
      .slice(0, 16)
      .map(([key, bytes]) => ({ slice: Number(key[0]), id: key.slice(2), bytes }));
    this.#receipts = new Map();
    return {
      type: 'report',
      state: state === 'playing' && player.isStanding === true ? 'starving' : state,
      ...(arrivalMs === null ? {} : { arrivalMs: Math.max(0, arrivalMs) }),
      ...(player.bufferMs === undefined ? {} : { bufferMs: player.bufferMs }),
      ...(player.delay ? { delay: { ms: player.delay.ms, sinceCapture: player.delay.isSinceCapture } } : {}),
      newest: this.#at.store.newest,
      received: { forward: received.forward, peers: received.peers },
      sent: uplink.sentBytes,
      uplink: uplink.meter.word(nowMs),
      skipped: this.#at.skipped(),
      duplicateBytes: received.duplicate,
      gave: uplink.takeGiven().slice(0, 32),
      stalls: player.stalls,
      hidden: player.hidden,
      receipts,
      children: this.#at.children.list().slice(0, 32),
    };
  }
}
