// The console's contract over a WebSocket: says the token, numbers its calls, comes back by itself after a break. What the answers
// mean is for others.
import * as v from 'valibot';
import { patiently } from '../../protocol/awake.ts';
import {
  Events,
  type CallName,
  type Calls,
  type ConsoleAnswer,
  type ConsoleWire,
  type Outcome,
} from '../../protocol/control.ts';
import { retryDelayMs } from './retry-delay.ts';
import { keepPreview, type OpenSocket } from './web-preview.ts';

/** How the console and the control plane stand with each other. */
export type WireLink =
  | { is: 'connecting' }
  | { is: 'open' }
  | { is: 'lost'; retryAtMs: number; attempt: number }
  | { is: 'refused'; detail: string };

/** A wire that can break: says how it stands, and tries again at once when asked. */
export interface LinkedWire extends ConsoleWire {
  readonly link: WireLink;
  watchLink(hear: (link: WireLink) => void): () => void;
  retryNow(): void;
  close(): void;
}

export interface WebWireOptions {
  /** ws: or wss: of the control plane, without a path. */
  base: string;
  token: string;
  open?: OpenSocket;
  now?: () => number;
}

/** A server that takes the connection and never says welcome. */
const WELCOME_WITHIN_MS = 10_000;

const BROKEN = {
  ok: false,
  reason: 'not-now',
  detail: 'The connection to the control plane broke before it answered.',
} as const;
const NOT_OPEN = { ok: false, reason: 'not-now', detail: 'The control plane is not connected at the moment.' } as const;

const TIMERS = {
  after(ms: number, call: () => void): () => void {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

export class WebWire implements LinkedWire {
  link: WireLink = { is: 'connecting' };
  readonly #options: WebWireOptions;
  readonly #open: OpenSocket;
  readonly #now: () => number;
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #nextId = 1;
  #isClosed = false;
  readonly #waiting = new Map<number, (outcome: Outcome<unknown>) => void>();
  readonly #listeners = new Set<(event: keyof Events, value: never) => void>();
  readonly #watchers = new Set<(link: WireLink) => void>();
  readonly #previews = new Set<() => void>();

  constructor(options: WebWireOptions) {
    this.#options = options;
    this.#open = options.open ?? ((url) => new WebSocket(url));
    this.#now = options.now ?? (() => Date.now());
  }

  start(): void {
    this.#dial();
  }

  async call<N extends CallName>(name: N, argument: Parameters<Calls[N]>[0]): Promise<Outcome<ReturnType<Calls[N]>>> {
    const socket = this.#socket;
    if (this.link.is !== 'open' || !socket) return NOT_OPEN;
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, (outcome) => resolve(outcome as Outcome<ReturnType<Calls[N]>>));
      socket.send(JSON.stringify({ type: 'call', id, name, argument }));
    });
  }

  listen(hear: <E extends keyof Events>(event: E, value: Events[E]) => void): () => void {
    this.#listeners.add(hear);
    return () => void this.#listeners.delete(hear);
  }

  preview(hear: (data: string | ArrayBuffer) => void): () => void {
    const stop = keepPreview(
      { url: `${this.#options.base}/preview`, token: this.#options.token, open: this.#open },
      hear,
    );
    this.#previews.add(stop);
    return () => {
      this.#previews.delete(stop);
      stop();
    };
  }

  watchLink(hear: (link: WireLink) => void): () => void {
    this.#watchers.add(hear);
    hear(this.link);
    return () => void this.#watchers.delete(hear);
  }

  retryNow(): void {
    if (this.link.is !== 'lost' && this.link.is !== 'refused') return;
    clearTimeout(this.#timer);
    this.#dial();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const stop of this.#previews) stop();
    this.#previews.clear();
    this.#socket?.close();
    this.#settle();
  }

  #dial(): void {
    this.#become({ is: 'connecting' });
    const socket = this.#open(`${this.#options.base}/console`);
    this.#socket = socket;
    const isAnswered = patiently(TIMERS, WELCOME_WITHIN_MS, () => socket.close());
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', token: this.#options.token }));
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (socket !== this.#socket) return;
      isAnswered();
      const message = decode(data);
      if (message) this.#hear(message);
    };
    socket.onclose = () => {
      isAnswered();
      if (socket === this.#socket) this.#broke();
    };
  }

  #hear(message: ConsoleAnswer): void {
    switch (message.type) {
      case 'welcome':
        this.#attempt = 0;
        return this.#become({ is: 'open' });
      case 'refused':
        this.#become({ is: 'refused', detail: message.detail });
        this.#socket?.close();
        return;
      case 'answer':
        this.#waiting.get(message.id)?.(message.outcome);
        this.#waiting.delete(message.id);
        return;
      case 'event':
        for (const listener of this.#listeners) listener(message.name, message.value as never);
    }
  }

  #broke(): void {
    this.#socket = null;
    this.#settle();
    if (this.#isClosed || this.link.is === 'refused') return;
    const ms = retryDelayMs(++this.#attempt);
    this.#become({ is: 'lost', attempt: this.#attempt, retryAtMs: this.#now() + ms });
    this.#timer = setTimeout(() => this.#dial(), ms);
  }

  #settle(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const settle of waiting) settle(BROKEN);
  }

  #become(link: WireLink): void {
    this.link = link;
    for (const watcher of this.#watchers) watcher(link);
  }
}

const Answer = v.object({ type: v.literal('answer'), id: v.number(), outcome: v.looseObject({ ok: v.boolean() }) });
const Refused = v.object({ type: v.literal('refused'), detail: v.string() });
/** Rows of the mesh are read with care where they are used: checking thousands of them here would cost the frame. */
const MeshBatch = v.object({ serial: v.number(), changes: v.array(v.unknown()) });

/** @returns null for what is no message of the contract: it is passed over, as a plane of another release may say more */
function decode(data: unknown): ConsoleAnswer | null {
  if (typeof data !== 'string') return null;
  let message: { type?: unknown; name?: unknown; value?: unknown };
  try {
    message = JSON.parse(data) as typeof message;
  } catch {
    return null; // no JSON
  }
  switch (message.type) {
    case 'welcome':
      return { type: 'welcome' };
    case 'refused':
      return v.is(Refused, message) ? message : { type: 'refused', detail: 'The control plane refused the token.' };
    case 'answer':
      return v.is(Answer, message) ? (message as ConsoleAnswer) : null;
    case 'event': {
      const name = message.name as keyof Events;
      if (!Object.hasOwn(Events, name)) return null;
      const isValid = v.is(name === 'meshChanged' ? MeshBatch : Events[name], message.value);
      if (!isValid) console.warn(`The control plane sent a ${name} that this console can't read.`);
      return isValid ? { type: 'event', name, value: message.value } : null;
    }
    default:
      return null;
  }
}
