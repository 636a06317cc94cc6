// The console for a browser: the built page, and one WebSocket that carries calls and events (another the preview). In a browser this
// can start programs, so: loopback unless told otherwise, a token, a check of Origin and Host, bounded messages.
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import * as v from 'valibot';
import { WebSocketServer, type WebSocket } from 'ws';
import { ConsoleCall, ConsoleHello, type ConsoleAnswer, type Events, type Outcome } from '../../protocol/control.ts';
import { patience } from '../shared/awake.ts';
import { closeServer, hostInUrl, listen, PATIENCE, sendText, targetOf } from '../shared/http.ts';
import type { Log } from '../shared/log.ts';
import { isOwnPage } from '../shared/own-page.ts';
import { StaticFiles } from '../shared/static-files.ts';

const MAX_MESSAGE_BYTES = 256 * 1024;
const MAX_CONSOLES = 32;
const HELLO_WITHIN_MS = 5_000;
/** A reader that lets this much pile up is closed; it comes back and reads the state anew. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
const MAX_PREVIEW_BUFFERED_BYTES = 4 * 1024 * 1024;
const MAX_CALLS_AT_ONCE = 32;

/** Scripts of its own only; connections go to the systems it shows. */
export const CONSOLE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "font-src 'self'",
  "worker-src 'self' blob:",
  'connect-src * data: blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What the console talks to. */
export interface ConsolePlane {
  call(name: unknown, argument: unknown): Promise<Outcome<unknown>>;
  listen(hear: (event: keyof Events, value: unknown) => void): () => void;
  preview(hear: (data: string | Uint8Array) => void): () => void;
}

export interface ConsoleServerOptions {
  host: string;
  port: number;
  token: string;
  /** The built page. */
  folder: string;
  plane: ConsolePlane;
  log: Log;
}

export class ConsoleServer {
  readonly #options: ConsoleServerOptions;
  readonly #files: StaticFiles;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  readonly #open = new Set<WebSocket>();

  constructor(options: ConsoleServerOptions) {
    this.#options = options;
    this.#files = new StaticFiles(options.folder, {
      'content-security-policy': CONSOLE_POLICY,
      'cross-origin-opener-policy': 'same-origin',
      'x-frame-options': 'DENY',
    });
    this.#server = createServer(PATIENCE, (request, response) => this.#answer(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** @returns the link with the token in it @throws StartError when the port is taken */
  async start(): Promise<string> {
    const { host, token } = this.#options;
    const port = await listen(this.#server, host, this.#options.port, '--console-port');
    return `http://${hostInUrl(host)}:${port}/#token=${token}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.close(1001);
    await closeServer(this.#server);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = targetOf(request);
    if (!isOwnPage(request, undefined))
      return sendText(response, 403, 'Open the console by the address it was given with.\n');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return sendText(response, 405, 'Only GET is answered here.\n');
    if (this.#files.serve(request, response, pathname === '/' ? '/index.html' : pathname)) return;
    if (pathname === '/') return sendText(response, 503, 'The console is not built: run npm run build.\n');
    sendText(response, 404, 'There is only the console here, at /.\n');
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const deny = (status: string): void =>
      void socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    const { pathname } = targetOf(request);
    // [C8] A page of another site can't even begin to guess the token.
    if (!isOwnPage(request, undefined)) return deny('403 Forbidden');
    if (pathname !== '/console' && pathname !== '/preview') return deny('404 Not Found');
    if (this.#open.size >= MAX_CONSOLES) return deny('503 Service Unavailable');
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      this.#open.add(ws);
      ws.on('close', () => this.#open.delete(ws));
      ws.on('error', () => ws.terminate());
      this.#greet(ws, () => (pathname === '/console' ? this.#serve(ws) : this.#show(ws)));
    });
  }

  /** Waits for the hello with the token; then hands over. */
  #greet(socket: WebSocket, welcome: () => void): void {
    const isHere = patience(HELLO_WITHIN_MS, () => socket.close(1008, 'no hello'));
    socket.on('close', isHere);
    socket.once('message', (data) => {
      isHere();
      const hello = v.safeParse(ConsoleHello, parse(String(data as Buffer)));
      if (hello.success && sameText(hello.output.token, this.#options.token)) return welcome();
      say(socket, {
        type: 'refused',
        detail: 'That token is not right. Open the console by the link that p2plive printed.',
      });
      socket.close(1008, 'refused');
    });
  }

  #serve(socket: WebSocket): void {
    const { plane } = this.#options;
    let running = 0;
    say(socket, { type: 'welcome' });
    const stop = plane.listen((name, value) => {
      if (socket.bufferedAmount > MAX_BUFFERED_BYTES) socket.terminate();
      else say(socket, { type: 'event', name, value });
    });
    socket.on('close', stop);
    socket.on('message', (data) => {
      const call = v.safeParse(ConsoleCall, parse(String(data as Buffer)));
      if (!call.success) {
        const id = idOf(parse(String(data as Buffer)));
        if (id === null) return socket.close(1008, 'not a call');
        const outcome = { ok: false as const, reason: 'bad-call' as const, detail: 'There is no such call.' };
        return say(socket, { type: 'answer', id, outcome });
      }
      const { id, name, argument } = call.output;
      if (running >= MAX_CALLS_AT_ONCE)
        return say(socket, {
          type: 'answer',
          id,
          outcome: { ok: false, reason: 'not-now', detail: 'Too many calls at once.' },
        });
      running++;
      void plane.call(name, argument).then((outcome) => {
        running--;
        say(socket, { type: 'answer', id, outcome });
      });
    });
  }

  #show(socket: WebSocket): void {
    const stop = this.#options.plane.preview((data) => {
      // A preview that can't keep up begins anew; the page comes back by itself.
      if (socket.bufferedAmount > MAX_PREVIEW_BUFFERED_BYTES) socket.terminate();
      else if (socket.readyState === socket.OPEN) socket.send(data);
    });
    socket.on('close', stop);
  }
}

const say = (socket: WebSocket, message: ConsoleAnswer): void => {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

const idOf = (message: unknown): number | null => {
  const id = (message as { id?: unknown } | null)?.id;
  return typeof id === 'number' && Number.isFinite(id) ? id : null;
};

function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
