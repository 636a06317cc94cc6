// Dials the coordinate where it cannot dial this forward, and pulls the same frames over that socket. Comes back by itself.
import { WebSocket } from 'ws';
import type { Log } from '../shared/log.ts';

const RETRY_FIRST_MS = 200;
const RETRY_LAST_MS = 2_000;

export class Upstream {
  readonly #url: string;
  readonly #secret: string | undefined;
  readonly #opened: (socket: WebSocket) => void;
  readonly #log: Log;
  #socket: WebSocket | null = null;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = RETRY_FIRST_MS;
  #closed = false;

  constructor(coordinate: string, secret: string | undefined, opened: (socket: WebSocket) => void, log: Log) {
    this.#url = `${coordinate.replace(/^http/, 'ws').replace(/\/$/, '')}/forward`;
    this.#secret = secret;
    this.#opened = opened;
    this.#log = log;
  }

  open(): void {
    if (this.#closed) return;
    const headers = this.#secret === undefined ? {} : { authorization: `Bearer ${this.#secret}` };
    const socket = new WebSocket(this.#url, {
      headers,
      handshakeTimeout: 3_000,
      perMessageDeflate: false,
      maxPayload: 4 * 1024 * 1024,
    });
    this.#socket = socket;
    socket.on('error', (error) => this.#log.debug({ err: error }, 'upstream socket'));
    socket.on('open', () => {
      this.#retryMs = RETRY_FIRST_MS;
      this.#opened(socket);
    });
    socket.on('close', () => {
      if (this.#closed) return;
      this.#retry = setTimeout(() => this.open(), this.#retryMs * (0.75 + Math.random() / 2));
      this.#retryMs = Math.min(RETRY_LAST_MS, this.#retryMs * 2);
    });
  }

  close(): void {
    this.#closed = true;
    if (this.#retry) clearTimeout(this.#retry);
    this.#socket?.terminate();
  }
}
