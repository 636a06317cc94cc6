// Asks the coordinate for this viewer's tracker until it has one.
import * as v from 'valibot';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { Assignment } from '../../protocol/signalling.ts';
import type { Backoff } from './backoff.ts';
import type { PeerEnv } from './env.ts';

/** How often it is asked whether the next call is due. */
const LOOK_EVERY_MS = 50;
/** Not more often than this for a changed key. */
const KEY_EVERY_MS = 1_000;

export interface FinderEvents {
  found(assignment: Assignment): void;
  failed(sentence: string): void;
}

export class Finder {
  readonly #env: PeerEnv;
  readonly #at: { coordinate: string; stream: string };
  readonly #backoff: Backoff;
  readonly #events: FinderEvents;
  #busy = false;
  #closed = false;
  #keyAskedMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | null = null;

  constructor(env: PeerEnv, at: { coordinate: string; stream: string }, backoff: Backoff, events: FinderEvents) {
    this.#env = env;
    this.#at = at;
    this.#backoff = backoff;
    this.#events = events;
  }

  /** Starts asking; an answer comes as `found`. While it is asking, another call changes nothing. */
  find(): void {
    if (this.#busy || this.#closed) return;
    this.#busy = true;
    this.#whenDue();
  }

  /** The coordinate may have restarted with another key: ask once, leave the tracker as it is unless it changed. */
  refreshKey(): void {
    const nowMs = this.#env.now();
    if (nowMs - this.#keyAskedMs < KEY_EVERY_MS) return;
    this.#keyAskedMs = nowMs;
    this.find();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  #whenDue(): void {
    if (this.#backoff.mayCall(this.#at.coordinate)) void this.#ask();
    else this.#cancel = this.#env.after(LOOK_EVERY_MS, () => this.#whenDue());
  }

  async #ask(): Promise<void> {
    const url = `${this.#at.coordinate}/tracker?stream=${encodeURIComponent(this.#at.stream)}`;
    try {
      const parsed = v.safeParse(Assignment, await this.#env.getJson(url));
      if (this.#closed) return;
      if (!parsed.success) throw new Error('The answer of the coordinate is not understood. Reload the page.');
      if (parsed.output.v !== PROTOCOL_VERSION)
        throw new Error(
          `The server speaks version ${parsed.output.v}, this page ${PROTOCOL_VERSION}. Reload the page.`,
        );
      this.#busy = false;
      this.#backoff.answered(this.#at.coordinate);
      this.#events.found(parsed.output);
    } catch (error) {
      if (this.#closed) return;
      this.#backoff.failed(this.#at.coordinate);
      this.#events.failed(error instanceof Error ? error.message : String(error));
      this.#whenDue();
    }
  }
}
