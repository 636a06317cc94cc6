// Takes whole units out of the store in playing order. Waits for a missing one while that is worth it, then goes on at a keyframe:
// a decoder that misses more than a frame shows nothing until the next key anyway (FACTS: holes).
import type { HeldUnit, UnitStore } from './store.ts';

/** How long after its playout time a missing unit is still waited for when a later keyframe is at hand. */
const PATIENCE_MS = 300;

export interface Playable {
  held: HeldUnit;
  /** Units before it were skipped (or it is the first). */
  isJump: boolean;
}

export class Sequencer {
  readonly #store: UnitStore;
  #epoch = 0;
  /** Next unit to play; 0 before the first. */
  next = 0;
  /** When the unit before `next` ends at the source. */
  #nextSourceMs = 0;
  skipped = 0;

  constructor(store: UnitStore) {
    this.#store = store;
  }

  /**
   * The next unit that can go to the player, or null.
   * @param playoutMs the source time that is on screen by plan now (coordinate's clock minus target delay); null while unknown
   */
  take(playoutMs: number | null): Playable | null {
    const store = this.#store;
    if (store.epoch !== this.#epoch) {
      this.#epoch = store.epoch;
      this.next = 0;
    }
    if (!store.init) return null;
    if (this.next === 0) return this.#begin(playoutMs);
    const held = store.get(this.next);
    if (held && held.wholeMs !== null) return this.#give(held, false);
    const overdueMs = playoutMs === null ? 0 : playoutMs - this.#nextSourceMs;
    if (overdueMs < PATIENCE_MS) return null;
    const key = store.keyFrom(this.next);
    const at = key === null ? undefined : store.get(key);
    if (!at || key === null) return null;
    this.skipped += key - this.next;
    return this.#give(at, true);
  }

  /** Begins again at a keyframe at hand. */
  rewind(): void {
    this.next = 0;
  }

  /** Is the next unit past its time? */
  isLate(playoutMs: number | null): boolean {
    return this.next > 0 && playoutMs !== null && playoutMs > this.#nextSourceMs + 50;
  }

  /** Begins inside the keyframe run that the newcomer was given, at the key before the playout time. */
  #begin(playoutMs: number | null): Playable | null {
    let key = this.#store.keyFrom(1);
    if (key === null) return null;
    if (playoutMs !== null)
      for (let later = this.#store.keyFrom(key + 1); later !== null; later = this.#store.keyFrom(later + 1)) {
        const unit = this.#store.get(later);
        if (!unit || unit.head.sourceMs > playoutMs) break;
        key = later;
      }
    const held = this.#store.get(key);
    return held ? this.#give(held, true) : null;
  }

  #give(held: HeldUnit, isJump: boolean): Playable {
    this.next = held.head.unit + 1;
    this.#nextSourceMs = held.head.sourceMs + held.head.durationMs;
    return { held, isJump };
  }
}
