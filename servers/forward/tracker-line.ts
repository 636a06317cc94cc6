// The forward's line to one tracker: says who it is and how loaded, tells stream news at once, hears layouts. Comes back by itself.
import { WebSocket } from 'ws';
import { TrackerToForward, type ForwardRecord, type ForwardToTracker } from '../../protocol/backbone.ts';
import { decodeMessage } from '../../protocol/decode.ts';
import type { SliceCount, StreamState } from '../../protocol/fields.ts';
import { FORWARD_HEARTBEAT_MS, MAX_BACKBONE_CHARS, PROTOCOL_VERSION } from '../../protocol/limits.ts';
import type { Log } from '../shared/log.ts';

export interface TrackerLineHost {
  record(): ForwardRecord;
  egressBitsPerSecond(): number;
  streamBytes(): { name: string; bytes: number }[];
  streams(): { name: string; state: StreamState; epoch: number }[];
  publicKey(): string | null;
  layout(stream: string, k: SliceCount, layout: number): void;
  /** What the tracker at this address says of starts: copies, null for as many as come, undefined for nothing any more. */
  starts(tracker: string, stream: string, copies: number | null | undefined): void;
  /** The connection to this tracker is gone, or did not come about. */
  gone(tracker: string): void;
}

const RETRY_FIRST_MS = 200;
const RETRY_LAST_MS = 2_000;
const HANDSHAKE_MS = 3_000;

export class TrackerLine {
  readonly base: string;
  readonly #host: TrackerLineHost;
  readonly #secret: string | undefined;
  readonly #log: Log;
  #socket: WebSocket | null = null;
  #retryMs = RETRY_FIRST_MS;
  #retry: NodeJS.Timeout | null = null;
  #heartbeat: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(base: string, host: TrackerLineHost, secret: string | undefined, log: Log) {
    this.base = base;
    this.#host = host;
    this.#secret = secret;
    this.#log = log;
  }

  get isUp(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  open(): void {
    if (this.#closed) return;
    const url = `${this.base.replace(/^http/, 'ws')}/forward`;
    const headers = this.#secret === undefined ? {} : { authorization: `Bearer ${this.#secret}` };
    const socket = new WebSocket(url, { headers, handshakeTimeout: HANDSHAKE_MS, perMessageDeflate: false });
    this.#socket = socket;
    socket.on('open', () => {
      this.#retryMs = RETRY_FIRST_MS;
      this.#log.info({ tracker: this.base }, 'joined a tracker');
      this.#send({ type: 'hello', v: PROTOCOL_VERSION, forward: this.#host.record() });
      this.tellStreams();
      this.#heartbeat = setInterval(() => {
        this.#send({
          type: 'heartbeat',
          forward: this.#host.record(),
          egressBitsPerSecond: this.#host.egressBitsPerSecond(),
          streamBytes: this.#host.streamBytes(),
        });
      }, FORWARD_HEARTBEAT_MS);
    });
    socket.on('message', (data: Buffer) => this.#take(data.toString('utf8')));
    socket.on('error', (error) => this.#log.debug({ err: error, tracker: this.base }, 'tracker socket'));
    socket.on('close', () => this.#again());
  }

  tellStreams(): void {
    const publicKey = this.#host.publicKey();
    this.#send({ type: 'streams', streams: this.#host.streams(), ...(publicKey === null ? {} : { publicKey }) });
  }

  tellChild(stream: string, id: string, here: boolean): void {
    this.#send({ type: 'child', stream, id, slice: null, here });
  }

  close(): void {
    this.#closed = true;
    if (this.#retry) clearTimeout(this.#retry);
    if (this.#heartbeat) clearInterval(this.#heartbeat);
    this.#socket?.close(1001);
    this.#socket?.terminate();
  }

  #send(message: ForwardToTracker): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #take(text: string): void {
    const decoded = decodeMessage(TrackerToForward, text, MAX_BACKBONE_CHARS);
    if (!decoded.ok)
      return this.#log.debug({ detail: decoded.refusal.detail }, 'a message of the tracker is not understood');
    const message = decoded.value;
    if (message.type === 'layout') this.#host.layout(message.stream, message.k, message.layout);
    else if (message.type === 'starts') this.#host.starts(this.base, message.stream, message.copies);
    else if (message.type === 'refused')
      this.#log.error({ tracker: this.base, reason: message.reason }, message.detail);
  }

  #again(): void {
    if (this.#heartbeat) clearInterval(this.#heartbeat);
    this.#heartbeat = null;
    this.#socket = null;
    if (this.#closed) return;
    this.#host.gone(this.base);
    this.#retry = setTimeout(() => this.open(), this.#retryMs * (0.75 + Math.random() / 2));
    this.#retryMs = Math.min(RETRY_LAST_MS, this.#retryMs * 2);
  }
}
