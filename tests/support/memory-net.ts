// A net in memory with a hand on the tap: peers, forwards and trackers are ends of wires, time moves only when the test says so.
import type { SignalData } from '../../protocol/signalling.ts';
import type { PeerEnv, PeerWire, PeerWireEvents, Wire, WireEvents } from '../../client/mesh/env.ts';
import { createNodeEnv } from '../../client/node/node-env.ts';
import { seeded } from './random.ts';

/** What a test holds of a socket that a peer has opened: it plays the server. */
export interface ServerEnd {
  url: string;
  /** Everything the peer has sent, oldest first. */
  received: (string | Uint8Array)[];
  /** JSON messages among them. */
  messages(): Record<string, unknown>[];
  send(data: string | Uint8Array | object): void;
  /** Called for each message of the peer. */
  heard: (data: string | Uint8Array) => void;
  close(why?: string): void;
  isClosed: boolean;
}

export interface Call {
  ends: { events: PeerWireEvents; isOpen: boolean; isClosed: boolean; blocked: boolean }[];
}

export class MemoryNet {
  nowMs = 1_000;
  /** How long all machines have slept so far, with their monotonic clocks standing. */
  sleptMs = 0;
  readonly sockets: ServerEnd[] = [];
  /** Called for each socket that a peer opens. */
  accepted: (socket: ServerEnd) => void = () => {};
  /** Connections that peers have made to each other, by call. */
  readonly calls = new Map<string, Call>();
  /** Answers of the coordinate. */
  getJson: (url: string) => unknown = () => {
    throw new Error('no coordinate');
  };
  #timers: { at: number; call: () => void }[] = [];
  readonly #random = seeded(7);

  env(): PeerEnv {
    const node = createNodeEnv();
    return {
      now: () => this.nowMs,
      wallMs: () => this.nowMs + this.sleptMs,
      after: (ms, call) => this.after(ms, call),
      random: () => this.#random(),
      getJson: async (url) => this.getJson(url),
      socket: (url, events) => this.#socket(url, events),
      peer: (options, events) => this.#peer(options.call, events),
      sha256: (bytes) => node.sha256(bytes),
      verify: (publicKey, signature, message) => node.verify(publicKey, signature, message),
    };
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.nowMs + ms, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** Lets time pass in steps (of a millisecond, unless told otherwise), with everything that is due in order. */
  async pass(ms: number, stepMs = 1): Promise<void> {
    await settle();
    for (const end = this.nowMs + ms; this.nowMs < end;) {
      this.nowMs += stepMs;
      const due = this.#timers.filter((timer) => timer.at <= this.nowMs);
      this.#timers = this.#timers.filter((timer) => timer.at > this.nowMs);
      for (const timer of due) timer.call();
      if (due.length > 0) await settle();
    }
    await settle();
  }

  /** The newest open socket to an address that contains this. */
  socketTo(part: string): ServerEnd {
    const found = this.sockets.findLast((socket) => socket.url.includes(part) && !socket.isClosed);
    if (!found) throw new Error(`no open socket to ${part}; there are ${this.sockets.map((s) => s.url).join(', ')}`);
    return found;
  }

  #socket(url: string, events: WireEvents): Wire {
    const end: ServerEnd = {
      url,
      received: [],
      isClosed: false,
      heard: () => {},
      messages: () =>
        end.received
          .filter((d): d is string => typeof d === 'string')
          .map((text) => JSON.parse(text) as Record<string, unknown>),
      send: (data) => {
        const out = typeof data === 'string' || data instanceof Uint8Array ? data : JSON.stringify(data);
        this.after(1, () => {
          if (!end.isClosed) events.message(out);
        });
      },
      close: (why = 'closed') => {
        if (end.isClosed) return;
        end.isClosed = true;
        events.closed(why);
      },
    };
    this.sockets.push(end);
    this.accepted(end);
    this.after(1, () => events.open());
    return {
      send: (data) => {
        end.received.push(data);
        this.after(1, () => end.heard(data));
      },
      bufferedBytes: 0,
      close: () => {
        end.isClosed = true;
      },
    };
  }

  #peer(id: string, events: PeerWireEvents): PeerWire {
    const call: Call = this.calls.get(id) ?? { ends: [] };
    this.calls.set(id, call);
    const mine = { events, isOpen: false, isClosed: false, blocked: false };
    call.ends.push(mine);
    const isInitiator = call.ends.length === 1;
    const other = (): Call['ends'][number] | undefined => call.ends.find((end) => end !== mine);
    if (isInitiator) this.after(1, () => events.signal({ kind: 'offer', call: id, sdp: 'offer' }));
    const open = (): void => {
      for (const end of call.ends) {
        end.isOpen = true;
        this.after(1, () => end.events.open());
      }
    };
    return {
      signal: (data: SignalData) => {
        if (data.kind === 'offer') events.signal({ kind: 'answer', call: id, sdp: 'answer' });
        else if (data.kind === 'answer') open();
      },
      send: (data) => {
        const to = other();
        if (!to || mine.blocked || !mine.isOpen) return;
        this.after(1, () => {
          if (!to.isClosed) to.events.message(data);
        });
      },
      bufferedBytes: 0,
      close: () => {
        mine.isClosed = true;
        const to = other();
        this.after(1, () => {
          if (to && !to.isClosed) to.events.closed('closed by the other side');
        });
      },
    };
  }
}

/** Lets promises of the code under test come to rest: hashing and verifying are chains of them. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
