// The table of links: one per peer or forward, opened on demand, told of signals, closed when nobody has used it for a while.
import { Bucket } from '../../protocol/bucket.ts';
import type { IceServer } from '../../protocol/fields.ts';
import type { SignalData } from '../../protocol/signalling.ts';
import type { Backoff } from './backoff.ts';
import type { PeerEnv, PeerWire, WireEvents } from './env.ts';
import { Link, type LinkEvents, type LinkOptions } from './link.ts';

/** More lines than any seat in the trees needs; further offers are ignored. */
const MAX_LINKS = 32;
/** An unused line is kept this long: it is the quickest stand-in there is. */
const IDLE_MS = 12_000;

/** [P18] Offers taken from one peer: so many at once, then one every other second. */
const OFFER_BURST = 6;
const OFFERS_PER_SECOND = 0.5;
/** Callers remembered; more than any plan names. */
const MAX_CALLERS = 64;

export interface LinksEnvironment {
  env: PeerEnv;
  /** Everything of LinkOptions that is the same for all links. */
  common: Omit<LinkOptions, 'id' | 'kind'>;
  iceServers: () => readonly IceServer[];
  sendSignal: (to: string, data: SignalData) => void;
  drained: () => void;
  /** When a forward that does not answer is called again. */
  backoff: Backoff;
}

interface Entry {
  link: Link;
  wire: PeerWire | null;
  call: string | null;
  initiator: boolean;
  usedMs: number;
  /** Of a forward. */
  url?: string;
  /** It has let us in. */
  greeted?: boolean;
}

/** Media bytes as they came off the wires. */
export interface Received {
  forward: number;
  peers: number;
  duplicate: number;
  made: number;
}

function addTo(sum: Received, link: Link): void {
  sum[link.kind === 'forward' ? 'forward' : 'peers'] += link.receivedBytes;
  sum.duplicate += link.duplicateBytes;
  sum.made += link.madeBytes;
}

export class Links {
  readonly #at: LinksEnvironment;
  readonly #events: LinkEvents;
  readonly #table = new Map<string, Entry>();
  readonly #callers = new Map<string, Bucket>();
  readonly #gone: Received = { forward: 0, peers: 0, duplicate: 0, made: 0 };

  constructor(at: LinksEnvironment, events: LinkEvents) {
    this.#at = at;
    this.#events = {
      ...events,
      greeted: (link) => {
        const entry = this.#table.get(link.id);
        if (entry) entry.greeted = true;
        if (entry?.url !== undefined) at.backoff.answered(entry.url);
        events.greeted?.(link);
      },
      closed: (link, why) => {
        if (this.#table.get(link.id)?.link === link) this.#gaveUp(link.id);
        events.closed(link, why);
      },
    };
  }

  get(id: string): Link | undefined {
    return this.#table.get(id)?.link;
  }

  open(): Link[] {
    return [...this.#table.values()].filter((e) => e.link.state === 'open').map((e) => e.link);
  }

  all(): Link[] {
    return [...this.#table.values()].map((e) => e.link);
  }

  /** The link to a peer, opened if there is none. Null when the table is full. */
  toPeer(id: string): Link | null {
    const known = this.#use(id);
    if (known) return known;
    if (this.#table.size >= MAX_LINKS) return null;
    return this.#dial(id, null);
  }

  /**
   * The link to a forward, dialled if there is none. Null while it does not answer and its next
   * call is not due: whoever needs it asks again at the next tick.
   * @param isOurs it is a parent by the plan, as it is of few
   */
  toForward(id: string, url: string, isOurs = false): Link | null {
    const known = this.#use(id);
    if (known) return known;
    if (!this.#at.backoff.mayCall(url, isOurs)) return null;
    const link = new Link({ ...this.#at.common, id, kind: 'forward' }, this.#events);
    this.#table.set(id, { link, wire: null, call: null, initiator: true, usedMs: this.#at.env.now(), url });
    link.connect((events) => this.#at.env.socket(url, events));
    return link;
  }

  /** A signal that the tracker passed on from another peer. */
  signal(from: string, data: SignalData): void {
    const entry = this.#table.get(from);
    if (data.kind !== 'offer') {
      if (entry?.call === data.call) entry.wire?.signal(data);
      return;
    }
    if (!this.#mayCall(from)) return;
    if (entry) {
      // Both called at once: the call of the smaller id stands.
      if (entry.link.state === 'opening' && entry.initiator && this.#at.common.self < from) return;
      entry.link.close(false);
      this.#remove(from);
      // Who waits for this link keeps waiting for its id; a link that was open is lost first.
      if (entry.link.sentMs > 0) this.#events.closed(entry.link, 'called again');
    } else if (this.#table.size >= MAX_LINKS) return;
    this.#dial(from, data);
  }

  /** Each offer costs a connection: who makes them without end is not listened to. */
  #mayCall(id: string): boolean {
    const nowMs = this.#at.env.now();
    let caller = this.#callers.get(id);
    if (!caller) {
      caller = new Bucket(OFFER_BURST, OFFERS_PER_SECOND, nowMs);
      const oldest = this.#callers.keys().next().value;
      if (this.#callers.size >= MAX_CALLERS && oldest !== undefined) this.#callers.delete(oldest);
      this.#callers.set(id, caller);
    }
    return caller.take(nowMs);
  }

  /** Marks links in use and closes those that nobody has needed for a while. */
  sweep(inUse: ReadonlySet<string>): void {
    const nowMs = this.#at.env.now();
    for (const [id, entry] of this.#table) {
      if (inUse.has(id)) entry.usedMs = nowMs;
      else if (nowMs - entry.usedMs > IDLE_MS) this.drop(id);
    }
  }

  /** @param farewell false: the other side is gone, or wants no more of us */
  drop(id: string, farewell = true): void {
    const entry = this.#table.get(id);
    if (!entry) return;
    if (farewell) this.#remove(id);
    else this.#gaveUp(id);
    entry.link.close(farewell);
  }

  close(): void {
    for (const id of this.#table.keys()) this.drop(id);
  }

  /** Media bytes over all links, those that are gone included. */
  totals(): Received {
    const sum = { ...this.#gone };
    for (const { link } of this.#table.values()) addTo(sum, link);
    return sum;
  }

  #remove(id: string): void {
    const entry = this.#table.get(id);
    if (entry) addTo(this.#gone, entry.link);
    this.#table.delete(id);
  }

  #gaveUp(id: string): void {
    const { url, greeted } = this.#table.get(id) ?? {};
    this.#remove(id);
    // A forward that was started again has another name: the link by its old one says nothing
    // against it.
    const isThere = [...this.#table.values()].some((other) => other.url === url && other.greeted);
    if (url !== undefined && !isThere) this.#at.backoff.failed(url, greeted);
  }

  #use(id: string): Link | null {
    const entry = this.#table.get(id);
    if (!entry) return null;
    entry.usedMs = this.#at.env.now();
    return entry.link;
  }

  #dial(id: string, offer: Extract<SignalData, { kind: 'offer' }> | null): Link {
    const { env, common } = this.#at;
    const call = offer?.call ?? Math.floor(env.random() * 2 ** 48).toString(36);
    const link = new Link({ ...common, id, kind: 'peer' }, this.#events);
    const entry: Entry = { link, wire: null, call, initiator: offer === null, usedMs: env.now() };
    this.#table.set(id, entry);
    link.connect((events: WireEvents) => {
      entry.wire = env.peer(
        { initiator: offer === null, call, iceServers: this.#at.iceServers() },
        { ...events, signal: (data) => this.#at.sendSignal(id, data), drained: () => this.#at.drained() },
      );
      if (offer) entry.wire.signal(offer);
      return entry.wire;
    });
    return link;
  }
}
