// The sockets to all forwards: one outgoing for each push address that is known, and those that forwards opened themselves. Every
// link lives by itself: a dead or slow one is dialled again, and delays nobody.
import { WebSocket } from 'ws';
import type { Log } from '../../shared/log.ts';
import type { Stream, StreamAudience } from '../stream.ts';
import { ForwardFeed, type FeedFacts } from './forward-feed.ts';

const BACKOFF_MS = { first: 200, most: 2_000 };
const HANDSHAKE_MS = 3_000;
const MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_FORWARDS = 4_096;

type Link =
  | { is: 'dialling'; socket: WebSocket; tries: number }
  | { is: 'open'; socket: WebSocket; feed: ForwardFeed }
  | { is: 'waiting'; timer: NodeJS.Timeout; tries: number; why: string };

export interface LinkFacts {
  key: string;
  /** null: it dialled in. */
  push: string | null;
  state: Link['is'];
  why: string;
  feed: FeedFacts | null;
}

export class ForwardLinks implements StreamAudience {
  readonly #publicKey: string;
  readonly #secret: string | undefined;
  readonly #streams: () => readonly Stream[];
  readonly #log: Log;
  readonly #dialled = new Map<string, Link>();
  readonly #accepted = new Map<WebSocket, ForwardFeed>();
  #serial = 0;
  #closed = false;

  constructor(about: { publicKey: string; secret: string | undefined }, streams: () => readonly Stream[], log: Log) {
    this.#publicKey = about.publicKey;
    this.#secret = about.secret;
    this.#streams = streams;
    this.#log = log;
  }

  /** These push addresses and no others are to be dialled. */
  want(addresses: Iterable<string>): void {
    if (this.#closed) return;
    const wanted = new Set([...addresses].slice(0, MAX_FORWARDS));
    for (const [push, link] of this.#dialled) {
      if (wanted.has(push)) continue;
      this.#dialled.delete(push);
      end(link);
      this.#log.info({ push }, 'forward forgotten');
    }
    for (const push of wanted) if (!this.#dialled.has(push)) this.#dial(push, 0);
  }

  /** A forward dialled in; the caller has checked that it may. */
  accept(socket: WebSocket): void {
    if (this.#closed || this.#accepted.size >= MAX_FORWARDS) return socket.close(1013, 'full');
    socket.on('error', () => socket.terminate());
    socket.on('close', () => this.#accepted.delete(socket));
    this.#accepted.set(socket, this.#feed(socket, 'a forward that dialled in'));
  }

  stateChanged(stream: Stream): void {
    for (const feed of this.#feeds()) feed.state(stream);
  }

  unitSealed(stream: Stream, wire: Buffer, about: { init: boolean; key: boolean }): void {
    for (const feed of this.#feeds()) feed.unit(stream, wire, about);
  }

  facts(): LinkFacts[] {
    const dialled = [...this.#dialled].map(([push, link]) => ({
      key: push,
      push,
      state: link.is,
      why: link.is === 'waiting' ? link.why : '',
      feed: link.is === 'open' ? link.feed.facts : null,
    }));
    const accepted = [...this.#accepted.values()].map((feed, i) => ({
      key: feed.facts.id ?? `in-${i}`,
      push: null,
      state: 'open' as const,
      why: 'it dialled in',
      feed: feed.facts,
    }));
    return [...dialled, ...accepted];
  }

  close(): void {
    this.#closed = true;
    for (const link of this.#dialled.values()) end(link);
    this.#dialled.clear();
    for (const socket of this.#accepted.keys()) socket.terminate();
    this.#accepted.clear();
  }

  *#feeds(): Iterable<ForwardFeed> {
    for (const link of this.#dialled.values()) if (link.is === 'open') yield link.feed;
    yield* this.#accepted.values();
  }

  #feed(socket: WebSocket, who: string): ForwardFeed {
    return new ForwardFeed(socket, this.#publicKey, this.#streams(), (detail) =>
      this.#log.warn({ forward: who, detail }, 'forward refuses'),
    );
  }

  #dial(push: string, tries: number): void {
    const headers = this.#secret === undefined ? {} : { authorization: `Bearer ${this.#secret}` };
    const socket = new WebSocket(push, {
      headers,
      handshakeTimeout: HANDSHAKE_MS,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
    });
    const serial = ++this.#serial;
    const mine = (): boolean => {
      const link = this.#dialled.get(push);
      return link !== undefined && link.is !== 'waiting' && link.socket === socket;
    };
    let why = 'the connection ended';
    socket.on('error', (error) => {
      why = error.message;
      socket.terminate();
    });
    socket.on('open', () => {
      if (!mine()) return socket.terminate();
      socket.off('close', retry);
      this.#dialled.set(push, { is: 'open', socket, feed: this.#feed(socket, push) });
      this.#log.info({ push, serial }, 'forward connected');
      socket.on('close', () => {
        if (!mine()) return;
        this.#log.warn({ push, why }, 'forward lost');
        this.#again(push, 0, why);
      });
    });
    const retry = (): void => {
      if (mine()) this.#again(push, tries + 1, why);
    };
    socket.on('close', retry);
    this.#dialled.set(push, { is: 'dialling', socket, tries });
  }

  #again(push: string, tries: number, why: string): void {
    if (this.#closed) return;
    const ms = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** tries) * (0.8 + 0.4 * Math.random());
    const timer = setTimeout(() => this.#dial(push, tries), ms);
    this.#dialled.set(push, { is: 'waiting', timer, tries, why });
  }
}

function end(link: Link): void {
  if (link.is === 'waiting') clearTimeout(link.timer);
  else link.socket.terminate();
}
