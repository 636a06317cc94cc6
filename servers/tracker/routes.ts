// The tracker's doors: which path leads where, and who may enter. What happens behind them is tracker.ts.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ForwardRecord, TrackerRecord } from '../../protocol/backbone.ts';
import { MAX_BACKBONE_CHARS, MAX_SIGNAL_CHARS } from '../../protocol/limits.ts';
import { isServer, mayEnter, mayLook } from '../shared/guard.ts';
import { PATIENCE, sendJson, sendText, targetOf, wantsJson } from '../shared/http.ts';
import { debugPage, type debugJson } from './debug.ts';
import type { Wanted } from './shape.ts';

/** Message caps count UTF-16 code units; a WebSocket counts UTF-8 bytes. */
const UTF8_PER_CHAR = 3;

export interface RoutesOwner {
  readonly meshSecret: string | undefined;
  readonly debugToken: string | undefined;
  readonly publicUrl: string | undefined;
  /** Another viewer's connection would be one too many. */
  isFull(): boolean;
  isReady(): boolean;
  record(): TrackerRecord;
  forwardRecords(): ForwardRecord[];
  debug(): ReturnType<typeof debugJson>;
  viewerCame(socket: WebSocket, request: IncomingMessage): void;
  forwardCame(socket: WebSocket): void;
  readerCame(socket: WebSocket): void;
  /** @returns false when no such viewer is here */
  endViewer(id: string): boolean;
  /** @returns false when nobody watches such a stream here */
  shape(stream: string, wanted: Partial<Wanted>): boolean;
}

export function createRoutes(owner: RoutesOwner): Server {
  const viewers = webSockets(MAX_SIGNAL_CHARS * UTF8_PER_CHAR);
  const forwards = webSockets(MAX_BACKBONE_CHARS * UTF8_PER_CHAR);
  const readers = webSockets(1_024);
  const server = createServer(PATIENCE, (request, response) => answer(owner, request, response));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const take = (sockets: WebSocketServer, then: (ws: WebSocket) => void): void =>
      sockets.handleUpgrade(request, socket, head, then);
    switch (targetOf(request).pathname) {
      case '/resource':
        if (owner.isFull()) return deny(socket, '503 Service Unavailable');
        return take(viewers, (ws) => owner.viewerCame(ws, request));
      case '/forward':
        if (!isServer(request, owner.meshSecret)) return deny(socket, '401 Unauthorized');
        return take(forwards, (ws) => owner.forwardCame(ws));
      case '/debug/feed':
        if (!mayLook(request, owner.debugToken, owner.publicUrl)) return deny(socket, '401 Unauthorized');
        return take(readers, (ws) => owner.readerCame(ws));
      default:
        return deny(socket, '404 Not Found');
    }
  });
  return server;
}

function answer(owner: RoutesOwner, request: IncomingMessage, response: ServerResponse): void {
  const [, viewer] = /^\/viewers\/([A-Za-z0-9_-]{1,60})$/.exec(targetOf(request).pathname) ?? [];
  if (request.method === 'DELETE' && viewer !== undefined) return endViewer(owner, request, response, viewer);
  const [, stream] = /^\/streams\/([A-Za-z0-9_-]{1,64})\/slices$/.exec(targetOf(request).pathname) ?? [];
  if (request.method === 'PUT' && stream !== undefined) return setSlices(owner, request, response, stream);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return sendText(response, 405, 'Only GET is answered here.\n');
  switch (targetOf(request).pathname) {
    case '/healthz':
      return sendText(response, 200, 'ok\n');
    case '/readyz':
      if (owner.isReady()) return sendText(response, 200, 'ready\n');
      return sendText(response, 503, 'No forward is connected yet.\n');
    case '/forwards':
      if (!isServer(request, owner.meshSecret))
        return sendText(response, 401, 'The shared secret is missing or wrong.\n');
      return sendJson(response, 200, { tracker: owner.record(), forwards: owner.forwardRecords() });
    case '/debug':
      if (!mayLook(request, owner.debugToken, owner.publicUrl))
        return sendText(response, 401, 'Open this page with ?token= and the debug token.\n');
      if (wantsJson(request)) return sendJson(response, 200, owner.debug());
      return sendText(response, 200, debugPage(owner.debug()), 'text/html; charset=utf-8');
    default:
      return sendText(response, 404, 'A tracker answers /resource, /forwards, /healthz, /readyz and /debug.\n');
  }
}

/** For another server of ours, or whoever has the debug token. */
const mayAct = ({ meshSecret, debugToken }: RoutesOwner, request: IncomingMessage): boolean =>
  isServer(request, meshSecret) || (debugToken !== undefined && mayEnter(request, debugToken));

function endViewer(owner: RoutesOwner, request: IncomingMessage, response: ServerResponse, viewer: string): void {
  if (!mayAct(owner, request))
    return sendText(response, 401, 'Ending a viewer needs the debug token or the shared secret.\n');
  if (owner.endViewer(viewer)) return sendText(response, 200, 'ended\n');
  sendText(response, 404, 'That viewer is not here any more.\n');
}

const SLICES: Readonly<Record<string, Wanted['k']>> = { '1': 1, '2': 2, '4': 4, auto: 'auto' };
const PARITY: Readonly<Record<string, Wanted['parity']>> = { auto: 'auto', on: 'on', off: 'off' };

/** [T14] [T17] How many slices a stream is cut into from now on, and whether parity is sent along. */
function setSlices(owner: RoutesOwner, request: IncomingMessage, response: ServerResponse, stream: string): void {
  if (!mayAct(owner, request))
    return sendText(response, 401, 'Changing the slices needs the debug token or the shared secret.\n');
  const { searchParams } = targetOf(request);
  const [k, parity] = [SLICES[searchParams.get('k') ?? ''], PARITY[searchParams.get('parity') ?? '']];
  if ((k === undefined && (searchParams.has('k') || parity === undefined)) || (searchParams.has('parity') && !parity))
    return sendText(response, 400, 'Say ?k=1, 2, 4 or auto, or ?parity=auto, on or off.\n');
  const wanted = { ...(k === undefined ? {} : { k }), ...(parity === undefined ? {} : { parity }) };
  if (owner.shape(stream, wanted)) return sendText(response, 200, 'changed\n');
  sendText(response, 404, `Nobody watches ${stream} here.\n`);
}

const deny = (socket: Duplex, line: string): void =>
  void socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);

const webSockets = (maxPayload: number): WebSocketServer =>
  new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false });
