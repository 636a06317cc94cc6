// Reads one server's `/debug/feed`: a snapshot, then numbered changes; comes back by itself. What the rows mean is mesh-merge.ts.
import * as v from 'valibot';
import { WebSocket } from 'ws';
import { applyChanges, FeedMessage, type MeshView, type Row } from '../../protocol/mesh-view.ts';

const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
const RETRY_FIRST_MS = 300;
const RETRY_MOST_MS = 5_000;
const HANDSHAKE_MS = 4_000;

export type FeedState = { is: 'connecting' } | { is: 'open' } | { is: 'refused' | 'lost'; why: string };

export interface FeedEvents {
  /** A row came, changed, or (null) went. */
  row(table: string, id: string, row: Row | null): void;
  state(state: FeedState): void;
}

export class FeedReader {
  /** `http://host:port` of the server. */
  readonly base: string;
  readonly #token: string | undefined;
  readonly #events: FeedEvents;
  #view: MeshView | null = null;
  #socket: WebSocket | null = null;
  #timer: NodeJS.Timeout | null = null;
  #retryMs = RETRY_FIRST_MS;
  #closed = false;

  constructor(base: string, token: string | undefined, events: FeedEvents) {
    this.base = base;
    this.#token = token;
    this.#events = events;
  }

  start(): void {
    if (this.#closed || this.#socket) return;
    this.#timer = null;
    this.#events.state({ is: 'connecting' });
    const query = this.#token === undefined ? '' : `?token=${encodeURIComponent(this.#token)}`;
    const url = `${this.base.replace(/^http/, 'ws').replace(/\/+$/, '')}/debug/feed${query}`;
    const socket = new WebSocket(url, {
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      followRedirects: false,
    });
    this.#socket = socket;
    let end: FeedState = { is: 'lost', why: 'Its connection closed.' };
    socket.on('open', () => {
      this.#retryMs = RETRY_FIRST_MS;
      this.#events.state({ is: 'open' });
    });
    socket.on('unexpected-response', (request, response) => {
      const status = response.statusCode ?? 0;
      end =
        status === 401
          ? { is: 'refused', why: 'It needs its debug token.' }
          : { is: 'lost', why: `It answers with status ${status}.` };
      request.destroy();
      this.#again(socket, end);
    });
    socket.on('error', (error) => (end = { is: 'lost', why: `It is not there (${error.message || 'no answer'}).` }));
    socket.on('message', (data) => this.#hear(socket, String(data as Buffer)));
    socket.on('close', () => this.#again(socket, end));
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#socket?.terminate();
    this.#socket = null;
    this.#drop({});
  }

  #again(socket: WebSocket, end: FeedState): void {
    if (this.#socket !== socket || this.#closed) return;
    this.#socket = null;
    this.#events.state(end);
    this.#timer = setTimeout(() => this.start(), this.#retryMs);
    this.#retryMs = Math.min(RETRY_MOST_MS, this.#retryMs * 1.6);
  }

  #hear(socket: WebSocket, text: string): void {
    let parsed;
    try {
      parsed = v.safeParse(FeedMessage, JSON.parse(text));
    } catch {
      parsed = null;
    }
    if (!parsed?.success) return socket.terminate();
    const message = parsed.output;
    if (message.type === 'snapshot') {
      this.#drop(message.tables);
      this.#view = { serial: message.serial, tables: message.tables };
      for (const [table, rows] of Object.entries(message.tables))
        for (const [id, row] of Object.entries(rows)) this.#events.row(table, id, row);
      return;
    }
    if (!this.#view || !applyChanges(this.#view, message.serial, message.changes)) {
      this.#view = null;
      return socket.send('again'); // a number was skipped: a new snapshot
    }
    for (const change of message.changes)
      this.#events.row(change.table, change.id, change.op === 'put' ? change.row : null);
  }

  /** Says of every row that is in the old view and not in the new tables that it is gone. */
  #drop(tables: MeshView['tables']): void {
    for (const [table, rows] of Object.entries(this.#view?.tables ?? {}))
      for (const id of Object.keys(rows)) if (!tables[table]?.[id]) this.#events.row(table, id, null);
    this.#view = null;
  }
}
