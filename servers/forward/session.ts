// One viewer at the forward: what it has subscribed to, how far behind it is by its own acknowledgements, and what is sent to it.
import type { WebSocket } from 'ws';
import { Bucket } from '../../protocol/bucket.ts';
import { isParity } from '../../protocol/chunk.ts';
import { decodeMessage } from '../../protocol/decode.ts';
import type { SliceCount } from '../../protocol/fields.ts';
import {
  MAX_DROPPED,
  MAX_LAG_MS,
  MAX_PEER_MESSAGE_CHARS,
  MAX_SOCKET_BUFFER_BYTES,
  PEER_BURST,
  PEER_PER_SECOND,
  PROBE_MESSAGES,
  PROTOCOL_VERSION,
  SUBSCRIBE_BURST,
  SUBSCRIBE_PER_SECOND,
} from '../../protocol/limits.ts';
import { PeerMessage, type NextKeys } from '../../protocol/peering.ts';
import { refuse, type Refusal, type Result } from '../../protocol/refusal.ts';
import type { EgressKind } from './egress.ts';
import { Probe } from './probe.ts';
import type { Start } from './starts.ts';
import type { BufferedUnit, StreamBuffer } from './stream-buffer.ts';

type Why = Extract<PeerMessage, { type: 'subscribe' }>['why'];
type Subscribe = Extract<PeerMessage, { type: 'subscribe' }>;

interface Subscription {
  k: number;
  K: SliceCount;
  why: Why;
  /** In this epoch only units from `from` to before `until` are wanted: another layout cuts the others. */
  bounds: { epoch: number; from: number; until: number };
}

const KIND: Record<Why, EgressKind> = { tree: 'media', bootstrap: 'bootstrap', takeover: 'repair' };
const CROWDED = refuse(
  'crowded',
  'Many begin at once: your parents deliver from this keyframe on; ask again if they do not.',
);
/** The slices of one newcomer are asked for together. */
const ONE_START_MS = 1_000;
const TOO_MANY_BEGUN = refuse('too-fast', 'Too many subscriptions in a short time; try again in a second.');
/** Single slices that a viewer may ask for in a second. */
const WANTS_PER_SECOND = 120;

export interface SessionHost {
  id: string;
  /** The stream's buffer for a viewer that may have it. */
  admit(session: Session, stream: string, id: string, ticket: string | undefined): Result<StreamBuffer>;
  /** Room for one more slice? */
  room(): Result<null>;
  count(kind: EgressKind, bytes: number): void;
  subscribed(session: Session, change: 1 | -1): void;
}

export class Session {
  readonly socket: WebSocket;
  id = '';
  stream: StreamBuffer | null = null;
  readonly subscriptions = new Map<string, Subscription>();
  /** Subscribed to since the last turn, with nothing sent yet. */
  readonly #runs: { sub: Subscription; from: number | undefined; backMs: number | undefined }[] = [];
  lagMs = 0;
  skips = 0;
  readonly #host: SessionHost;
  #ackedUnit = 0;
  #epoch = 0;
  /** Source time of the newest unit sent, and of the first since the last acknowledgement was due. */
  #sentMs = 0;
  #firstSentMs = 0;
  #skipping = false;
  #wants = { sinceMs: 0, count: 0 };
  readonly #words = new Bucket(PEER_BURST, PEER_PER_SECOND, performance.now());
  readonly #begun = new Bucket(SUBSCRIBE_BURST, SUBSCRIBE_PER_SECOND, performance.now());
  #dropped = 0;
  readonly #probe = new Probe();
  #start: { kind: Start; epoch: number; atMs: number } | null = null;

  constructor(socket: WebSocket, host: SessionHost) {
    this.socket = socket;
    this.#host = host;
    socket.on('close', () => {
      for (const sub of this.subscriptions.values()) this.#flows(sub, -1);
    });
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!this.#words.take(performance.now())) return this.#tooFast();
      if (isBinary)
        return this.refuse('hello', { reason: 'bad-message', detail: 'Viewers send no media to a forward.' }, true);
      const decoded = decodeMessage(PeerMessage, data.toString('utf8'), MAX_PEER_MESSAGE_CHARS);
      if (!decoded.ok) return this.refuse('hello', decoded.refusal, true);
      this.#take(decoded.value);
    });
  }

  send(message: PeerMessage): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    const text = JSON.stringify(message);
    this.#host.count('control', text.length);
    this.socket.send(text);
  }

  refuse(
    what: 'hello' | 'subscribe' | 'want',
    refusal: Refusal,
    close = false,
    more: { slice?: number; of?: SliceCount; unit?: number; why?: Why; keys?: NextKeys } = {},
  ): void {
    this.send({ type: 'refused', what, ...refusal, ...more });
    if (close) this.socket.close(1008, refusal.reason);
  }

  /** A new unit of the stream. Never waits: what is not encoded yet is sent when it is. */
  push(unit: BufferedUnit): void {
    if (this.subscriptions.size === 0) return;
    if (this.socket.bufferedAmount > MAX_SOCKET_BUFFER_BYTES) return this.socket.terminate();
    if (!this.#isDue(unit)) {
      // Its layout has not begun: whom nothing is sent is not behind by it.
      this.#firstSentMs = this.#sentMs = this.lagMs = 0;
      return;
    }
    this.#watchLag(unit);
    if (this.#skipping) return;
    // Parity last: it is worth something only where one of the others is late.
    for (const isLast of [false, true])
      for (const sub of this.subscriptions.values())
        if (isParity(sub.k, sub.K) === isLast && this.#isWanted(unit, sub))
          this.#sendSlice(unit, sub.k, sub.K, KIND[sub.why]);
    if (unit.number > 0) this.#sentMs = unit.sourceMs;
  }

  news(): void {
    if (this.stream) this.send({ type: 'stream', state: this.stream.state, epoch: this.stream.epoch });
  }

  #isDue(unit: BufferedUnit): boolean {
    for (const sub of this.subscriptions.values()) if (this.#isWanted(unit, sub)) return true;
    return false;
  }

  #isWanted(unit: BufferedUnit, { bounds }: Subscription): boolean {
    if (bounds.epoch !== this.stream?.epoch || unit.number === 0) return true;
    return unit.number >= bounds.from && unit.number < bounds.until;
  }

  #sendSlice(unit: BufferedUnit, k: number, K: SliceCount, kind: EgressKind): void {
    const message = unit.message(k, K);
    if (message instanceof Uint8Array) this.#sendBytes(message, kind);
    else void message.then((bytes) => this.#sendBytes(bytes, kind));
  }

  #sendBytes(bytes: Uint8Array, kind: EgressKind): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.#host.count(kind, bytes.length);
    this.socket.send(bytes);
  }

  /** [P12] Over MAX_LAG_MS behind by its acknowledgements, nothing more is sent until the next keyframe. */
  #watchLag(unit: BufferedUnit): void {
    if (this.stream && this.#epoch !== this.stream.epoch) {
      this.#epoch = this.stream.epoch;
      this.#ackedUnit = 0;
      this.#firstSentMs = this.#sentMs = 0;
    }
    // The init segment is as old as its epoch: who is sent it together with the newest units is not behind by that.
    if (unit.number === 0) return;
    this.#firstSentMs ||= unit.sourceMs;
    const acked = this.stream?.get(this.#ackedUnit);
    const ackedMs = this.#ackedUnit > 0 && acked ? acked.sourceMs : this.#firstSentMs;
    this.lagMs = Math.max(0, this.#sentMs - Math.max(ackedMs, this.#firstSentMs));
    if (!this.#skipping && this.lagMs > MAX_LAG_MS) {
      this.#skipping = true;
      this.skips++;
    }
    if (this.#skipping && unit.isKey && unit.number > 0) {
      this.#skipping = false;
      this.#firstSentMs = this.#sentMs = unit.sourceMs;
    }
  }

  #take(message: PeerMessage): void {
    if (message.type === 'hello') return this.#hello(message);
    if (!this.stream) return this.refuse('hello', { reason: 'bad-message', detail: 'Say hello first.' }, true);
    switch (message.type) {
      case 'subscribe':
        return this.#subscribe(this.stream, message);
      case 'unsubscribe':
        for (const [key, sub] of this.subscriptions) {
          if (sub.k !== message.slice || (message.of !== undefined && sub.K !== message.of)) continue;
          if (message.from !== undefined) {
            sub.bounds = { epoch: this.stream.epoch, from: 0, until: message.from };
            continue;
          }
          this.subscriptions.delete(key);
          this.#flows(sub, -1);
          this.#host.subscribed(this, -1);
        }
        return;
      case 'want':
        return this.#want(this.stream, message);
      case 'ack':
        if (message.epoch === this.stream.epoch && message.unit > this.#ackedUnit) this.#ackedUnit = message.unit;
        return;
      case 'ping':
        return this.send({ type: 'pong', t: message.t });
      case 'probe':
        return this.#probed(message);
      case 'bye':
        return this.socket.close(1000);
      case 'measure':
      case 'probed':
      case 'refused':
      case 'alive':
      case 'stream':
      case 'pong':
        return;
    }
  }

  /** [P17] */
  #tooFast(): void {
    const { refusal } = refuse('too-fast', `At most ${PEER_PER_SECOND} messages a second; this one was dropped.`);
    if (this.#dropped++ === 0) this.refuse('want', refusal);
    else if (this.#dropped > MAX_DROPPED) this.refuse('hello', refusal, true);
  }

  #hello(message: Extract<PeerMessage, { type: 'hello' }>): void {
    if (this.stream) return;
    if (message.v !== PROTOCOL_VERSION)
      return this.refuse(
        'hello',
        { reason: 'wrong-version', detail: `This forward speaks version ${PROTOCOL_VERSION}. Reload the page.` },
        true,
      );
    const admitted = this.#host.admit(this, message.stream, message.id, message.ticket);
    if (!admitted.ok) return this.refuse('hello', admitted.refusal, true);
    this.id = message.id;
    this.stream = admitted.value;
    this.send({ type: 'hello', v: PROTOCOL_VERSION, stream: message.stream, id: this.#host.id });
    this.news();
  }

  #subscribe(stream: StreamBuffer, message: Subscribe): void {
    const { slice: k, of: K, why } = message;
    if (isNone(k, K))
      return this.refuse('subscribe', refuse('bad-message', `There is no slice ${k} of ${K}.`).refusal, false, {
        slice: k,
        of: K,
        why,
      });
    const key = `${k}/${K}`;
    const known = this.subscriptions.get(key);
    if (known) {
      this.#flows(known, -1);
      known.why = why; // bootstrap becomes tree: nothing is sent twice
      this.#flows(known, 1);
      known.bounds.until = Infinity;
      return;
    }
    const room = this.#begun.take(performance.now()) ? this.#host.room() : TOO_MANY_BEGUN;
    if (!room.ok) return this.refuse('subscribe', room.refusal, false, { slice: k, of: K, why });
    const sameEpoch = message.epoch === stream.epoch && stream.epoch !== 0;
    if (!sameEpoch && stream.init) this.#sendSlice(stream.init, k, K, KIND[why]);
    const start = why === 'bootstrap' ? this.#startOf(stream) : 'whole';
    const keys = stream.nextKeys();
    if (start === 'none')
      return this.refuse('subscribe', CROWDED.refusal, false, { slice: k, of: K, why, ...(keys ? { keys } : {}) });
    const from = sameEpoch ? message.from : undefined;
    // Nothing flows before its run does.
    const sub = { k, K, why, bounds: { epoch: stream.epoch, from: Infinity, until: Infinity } };
    this.subscriptions.set(key, sub);
    this.#flows(sub, 1);
    this.#host.subscribed(this, 1);
    if (this.#runs.length === 0) setImmediate(() => this.#sendRuns(stream));
    this.#runs.push({ sub, from, backMs: start === 'short' ? 0 : undefined });
  }

  /** What was subscribed to together is sent together, unit by unit: the first can be shown before the last has come. */
  #sendRuns(stream: StreamBuffer): void {
    const runs = this.#runs.splice(0).map(({ sub, from, backMs }) => {
      if (sub.bounds.from === Infinity) sub.bounds.from = from ?? 0;
      const isCurrent = sub.bounds.epoch === stream.epoch && this.subscriptions.get(`${sub.k}/${sub.K}`) === sub;
      const units = from !== undefined ? stream.since(from) : stream.startRun(backMs);
      return { sub, units: new Set(isCurrent ? units : []) };
    });
    const all = new Map(runs.flatMap(({ units }) => [...units].map((unit) => [unit.number, unit] as const)));
    const inOrder = [...all.values()].sort((a, b) => a.number - b.number);
    for (const unit of inOrder)
      for (const { sub, units } of runs) if (units.has(unit)) this.#sendSlice(unit, sub.k, sub.K, KIND[sub.why]);
    this.#firstSentMs = this.#sentMs = inOrder.at(-1)?.sourceMs ?? 0;
  }

  /** [P20] What this newcomer is given; one decision for all its slices. */
  #startOf(stream: StreamBuffer): Start {
    const nowMs = performance.now();
    const { epoch } = stream;
    if (this.#start?.epoch === epoch && nowMs - this.#start.atMs < ONE_START_MS) return this.#start.kind;
    const seconds = (run: readonly BufferedUnit[]): number => run.reduce((ms, unit) => ms + unit.durationMs, 0) / 1_000;
    const runs = { whole: seconds(stream.startRun()), short: seconds(stream.startRun(0)) };
    // A keyframe that is not soon is not waited for.
    const kind = stream.nextKeys() === null ? 'whole' : stream.starts.next(runs, nowMs);
    this.#start = { kind, epoch, atMs: nowMs };
    if (this.#probe.state === 'idle') this.send({ type: 'measure' });
    return kind;
  }

  #flows({ why, K }: Subscription, by: 1 | -1): void {
    if (why === 'bootstrap' && this.stream) this.stream.starts.flowing += by / K;
  }

  /** [P21] */
  #probed({ left, pad }: Extract<PeerMessage, { type: 'probe' }>): void {
    const bitsPerSecond = this.#probe.take(pad.length, left, PROBE_MESSAGES, performance.now());
    if (bitsPerSecond !== null) this.send({ type: 'probed', bitsPerSecond });
  }

  #want(stream: StreamBuffer, message: Extract<PeerMessage, { type: 'want' }>): void {
    const { epoch, unit: number, slice: k, of: K } = message;
    const nowMs = Date.now();
    if (nowMs - this.#wants.sinceMs > 1_000) this.#wants = { sinceMs: nowMs, count: 0 };
    if (++this.#wants.count > WANTS_PER_SECOND)
      return this.refuse('want', refuse('too-fast', `At most ${WANTS_PER_SECOND} requests a second.`).refusal, false, {
        slice: k,
        unit: number,
      });
    const unit = epoch === stream.epoch ? stream.get(number) : undefined;
    if (!unit || isNone(k, K))
      return this.refuse('want', refuse('not-here', 'The forward does not hold it.').refusal, false, {
        slice: k,
        unit: number,
      });
    void Promise.resolve(unit.message(k, K)).then((bytes) => this.#sendBytes(asRetransmit(bytes), 'repair'));
  }
}

const isNone = (k: number, K: SliceCount): boolean => k >= K && !isParity(k, K);

/** The same message with the hop's retransmit flag set (byte 2 holds the flags; 8 = retransmit). */
function asRetransmit(message: Uint8Array): Uint8Array {
  const copy = message.slice();
  copy[2] = (copy[2] ?? 0) | 8;
  return copy;
}
