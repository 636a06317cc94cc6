// The pings to the tracker: several at once when the coordinate's clock is to be measured, then one
// now and then, and an end to waiting for an answer. What the answers say is clock.ts.
import { patiently } from '../../protocol/awake.ts';
import type { PeerEnv } from './env.ts';

/** Five pings at the start, then one every half minute (MESH, "Clock"). */
const PING_AT_MS = [0, 150, 300, 500, 800];
const PING_EVERY_MS = 30_000;
/** However often a clock jumps, it is not measured more often. */
const AGAIN_MS = 1_000;
/** A tracker that has said nothing for so long after a ping cannot be counted on. */
const ANSWER_WITHIN_MS = 3_000;
/**
 * ... and is given up: later than that, one that is only too busy would have its whole audience
 * call again on top of that.
 */
const GONE_AFTER_MS = 10_000;

export interface PingingEvents {
  /** @param t our monotonic clock, which comes back with the answer */
  ping(t: number): void;
  unanswered(): void;
}

export class Pinging {
  readonly #env: Pick<PeerEnv, 'now' | 'after'>;
  readonly #events: PingingEvents;
  #cancels: (() => void)[] = [];
  #cancelWait: (() => void) | null = null;
  /** The last ping should have been answered. */
  isOverdue = false;
  #begunMs = Number.NEGATIVE_INFINITY;

  constructor(env: Pick<PeerEnv, 'now' | 'after'>, events: PingingEvents) {
    this.#env = env;
    this.#events = events;
  }

  /** Begins, or begins again: now, or when it has not done so for a moment. */
  again(): void {
    const nowMs = this.#env.now();
    if (this.#begunMs > nowMs && this.#cancels.length > 0) return;
    this.#begunMs = Math.max(nowMs, this.#begunMs + AGAIN_MS);
    const inMs = this.#begunMs - nowMs;
    for (const cancel of this.#cancels) cancel();
    const regular = (): void => {
      this.#ping();
      this.#cancels = [this.#env.after(PING_EVERY_MS, regular)];
    };
    this.#cancels = [
      ...PING_AT_MS.map((ms) => this.#env.after(inMs + ms, () => this.#ping())),
      this.#env.after(inMs + PING_EVERY_MS, regular),
    ];
  }

  /** One more, unless one waits for its answer. */
  once(): void {
    if (!this.#cancelWait) this.#ping();
  }

  /** Anything that the tracker says is a sign of life. */
  heard(): void {
    this.#cancelWait?.();
    this.#cancelWait = null;
    this.isOverdue = false;
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
    this.heard();
  }

  #ping(): void {
    this.#cancelWait ??= patiently(this.#env, ANSWER_WITHIN_MS, () => {
      this.isOverdue = true;
      this.#cancelWait = patiently(this.#env, GONE_AFTER_MS - ANSWER_WITHIN_MS, () => this.#events.unanswered());
    });
    this.#events.ping(this.#env.now());
  }
}
