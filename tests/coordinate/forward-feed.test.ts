// What one forward is sent when it takes too little: its socket's buffer is in our hand here.
import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { encodeFragment, FLAG } from '../../protocol/chunk.ts';
import { MAX_SOCKET_BUFFER_BYTES, PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { ForwardFeed } from '../../servers/coordinate/backbone/forward-feed.ts';
import type { Stream } from '../../servers/coordinate/stream.ts';

class Wire extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  texts: { type: string }[] = [];
  units: number[] = [];
  pings = 0;
  ended: string | null = null;
  send(data: Buffer | string): void {
    if (typeof data === 'string') this.texts.push(JSON.parse(data) as { type: string });
    else this.units.push(data.readUInt32BE(16));
  }
  ping(): void {
    this.pings++;
  }
  terminate(): void {
    this.#end('terminated');
  }
  close(): void {
    this.#end('closed');
  }
  #end(how: string): void {
    this.ended ??= how;
    this.readyState = 3;
    this.emit('close');
  }
}

const stream = { name: 'live', facts: { state: 'live', epoch: 9 }, recent: [] } as unknown as Stream;
const wire = (unit: number): Buffer => {
  const head = { stream: 1, epoch: 9, unit, flags: 0, unitBytes: 1, sourceMs: 1, durationMs: 1 };
  const seal = { signature: new Uint8Array(64), proof: new Uint8Array(0) };
  const payload = new Uint8Array(1);
  return Buffer.from(
    encodeFragment({ ...head, layout: 0, k: 0, K: 1, hops: 0, sliceBytes: 1, offset: 0, seal, payload }),
  );
};

function feeding(): { socket: Wire; feed: ForwardFeed; give: (unit: number, flags?: number) => void } {
  const socket = new Wire();
  const feed = new ForwardFeed(socket as unknown as WebSocket, 'key', [stream], () => {});
  const give = (unit: number, flags = 0): void =>
    feed.unit(stream, wire(unit), { init: (flags & FLAG.init) !== 0, key: (flags & FLAG.key) !== 0 });
  return { socket, feed, give };
}

describe('a forward that takes too little', () => {
  it('[R8] gets nothing until the next keyframe after its buffer was full, but never misses an init segment', () => {
    const { socket, feed, give } = feeding();
    give(1, FLAG.key);
    give(2);
    socket.bufferedAmount = MAX_SOCKET_BUFFER_BYTES + 1;
    give(3);
    give(0, FLAG.init);
    socket.bufferedAmount = 0;
    give(4);
    give(5, FLAG.key);
    give(6);
    expect(socket.units).toEqual([1, 2, 0, 5, 6]);
    expect(feed.facts.skipped).toBe(2);
    socket.close();
  });

  it('[R8] is closed when that lasts', () => {
    vi.useFakeTimers();
    try {
      const { socket, give } = feeding();
      socket.bufferedAmount = MAX_SOCKET_BUFFER_BYTES + 1;
      give(1, FLAG.key);
      socket.emit('pong');
      vi.advanceTimersByTime(4_000);
      give(2);
      expect(socket.ended).toBe(null);
      vi.advanceTimersByTime(1_100);
      give(3);
      expect(socket.ended).toBe('terminated');
    } finally {
      vi.useRealTimers();
    }
  });

  it('[R8] is closed when it answers no ping, and kept while it does', () => {
    vi.useFakeTimers();
    try {
      const { socket } = feeding();
      for (let second = 0; second < 20; second++) {
        vi.advanceTimersByTime(1_000);
        socket.emit('pong');
      }
      expect(socket.ended).toBe(null);
      vi.advanceTimersByTime(6_000);
      expect(socket.ended).toBe('terminated');
    } finally {
      vi.useRealTimers();
    }
  });

  it('[R8] tells how far it is by what it acknowledges; nonsense and other versions close its link only', () => {
    const { socket, feed, give } = feeding();
    give(0, FLAG.init);
    for (let unit = 1; unit <= 9; unit++) give(unit);
    const say = (message: unknown): boolean => socket.emit('message', Buffer.from(JSON.stringify(message)), false);
    say({ type: 'hello', v: PROTOCOL_VERSION, id: 'f-one' });
    say({ type: 'ack', name: 'live', epoch: 9, unit: 6 });
    expect(feed.facts).toMatchObject({ id: 'f-one', behindUnits: 3 });
    say({ type: 'ack', name: 'live', epoch: 8, unit: 9 });
    say({ type: 'ack', name: 'other', epoch: 9, unit: 9 });
    expect(feed.facts.behindUnits).toBe(3);
    say({ type: 'hello', v: 99, id: 'f-one' });
    expect(socket.ended).toBe('closed');
    expect(socket.texts.at(-1)).toMatchObject({ type: 'refused', reason: 'wrong-version' });
    const other = feeding();
    other.socket.emit('message', Buffer.from('{'), false);
    expect(other.socket.ended).toBe('closed');
  });
});
