// The coordinate put together: its one HTTP server and what hangs on it. Each route's behaviour is in the file named after it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import * as v from 'valibot';
import { WebSocketServer } from 'ws';
import { StreamName } from '../../protocol/fields.ts';
import { awakeMs } from '../shared/awake.ts';
import { DebugFeed } from '../shared/debug-feed.ts';
import { requireFfmpeg } from '../shared/ffmpeg.ts';
import { isServer, mayLook } from '../shared/guard.ts';
import {
  announcedHost,
  closeServer,
  listen,
  PATIENCE,
  sendJson,
  sendText,
  targetOf,
  wantsJson,
} from '../shared/http.ts';
import type { Log } from '../shared/log.ts';
import type { Running } from '../shared/program.ts';
import { clientOf, networkOf } from './backbone/addresses.ts';
import { TrackerRounds } from './backbone/ask-trackers.ts';
import { Carrier } from './backbone/carry.ts';
import { ForwardLinks } from './backbone/forward-links.ts';
import { PublicAddress } from './backbone/public-address.ts';
import { loadRegions } from './backbone/region.ts';
import { Roster } from './backbone/roster.ts';
import { TrackerApi } from './backbone/tracker-api.ts';
import { debugPage, feedTables, snapshot, type DebugParts } from './debug.ts';
import { DEFAULT_STREAM, keyRefusal, Publishing } from './publish-api.ts';
import type { CoordinateSettings } from './settings.ts';
import { loadSigningKey } from './signing-key.ts';
import { Spool } from './spool.ts';
import { Slates } from './slates.ts';
import { Streams } from './streams.ts';
import { Transcodes } from './transcodes.ts';
import { ViewerFiles } from './viewer-files.ts';

/** Headers must be there by then; a body may take for ever: it is a live stream [I1]. */
const SWEEP_MS = 250;
const FEED_MS = 500;
const MAX_MESSAGE_BYTES = 64 * 1024;

export async function startCoordinate(settings: CoordinateSettings, log: Log): Promise<Running> {
  const ffmpeg = requireFfmpeg(settings.ffmpeg);
  const regions = await loadRegions(settings.region, (detail) => log.warn({ detail }, 'region'));
  const server = createServer({ ...PATIENCE, requestTimeout: 0 });
  // An encoder that has sent everything closes at once, while we may still be holding its media back: not to be taken as a break.
  Object.assign(server, { httpAllowHalfOpen: true });
  const port = await listen(server, settings.host, settings.port, '--coordinate-port');
  const coordinate = new Coordinate({ settings, log, ffmpeg, regions, server, port });
  coordinate.start();
  return { ready: coordinate.ready, close: () => coordinate.close() };
}

interface Parts {
  settings: CoordinateSettings;
  log: Log;
  ffmpeg: string;
  regions: Awaited<ReturnType<typeof loadRegions>>;
  server: Server;
  port: number;
}

class Coordinate {
  readonly #parts: Parts;
  readonly #address: PublicAddress;
  readonly #streams: Streams;
  readonly #publishing: Publishing;
  readonly #links: ForwardLinks;
  readonly #roster: Roster;
  readonly #rounds: TrackerRounds;
  readonly #trackerApi: TrackerApi;
  readonly #carrier: Carrier;
  readonly #files: ViewerFiles;
  readonly #slates = new Slates();
  readonly #proxies: ReturnType<typeof networkOf>[];
  readonly #debug: DebugParts;
  readonly #feed = new DebugFeed('coordinate');
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  readonly #timers: NodeJS.Timeout[] = [];
  /** What the feed was told last, as text. */
  readonly #told = new Map<string, string>();

  constructor(parts: Parts) {
    const { settings, log, ffmpeg, regions, port } = parts;
    this.#parts = parts;
    this.#proxies = settings.trustedProxies.map(networkOf);
    const here = settings.publicUrl ?? `http://${announcedHost(settings.host)}:${port}`;
    this.#address = new PublicAddress(here, settings.carry || settings.publicUrl !== undefined);
    const key = loadSigningKey(settings.dataDir, log);
    const { meshSecret } = settings;
    this.#links = new ForwardLinks({ publicKey: key.publicKey, secret: meshSecret }, () => this.#streams.begun(), log);
    this.#streams = new Streams(key, this.#links);
    const transcodes = new Transcodes(settings.maxTranscodes);
    const limits = { transcodes, spool: new Spool(settings.dataDir) };
    this.#publishing = new Publishing(this.#streams, { ...settings, ...limits, ffmpeg }, log);
    this.#roster = new Roster({
      trackerFound: ({ id, region }, again) => {
        log.info({ tracker: id, region }, again ? 'tracker is back' : 'tracker');
        this.#carrier.rosterChanged();
      },
      trackerLost: ({ id }) => log.warn({ tracker: id }, 'tracker lost'),
      forwardsChanged: () => {
        this.#dial();
        this.#carrier.rosterChanged();
      },
    });
    this.#rounds = new TrackerRounds(this.#roster, settings.trackers, meshSecret, log);
    this.#trackerApi = new TrackerApi({
      roster: this.#roster,
      regions,
      streams: this.#streams,
      publicKey: key.publicKey,
      address: this.#address,
      meshSecret,
      proxies: this.#proxies,
      defaultRegion: settings.region.default,
    });
    this.#carrier = new Carrier(this.#roster);
    this.#files = new ViewerFiles(settings.webDir);
    this.#debug = {
      streams: this.#streams,
      publishing: this.#publishing,
      roster: this.#roster,
      links: () => this.#links.facts(),
      publicKey: key.publicKey,
      tunnels: () => this.#carrier.tunnels,
    };
  }

  get ready(): Record<string, unknown> {
    const { base } = this.#address;
    return {
      coordinate: base,
      push: `${base}/stream/${DEFAULT_STREAM}`,
      watch: `${base}/watch/${DEFAULT_STREAM}`,
      port: this.#parts.port,
    };
  }

  start(): void {
    const { server, log } = this.#parts;
    server.on('request', (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        log.error({ err: error }, 'a request failed');
        response.destroy();
      });
    });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      this.#upgrade(request, socket, head);
    });
    this.#dial();
    this.#rounds.start();
    this.#timers.push(
      setInterval(() => this.#roster.sweep(awakeMs()), SWEEP_MS),
      setInterval(() => this.#tellFeed(), FEED_MS),
    );
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#rounds.close();
    this.#publishing.close();
    this.#links.close();
    this.#carrier.close();
    this.#feed.close();
    await closeServer(this.#parts.server);
  }

  #dial(): void {
    this.#links.want([...this.#parts.settings.forwards, ...this.#roster.pushAddresses()]);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = targetOf(request);
    const path = target.pathname;
    const method = request.method ?? 'GET';
    const push = /^\/stream(?:\/([^/]*))?\/?$/.exec(path);
    if (push && (method === 'POST' || method === 'PUT')) return this.#publishing.take(request, response, push[1] ?? '');
    if (method === 'OPTIONS') return preflight(response);
    const slate = /^\/slate\/([^/]+)$/.exec(path)?.[1];
    if (slate !== undefined) return this.#slate(request, response, slate, method);
    switch (path) {
      case '/tracker':
        return this.#trackerApi.answer(request, response);
      case '/tracker/why':
        if (!this.#mayDebug(request)) return refuseDebug(response);
        return this.#explain(response, target.searchParams.get('ip') ?? '');
      case '/streams':
        response.setHeader('access-control-allow-origin', '*');
        return sendJson(response, 200, { streams: this.#streams.news() });
      case '/healthz':
        return sendText(response, 200, 'ok\n');
      case '/readyz': {
        const missing = this.#missing();
        return sendText(response, missing === null ? 200 : 503, `${missing ?? 'ready'}\n`);
      }
      case '/debug': {
        if (!this.#mayDebug(request)) return refuseDebug(response);
        const seen = snapshot(this.#debug);
        return wantsJson(request)
          ? sendJson(response, 200, seen)
          : sendText(response, 200, debugPage(seen), 'text/html; charset=utf-8');
      }
      default:
    }
    if ((method === 'GET' || method === 'HEAD') && this.#files.serve(request, response, path)) return;
    const known =
      'A coordinate answers /, /watch/NAME, /stream/NAME (push), /slate/NAME, /tracker, /streams, /healthz, /readyz and /debug.';
    sendText(response, 404, `${known}\n`);
  }

  async #slate(request: IncomingMessage, response: ServerResponse, name: string, method: string): Promise<void> {
    if (method === 'GET' || method === 'HEAD') return this.#slates.give(response, name, method);
    if (method !== 'PUT' && method !== 'DELETE') return sendText(response, 405, 'GET, PUT or DELETE a slate.\n');
    if (!v.is(StreamName, name)) return sendText(response, 400, 'No stream can have that name.\n');
    const key = keyRefusal(request, name, this.#parts.settings);
    if (key !== null) return sendText(response, 401, `${key}\n`);
    return method === 'PUT' ? this.#slates.take(request, response, name) : this.#slates.remove(response, name);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const target = targetOf(request);
    const { settings } = this.#parts;
    if (target.pathname === '/forward' && isServer(request, settings.meshSecret))
      return this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#links.accept(ws));
    if (target.pathname === '/debug/feed' && this.#mayDebug(request))
      return this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#feed.attach(ws));
    if (
      this.#address.carry !== undefined &&
      this.#carrier.take(request, socket, head, target, clientOf(request, this.#proxies).address)
    )
      return;
    const guarded = target.pathname === '/forward' || target.pathname === '/debug/feed';
    socket.end(
      `HTTP/1.1 ${guarded ? '401 Unauthorized' : '404 Not Found'}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
    );
  }

  #mayDebug(request: IncomingMessage): boolean {
    const { debugToken, publicUrl } = this.#parts.settings;
    return mayLook(request, debugToken, publicUrl);
  }

  async #explain(response: ServerResponse, ip: string): Promise<void> {
    if (isIP(ip) === 0) return sendText(response, 400, 'Ask for an IP address: /tracker/why?ip=203.0.113.7.\n');
    sendText(response, 200, `${await this.#trackerApi.explain(ip)}\n`);
  }

  /** Why viewers could not be served now, or null. */
  #missing(): string | null {
    if (!this.#roster.trackers().some((t) => t.state === 'here')) return 'No tracker is there yet.';
    return this.#links.facts().some((link) => link.state === 'open') ? null : 'No forward is connected yet.';
  }

  #tellFeed(): void {
    const tables = feedTables(snapshot(this.#debug));
    const seen = new Set<string>();
    for (const [name, rows] of Object.entries(tables))
      for (const [id, row] of Object.entries(rows)) {
        const key = `${name}\n${id}`;
        seen.add(key);
        const text = JSON.stringify(row);
        if (this.#told.get(key) === text) continue;
        this.#told.set(key, text);
        this.#feed.put(name, id, row);
      }
    for (const key of this.#told.keys()) {
      if (seen.has(key)) continue;
      this.#told.delete(key);
      const [name = '', id = ''] = key.split('\n');
      this.#feed.drop(name, id);
    }
  }
}

function preflight(response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, HEAD',
    'access-control-max-age': '86400',
  });
  response.end();
}

const refuseDebug = (response: ServerResponse): void =>
  sendText(response, 401, 'Open /debug on this machine, or with ?token= (set by --debug-token).\n');
