// A PeerEnv whose uplink is as narrow as one is told: all links of a peer share one bucket, so that bytes pile up in the channels as they
// do on a real line; and where a share of messages comes later by a retransmission.
import type { PeerEnv, PeerWire, PeerWireEvents } from '../mesh/env.ts';

/** The bucket is looked at this often, and holds so much at most. */
const STEP_MS = 5;
const BURST_MS = 20;
/** A channel asks for more below this (rtc-wire.ts). */
const LOW_WATER_BYTES = 8 * 1024;
/** More waiting than this, and the peer itself would have been told to stop long ago: what is over is lost, as in a full router. */
const MOST_WAITING_BYTES = 1024 * 1024;
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
  line: { waiting: number; events: PeerWireEvents };
  go(): void;
}

export function shapedEnv(real: PeerEnv, shape: Shape): { env: PeerEnv; close: () => void } {
  const queue: Waiting[] = [];
  let waiting = 0;
  let credit = 0;
  let isBusy = false;
  let atMs = real.now();
  let cancel: (() => void) | null = null;

  const pump = (): void => {
    cancel = null;
    const rate = shape.bitsPerSecond();
    const nowMs = real.now();
    const perMs = rate === null ? Infinity : rate / 8_000;
    const earned = credit + perMs * (nowMs - atMs);
    // A line that had something to send has sent all the time, however late this program looks at it; one that was idle has saved up little.
    credit = rate === null ? Infinity : isBusy ? earned : Math.min(perMs * BURST_MS, earned);
    atMs = nowMs;
    // A message goes when the bucket is not empty, and what it takes beyond that is owed.
    for (let next = queue[0]; next && credit > 0; next = queue[0]) {
      queue.shift();
      credit -= next.bytes;
      waiting -= next.bytes;
      next.line.waiting -= next.bytes;
      next.go();
      if (next.line.waiting < LOW_WATER_BYTES) next.line.events.drained();
    }
    isBusy = queue.length > 0;
    if (isBusy) cancel ??= real.after(STEP_MS, pump);
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
      get bufferedBytes() {
        return line.waiting + wire.bufferedBytes;
      },
      send(data) {
        if (typeof data === 'string') return send(data);
        if (shape.loss === 0 && queue.length === 0 && shape.bitsPerSecond() === null) return send(data);
        if (waiting > MOST_WAITING_BYTES) return;
        const late = shape.loss > 0 && shape.random() < shape.loss;
        const go = (): void => (late ? void real.after(RETRANSMIT_MS, () => put(data)) : put(data));
        queue.push({ bytes: data.length, line, go });
        waiting += data.length;
        line.waiting += data.length;
        // Not now: whoever sends is in the middle of sending, and `drained` would have it send more.
        cancel ??= real.after(0, pump);
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
      peer: (options, events) => shaped(real.peer(options, events), events),
    },
    close: () => cancel?.(),
  };
}
