// The forward: takes sealed units in (push), serves viewers (pull), keeps in touch with its trackers. Connects the parts; what each
// does is in its own file.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ForwardRecord } from '../../protocol/backbone.ts';
import { MAX_PEER_MESSAGE_CHARS, MAX_UNIT_BYTES } from '../../protocol/limits.ts';
import { accept, refuse, type Result } from '../../protocol/refusal.ts';
import type { Slice } from '../../protocol/slice.ts';
import { patience } from '../shared/awake.ts';
import { DebugFeed } from '../shared/debug-feed.ts';
import { checkTicket, isServer, mayLook } from '../shared/guard.ts';
import {
  announcedHost,
  closeServer,
  hostInUrl,
  listen,
  PATIENCE,
  sendJson,
  sendText,
  targetOf,
  wantsJson,
} from '../shared/http.ts';
import type { Log } from '../shared/log.ts';
import type { Running } from '../shared/program.ts';
import { debugPage, type ForwardDebug } from './debug-page.ts';
import { Egress } from './egress.ts';
import { FanOut } from './fan-out.ts';
import { Intake } from './intake.ts';
import { Pings } from './pings.ts';
import { Session } from './session.ts';
import type { ForwardSettings } from './settings.ts';
import type { BufferedUnit, StreamBuffer } from './stream-buffer.ts';
import { Streams } from './streams.ts';
import { Tickets } from './tickets.ts';
import { TrackerLine } from './tracker-line.ts';
import { Upstream } from './upstream.ts';

const MAX_SESSIONS = 10_000;
/** Half-open sockets are found by an unanswered ping. */
const PING_MS = 5_000;
const HELLO_LIMIT_MS = 5_000;

export async function startForward(settings: ForwardSettings, log: Log): Promise<Running> {
  const forward = new Forward(settings, log);
  return { ready: await forward.open(), close: () => forward.close() };
}

class Forward {
  readonly #settings: ForwardSettings;
  readonly #log: Log;
  readonly #id: string;
  readonly #egress = new Egress();
  readonly #feed = new DebugFeed('forward', () => this.#showAll());
  readonly #streams = new Streams();
  /** Who has brought what a stream holds now. */
  readonly #sources = new Map<StreamBuffer, Intake>();
  readonly #sessions = new Set<Session>();
  readonly #pings = new Pings();
  readonly #tickets = new Tickets();
  readonly #intakes = new Set<Intake>();
  readonly #trackers: TrackerLine[];
  readonly #upstream: Upstream | null;
  readonly #push: Server = createServer(PATIENCE, (q, s) => this.#answer(q, s));
  readonly #pull: Server = createServer(PATIENCE, (q, s) => this.#answer(q, s));
  readonly #pushSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_UNIT_BYTES + 1_024,
    perMessageDeflate: false,
  });
  readonly #pullSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PEER_MESSAGE_CHARS * 4,
    perMessageDeflate: false,
  });
  readonly #fanOut = new FanOut<Session, BufferedUnit>((session, unit) => session.push(unit));
  #timers: NodeJS.Timeout[] = [];
  #publicKey: string | null = null;
  #ingressBytes = 0;
  #slices = 0;
  #addresses = { push: '', pull: '', debug: '' };
  #isClosed = false;

  constructor(settings: ForwardSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
    this.#id = settings.id ?? `f${randomBytes(6).toString('hex')}`;
    const host = {
      record: () => this.#record(),
      egressBitsPerSecond: () => this.#egress.bitsPerSecond,
      streamBytes: () => this.#egress.streams(),
      streams: () => [...this.#streams.all()].map(({ name, state, epoch }) => ({ name, state, epoch })),
      publicKey: () => this.#publicKey,
      layout: (name: string, k: 1 | 2 | 4, layout: number) => {
        const stream = this.#awaited(name);
        if (stream) Object.assign(stream, { k, layout });
      },
      starts: (tracker: string, name: string, copies: number | null | undefined) =>
        this.#awaited(name)?.starts.tell(tracker, copies),
      gone: (tracker: string) => this.#streams.trackerGone(tracker),
    };
    this.#trackers = settings.trackers.map(
      (base) => new TrackerLine(base.replace(/\/$/, ''), host, settings.meshSecret, log),
    );
    this.#upstream =
      settings.upstream === undefined
        ? null
        : new Upstream(settings.upstream, settings.meshSecret, (s) => this.#intake(s), log);
  }

  async open(): Promise<Record<string, unknown>> {
    const { host } = this.#settings;
    const pushPort = await listen(this.#push, host, this.#settings.pushPort, '--push-port');
    const pullPort = await listen(this.#pull, host, this.#settings.pullPort, '--pull-port').catch(
      async (error: unknown) => {
        await closeServer(this.#push);
        throw error;
      },
    );
    const name = announcedHost(host);
    const base = this.#settings.publicUrl?.replace(/\/$/, '').replace(/^http/, 'ws');
    this.#addresses = {
      push: this.#settings.pushUrl ?? (base ? `${base}/push` : `ws://${name}:${pushPort}/push`),
      pull: this.#settings.pullUrl ?? (base ? `${base}/pull` : `ws://${name}:${pullPort}/pull`),
      debug: `http://${host === '0.0.0.0' ? '127.0.0.1' : hostInUrl(host)}:${pullPort}/debug`,
    };
    this.#upgrades(
      this.#push,
      '/push',
      this.#pushSockets,
      (request) => isServer(request, this.#settings.meshSecret),
      (socket) => this.#intake(socket),
    );
    this.#upgrades(
      this.#pull,
      '/pull',
      this.#pullSockets,
      () => this.#sessions.size < MAX_SESSIONS,
      (socket) => this.#session(socket),
    );
    for (const tracker of this.#trackers) tracker.open();
    this.#upstream?.open();
    this.#timers = [setInterval(() => this.#tick(), 1_000), setInterval(() => this.#pings.round(), PING_MS)];
    return { ...this.#addresses, pushPort, pullPort, id: this.#id };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const tracker of this.#trackers) tracker.close();
    this.#upstream?.close();
    for (const intake of this.#intakes) intake.close();
    for (const session of this.#sessions) session.socket.close(1001, 'shutting-down');
    this.#feed.close();
    await Promise.all([closeServer(this.#push), closeServer(this.#pull)]);
  }

  #upgrades(
    server: Server,
    path: string,
    sockets: WebSocketServer,
    allowed: (request: IncomingMessage) => boolean,
    opened: (socket: WebSocket) => void,
  ): void {
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      const { pathname } = targetOf(request);
      const turnAway = (status: string): void => {
        socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`);
      };
      if (pathname === '/debug/feed') {
        if (!mayLook(request, this.#settings.debugToken, this.#settings.publicUrl)) return turnAway('401 Unauthorized');
        return this.#pullSockets.handleUpgrade(request, socket, head, (ws) => this.#feed.attach(ws));
      }
      if (pathname !== path) return turnAway('404 Not Found');
      if (!allowed(request)) return turnAway(path === '/push' ? '401 Unauthorized' : '503 Service Unavailable');
      sockets.handleUpgrade(request, socket, head, opened);
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = targetOf(request);
    switch (pathname) {
      case '/healthz':
        return sendText(response, 200, 'ok\n');
      case '/readyz': {
        const isReady = this.#trackers.some((t) => t.isUp);
        return sendText(response, isReady ? 200 : 503, isReady ? 'ready\n' : 'No tracker is connected yet.\n');
      }
      case '/load':
        return wantsJson(request)
          ? sendJson(response, 200, { load: this.#load(), children: this.#slices, sessions: this.#sessions.size })
          : sendText(response, 200, `${this.#load()}\n`);
      case '/debug': {
        if (!mayLook(request, this.#settings.debugToken, this.#settings.publicUrl))
          return sendText(response, 401, 'This page needs the debug token: add ?token=... to the address.\n');
        const state = this.#debug();
        return wantsJson(request)
          ? sendJson(response, 200, state)
          : sendText(response, 200, debugPage(state), 'text/html; charset=utf-8');
      }
      default:
        return sendText(
          response,
          404,
          'A forward answers /load, /debug, /healthz and /readyz; viewers use the WebSocket /pull.\n',
        );
    }
  }

  #record(): ForwardRecord {
    const { push, pull, debug } = this.#addresses;
    return {
      id: this.#id,
      ...(this.#upstream ? {} : { push }),
      pull,
      debug,
      region: this.#settings.region,
      load: this.#load(),
      children: this.#slices,
      maxChildren: this.#settings.maxChildren,
    };
  }

  /** 0 idle .. 1 full, by slices served and by bits sent, whichever is nearer its limit. */
  #load(): number {
    const { maxChildren, maxEgressBitsPerSecond } = this.#settings;
    const bySlices = maxChildren === 0 ? 1 : this.#slices / maxChildren;
    const byBits = maxEgressBitsPerSecond === undefined ? 0 : this.#egress.bitsPerSecond / maxEgressBitsPerSecond;
    return Math.round(Math.max(bySlices, byBits) * 1_000) / 1_000;
  }

  #awaited(name: string): StreamBuffer | null {
    return this.#streams.awaited(name, () => new Set([...this.#sessions].flatMap((s) => s.stream?.name ?? [])));
  }

  #intake(socket: WebSocket): void {
    const intake: Intake = new Intake(
      socket,
      this.#id,
      {
        publicKey: (key) => {
          this.#publicKey = key;
          for (const tracker of this.#trackers) tracker.tellStreams();
        },
        stream: (name, state, epoch) => {
          const stream = this.#streams.named(name);
          if (!stream || epoch < stream.epoch) return;
          stream.state = state;
          this.#sources.set(stream, intake);
          this.#news(stream);
        },
        unit: (name, slice) => this.#unit(name, slice, intake),
        bytes: (count) => {
          this.#ingressBytes += count;
        },
        closed: () => {
          this.#intakes.delete(intake);
          this.#interrupted(intake);
        },
      },
      this.#log,
    );
    this.#intakes.add(intake);
    this.#log.info({ coordinates: this.#intakes.size }, 'a coordinate is connected');
  }

  /** A coordinate is gone: what it had on air is honestly not live any more, whoever else is connected. */
  #interrupted(intake: Intake): void {
    if (this.#isClosed) return;
    this.#log.warn({ coordinates: this.#intakes.size }, 'a coordinate is gone');
    for (const [stream, source] of this.#sources) {
      if (source !== intake) continue;
      this.#sources.delete(stream);
      if (stream.state !== 'live') continue;
      stream.state = 'interrupted';
      this.#news(stream);
    }
  }

  #news(stream: StreamBuffer): void {
    for (const tracker of this.#trackers) tracker.tellStreams();
    for (const session of this.#sessions) if (session.stream === stream) session.news();
    this.#show(stream);
  }

  async #unit(name: string, slice: Slice, from: Intake): Promise<void> {
    const stream = this.#streams.named(name);
    const unit = stream?.take(slice);
    if (!stream || !unit) return;
    this.#sources.set(stream, from);
    // Cut and encoded once, before anybody waits for it.
    for (let k = 0; k < stream.k; k++) await unit.message(k, stream.k);
    const targets = [...this.#sessions].filter((s) => s.stream === stream && s.subscriptions.size > 0);
    this.#fanOut.push(unit, targets);
  }

  #session(socket: WebSocket): void {
    const session: Session = new Session(socket, {
      id: this.#id,
      admit: (who, name, viewer, ticket) => this.#admit(who, name, viewer, ticket),
      room: () =>
        this.#load() < 1 ? accept(null) : refuse('full', 'This forward serves all it can; the tracker names another.'),
      count: (kind, bytes) => this.#egress.count(kind, bytes, session.stream?.name),
      subscribed: (who, change) => {
        this.#slices += change;
        for (const tracker of this.#trackers)
          if (who.stream) tracker.tellChild(who.stream.name, who.id, who.subscriptions.size > 0);
      },
    });
    this.#sessions.add(session);
    this.#pings.watch(socket);
    const isGone = patience(HELLO_LIMIT_MS, () => session.stream ?? socket.terminate());
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      isGone();
      this.#sessions.delete(session);
      this.#slices -= session.subscriptions.size;
      session.subscriptions.clear();
      if (session.stream)
        for (const tracker of this.#trackers) tracker.tellChild(session.stream.name, session.id, false);
      this.#feed.drop('children', session.id);
    });
  }

  #admit(session: Session, name: string, viewer: string, ticket: string | undefined): Result<StreamBuffer> {
    const { meshSecret } = this.#settings;
    if (meshSecret !== undefined) {
      const nowMs = Date.now();
      const checked = checkTicket(meshSecret, ticket, name, nowMs);
      const admitted = checked.ok ? this.#tickets.admit(checked.value, viewer, session.socket, nowMs) : checked;
      if (!admitted.ok) return admitted;
    }
    const stream = this.#awaited(name);
    return stream ? accept(stream) : refuse('full', 'This forward holds all the streams it can.');
  }

  #tick(): void {
    this.#egress.measure(Date.now());
    if (this.#feed.hasReaders) this.#showAll();
  }

  #showAll(): void {
    for (const stream of this.#streams.all()) this.#show(stream);
    for (const session of this.#sessions)
      if (session.stream)
        this.#feed.put('children', session.id, {
          stream: session.stream.name,
          slices: [...session.subscriptions.values()],
          lagMs: session.lagMs,
          skips: session.skips,
        });
    this.#feed.put('forward', this.#id, {
      ...this.#record(),
      egressBitsPerSecond: this.#egress.bitsPerSecond,
      egressBytes: { ...this.#egress.bytes },
      ingressBytes: this.#ingressBytes,
      starts: this.#streams.starts(performance.now()),
    });
  }

  #show(stream: StreamBuffer): void {
    const { name, state, epoch, k, layout } = stream;
    this.#feed.put('streams', name, { state, epoch, k, layout, newest: stream.newest?.number ?? 0 });
  }

  #debug(): ForwardDebug {
    return {
      id: this.#id,
      ...this.#addresses,
      region: this.#settings.region,
      load: this.#load(),
      egressBytes: { ...this.#egress.bytes },
      egressBitsPerSecond: this.#egress.bitsPerSecond,
      ingressBytes: this.#ingressBytes,
      children: this.#slices,
      sessions: [...this.#sessions].map((s) => ({
        id: s.id,
        stream: s.stream?.name ?? null,
        slices: [...s.subscriptions.values()],
        lagMs: s.lagMs,
        skips: s.skips,
      })),
      coordinates: this.#intakes.size,
      trackers: this.#trackers.map((t) => ({ base: t.base, isUp: t.isUp })),
      streams: [...this.#streams.all()].map((s) => ({
        name: s.name,
        state: s.state,
        epoch: s.epoch,
        k: s.k,
        layout: s.layout,
        newest: s.newest?.number ?? 0,
        startLimit: s.starts.limit,
        putOff: s.starts.putOff,
      })),
    };
  }
}
