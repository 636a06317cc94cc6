// The line to the tracker: hello (or "here I am again"), messages both ways, the clock's pings, and coming back by itself.
import { decodeMessage } from '../../protocol/decode.ts';
import { MAX_BACKBONE_CHARS, PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { FromTracker, type Edge, type FromViewer, type PeerRole } from '../../protocol/signalling.ts';
import { RemoteClock } from './clock.ts';
import type { PeerEnv, Wire } from './env.ts';
import type { Terms } from './terms.ts';

/** Five pings at the start, then one every half minute (MESH, "Clock"). */
const PING_AT_MS = [0, 150, 300, 500, 800];
const PING_EVERY_MS = 30_000;
/** After a lost tracker everybody comes back within this time, spread out. */
const RETURN_JITTER_MS = 3_000;

export type TrackerLinkState = 'waiting' | 'connecting' | 'joined' | 'refused';

export interface TrackerLinkEvents {
  message(message: FromTracker): void;
  /** What to say after a lost connection. */
  seating(): { parents: Edge[]; children: Edge[] };
  /** The address did not answer several times: ask the coordinate again. */
  unreachable(): void;
  /** An operator ended this session: there is no coming back by itself. */
  removed(): void;
  state(state: TrackerLinkState): void;
}

interface Hello {
  stream: string;
  role: PeerRole;
  /** What the uplink may be used for, and what is signed about it. */
  terms: Terms['hello'];
}

/** Failed attempts after which the address is doubted. */
const DOUBT_AFTER = 3;

export class TrackerLink {
  readonly clock = new RemoteClock();
  state: TrackerLinkState = 'waiting';
  readonly #env: PeerEnv;
  readonly #hello: Hello;
  readonly #events: TrackerLinkEvents;
  #wire: Wire | null = null;
  #me: { id: string; secret: string } | null = null;
  #failures = 0;
  #cancelRetry: (() => void) | null = null;
  #cancelPings: (() => void)[] = [];
  #closed = false;
  #address: { url: string; ticket: string | undefined } | null = null;

  constructor(env: PeerEnv, hello: Hello, events: TrackerLinkEvents) {
    this.#env = env;
    this.#hello = hello;
    this.#events = events;
  }

  /** Connects, or moves to another tracker. */
  open(url: string, ticket: string | undefined): void {
    if (this.#closed) return;
    this.#address = { url, ticket };
    this.#failures = 0;
    this.#connect();
  }

  /** A fresh ticket for the next connection; this one stands. */
  renew(ticket: string | undefined): void {
    if (this.#address) this.#address = { ...this.#address, ticket };
  }

  send(message: FromViewer): void {
    if (this.state === 'joined') this.#wire?.send(JSON.stringify(message));
  }

  close(): void {
    if (this.#closed) return;
    this.send({ type: 'leave' });
    this.#closed = true;
    this.#drop();
  }

  #set(state: TrackerLinkState): void {
    if (this.state === state) return;
    this.state = state;
    this.#events.state(state);
  }

  #connect(): void {
    if (this.#closed || !this.#address) return;
    this.#drop();
    this.#set('connecting');
    const { url, ticket } = this.#address;
    const wire = this.#env.socket(url, {
      open: () => {
        const { stream, role, terms } = this.#hello;
        const again = this.#me && { ...this.#me, ...this.#events.seating() };
        const hello: FromViewer = {
          type: 'hello',
          v: PROTOCOL_VERSION,
          stream,
          role,
          ...terms(),
          ...(ticket === undefined ? {} : { ticket }),
          ...(again ? { again } : {}),
        };
        wire.send(JSON.stringify(hello));
      },
      message: (data) => {
        if (typeof data === 'string' && wire === this.#wire) this.#take(data);
      },
      closed: () => {
        if (wire === this.#wire) this.#lost();
      },
    });
    this.#wire = wire;
  }

  #take(text: string): void {
    const decoded = decodeMessage(FromTracker, text, MAX_BACKBONE_CHARS);
    if (!decoded.ok) return; // a newer tracker may say more than we know
    const message = decoded.value;
    if (message.type === 'welcome') {
      this.#me = { id: message.id, secret: message.secret };
      this.#failures = 0;
      this.#set('joined');
      this.#ping();
    } else if (message.type === 'pong') {
      this.clock.observe(message.t, this.#env.now(), message.coordinateMs, message.uncertainMs);
    } else if (message.type === 'refused' && message.reason === 'removed') {
      this.#set('refused');
      this.#events.message(message);
      return this.#events.removed();
    } else if (message.type === 'refused') {
      if (this.state === 'joined') return; // one message of ours was refused; the line stands
      this.#set('refused');
      // A ticket that is used up, or a tracker that is full: the coordinate knows better.
      this.#failures = DOUBT_AFTER;
    }
    this.#events.message(message);
  }

  #ping(): void {
    const ping = (): void => this.send({ type: 'ping', t: this.#env.now() });
    const regular = (): void => {
      ping();
      this.#cancelPings = [this.#env.after(PING_EVERY_MS, regular)];
    };
    this.#cancelPings = [...PING_AT_MS.map((ms) => this.#env.after(ms, ping)), this.#env.after(PING_EVERY_MS, regular)];
  }

  #lost(): void {
    this.#drop();
    this.#set('waiting');
    this.#failures++;
    const backoffMs = this.#failures <= 1 ? 200 : Math.min(5_000, 400 * this.#failures);
    const waitMs = backoffMs + this.#env.random() * Math.min(RETURN_JITTER_MS, 600 * this.#failures);
    this.#cancelRetry = this.#env.after(waitMs, () => {
      if (this.#failures >= DOUBT_AFTER) this.#events.unreachable();
      else this.#connect();
    });
  }

  #drop(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    for (const cancel of this.#cancelPings) cancel();
    this.#cancelPings = [];
    const wire = this.#wire;
    this.#wire = null;
    wire?.close();
  }
}
