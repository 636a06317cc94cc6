// The way to the coordinate while we want to be live: connects, reconnects with growing waits, moves to another place, ends. One
// attempt is uplink.ts's business, what is sent feed.ts's.
import type { Log } from '../../shared/log.ts';
import type { Fragment, Init } from './fragments.ts';
import { NOWHERE, type LinkFailure } from './link-failure.ts';
import type { Recent } from './recent.ts';
import { reconnectMs } from './reconnect.ts';
import { Uplink, type Target } from './uplink.ts';

export type LinkState =
  | { is: 'off' }
  /** On the way, or nothing to send yet. */
  | { is: 'connecting'; sinceMs: number }
  | { is: 'open'; sinceMs: number }
  | { is: 'waiting'; attempt: number; untilMs: number; failure: LinkFailure }
  /** Trying again is no use until something has changed. */
  | { is: 'refused'; failure: LinkFailure };

export interface LiveLinkOptions {
  target: () => Target | null;
  recent: Recent;
  log: Log;
  onChange: () => void;
}

/** Live this long, the next break starts counting anew. */
const STEADY_MS = 10_000;
/** The connection before has this long to be gone, so that the name is free. */
const PARTING_MS = 500;

export class LiveLink {
  readonly #options: LiveLinkOptions;
  #state: LinkState = { is: 'off' };
  #uplink: Uplink | null = null;
  /** Kinds of the tracks that the connection began with. */
  #kinds = '';
  #parting: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #breaks = 0;
  /** Counts what was begun or ended: whoever waited meanwhile has been overtaken. */
  #turn = 0;

  constructor(options: LiveLinkOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Fragments that the network did not take in time, on this connection. */
  get droppedFragments(): number {
    return this.#uplink?.droppedFragments ?? 0;
  }

  /** Nothing to do when it is on already; a refused one tries again. */
  start(): void {
    if (this.#state.is !== 'off' && this.#state.is !== 'refused') return;
    this.#breaks = 0;
    this.#connect();
  }

  /** A clean end, said within a moment; answers at once. */
  stop(): void {
    this.#leave((uplink) => uplink.finish());
    this.#become({ is: 'off' });
  }

  /** Cuts what there is and connects anew. */
  reconnect(): void {
    if (this.#state.is === 'off') return;
    this.#leave((uplink) => uplink.cut());
    this.#connect();
  }

  /** Moves to where the target is now: a clean end there, a beginning here. */
  move(): void {
    if (this.#state.is === 'off') return;
    this.#leave((uplink) => uplink.finish());
    this.#breaks = 0;
    this.#connect();
  }

  /** Does not wait any longer. */
  retryNow(): void {
    if (this.#state.is === 'waiting') this.#connect();
  }

  /** Resolves when the last connection is gone. */
  parted(): Promise<void> {
    return this.#parting;
  }

  init(init: Init): void {
    if (this.#uplink === null) {
      if (this.#state.is === 'connecting') this.#connect();
    } else if (kindsOf(init) === this.#kinds) this.#uplink.begin(init);
    else this.reconnect(); // a track more or less is another stream
  }

  fragment(fragment: Fragment): void {
    this.#uplink?.add(fragment);
  }

  #connect(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const turn = ++this.#turn;
    if (this.#state.is !== 'connecting') this.#become({ is: 'connecting', sinceMs: Date.now() });
    void this.#parting.then(() => {
      if (turn === this.#turn) this.#begin();
    });
  }

  #begin(): void {
    const { recent, target } = this.#options;
    if (!recent.init || this.#uplink) return; // as soon as there is something to send
    const to = target();
    if (!to) return this.#failed(NOWHERE);
    const uplink = new Uplink(to, {
      opened: () => this.#become({ is: 'open', sinceMs: Date.now() }),
      failed: (failure) => {
        this.#options.log.warn(
          { reason: failure.reason, retry: failure.retry },
          'the connection to the coordinate ended',
        );
        this.#leave((one) => one.cut());
        this.#failed(failure);
      },
    });
    this.#uplink = uplink;
    this.#kinds = kindsOf(recent.init);
    uplink.start(recent);
  }

  #failed(failure: LinkFailure): void {
    if (this.#state.is === 'open' && Date.now() - this.#state.sinceMs > STEADY_MS) this.#breaks = 0;
    if (!failure.retry) return this.#become({ is: 'refused', failure });
    const delayMs = reconnectMs(this.#breaks, Math.random());
    this.#breaks += 1;
    this.#timer = setTimeout(() => this.#connect(), delayMs);
    this.#become({ is: 'waiting', attempt: this.#breaks, untilMs: Date.now() + delayMs, failure });
  }

  /** Ends the connection there is, in the way given. */
  #leave(how: (uplink: Uplink) => void): void {
    this.#turn++;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const uplink = this.#uplink;
    this.#uplink = null;
    if (!uplink) return;
    how(uplink);
    this.#parting = Promise.race([uplink.closed, limited(PARTING_MS)]);
  }

  #become(state: LinkState): void {
    if (state.is === 'off' && this.#state.is === 'off') return;
    this.#state = state;
    this.#options.onChange();
  }
}

const kindsOf = (init: Init): string =>
  init.tracks
    .map((track) => track.kind)
    .toSorted()
    .join();

const limited = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
