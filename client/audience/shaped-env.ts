// A PeerEnv whose uplink is as narrow as one is told: all links of a peer share one line, which carries one message after the other, so
// that bytes pile up in the channels as they do on a real one, and a message is there when its last byte is; and where a share of messages comes later by a retransmission.
import type { PeerEnv, PeerWire, PeerWireEvents, Wire } from '../mesh/env.ts';

/** A rate that is as good as nothing is asked for again after this. */
const STEP_MS = 250;
/** A channel asks for more below this (rtc-wire.ts). */
const LOW_WATER_BYTES = 8 * 1024;
/** More waiting than this, and the peer itself would have been told to stop long ago: what is over is lost, as in a full router. */
const MOST_WAITING_BYTES = 1024 * 1024;
/** Words to servers that are longer take their turn on the line; shorter ones pass between, as a line that is shared fairly lets them. */
const SHORT_CHARS = 10_000;
/** A lost packet is noticed and sent again after this. */
const RETRANSMIT_MS = 80;

export interface Shape {
  /** Bits a second; null: no limit. Asked anew all the time. */
  bitsPerSecond: () => number | null;
  /** Share of media messages that are late by a retransmission. */
  loss: number;
  random: () => number;
}

interface Waiting {
  bytes: number;
  line: { waiting: number; events: Pick<PeerWireEvents, 'drained'> };
  go(): void;
}

const HEARS_NOTHING = { drained: () => {} };

export function shapedEnv(real: PeerEnv, shape: Shape): { env: PeerEnv; close: () => void } {
  const queue: Waiting[] = [];
  let waiting = 0;
  /** When the line was free for the message that it carries now. */
  let freeAtMs = real.now();
  let cancel: (() => void) | null = null;

  /** `drained` may have had more sent meanwhile, and this called for it. */
  const arm = (ms: number): void => {
    cancel?.();
    cancel = real.after(Math.min(ms, STEP_MS), pump);
  };

  const pump = (): void => {
    cancel = null;
    const nowMs = real.now();
    for (let next = queue[0]; next; next = queue[0]) {
      const rate = shape.bitsPerSecond();
      // Counted from when the line was free, so that it has sent all the time, however late this program looks at it.
      const endMs = rate === null ? nowMs : freeAtMs + (8_000 * next.bytes) / rate;
      if (endMs > nowMs) {
        arm(endMs - nowMs);
        return;
      }
      freeAtMs = endMs;
      queue.shift();
      waiting -= next.bytes;
      next.line.waiting -= next.bytes;
      next.go();
      if (next.line.waiting < LOW_WATER_BYTES) next.line.events.drained();
    }
  };

  const queued = (bytes: number, line: Waiting['line'], go: () => void): void => {
    if (waiting > MOST_WAITING_BYTES) return;
    if (queue.length === 0) freeAtMs = Math.max(freeAtMs, real.now());
    queue.push({ bytes, line, go });
    waiting += bytes;
    line.waiting += bytes;
    // Not now: whoever sends is in the middle of sending, and `drained` would have it send more.
    cancel ??= real.after(0, pump);
  };

  /** To a server: what measures the line goes over it too. */
  const toServer = (wire: Wire): Wire => {
    const line = { waiting: 0, events: HEARS_NOTHING };
    const send = wire.send.bind(wire);
    let isClosed = false;
    return {
      get bufferedBytes() {
        return line.waiting + wire.bufferedBytes;
      },
      send(data) {
        if (data.length <= SHORT_CHARS || shape.bitsPerSecond() === null) return send(data);
        queued(data.length, line, () => void (isClosed || send(data)));
      },
      close() {
        isClosed = true;
        wire.close();
      },
    };
  };

  const shaped = (wire: PeerWire, events: PeerWireEvents): PeerWire => {
    const line = { waiting: 0, events };
    const send = wire.send.bind(wire);
    let isClosed = false;
    const put = (data: Uint8Array): void => {
      if (!isClosed) send(data);
    };
    return {
      signal: (data) => wire.signal(data),
      // Behind a narrow line the real channel holds nothing to speak of, and asking it is a word with another thread.
      get bufferedBytes() {
        return shape.bitsPerSecond() === null ? line.waiting + wire.bufferedBytes : line.waiting;
      },
      send(data) {
        if (typeof data === 'string') return send(data);
        if (shape.loss === 0 && queue.length === 0 && shape.bitsPerSecond() === null) return send(data);
        const late = shape.loss > 0 && shape.random() < shape.loss;
        queued(data.length, line, () => (late ? void real.after(RETRANSMIT_MS, () => put(data)) : put(data)));
      },
      close() {
        isClosed = true;
        wire.close();
      },
    };
  };

  return {
    env: {
      ...real,
      socket: (url, events) => toServer(real.socket(url, events)),
      peer: (options, events) => shaped(real.peer(options, events), events),
    },
    close: () => cancel?.(),
  };
}
