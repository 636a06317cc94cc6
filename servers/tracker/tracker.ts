// The tracker as a program: starts, stops and ticks, and owns what its parts share: the forwards, the swarms, the clock, the feed.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { WebSocket } from 'ws';
import type { TrackerRecord, TrackerWelcome } from '../../protocol/backbone.ts';
import type { IceServer } from '../../protocol/fields.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { accept, refuse, type Result } from '../../protocol/refusal.ts';
import { awakeMs } from '../shared/awake.ts';
import { DebugFeed } from '../shared/debug-feed.ts';
import { closeServer, hostInUrl, listen } from '../shared/http.ts';
import type { Log } from '../shared/log.ts';
import type { Running } from '../shared/program.ts';
import { addressesOf, networkOf, ownIceServer } from './addresses.ts';
import { firstK } from './auto-k.ts';
import { CoordinateClock } from './clock.ts';
import { debugJson } from './debug.ts';
import { Forwards, type News } from './forwards.ts';
import { Gate } from './gate.ts';
import { newest } from './news.ts';
import { Registration } from './register.ts';
import { createRoutes } from './routes.ts';
import { forwardRow, streamRow, viewerRow } from './rows.ts';
import { Session } from './session.ts';
import type { TrackerSettings } from './settings.ts';
import { startStun, type StunResponder } from './stun.ts';
import { startsFor } from './starts.ts';
import { Swarm } from './swarm.ts';
import { UploadHistory } from './upload-history.ts';

const MAX_VIEWERS = 20_000;
const MAX_STREAMS = 1_000;
/** An engine outlives its last viewer for so long. */
const EMPTY_FOR_MS = 30_000;
const TICK_MS = 1_000;
const RETARGET_EVERY_TICKS = 2;
const PING_EVERY_TICKS = 3;
/** Two pings without an answer: the connection is half open. */
const SILENT_MS = 7_500;
const ROWS_EVERY_MS = 250;

export class Tracker {
  readonly gate: Gate;
  readonly clock: CoordinateClock;
  readonly uploadCap: number;
  readonly history: UploadHistory;
  readonly region: string;
  readonly #settings: TrackerSettings;
  readonly #log: Log;
  readonly #id = `t${randomBytes(6).toString('base64url')}`;
  readonly #server: Server;
  readonly #forwards: Forwards;
  readonly #feed = new DebugFeed('tracker');
  readonly #swarms = new Map<string, Swarm>();
  readonly #sessions = new Set<Session>();
  /** Rows to renew: viewer id to its swarm. */
  readonly #dirty = new Map<string, Swarm>();
  #said = new Map<string, News>();
  #publicKey: string | undefined;
  #hadForward = false;
  #registration: Registration | null = null;
  #stun: StunResponder | null = null;
  #port = 0;
  #ticks = 0;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(settings: TrackerSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
    this.gate = new Gate(settings.meshSecret);
    this.clock = new CoordinateClock(settings.coordinate !== undefined);
    this.uploadCap = settings.uploadCap;
    this.region = settings.region;
    this.history = new UploadHistory(this.gate.key);
    this.#forwards = new Forwards(
      {
        streams: () => this.#swarms.keys(),
        layoutOf: (stream) => {
          const { k, layout } = this.#swarms.get(stream) ?? { k: firstK(settings.k), layout: 1 };
          return { k, layout };
        },
        forwardsChanged: () => {
          this.#registration?.changed();
          this.#forwardsChanged();
        },
        streamsChanged: (names) => this.#spread(names),
        forwardTouched: (id) => this.#renewForward(id),
        counted: (id, stream, bytes) => this.#swarms.get(stream)?.ledger.forward(id, bytes),
      },
      log,
    );
    this.#server = createRoutes({
      meshSecret: settings.meshSecret,
      debugToken: settings.debugToken,
      publicUrl: settings.publicUrl,
      // Half as many again as viewers: connections that say no hello end by themselves.
      isFull: () => this.#sessions.size >= MAX_VIEWERS * 1.5,
      isReady: () => this.#forwards.size > 0,
      record: () => this.#record(),
      forwardRecords: () => this.#forwards.records(),
      debug: () => debugJson(this.#swarms.values(), this.#forwards, performance.now()),
      viewerCame: (socket, request) => this.#viewerCame(socket, request),
      forwardCame: (socket) => this.#forwards.attach(socket),
      readerCame: (socket) => {
        this.#renewRows();
        this.#feed.attach(socket);
      },
      endViewer: (id) => {
        const session = [...this.#sessions].find((one) => one.viewerId === id);
        session?.remove();
        return session !== undefined;
      },
      shape: (stream, wanted) => {
        const swarm = this.#swarms.get(stream);
        swarm?.want(wanted);
        return swarm !== undefined;
      },
    });
  }

  async start(): Promise<Record<string, unknown>> {
    const { host, port, stunPort, coordinate, meshSecret } = this.#settings;
    this.#port = await listen(this.#server, host, port, '--tracker-port');
    if (stunPort !== null && this.#settings.stun) {
      try {
        this.#stun = await startStunNear(host, stunPort, port, this.#port);
      } catch (error) {
        await closeServer(this.#server);
        throw error;
      }
    }
    this.#timers.push(
      setInterval(() => this.#tick(), TICK_MS),
      setInterval(() => this.#renewRows(), ROWS_EVERY_MS),
    );
    if (coordinate !== undefined) {
      this.#registration = new Registration({
        coordinate,
        meshSecret,
        record: () => this.#record(),
        clock: this.clock,
        heard: (welcome) => this.#heard(welcome),
        log: this.#log,
      });
      this.#registration.start();
    }
    const here = `${hostInUrl(host)}:${this.#port}`;
    return {
      tracker: `http://${here}`,
      resource: `ws://${here}/resource`,
      port: this.#port,
      stun: this.#stun ? `stun:${hostInUrl(host)}:${this.#stun.port}` : null,
      stunPort: this.#stun?.port ?? null,
    };
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#registration?.close();
    for (const session of this.#sessions) session.close();
    for (const swarm of this.#swarms.values()) swarm.close();
    this.#forwards.close();
    this.#feed.close();
    await this.#stun?.close();
    await closeServer(this.#server);
  }

  swarmFor(stream: string): Result<Swarm> {
    if (this.#viewerCount() >= MAX_VIEWERS)
      return refuse('full', 'This tracker is full; ask the coordinate for another.');
    const present = this.#swarms.get(stream);
    if (present) return accept(present);
    if (this.#swarms.size >= MAX_STREAMS) return refuse('full', 'This tracker has too many streams; ask for another.');
    const swarm = new Swarm({
      name: stream,
      wanted: { k: this.#settings.k, parity: this.#settings.parity },
      directCopies: this.#settings.directCopies ?? null,
      uploadCap: this.#settings.uploadCap,
      mostViewers: MAX_VIEWERS,
      trustAfterMs: this.#settings.trustAfterMs,
      forwards: this.#forwards,
      log: this.#log,
      changed: (viewer, of) => this.#dirty.set(viewer, of),
      layoutChanged: () => this.#forwards.announce(stream),
      history: (bitsPerSecond) => this.history.issue(bitsPerSecond, Date.now()),
    });
    this.#swarms.set(stream, swarm);
    this.#forwards.announce(stream);
    this.#spread([stream]);
    return accept(swarm);
  }

  iceServersFor(request: IncomingMessage): IceServer[] {
    // Who was carried here by the coordinate came under its public name; the name in this request is one of the inside.
    const carried = request.headers['x-forwarded-for'] === undefined ? undefined : this.#forwards.carry;
    const publicUrl = this.#settings.publicUrl ?? carried;
    const own = this.#stun ? ownIceServer(request, publicUrl, this.#stun.port) : [];
    return [...own, ...this.#settings.iceServers].slice(0, 8);
  }

  networkOf(request: IncomingMessage): string {
    return networkOf(request, this.#forwards.carry !== undefined);
  }

  #viewerCame(socket: WebSocket, request: IncomingMessage): void {
    const session = new Session(this, socket, request);
    this.#sessions.add(session);
    socket.on('close', () => this.#sessions.delete(session));
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#ticks++;
    this.#forwards.sweep();
    for (const swarm of this.#swarms.values()) {
      swarm.tick(nowMs);
      this.#forwards.tellStarts(swarm.name, startsFor(swarm.viewers.size, this.#settings.startCopies));
      if (this.#ticks % RETARGET_EVERY_TICKS === 0) swarm.retarget(nowMs);
      if (swarm.emptySinceMs !== null && nowMs - swarm.emptySinceMs > EMPTY_FOR_MS) {
        swarm.close();
        this.#swarms.delete(swarm.name);
        this.#forwards.forgetStarts(swarm.name);
        this.#feed.drop('streams', swarm.name);
      } else this.#feed.put('streams', swarm.name, streamRow(swarm));
    }
    if (this.#ticks % PING_EVERY_TICKS === 0)
      for (const session of this.#sessions) session.keepAlive(awakeMs() - SILENT_MS);
  }

  #forwardsChanged(): void {
    this.#hadForward ||= this.#forwards.size > 0;
    for (const swarm of this.#swarms.values()) swarm.forwardsChanged();
  }

  /** The coordinate answered a heartbeat, or does not answer any more. */
  #heard(welcome: TrackerWelcome | null): void {
    const before = this.#said;
    this.#said = new Map(welcome?.streams.map(({ name, state, epoch }) => [name, { state, epoch }]));
    this.#publicKey = welcome?.publicKey ?? this.#publicKey;
    if (welcome && welcome.carry !== this.#forwards.carry) {
      this.#forwards.carry = welcome.carry;
      this.#forwardsChanged();
    }
    this.#spread(new Set([...before.keys(), ...this.#said.keys()]));
  }

  /** Works out the state of these streams from everyone's word and tells their viewers. */
  #spread(names: Iterable<string>): void {
    for (const name of names) {
      const swarm = this.#swarms.get(name);
      if (!swarm) continue;
      const said = [this.#said.get(name), ...Array.from(this.#forwards.all, (forward) => forward.streams.get(name))];
      const news = newest(said.filter((one) => one !== undefined));
      // The last forward gone is an honest interruption, whatever the coordinate still takes in.
      const cut = this.#hadForward && this.#forwards.size === 0;
      const { state, epoch } = news ?? { state: swarm.state, epoch: swarm.epoch };
      swarm.news(cut && state === 'live' ? 'interrupted' : state, epoch, this.#keyInUse());
    }
  }

  #keyInUse(): string | undefined {
    for (const forward of this.#forwards.all) if (forward.publicKey !== undefined) return forward.publicKey;
    return this.#publicKey;
  }

  #record(): TrackerRecord {
    const { base, resource } = addressesOf(this.#settings.host, this.#port, this.#settings.publicUrl);
    const viewers = this.#viewerCount();
    const { region } = this.#settings;
    const forwards = this.#forwards.records();
    return {
      v: PROTOCOL_VERSION,
      id: this.#id,
      resource,
      base,
      region,
      viewers,
      load: viewers / MAX_VIEWERS,
      forwards,
    };
  }

  #viewerCount(): number {
    let count = 0;
    for (const swarm of this.#swarms.values()) count += swarm.viewers.size;
    return count;
  }

  #renewRows(): void {
    const nowMs = performance.now();
    for (const [id, swarm] of this.#dirty) {
      const viewer = swarm.viewer(id);
      if (viewer) this.#feed.put('viewers', id, viewerRow(swarm, viewer, nowMs));
      else this.#feed.drop('viewers', id);
    }
    this.#dirty.clear();
  }

  #renewForward(id: string): void {
    const forward = this.#forwards.get(id);
    if (forward) this.#feed.put('forwards', id, forwardRow(this.#forwards, forward));
    else this.#feed.drop('forwards', id);
  }
}

/** Starts a tracker; `ready` has its real addresses. */
export async function startTracker(settings: TrackerSettings, log: Log): Promise<Running> {
  const tracker = new Tracker(settings, log);
  const ready = await tracker.start();
  return { ready, close: () => tracker.close() };
}

/** Where the STUN port shall be the TCP port's number and that was chosen by the system, the same number is tried first. */
async function startStunNear(host: string, stunPort: number, askedPort: number, port: number): Promise<StunResponder> {
  if (stunPort !== askedPort) return startStun(host, stunPort);
  try {
    return await startStun(host, port);
  } catch (error) {
    if (askedPort !== 0) throw error;
    return startStun(host, 0);
  }
}
