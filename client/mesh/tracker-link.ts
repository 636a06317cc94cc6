// The line to the tracker: hello (or "here I am again"), messages both ways, and coming back by
// itself. The clock's pings are pinging.ts; when a lost tracker is called again is backoff.ts.
import { patiently } from '../../protocol/awake.ts';
import { decodeMessage } from '../../protocol/decode.ts';
import { MAX_BACKBONE_CHARS, PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { FromTracker, type Edge, type FromViewer, type PeerRole } from '../../protocol/signalling.ts';
import type { Backoff } from './backoff.ts';
import { RemoteClock } from './clock.ts';
import type { PeerEnv, Wire } from './env.ts';
import { Pinging } from './pinging.ts';
import type { Terms } from './terms.ts';

/** From dialling to the welcome; a tracker with thousands of newcomers takes a while. */
const WELCOME_WITHIN_MS = 8_000;
/** How often it is asked whether the next call is due. */
const LOOK_EVERY_MS = 50;
/** Failed calls after which the address is doubted. */
const DOUBT_AFTER = 3;

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
  /** One of the clocks has jumped, or this machine did not run for a while. */
  clockJumped(): void;
}

interface Hello {
  stream: string;
  role: PeerRole;
  /** What the uplink may be used for, and what is signed about it. */
  terms: Terms['hello'];
}

export class TrackerLink {
  readonly clock = new RemoteClock();
  state: TrackerLinkState = 'waiting';
  readonly #env: PeerEnv;
  readonly #hello: Hello;
  readonly #backoff: Backoff;
  readonly #events: TrackerLinkEvents;
  readonly #pinging: Pinging;
  #wire: Wire | null = null;
  #me: { id: string; secret: string } | null = null;
  #failures = 0;
  #cancel: () => void = () => {};
  #closed = false;
  #address: { url: string; ticket: string | undefined } | null = null;

  constructor(env: PeerEnv, hello: Hello, backoff: Backoff, events: TrackerLinkEvents) {
    this.#env = env;
    this.#hello = hello;
    this.#backoff = backoff;
    this.#events = events;
    this.#pinging = new Pinging(env, {
      ping: (t) => this.send({ type: 'ping', t }),
      unanswered: () => this.#lost(),
    });
  }

  /** It is there, and lets a question go unanswered. */
  get isSilent(): boolean {
    return this.#pinging.isOverdue;
  }

  /**
   * Connects, or moves to another tracker. The one that is being called anyway is only given the
   * ticket.
   */
  open(url: string, ticket: string | undefined): void {
    if (this.#closed) return;
    const isSame = this.#address?.url === url;
    this.#address = { url, ticket };
    if (isSame) return;
    this.#drop();
    this.#failures = 0;
    this.#whenDue();
  }

  /** A fresh ticket for the next connection; this one stands. */
  renew(ticket: string | undefined): void {
    if (this.#address) this.#address = { ...this.#address, ticket };
  }

  send(message: FromViewer): void {
    if (this.state === 'joined') this.#wire?.send(JSON.stringify(message));
  }

  /** At each tick: has this machine slept, or a clock been set? */
  look(): void {
    const seen = this.clock.look(this.#env.now(), this.#env.wallMs());
    if (seen === null) return;
    this.#events.clockJumped();
    this.measure();
  }

  /** Nothing has come for a while: is the tracker there at all? */
  ask(): void {
    if (this.state === 'joined') this.#pinging.once();
  }

  /** Asks for the coordinate's clock at once. */
  measure(): void {
    if (this.state === 'joined') this.#pinging.again();
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

  /** Calls the tracker now, or when its turn has come. */
  #whenDue(): void {
    if (this.#closed || !this.#address) return;
    if (this.#backoff.mayCall(this.#address.url)) return this.#connect(this.#address);
    this.#cancel = this.#env.after(LOOK_EVERY_MS, () => this.#whenDue());
  }

  #connect({ url, ticket }: { url: string; ticket: string | undefined }): void {
    this.#set('connecting');
    this.#cancel = patiently(this.#env, WELCOME_WITHIN_MS, () => this.#lost());
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
    this.#pinging.heard();
    if (message.type === 'welcome') {
      this.#me = { id: message.id, secret: message.secret };
      this.#failures = 0;
      this.#cancel();
      if (this.#address) this.#backoff.answered(this.#address.url);
      this.#set('joined');
      this.#pinging.again();
    } else if (message.type === 'pong') {
      this.look();
      if (this.clock.observe(message.t, this.#env.now(), message.coordinateMs, message.uncertainMs)) {
        this.#events.clockJumped();
        this.measure();
      }
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

  #lost(): void {
    const stood = this.state === 'joined';
    this.#drop();
    this.#set('waiting');
    this.#failures++;
    if (this.#address) this.#backoff.failed(this.#address.url, stood);
    // The coordinate is asked as well: it may know another tracker, but it may also be gone while
    // this one comes back.
    if (this.#failures >= DOUBT_AFTER) this.#events.unreachable();
    this.#whenDue();
  }

  #drop(): void {
    this.#cancel();
    this.#pinging.stop();
    const wire = this.#wire;
    this.#wire = null;
    wire?.close();
  }
}
