// Everything a forward is sent over its one socket, whoever dialled: hello, the streams with their newest group of pictures, then
// every unit as it is sealed. A forward that does not take it in time skips to the next keyframe, and costs the others nothing.
import type { WebSocket } from 'ws';
import { ForwardToCoordinate, type CoordinateToForward } from '../../../protocol/backbone.ts';
import { decodeMessage } from '../../../protocol/decode.ts';
import {
  LOST_AFTER_MS,
  MAX_SIGNAL_CHARS,
  MAX_SOCKET_BUFFER_BYTES,
  PROTOCOL_VERSION,
} from '../../../protocol/limits.ts';
import { coordinateNowMs } from '../clock.ts';
import type { Stream } from '../stream.ts';

/** A forward whose buffer stays over the limit for so long is closed: it comes back for a fresh start. */
const STUCK_MS = 5_000;
const PING_EVERY_MS = 1_000;

export interface FeedFacts {
  id: string | null;
  sentBytes: number;
  units: number;
  skipped: number;
  bufferedBytes: number;
  /** Units that it has not acknowledged, of the stream where they are most. */
  behindUnits: number;
  sinceMs: number;
}

export class ForwardFeed {
  readonly #socket: WebSocket;
  readonly #sinceMs = coordinateNowMs();
  /** Streams waiting for a keyframe after something was left out. */
  readonly #skipping = new Set<string>();
  readonly #sent = new Map<string, { epoch: number; unit: number; acked: number }>();
  readonly #pinger: NodeJS.Timeout;
  /** Pings since anything was heard. Counted, not timed: after a pause of this program itself nobody is to blame. */
  #unanswered = 0;
  #overSince: number | null = null;
  #id: string | null = null;
  #sentBytes = 0;
  #units = 0;
  #skipped = 0;

  /** The socket is open. `streams` are those to begin with. */
  constructor(socket: WebSocket, publicKey: string, streams: readonly Stream[], refused: (detail: string) => void) {
    this.#socket = socket;
    socket.on('message', (data: Buffer, binary: boolean) => {
      this.#unanswered = 0;
      const message = binary ? null : decodeMessage(ForwardToCoordinate, data.toString('utf8'), MAX_SIGNAL_CHARS);
      if (!message?.ok) return this.#refuse(message ? message.refusal.detail : 'Forwards send text only.');
      this.#heard(message.value, refused);
    });
    socket.on('pong', () => {
      this.#unanswered = 0;
    });
    this.#pinger = setInterval(() => this.#ping(), PING_EVERY_MS);
    socket.on('close', () => clearInterval(this.#pinger));
    this.#say({ type: 'hello', v: PROTOCOL_VERSION, publicKey, coordinateMs: coordinateNowMs() });
    for (const stream of streams) {
      this.state(stream);
      for (const wire of stream.recent) this.#send(wire);
    }
  }

  get facts(): FeedFacts {
    return {
      id: this.#id,
      sentBytes: this.#sentBytes,
      units: this.#units,
      skipped: this.#skipped,
      bufferedBytes: this.#socket.bufferedAmount,
      behindUnits: Math.max(0, ...[...this.#sent.values()].map((s) => s.unit - s.acked)),
      sinceMs: this.#sinceMs,
    };
  }

  state(stream: Stream): void {
    const { state, epoch } = stream.facts;
    this.#say({ type: 'stream', name: stream.name, state, epoch });
  }

  unit(stream: Stream, wire: Buffer, about: { init: boolean; key: boolean }): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_SOCKET_BUFFER_BYTES) {
      this.#overSince ??= performance.now();
      if (performance.now() - this.#overSince > STUCK_MS) return this.#socket.terminate();
      // An init segment can't be missed: without it nothing plays.
      if (!about.init) {
        this.#skipping.add(stream.name);
        this.#skipped++;
        return;
      }
    } else this.#overSince = null;
    if (this.#skipping.has(stream.name) && !about.init) {
      if (!about.key) {
        this.#skipped++;
        return;
      }
      this.#skipping.delete(stream.name);
    }
    this.#send(wire);
    const unit = wire.readUInt32BE(16);
    const sent = this.#sent.get(stream.name);
    if (about.init || !sent) this.#sent.set(stream.name, { epoch: wire.readUInt32BE(8), unit, acked: unit });
    else sent.unit = unit;
  }

  #send(wire: Buffer): void {
    this.#socket.send(wire);
    this.#sentBytes += wire.length;
    this.#units++;
  }

  #heard(message: ForwardToCoordinate, refused: (detail: string) => void): void {
    switch (message.type) {
      case 'hello':
        if (message.v !== PROTOCOL_VERSION)
          return this.#refuse(`This coordinate speaks version ${PROTOCOL_VERSION} of the protocol.`, 'wrong-version');
        this.#id = message.id;
        return;
      case 'ack': {
        const sent = this.#sent.get(message.name);
        if (sent?.epoch === message.epoch) sent.acked = Math.min(sent.unit, message.unit);
        return;
      }
      case 'refused':
        refused(message.detail);
        return;
    }
  }

  #refuse(detail: string, reason: 'bad-message' | 'wrong-version' = 'bad-message'): void {
    this.#say({ type: 'refused', reason, detail });
    this.#socket.close(1002, 'protocol');
  }

  #ping(): void {
    if (++this.#unanswered > LOST_AFTER_MS / PING_EVERY_MS + 1) this.#socket.terminate();
    else if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  #say(message: CoordinateToForward): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
