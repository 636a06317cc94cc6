// The forwards that are connected to this tracker: their records, their news of the streams, and which of them feeds whom.
import type { WebSocket } from 'ws';
import { ForwardToTracker, type ForwardRecord, type TrackerToForward } from '../../protocol/backbone.ts';
import { decodeMessage } from '../../protocol/decode.ts';
import type { SliceCount, StreamState } from '../../protocol/fields.ts';
import { LOST_AFTER_MS, MAX_BACKBONE_CHARS, PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { refuse, type Refusal } from '../../protocol/refusal.ts';
import { awakeMs, patience } from '../shared/awake.ts';
import type { Log } from '../shared/log.ts';

/** A tracker has at most this many forwards (the heartbeat to the coordinate carries them all). */
const MAX_FORWARDS = 256;
const HELLO_WITHIN_MS = 5_000;
/** Forwards named to a viewer for start-up and repair. */
const MAX_NAMED = 8;
/** What one slice adds to a forward's load in our own count, until its next heartbeat tells. */
const LOAD_PER_CHILD = 0.001;

export interface News {
  state: StreamState;
  epoch: number;
}

export interface Forward {
  readonly id: string;
  record: ForwardRecord;
  readonly socket: WebSocket;
  /** By awakeMs. */
  heardMs: number;
  egressBitsPerSecond: number;
  streams: Map<string, News>;
  publicKey: string | undefined;
  /** Slices that we have it serve. */
  assigned: number;
  /** What it was told of starts, by stream; nothing yet, and no more, is undefined. */
  readonly starts: Map<string, number | null | undefined>;
  /** Direct children by its own word. */
  served: number;
}

export interface ForwardsOwner {
  /** Every stream of which we know, for a new forward's layouts. */
  streams(): Iterable<string>;
  layoutOf(stream: string): { k: SliceCount; layout: number };
  /** A forward came or went, or another one became usable. */
  forwardsChanged(): void;
  streamsChanged(names: Iterable<string>): void;
  forwardTouched(id: string): void;
  /** A forward's own count of the media that it has sent of a stream. */
  counted(id: string, stream: string, bytes: number): void;
}

export class Forwards {
  readonly #owner: ForwardsOwner;
  readonly #log: Log;
  readonly #byId = new Map<string, Forward>();
  /** Where viewers reach everything through the coordinate's port. */
  carry: string | undefined;

  constructor(owner: ForwardsOwner, log: Log) {
    this.#owner = owner;
    this.#log = log;
  }

  get all(): Iterable<Forward> {
    return this.#byId.values();
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Forward | undefined {
    return this.#byId.get(id);
  }

  records(): ForwardRecord[] {
    return Array.from(this.#byId.values(), (forward) => forward.record);
  }

  urlOf(forward: Forward): string {
    return this.carry === undefined ? forward.record.pull : `${this.carry}/at/${forward.id}/pull`;
  }

  /** Those with room first, then the least loaded. */
  named(): { id: string; url: string }[] {
    return Array.from(this.#byId.values())
      .toSorted((a, b) => loadOf(a) - loadOf(b))
      .slice(0, MAX_NAMED)
      .map((forward) => ({ id: forward.id, url: this.urlOf(forward) }));
  }

  /** The forward that should serve another slice; one of `preferred` when it has room; null when none may. */
  choose(preferred: readonly string[], isBad: (id: string) => boolean): Forward | null {
    const usable = Array.from(this.#byId.values()).filter((forward) => !isBad(forward.id));
    const stay = usable.find((forward) => preferred.includes(forward.id) && forward.record.load < 1);
    return stay ?? usable.toSorted((a, b) => loadOf(a) - loadOf(b))[0] ?? null;
  }

  /** A WebSocket that came in at `/forward` with the right secret. */
  attach(socket: WebSocket): void {
    let forward: Forward | null = null;
    const isHere = patience(HELLO_WITHIN_MS, () => socket.close(1008, 'no hello'));
    socket.on('error', () => socket.terminate());
    socket.on('message', (data, isBinary) => {
      const decoded = isBinary
        ? refuse('bad-message', 'Forwards speak JSON text here.')
        : decodeMessage(ForwardToTracker, (data as Buffer).toString('utf8'), MAX_BACKBONE_CHARS);
      if (!decoded.ok) return turnAway(socket, decoded.refusal);
      const message = decoded.value;
      if (message.type === 'hello') {
        isHere();
        if (forward) return turnAway(socket, refuse('bad-message', 'One hello is enough.').refusal);
        forward = this.#welcome(socket, message.v, message.forward);
      } else if (forward) this.#hear(forward, message);
      else turnAway(socket, refuse('bad-message', 'Say hello first.').refusal);
    });
    socket.on('close', () => {
      isHere();
      if (forward) this.#lose(forward, 'its connection closed');
    });
  }

  /** Slices that all forwards serve at most together; null where one of them does not say. */
  slices(): number | null {
    let sum = 0;
    for (const { record } of this.#byId.values()) {
      if (record.maxChildren === undefined) return null;
      sum += record.maxChildren;
    }
    return sum;
  }

  /** Tells every forward the layout of a stream that is new here, or cut in another way now. */
  announce(stream: string): void {
    for (const forward of this.#byId.values()) this.#layout(forward, stream);
  }

  /**
   * [T18] Each forward's share of the copies that newcomers of a stream may be given at once, where it is news.
   * @param copies null: as many as come; undefined: nobody of this tracker watches
   */
  tellStarts(stream: string, copies: number | null | undefined): void {
    const share = typeof copies === 'number' ? Math.ceil(copies / this.size) : copies;
    for (const { starts, socket } of this.#byId.values()) {
      if (starts.get(stream) === share) continue;
      starts.set(stream, share);
      send(socket, { type: 'starts', stream, copies: share });
    }
  }

  /** The stream has nobody any more. */
  forgetStarts(stream: string): void {
    this.tellStarts(stream, undefined);
    for (const { starts } of this.#byId.values()) starts.delete(stream);
  }

  /** Ends forwards that have been silent for too long. */
  sweep(): void {
    const nowMs = awakeMs();
    for (const forward of this.#byId.values()) {
      if (nowMs - forward.heardMs <= LOST_AFTER_MS) continue;
      forward.socket.terminate();
      this.#lose(forward, 'it has been silent for too long');
    }
  }

  close(): void {
    for (const forward of this.#byId.values()) forward.socket.close(1001);
    this.#byId.clear();
  }

  #welcome(socket: WebSocket, version: number, record: ForwardRecord): Forward | null {
    if (version !== PROTOCOL_VERSION) {
      const detail = `This tracker speaks version ${PROTOCOL_VERSION}; install the same release everywhere.`;
      turnAway(socket, { reason: 'wrong-version', detail });
      return null;
    }
    const former = this.#byId.get(record.id);
    if (!former && this.#byId.size >= MAX_FORWARDS) {
      turnAway(socket, { reason: 'full', detail: `A tracker serves at most ${MAX_FORWARDS} forwards.` });
      return null;
    }
    const forward: Forward = {
      id: record.id,
      record,
      socket,
      heardMs: awakeMs(),
      egressBitsPerSecond: 0,
      streams: new Map(),
      publicKey: undefined,
      assigned: former?.assigned ?? 0,
      starts: new Map(),
      served: 0,
    };
    this.#byId.set(record.id, forward);
    former?.socket.terminate(); // the same forward on a new connection
    this.#log.info({ forward: record.id, pull: record.pull }, 'a forward is here');
    send(socket, { type: 'welcome', v: PROTOCOL_VERSION, id: record.id });
    for (const stream of this.#owner.streams()) this.#layout(forward, stream);
    this.#owner.forwardTouched(forward.id);
    this.#owner.forwardsChanged();
    return forward;
  }

  #hear(forward: Forward, message: Exclude<ForwardToTracker, { type: 'hello' }>): void {
    if (this.#byId.get(forward.id) !== forward) return;
    forward.heardMs = awakeMs();
    switch (message.type) {
      case 'heartbeat': {
        const { pull } = forward.record;
        forward.record = { ...message.forward, id: forward.id };
        forward.egressBitsPerSecond = message.egressBitsPerSecond;
        for (const { name, bytes } of message.streamBytes ?? []) this.#owner.counted(forward.id, name, bytes);
        if (forward.record.pull !== pull) this.#owner.forwardsChanged();
        break;
      }
      case 'streams': {
        const before = forward.streams;
        forward.streams = new Map(message.streams.map(({ name, state, epoch }) => [name, { state, epoch }]));
        if (message.publicKey !== undefined) forward.publicKey = message.publicKey;
        this.#owner.streamsChanged(new Set([...before.keys(), ...forward.streams.keys()]));
        break;
      }
      case 'child':
        forward.served = Math.max(0, forward.served + (message.here ? 1 : -1));
        break;
    }
    this.#owner.forwardTouched(forward.id);
  }

  #layout(forward: Forward, stream: string): void {
    send(forward.socket, { type: 'layout', stream, ...this.#owner.layoutOf(stream) });
  }

  #lose(forward: Forward, why: string): void {
    if (this.#byId.get(forward.id) !== forward) return;
    this.#byId.delete(forward.id);
    this.#log.warn({ forward: forward.id }, `a forward is gone: ${why}`);
    this.#owner.forwardTouched(forward.id);
    this.#owner.forwardsChanged();
    this.#owner.streamsChanged(forward.streams.keys());
  }
}

const loadOf = (forward: Forward): number => forward.record.load + forward.assigned * LOAD_PER_CHILD;

const send = (socket: WebSocket, message: TrackerToForward): void =>
  socket.send(JSON.stringify(message), () => undefined);

function turnAway(socket: WebSocket, refusal: Refusal): void {
  send(socket, { type: 'refused', ...refusal });
  socket.close(1008, refusal.reason);
}
