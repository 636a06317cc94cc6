// The body of a push, read chunk by chunk on demand: not reading is what slows the sender down. Every wait has an end.
import type { Readable } from 'node:stream';

export type Last = { is: 'end' } | { is: 'gone'; why: string } | { is: 'stalled' };
export type Next = { is: 'bytes'; bytes: Buffer } | Last;

/** A refused push may say this much more before the connection is closed, so that its sender reads the answer. */
const MAX_DRAIN_BYTES = 1024 * 1024;
const MAX_DRAIN_MS = 2_000;

const GONE: Last = { is: 'gone', why: 'the connection of the publisher broke' };
const STOPPING: Last = { is: 'gone', why: 'the coordinate stops' };

export class PushBody {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #idleMs: number;
  /** Asked for and not yet delivered: never two at once. */
  #asked: Promise<Next> | null = null;
  #settle: ((next: Next) => void) | null = null;
  #cancelled = false;
  bytes = 0;

  constructor(body: Readable, idleMs: number) {
    this.#chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    this.#idleMs = idleMs;
  }

  next(): Promise<Next> {
    return this.#cancelled ? Promise.resolve(STOPPING) : this.#wait(this.#idleMs);
  }

  /** The same, but null when nothing has come so soon. */
  async nextWithin(ms: number): Promise<Next | null> {
    if (this.#cancelled) return STOPPING;
    const next = await this.#wait(Math.min(ms, this.#idleMs));
    return next.is === 'stalled' && ms < this.#idleMs ? null : next;
  }

  /** Ends the wait, and every later one. */
  cancel(): void {
    this.#cancelled = true;
    this.#settle?.(STOPPING);
  }

  /** Reads on and throws away, within bounds. */
  async drain(): Promise<void> {
    const until = performance.now() + MAX_DRAIN_MS;
    const from = this.bytes;
    for (;;) {
      const left = until - performance.now();
      if (left <= 0 || this.bytes - from > MAX_DRAIN_BYTES) return;
      if ((await this.#wait(left)).is !== 'bytes') return;
    }
  }

  #wait(ms: number): Promise<Next> {
    return new Promise<Next>((resolve) => {
      const timer = setTimeout(() => settle({ is: 'stalled' }), ms);
      const settle = (next: Next): void => {
        clearTimeout(timer);
        this.#settle = null;
        resolve(next);
      };
      this.#settle = settle;
      void this.#deliver(settle);
    });
  }

  async #deliver(settle: (next: Next) => void): Promise<void> {
    const next = await this.#ask();
    if (this.#settle !== settle) return; // it came too late for this wait: the next one takes it
    this.#asked = null;
    settle(next);
  }

  #ask(): Promise<Next> {
    this.#asked ??= this.#chunks.next().then(
      (r): Next => {
        if (r.done) return { is: 'end' };
        this.bytes += r.value.length;
        return { is: 'bytes', bytes: r.value };
      },
      () => GONE,
    );
    return this.#asked;
  }
}
