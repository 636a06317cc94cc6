// A real forward on free ports, with coordinates and viewers that speak the protocol over real sockets and remember all they are told.
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { decodeFragment, type Fragment } from '../../protocol/chunk.ts';
import type { UnitHead } from '../../protocol/chunk.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { PeerMessage } from '../../protocol/peering.ts';
import { fragmentsOf } from '../../protocol/slice.ts';
import { startForward } from '../../servers/forward/forward.ts';
import type { ForwardDebug } from '../../servers/forward/debug-page.ts';
import type { ForwardSettings } from '../../servers/forward/settings.ts';
import { decodeMessage } from '../../protocol/decode.ts';
import { quietLog } from '../support/quiet-log.ts';
import { createSealer, type Sealer } from '../support/units.ts';
import { until } from '../support/until.ts';

type Json = Record<string, unknown>;
type Unit = Partial<UnitHead> & { bytes?: Uint8Array };

/** Unit 1 of 'live' by createSealer(). */
export const SOURCE_MS = 1_700_000_000_066;

/** Any end that talks to the forward: it remembers what it heard and how it ended. */
class End {
  readonly socket: WebSocket;
  readonly heard: Json[] = [];
  closed: { code: number; reason: string } | null = null;
  failed: string | null = null;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url, { headers, perMessageDeflate: false });
    this.socket.on('error', (error) => (this.failed = error.message));
    this.socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.took(data);
      else this.heard.push(JSON.parse(data.toString('utf8')) as Json);
    });
  }

  took(_bytes: Buffer): void {
    throw new Error('no media is expected here');
  }

  say(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  of(type: string): Json[] {
    return this.heard.filter((message) => message['type'] === type);
  }

  /** Opens or fails. */
  async settled(): Promise<this> {
    await until('the socket to open or to fail', () => this.socket.readyState !== WebSocket.CONNECTING);
    return this;
  }

  async hears(type: string, also: (message: Json) => boolean = () => true): Promise<Json> {
    return until(`the word "${type}"`, () => this.of(type).find(also), {
      describe: () => [this.heard, this.closed, this.failed],
    });
  }

  async ends(withinMs = 10_000): Promise<{ code: number; reason: string }> {
    return until('the end of the connection', () => this.closed, { withinMs, describe: () => this.heard });
  }
}

export class FakeCoordinate extends End {
  readonly sealer: Sealer;
  readonly #name: string;

  constructor(url: string, sealer: Sealer, name: string, secret?: string) {
    super(url, secret === undefined ? {} : { authorization: `Bearer ${secret}` });
    this.sealer = sealer;
    this.#name = name;
  }

  hello(v: number = PROTOCOL_VERSION): void {
    const publicKey = Buffer.from(this.sealer.publicKey).toString('base64url');
    this.say({ type: 'hello', v, publicKey, coordinateMs: Date.now() });
  }

  state(state: string, epoch = 1_000): void {
    this.say({ type: 'stream', name: this.#name, state, epoch });
  }

  async unit(number: number, more: Unit = {}, spoil: (message: Buffer) => void = () => {}): Promise<void> {
    const [message] = fragmentsOf(await this.sealer.slice(number, 0, 1, more), 0, 1e9);
    const bytes = Buffer.from(message ?? []);
    spoil(bytes);
    this.socket.send(bytes);
  }

  async units(from: number, to: number, more: Unit = {}): Promise<void> {
    for (let number = from; number <= to; number++) await this.unit(number, more);
  }
}

export class FakeViewer extends End {
  readonly slices: Fragment[] = [];
  /** Acknowledges each unit as it comes. */
  isPrompt = false;
  /** Bytes that had come off the socket before the first frame. */
  #headBytes = 0;
  override took(bytes: Buffer): void {
    const decoded = decodeFragment(bytes);
    if (!decoded.ok) throw new Error(decoded.refusal.detail);
    this.slices.push(decoded.value);
    const { epoch, unit } = decoded.value;
    if (this.isPrompt) this.say({ type: 'ack', epoch, unit, bytes: 0 });
  }

  override async settled(): Promise<this> {
    this.socket.once('open', () => (this.#headBytes = this.wire.bytesRead));
    return super.settled();
  }

  get wire(): Socket {
    return (this.socket as unknown as { _socket: Socket })._socket;
  }

  /** What the forward has put on this socket since the handshake. */
  get wireBytes(): number {
    return this.wire.bytesRead - this.#headBytes;
  }

  /** Unit numbers of slice k as they came. */
  units(k = 0): number[] {
    return this.slices.filter((s) => s.k === k).map((s) => s.unit);
  }

  hello(more: object = {}): void {
    this.say({ type: 'hello', v: PROTOCOL_VERSION, stream: 'live', id: 'v00001', ...more });
  }

  ask(slice: number, more: object = {}): void {
    this.say({ type: 'subscribe', slice, of: 2, why: 'tree', ...more });
  }

  async gets(unit: number, k = 0): Promise<void> {
    await until(`unit ${unit} of slice ${k}`, () => this.units(k).includes(unit), {
      describe: () => [this.units(k), this.heard, this.closed],
    });
  }
}

export class ForwardRig {
  #closers: (() => unknown)[] = [];
  ready: Json = {};

  static async start(settings: Partial<ForwardSettings> = {}): Promise<ForwardRig> {
    const rig = new ForwardRig();
    const all = { host: '127.0.0.1', pushPort: 0, pullPort: 0, trackers: [], region: 'default', maxChildren: 100 };
    const running = await startForward({ ...all, ...settings }, quietLog());
    rig.#closers.push(() => running.close());
    rig.ready = running.ready;
    return rig;
  }

  get push(): string {
    return String(this.ready['push']);
  }

  get pull(): string {
    return String(this.ready['pull']);
  }

  get base(): string {
    return `http://127.0.0.1:${Number(this.ready['pullPort'])}`;
  }

  /** Connected, and nothing said yet. */
  async coordinate({
    sealer = createSealer(),
    secret,
    name = 'live',
  }: CoordinateOptions = {}): Promise<FakeCoordinate> {
    const coordinate = new FakeCoordinate(this.push, sealer, name, secret);
    this.#closers.push(() => coordinate.socket.terminate());
    return coordinate.settled();
  }

  /** One that has a stream on air: init segment and units 1 to `newest`. */
  async onAir(newest = 0, options: CoordinateOptions = {}): Promise<FakeCoordinate> {
    const coordinate = await this.coordinate(options);
    coordinate.hello();
    coordinate.state('live');
    await coordinate.units(0, newest);
    await this.holds(newest, options.name);
    return coordinate;
  }

  async holds(unit: number, name = 'live'): Promise<void> {
    await until(`the forward to hold unit ${unit}`, async () => {
      const stream = (await this.debug()).streams.find((one) => one.name === name);
      return stream?.state === 'live' && stream.newest >= unit;
    });
  }

  /** Connected, and nothing said yet. */
  async stranger(): Promise<FakeViewer> {
    const viewer = new FakeViewer(this.pull);
    this.#closers.push(() => viewer.socket.terminate());
    return viewer.settled();
  }

  /** One that has said hello. */
  async viewer(hello: object = {}): Promise<FakeViewer> {
    const viewer = await this.stranger();
    viewer.hello(hello);
    await viewer.hears('hello');
    return viewer;
  }

  async debug(): Promise<ForwardDebug> {
    const answer = await fetch(`${this.base}/debug`, { headers: { accept: 'application/json' } });
    return (await answer.json()) as ForwardDebug;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }
}

interface CoordinateOptions {
  sealer?: Sealer;
  secret?: string;
  name?: string;
}

/** Every message of a peer is one that peers understand. */
export const isPeerMessage = (message: Json): boolean => decodeMessage(PeerMessage, JSON.stringify(message), 1e6).ok;
