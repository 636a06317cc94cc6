// When what is shown: the delay this peer plays at, and the units given to its player in order. Decides with sequencer.ts; the
// player itself is not known here.
import { TARGET_MARGIN_MS, TARGET_MAX_MS } from '../../protocol/limits.ts';
import { Sequencer, type Playable } from './sequencer.ts';
import type { HeldUnit, UnitStore } from './store.ts';

/** Share of the way down per second: the window of the delays is memory enough. */
const OWN_FALL = 0.3;
/** Until the tracker says otherwise. */
const FIRST_DELAY_MS = 400;

export interface PlayoutEvents {
  init(bytes: Uint8Array<ArrayBuffer>, epoch: number): void;
  unit(playable: Playable): void;
}

export class Playout {
  /** The whole audience's delay, from the tracker. */
  swarmDelayMs = FIRST_DELAY_MS;
  /** What this peer itself needs: it plays later when its units come later than most. */
  #ownDelayMs = 0;
  readonly #store: UnitStore;
  readonly #sequencer: Sequencer;
  readonly #coordinateMs: () => number | null;
  readonly #events: PlayoutEvents;
  /** Epoch whose init segment the player has. */
  #initGiven = 0;

  constructor(store: UnitStore, coordinateMs: () => number | null, events: PlayoutEvents) {
    this.#store = store;
    this.#sequencer = new Sequencer(store);
    this.#coordinateMs = coordinateMs;
    this.#events = events;
  }

  /** How far behind the source this peer plays: with everybody else, unless its own units come too late for that. */
  get targetDelayMs(): number {
    return Math.min(TARGET_MAX_MS, Math.max(this.swarmDelayMs, this.#ownDelayMs));
  }

  /** The next unit to play; 0 before the first. */
  get next(): number {
    return this.#sequencer.next;
  }

  get skipped(): number {
    return this.#sequencer.skipped;
  }

  get isLate(): boolean {
    return this.#sequencer.isLate(this.#playoutMs());
  }

  /** Gives the player everything that is due to it. */
  give(): void {
    for (;;) {
      const playable = this.#sequencer.take(this.#playoutMs());
      if (!playable) return;
      const { init, epoch } = this.#store;
      if (init && this.#initGiven !== epoch) {
        this.#initGiven = epoch;
        this.#events.init(unitBytesOf(init), epoch);
      }
      this.#events.unit(playable);
    }
  }

  /** Gives the init segment and the units from a keyframe at hand again: the player had to start anew. */
  replay(): void {
    this.#initGiven = 0;
    this.#sequencer.rewind();
    this.give();
  }

  /** Once a second, with the 99th percentile of this peer's delays: what it must allow for to stall in one second of a hundred at most. */
  heedDelays(p99Ms: number | null): void {
    if (p99Ms === null) return;
    const wanted = p99Ms + TARGET_MARGIN_MS;
    this.#ownDelayMs += (wanted - this.#ownDelayMs) * (wanted > this.#ownDelayMs ? 1 : OWN_FALL);
  }

  /** When what was made then is on screen by plan, on the clock that shows `nowMs`; null until the coordinate's is known. */
  playedMs(sourceMs: number, nowMs: number): number | null {
    const shownMs = this.#playoutMs();
    return shownMs === null ? null : nowMs + sourceMs - shownMs;
  }

  /** The source time that is on screen by plan. */
  #playoutMs(): number | null {
    const coordinateMs = this.#coordinateMs();
    return coordinateMs === null ? null : coordinateMs - this.targetDelayMs;
  }
}

/** The bytes of a whole unit. */
export function unitBytesOf(held: HeldUnit): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(held.head.unitBytes);
  let at = 0;
  for (const slice of held.slices.slice(0, held.K)) {
    if (!slice) throw new Error('the unit is not whole');
    bytes.set(slice.bytes, at);
    at += slice.bytes.length;
  }
  return bytes;
}
