// A real tracker on free ports, with forwards and viewers that speak the protocol over real sockets and remember all they are told.
import { WebSocket } from 'ws';
import { TrackerToForward } from '../../protocol/backbone.ts';
import { decodeMessage } from '../../protocol/decode.ts';
import { FORWARD_HEARTBEAT_MS, PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { FromTracker, type FromViewer } from '../../protocol/signalling.ts';
import { issueTicket } from '../../servers/shared/guard.ts';
import type { TrackerSettings } from '../../servers/tracker/settings.ts';
import { startTracker } from '../../servers/tracker/tracker.ts';
import { quietLog } from '../support/quiet-log.ts';
import { until } from '../support/until.ts';

/** Twice as often as a real forward: a tracker takes a few seconds of silence for a loss, however slow the machine is. */
const BEAT_MS = FORWARD_HEARTBEAT_MS / 2;

type Told<T extends FromTracker['type']> = Extract<FromTracker, { type: T }>;

export class Rig {
  readonly #closers: (() => Promise<void> | void)[] = [];
  port = 0;
  stunPort = 0;

  static async start(settings: Partial<TrackerSettings> = {}): Promise<Rig> {
    const rig = new Rig();
    await rig.startTracker(settings);
    return rig;
  }

  get base(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** @returns how to end just this tracker */
  async startTracker(settings: Partial<TrackerSettings> = {}): Promise<() => Promise<void>> {
    const running = await startTracker(
      {
        host: '127.0.0.1',
        port: this.port,
        stunPort: this.port,
        region: 'default',
        k: 2,
        uploadCap: 1.5,
        parity: 'off',
        trustAfterMs: 0,
        iceServers: [],
        stun: true,
        ...settings,
      },
      quietLog(),
    );
    this.port = running.ready['port'] as number;
    this.stunPort = running.ready['stunPort'] as number;
    const close = once(() => running.close());
    this.#closers.push(close);
    return close;
  }

  async forward(id: string, options: { secret?: string; load?: number } = {}): Promise<FakeForward> {
    const forward = new FakeForward(`ws://127.0.0.1:${this.port}/forward`, id, options);
    this.#closers.push(() => forward.socket.terminate());
    await until(`${id} is welcomed`, () => forward.told.some((message) => message.type === 'welcome'));
    return forward;
  }

  /** Connects; `hello` is added to what every viewer says. */
  async viewer(hello: Partial<Extract<FromViewer, { type: 'hello' }>> = {}): Promise<FakeViewer> {
    const viewer = await this.connect();
    viewer.say({ type: 'hello', v: PROTOCOL_VERSION, stream: 'live', shares: true, ...hello });
    return viewer;
  }

  /** A connection that has said nothing yet. */
  async connect(path = '/resource'): Promise<FakeViewer> {
    const viewer = new FakeViewer(`ws://127.0.0.1:${this.port}${path}`);
    this.#closers.push(() => viewer.socket.terminate());
    await until('the socket opens or fails', () => viewer.socket.readyState !== WebSocket.CONNECTING);
    if (viewer.socket.readyState !== WebSocket.OPEN) throw new Error(`${path} is closed to us`);
    return viewer;
  }

  /** Viewers joined one after the other, each with its plan. */
  async seated(count: number): Promise<FakeViewer[]> {
    const viewers: FakeViewer[] = [];
    for (let i = 0; i < count; i++) {
      const viewer = await this.viewer();
      await viewer.planned();
      viewers.push(viewer);
    }
    return viewers;
  }

  /** What a viewer shows at the door when the servers share this secret. */
  ticket(meshSecret: string | undefined, { stream = 'live', region = 'default' } = {}): { ticket?: string } {
    return meshSecret === undefined ? {} : { ticket: issueTicket(meshSecret, stream, region, Date.now()) };
  }

  async debug(): Promise<DebugJson> {
    const response = await fetch(`${this.base}/debug`, { headers: { accept: 'application/json' } });
    return (await response.json()) as DebugJson;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
  }
}

export interface DebugJson {
  streams: {
    name: string;
    k: number;
    viewers: {
      id: string;
      depth: number;
      parents: { slice: number; id: string }[];
      children: { slice: number; id: string }[];
      state: string;
      why: string;
      direct: boolean;
      mismatch: string | null;
      [more: string]: unknown;
    }[];
    histogram: { parents: Record<string, number>; children: Record<string, number> };
    [more: string]: unknown;
  }[];
  forwards: { id: string; [more: string]: unknown }[];
}

export class FakeViewer {
  readonly socket: WebSocket;
  readonly told: FromTracker[] = [];
  /** What came on a connection that is no viewer's. */
  readonly raw: unknown[] = [];
  closed: { code: number; reason: string } | null = null;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on('message', (data) => {
      if (!url.includes('/resource')) return void this.raw.push(JSON.parse((data as Buffer).toString()));
      const decoded = decodeMessage(FromTracker, (data as Buffer).toString(), 1_000_000);
      if (!decoded.ok) throw new Error(`the tracker said something malformed: ${decoded.refusal.detail}`);
      this.told.push(decoded.value);
    });
    this.socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on('error', () => undefined);
  }

  say(message: FromViewer): void {
    this.socket.send(JSON.stringify(message));
  }

  all<T extends FromTracker['type']>(type: T): Told<T>[] {
    return this.told.filter((message): message is Told<T> => message.type === type);
  }

  async next<T extends FromTracker['type']>(
    type: T,
    passes: (message: Told<T>) => boolean = () => true,
    withinMs = 5_000,
  ): Promise<Told<T>> {
    return until(`a ${type} comes`, () => this.all(type).find(passes), {
      withinMs,
      describe: () => this.told.slice(-5),
    });
  }

  async id(): Promise<string> {
    return (await this.next('welcome')).id;
  }

  async planned(): Promise<Told<'plan'>> {
    await this.next('plan');
    return this.plan;
  }

  /** The newest plan. */
  get plan(): Told<'plan'> {
    const plan = this.all('plan').at(-1);
    if (!plan) throw new Error('there is no plan yet');
    return plan;
  }

  parent(slice: number): string | undefined {
    return this.plan.parents.find((parent) => parent.slice === slice)?.id;
  }

  async ended(withinMs = 5_000): Promise<{ code: number; reason: string }> {
    return until('the socket closes', () => this.closed, { withinMs });
  }
}

export class FakeForward {
  readonly id: string;
  readonly socket: WebSocket;
  readonly told: TrackerToForward[] = [];
  readonly record: Record<string, unknown>;

  constructor(url: string, id: string, options: { secret?: string; load?: number; v?: number }) {
    this.id = id;
    this.socket = new WebSocket(url, options.secret ? { headers: { authorization: `Bearer ${options.secret}` } } : {});
    this.record = { id, pull: `ws://127.0.0.1:1/${id}/pull`, region: 'default', load: options.load ?? 0, children: 0 };
    this.socket.on('open', () => {
      this.say({ type: 'hello', v: options.v ?? PROTOCOL_VERSION, forward: this.record });
      const beats = setInterval(() => this.#beat(), BEAT_MS);
      this.socket.on('close', () => clearInterval(beats));
    });
    this.socket.on('message', (data) => {
      const decoded = decodeMessage(TrackerToForward, (data as Buffer).toString(), 1_000_000);
      if (!decoded.ok) throw new Error(`the tracker said something malformed: ${decoded.refusal.detail}`);
      this.told.push(decoded.value);
    });
    this.socket.on('error', () => undefined);
  }

  say(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }

  streams(...streams: { name: string; state: string; epoch: number }[]): void {
    this.say({ type: 'streams', streams, publicKey: 'key' });
  }

  #beat(): void {
    this.say({ type: 'heartbeat', forward: this.record, egressBitsPerSecond: 0 });
  }
}

const once = (run: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | null = null;
  return () => (running ??= run());
};
