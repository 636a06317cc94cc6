// The body of a push, read chunk by chunk on demand: not reading is what slows the sender down.
// Every wait has an end.
import type { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import { patience } from '../shared/awake.ts';

export type Last = { is: 'end' } | { is: 'gone'; why: string } | { is: 'stalled' };
export type Next = { is: 'bytes'; bytes: Buffer } | Last;

/**
 * A refused push may say this much more before the connection is closed, so that its sender reads
 * the answer.
 */
const MAX_DRAIN_BYTES = 1024 * 1024;
const MAX_DRAIN_MS = 2_000;

const GONE: Last = { is: 'gone', why: 'the connection of the publisher broke' };
const STOPPING = 'the coordinate stops';
/** How long a sender usually pauses is forgotten in so much time. */
const HABIT_MS = 20_000;
/** A pause is a silence when it is so many times as long as is usual. */
const UNUSUAL = 1.5;

export class PushBody {
  readonly #body: Readable;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #idleMs: number;
  /** Asked for and not yet delivered: never two at once. */
  #asked: Promise<Next> | null = null;
  #settle: ((next: Next) => void) | null = null;
  #cancelled: Last | null = null;
  /** Since when bytes are waited for; null: nobody reads. */
  #waitsSinceMs: number | null = null;
  #usual = { ms: 0, atMs: 0 };
  /** The connection is gone: what is still held is played to its end, but nothing more comes. */
  #isBroken = false;
  bytes = 0;

  constructor(body: Readable, idleMs: number) {
    this.#body = body;
    this.#chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    this.#idleMs = idleMs;
  }

  next(): Promise<Next> {
    return this.#cancelled ? Promise.resolve(this.#cancelled) : this.#wait(this.#idleMs);
  }

  /** The same, but null when nothing has come so soon. */
  async nextWithin(ms: number): Promise<Next | null> {
    if (this.#cancelled) return this.#cancelled;
    const next = await this.#wait(Math.min(ms, this.#idleMs));
    return next.is === 'stalled' && ms < this.#idleMs ? null : next;
  }

  /** Why nothing more will be read, once it was cancelled. */
  get cancelled(): Last | null {
    return this.#cancelled;
  }

  /**
   * For a sender that waits for the answer: calls back when it hangs up after all of it has come.
   */
  onHangUp(then: () => void): void {
    const { socket } = this.#body as Readable & { socket?: EventEmitter };
    socket?.once('end', then);
  }

  /** Ends the wait, and every later one. */
  cancel(why = STOPPING): void {
    this.#cancelled ??= { is: 'gone', why };
    this.#settle?.(this.#cancelled);
  }

  /**
   * Nothing has come for this long, although it is waited for, and that is longer than this sender
   * usually pauses.
   */
  isSilent(ms: number): boolean {
    if (this.#isBroken) return true;
    if (this.#waitsSinceMs === null) return false;
    const nowMs = performance.now();
    return nowMs - this.#waitsSinceMs > Math.max(ms, UNUSUAL * this.#usualMs(nowMs));
  }

  #usualMs(nowMs: number): number {
    return this.#usual.ms * Math.exp((this.#usual.atMs - nowMs) / HABIT_MS);
  }

  #came(): void {
    const nowMs = performance.now();
    if (this.#waitsSinceMs === null) return;
    this.#usual = { ms: Math.max(nowMs - this.#waitsSinceMs, this.#usualMs(nowMs)), atMs: nowMs };
    this.#waitsSinceMs = null;
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
      const stop = patience(ms, () => settle({ is: 'stalled' }));
      const settle = (next: Next): void => {
        stop();
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
    if (this.#asked === null) this.#waitsSinceMs = performance.now();
    this.#asked ??= this.#chunks.next().then(
      (r): Next => {
        if (r.done) return { is: 'end' };
        this.bytes += r.value.length;
        this.#came();
        return { is: 'bytes', bytes: r.value };
      },
      () => {
        this.#isBroken = true;
        return GONE;
      },
    );
    return this.#asked;
  }
}
