// A small mesh in memory: real peers, a tracker and a forward that do what the test says, sealed units, time by hand.
import { HeadlessPeer } from '../../client/audience/headless-peer.ts';
import { FLAG } from '../../protocol/chunk.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { fragmentsOf } from '../../protocol/slice.ts';
import { MemoryNet, type Call, type ServerEnd } from './memory-net.ts';
import { createSealer, type Sealer } from './units.ts';

export const FORWARD = { id: 'f00001', url: 'ws://forward/pull' };
const EPOCH_MS = 1_700_000_000_000;
const UNIT_MS = 66;

/** The units that do not follow the one before. */
export const gaps = (units: readonly number[]): number[] =>
  units.filter((unit, i) => i > 0 && unit !== (units[i - 1] ?? 0) + 1);

export interface Seat {
  id: string;
  peer: HeadlessPeer;
  tracker: ServerEnd | null;
}

export class MeshRig {
  readonly net = new MemoryNet();
  readonly sealer: Sealer = createSealer();
  readonly seats: Seat[] = [];
  /** Units that have been pushed so far, the init segment aside. */
  unit = 0;
  readonly played = new Map<string, number[]>();
  /** The forward starts nobody: who asks gets the init segment, and when the next keyframes come. */
  isCrowded = false;
  /** The tracker is there and says nothing. */
  isMute = false;
  #unitMs = 0;
  /** The forward's subscriptions, by socket: "slice/of" -> why. */
  readonly subscriptions = new Map<ServerEnd, Map<string, string>>();
  /** The first unit that each of them is sent, and the first that it is not sent any more. */
  readonly #bounds = new Map<string, { from: number; until: number }>();
  #serial = 0;
  #stopUnits: (() => void) | null = null;

  constructor() {
    this.net.getJson = () => ({
      v: PROTOCOL_VERSION,
      stream: 'live',
      tracker: 'ws://tracker/resource',
      publicKey: Buffer.from(this.sealer.publicKey).toString('base64url'),
      region: 'here',
      state: 'live',
    });
    this.net.accepted = (socket) => {
      socket.heard = (data) => {
        if (typeof data !== 'string') return;
        const message = JSON.parse(data) as Record<string, unknown> & { type: string };
        if (socket.url.includes('tracker')) this.#trackerHears(socket, message);
        else this.#forwardHears(socket, message);
      };
    };
  }

  /** A peer that joins now; it has its welcome when this resolves. */
  async join(shares = true, capBitsPerSecond?: number): Promise<Seat> {
    const id = `v0000${this.seats.length + 1}`;
    const units: number[] = [];
    this.played.set(id, units);
    const peer = new HeadlessPeer(
      this.net.env(),
      {
        coordinate: 'http://coordinate',
        stream: 'live',
        shares,
        role: 'viewer',
        ...(capBitsPerSecond === undefined ? {} : { capBitsPerSecond }),
      },
      { unit: ({ held }) => void units.push(held.head.unit) },
    );
    const seat: Seat = { id, peer, tracker: null };
    this.seats.push(seat);
    peer.start();
    await this.net.pass(30);
    return seat;
  }

  /** Tells a peer its parents: an id for each slice. */
  plan(
    child: Seat,
    parents: readonly string[],
    alternatives: readonly string[] = [],
    shape: { k?: 1 | 2 | 4; layout?: number; from?: number; parity?: boolean; gone?: string[] } = {},
  ): void {
    const { k = 2 } = shape;
    for (const [slice, id] of parents.entries())
      this.seats.find((s) => s.id === id)?.tracker?.send({ type: 'child', slice, id: child.id, expected: true, of: k });
    const named = (id: string, slice: number): object =>
      id === FORWARD.id ? { kind: 'forward', slice, ...FORWARD } : { kind: 'peer', slice, id };
    child.tracker?.send({
      type: 'plan',
      serial: ++this.#serial,
      k,
      layout: 1,
      ...shape,
      parents: parents.map(named),
      alternatives: alternatives.map(named),
      why: 'the test says so',
    });
  }

  /** What one of them has noted since this was called. */
  notesOf({ peer }: Seat): () => string[] {
    const from = peer.peer.journal.entries().length;
    return () =>
      peer.peer.journal
        .entries()
        .slice(from)
        .map((entry) => entry.text);
  }

  /** The newest connection between these two; the caller's end first. */
  callBetween(a: Seat, b: Seat): Call | undefined {
    const ids = new Set<string>();
    for (const seat of [a, b])
      for (const message of seat.tracker?.messages() ?? []) {
        const other = seat === a ? b.id : a.id;
        if (message['type'] === 'signal' && message['to'] === other)
          ids.add((message['data'] as { call: string }).call);
      }
    return [...this.net.calls].findLast(([id, call]) => ids.has(id) && call.ends.length === 2)?.[1];
  }

  /** A unit every UNIT_MS from now on. */
  startUnits(): void {
    const push = (): void => {
      this.#unitMs = this.net.nowMs;
      void this.push(++this.unit);
      this.#stopUnits = this.net.after(UNIT_MS, push);
    };
    push();
  }

  stopUnits(): void {
    this.#stopUnits?.();
  }

  /** Sends one unit to all who subscribed at the forward. */
  async push(unit: number): Promise<void> {
    for (const [socket, slices] of this.subscriptions)
      for (const key of slices.keys()) {
        const [slice = 0, of = 2] = key.split('/').map(Number);
        const { from = 0, until = Infinity } = this.#bounds.get(this.#name(socket, key)) ?? {};
        if (unit >= from && unit < until) await this.#sendSlice(socket, unit, slice, 0, of);
      }
  }

  close(): void {
    this.stopUnits();
    for (const { peer } of this.seats) peer.close();
  }

  async #sendSlice(socket: ServerEnd, unit: number, k: number, flags = 0, K = 2): Promise<void> {
    const sourceMs = this.#sourceMs(unit);
    for (const message of fragmentsOf(await this.sealer.slice(unit, k, K as 1 | 2 | 4, { sourceMs }), 1, 1e9, flags))
      socket.send(message);
  }

  #name(socket: ServerEnd, key: string): string {
    return `${this.net.sockets.indexOf(socket)}:${key}`;
  }

  #sourceMs(unit: number): number {
    return EPOCH_MS + unit * UNIT_MS;
  }

  #trackerHears(socket: ServerEnd, message: Record<string, unknown> & { type: string }): void {
    if (this.isMute) return;
    if (message.type === 'hello') {
      const seat = this.seats.find((s) => s.tracker === null || s.tracker.isClosed);
      if (!seat) throw new Error('a stranger says hello');
      seat.tracker = socket;
      socket.send({
        type: 'welcome',
        v: PROTOCOL_VERSION,
        id: seat.id,
        secret: 's',
        k: 2,
        layout: 1,
        iceServers: [],
        forwards: [FORWARD],
        targetDelayMs: 300,
        uploadCap: 1.5,
        state: 'live',
      });
    } else if (message.type === 'signal') {
      const from = this.seats.find((s) => s.tracker === socket)?.id;
      this.seats.find((s) => s.id === message['to'])?.tracker?.send({ type: 'signal', from, data: message['data'] });
    } else if (message.type === 'ping') {
      const now = this.#sourceMs(this.unit) + this.net.nowMs - this.#unitMs + this.net.sleptMs;
      socket.send({ type: 'pong', t: message['t'], coordinateMs: now, uncertainMs: 1 });
    }
  }

  #putOff(socket: ServerEnd, slice: number, of: number): void {
    const next = this.unit - ((this.unit - 1) % 15) + 15;
    const keys = { epoch: 1_000, next, inMs: (next - this.unit) * UNIT_MS, every: 15, everyMs: 15 * UNIT_MS };
    const refused = { type: 'refused', what: 'subscribe', why: 'bootstrap', slice, of, keys };
    if (slice === 0) socket.send({ type: 'measure' });
    void this.#sendSlice(socket, 0, slice, 0, of).then(() =>
      socket.send({ ...refused, reason: 'crowded', detail: 'the test says so' }),
    );
  }

  #forwardHears(socket: ServerEnd, message: Record<string, unknown> & { type: string }): void {
    if (message.type === 'hello') socket.send({ type: 'hello', v: PROTOCOL_VERSION, stream: 'live', id: FORWARD.id });
    const [slice, of] = [Number(message['slice']), Number(message['of'] ?? 2)];
    const key = `${slice}/${of}`;
    const slices = this.subscriptions.get(socket) ?? new Map<string, string>();
    if (message.type === 'subscribe') {
      if (this.isCrowded && message['why'] === 'bootstrap') return this.#putOff(socket, slice, of);
      const isKnown = slices.has(key);
      slices.set(key, String(message['why']));
      this.subscriptions.set(socket, slices);
      this.#bounds.set(this.#name(socket, key), { from: Number(message['from'] ?? 0), until: Infinity });
      if (isKnown) return;
      const from =
        message['from'] === undefined ? Math.max(1, this.unit - ((this.unit - 1) % 15)) : Number(message['from']);
      void (async () => {
        if (message['from'] === undefined) await this.#sendSlice(socket, 0, slice, 0, of);
        for (let unit = from; unit <= this.unit; unit++) await this.#sendSlice(socket, unit, slice, 0, of);
      })();
    } else if (message.type === 'unsubscribe') {
      if (message['from'] === undefined) slices.delete(key);
      else this.#bounds.set(this.#name(socket, key), { from: 0, until: Number(message['from']) });
    } else if (message.type === 'want' && Number(message['unit']) <= this.unit)
      void this.#sendSlice(socket, Number(message['unit']), slice, FLAG.retransmit, of);
  }
}
