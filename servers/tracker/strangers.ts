// How many new neighbours one identity may come to know by what it does itself [T16]: by losing parents and by coming back. Who asks for
// more is fed by forwards for a while; otherwise one viewer could walk through the whole swarm.
import { Bucket } from '../../protocol/bucket.ts';

/** A machine on a bad line loses a parent every few seconds for a while; it needs no more than this. */
const AT_ONCE = 30;
const PER_SECOND = 30 / 300;
/** Identities that are remembered after they have left; the oldest are forgotten. */
const MAX_REMEMBERED = 20_000;

export class Strangers {
  readonly #budgets = new Map<string, Bucket>();
  readonly #over = new Set<string>();

  /** @param count neighbours that it did not know before */
  meet(id: string, count: number, nowMs: number): void {
    if (count <= 0) return;
    const budget = this.#budgets.get(id) ?? new Bucket(AT_ONCE, PER_SECOND, nowMs);
    this.#budgets.delete(id);
    this.#budgets.set(id, budget);
    for (let i = 0; i < count; i++) if (!budget.take(nowMs)) this.#over.add(id);
    for (const oldest of this.#budgets.keys()) {
      if (this.#budgets.size <= MAX_REMEMBERED) break;
      this.#budgets.delete(oldest);
      this.#over.delete(oldest);
    }
  }

  /** It has met so many that it shall meet no more for now. */
  isOver(id: string, nowMs: number): boolean {
    if (this.#over.has(id) && this.#budgets.get(id)?.take(nowMs)) this.#over.delete(id);
    return this.#over.has(id);
  }
}
