// Viewers that came back after the tracker's restart, until they are seated: they wait for the neighbours that they name, but not for
// ever. How their claims become edges is in rejoin.ts.
import type { Engine, Newcomer } from './engine.ts';
import { isComplete, rejoin, type Claim } from './rejoin.ts';
import type { Viewer } from './viewer.ts';

/** After a start, viewers that come back are waited for so long. */
const REJOIN_MS = 6_000;
/** A large audience takes longer (returns.ts), and comes without a pause. */
const PAUSE_MS = 1_000;
const MOST_MS = 16_000;

export class Returning {
  readonly #startedMs: number;
  readonly #newcomer: (viewer: Viewer) => Newcomer;
  readonly #viewers = new Map<string, Viewer>();
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @param newcomer what the engine is told of a viewer that it has not seated */
  constructor(startedMs: number, newcomer: (viewer: Viewer) => Newcomer) {
    this.#startedMs = startedMs;
    this.#newcomer = newcomer;
  }

  get size(): number {
    return this.#viewers.size;
  }

  has(id: string): boolean {
    return this.#viewers.has(id);
  }

  wait(viewer: Viewer, nowMs: number): void {
    this.#lastMs = nowMs;
    this.#viewers.set(viewer.id, viewer);
  }

  /** The same viewer is on a new connection now. */
  resume(viewer: Viewer): void {
    if (this.#viewers.has(viewer.id)) this.#viewers.set(viewer.id, viewer);
  }

  forget(id: string): void {
    this.#viewers.delete(id);
  }

  /** There is nobody left to wait for, or the time for that is over. */
  isDue(engine: Engine, hasForwards: boolean, nowMs: number): boolean {
    const passedMs = nowMs - this.#startedMs;
    if (passedMs >= MOST_MS || (passedMs >= REJOIN_MS && nowMs - this.#lastMs >= PAUSE_MS)) return true;
    return hasForwards && isComplete(this.#claims(), (id) => engine.peer(id) !== undefined);
  }

  /** Seats all of them. @returns who they were */
  seat(engine: Engine, nowMs: number): Viewer[] {
    const returned = [...this.#viewers.values()];
    rejoin(engine, this.#claims(), nowMs);
    this.#viewers.clear();
    for (const viewer of returned) viewer.claims = null;
    return returned;
  }

  #claims(): Map<string, Claim> {
    return new Map(
      Array.from(this.#viewers.values(), (viewer) => [
        viewer.id,
        { ...this.#newcomer(viewer), parents: viewer.claims?.parents ?? [], children: viewer.claims?.children ?? [] },
      ]),
    );
  }
}
