// One port for everything: a WebSocket to `/at/<id>/resource` or `/at/<id>/pull` is handed through to that tracker or forward. Only
// ids of the roster are known here, so nobody can be led elsewhere. After the other side agreed the bytes are piped as they are.
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Duplex } from 'node:stream';
import { patience } from '../../shared/awake.ts';
import type { Roster } from './roster.ts';

const MAX_TUNNELS = 20_000;
const CONNECT_MS = 3_000;
const LINGER_MS = 1_000;
const MAX_HEAD_BYTES = 16 * 1024;
const MAX_EARLY_BYTES = 64 * 1024;
/** A tracker may hand out a forward a moment before its next word to us names it: such a viewer waits so long, not longer. */
const UNKNOWN_WAIT_MS = 2_500;
const MAX_WAITING = 500;

/** What is passed on of the viewer's request; above all nothing that could carry a second request with it. */
const PASSED = [
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
  'origin',
  'user-agent',
];

const PATH = /^\/at\/([a-z][A-Za-z0-9_-]{3,40})\/(resource|pull)$/;

export class Carrier {
  readonly #roster: Roster;
  readonly #tunnels = new Set<Duplex>();
  /** Viewers of a server that is not known yet; each looks again when the roster changed. */
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(roster: Roster) {
    this.#roster = roster;
  }

  get tunnels(): number {
    return this.#tunnels.size;
  }

  /**
   * @param clientAddress told to the other side as `x-forwarded-for`
   * @returns false when the path is none of ours
   */
  take(request: IncomingMessage, socket: Duplex, head: Buffer, target: URL, clientAddress: string): boolean {
    const [, id = '', kind] = PATH.exec(target.pathname) ?? [];
    if (kind === undefined) return false;
    const known = this.#addressOf(kind, id);
    if (this.#closed || this.#tunnels.size >= MAX_TUNNELS)
      refuse(socket, '503 Service Unavailable', 'This coordinate carries as many connections as it can.');
    else if (known !== undefined) this.#tunnel(request, socket, head, new URL(known), target.search, clientAddress);
    else
      this.#wait(
        socket,
        () => this.take(request, socket, head, target, clientAddress),
        () => this.#addressOf(kind, id) !== undefined,
      );
    return true;
  }

  /** Trackers or forwards came: who waits for one of them goes on. */
  rosterChanged(): void {
    for (const look of this.#waiting) look();
  }

  close(): void {
    this.#closed = true;
    for (const look of this.#waiting) look();
    for (const socket of this.#tunnels) socket.destroy();
  }

  #addressOf(kind: string, id: string): string | undefined {
    return kind === 'resource' ? this.#roster.tracker(id)?.record.resource : this.#roster.forward(id)?.record.pull;
  }

  #wait(socket: Duplex, goOn: () => void, isKnown: () => boolean): void {
    const unknown = (): void => refuse(socket, '404 Not Found', 'That tracker or forward is not known here.');
    if (this.#waiting.size >= MAX_WAITING) return unknown();
    const leave = (then: (() => void) | null): void => {
      clearTimeout(timer);
      this.#waiting.delete(look);
      socket.off('close', gone);
      then?.();
    };
    const look = (): void => {
      if (isKnown() || this.#closed) leave(goOn);
    };
    const gone = (): void => leave(null);
    const timer = setTimeout(() => leave(unknown), UNKNOWN_WAIT_MS);
    this.#waiting.add(look);
    socket.on('close', gone);
  }

  #tunnel(request: IncomingMessage, socket: Duplex, head: Buffer, to: URL, search: string, client: string): void {
    const secure = to.protocol === 'wss:';
    const host = to.hostname.replace(/^\[|\]$/g, '');
    const port = Number(to.port || (secure ? 443 : 80));
    const upstream: Socket = secure ? connectTls({ host, port, servername: host }) : connect({ host, port });
    upstream.setNoDelay(true);
    this.#tunnels.add(socket);
    let answered = false;
    const end = (): void => {
      stop();
      this.#tunnels.delete(socket);
      upstream.destroy();
      if (!answered && !socket.destroyed) refuse(socket, '502 Bad Gateway', 'That server does not answer.');
      else {
        socket.end(); // what the other side said last still goes out
        setTimeout(() => socket.destroy(), LINGER_MS).unref();
      }
    };
    const stop = patience(CONNECT_MS, end);
    upstream.on('error', end);
    upstream.on('close', end);
    socket.on('error', end);
    socket.on('close', end);
    const early: Buffer[] = head.length > 0 ? [head] : [];
    let earlyBytes = head.length;
    // Until the other side has agreed, what the viewer sends is kept: passed on before, it could be a request of its own.
    const keep = (bytes: Buffer): void => {
      early.push(bytes);
      earlyBytes += bytes.length;
      if (earlyBytes > MAX_EARLY_BYTES) end();
    };
    socket.on('data', keep);
    upstream.once(secure ? 'secureConnect' : 'connect', () => upstream.write(requestHead(request, to, search, client)));
    readHead(
      upstream,
      (reply, rest) => {
        stop();
        answered = true;
        socket.off('data', keep);
        socket.write(reply);
        if (!reply.toString('latin1').startsWith('HTTP/1.1 101 ')) {
          // A refusal: its sentence still goes through, then both ends are closed.
          socket.write(rest);
          upstream.pipe(socket);
          return;
        }
        socket.write(rest);
        for (const bytes of early) upstream.write(bytes);
        upstream.pipe(socket).pipe(upstream);
      },
      end,
    );
  }
}

function requestHead(request: IncomingMessage, to: URL, search: string, client: string): string {
  const lines = [
    `GET ${to.pathname}${search} HTTP/1.1`,
    `host: ${to.host}`,
    'connection: Upgrade',
    'upgrade: websocket',
    `x-forwarded-for: ${client}`,
  ];
  for (const name of PASSED) {
    const value = request.headers[name];
    if (typeof value === 'string') lines.push(`${name}: ${value}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** The answer's head with its blank line, and what came behind it. */
function readHead(socket: Socket, done: (head: Buffer, rest: Buffer) => void, failed: () => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const read = (bytes: Buffer): void => {
    seen = Buffer.concat([seen, bytes]);
    const end = seen.indexOf('\r\n\r\n');
    if (end < 0) {
      if (seen.length > MAX_HEAD_BYTES) failed();
      return;
    }
    socket.off('data', read);
    socket.pause();
    done(seen.subarray(0, end + 4), seen.subarray(end + 4));
  };
  socket.on('data', read);
}

function refuse(socket: Duplex, status: string, sentence: string): void {
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(sentence)}\r\n\r\n${sentence}`,
  );
}
