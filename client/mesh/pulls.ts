// Asking again for single slices: keeps the books of what is missing and was asked for, acts on refetch.ts, gives bad slices no
// second chance. Part of supply.ts.
import { isParity } from '../../protocol/chunk.ts';
import { planRefetch, worthAsking, type Missing, type Supplier } from './refetch.ts';
import type { HeldUnit } from './store.ts';
import { dueMs, type Substream } from './substream.ts';
import type { PeerMessage } from '../../protocol/peering.ts';
import type { Substreams, SupplyContext } from './supply-context.ts';

/** How far ahead of the newest unit a whole missing unit is noticed. */
const AHEAD_UNITS = 1;
/** Holes looked at in one round. */
const MAX_HOLES = 32;
const MAX_BOOKS = 512;
/** The init segment is asked for again this often while it is missing. */
const INIT_AGAIN_MS = 200;

export class Pulls {
  readonly #at: SupplyContext;
  readonly #supply: Substreams;
  readonly #asked = new Map<string, { count: number; atMs: number }>();
  readonly #recent = new Map<string, number[]>();
  #initAskedMs = Number.NEGATIVE_INFINITY;
  hedges = 0;
  pulled = 0;

  constructor(at: SupplyContext, supply: Substreams) {
    this.#at = at;
    this.#supply = supply;
  }

  tick(): void {
    const { store } = this.#at;
    if (store.epoch === 0) return;
    const nowMs = this.#at.now();
    if (!store.init) this.#askForInit(nowMs);
    const holes = this.#holes(nowMs);
    if (holes.length === 0) return;
    for (const want of planRefetch(holes, this.#supply.substreams, this.#suppliers(nowMs), nowMs, this.#at.isBusy())) {
      const link = this.#at.links().get(want.to);
      if (!link) continue;
      if (want.why === 'hedge') this.hedges++;
      else this.pulled++;
      this.#book(want.unit, want.k, nowMs);
      this.#recent.get(want.to)?.push(nowMs);
      link.send({
        type: 'want',
        epoch: store.epoch,
        unit: want.unit,
        slice: want.k,
        of: this.#supply.K,
        why: want.why,
      });
    }
  }

  /** A refusal lets the next candidate be asked at once. */
  refused(message: Extract<PeerMessage, { type: 'refused' }>): void {
    const book = this.#asked.get(`${this.#at.store.epoch}.${message.unit}.${message.slice}`);
    if (book) book.atMs = Number.NEGATIVE_INFINITY;
  }

  /** Slices that are missing and late; what is merely not here yet costs nothing more. */
  #holes(nowMs: number): Missing[] {
    const { store } = this.#at;
    const holes: Missing[] = [];
    const newest = store.get(store.newest);
    if (!newest) return holes;
    const next = this.#at.nextUnit();
    const { until } = this.#supply;
    const from = Math.max(this.#supply.from, this.#supply.first);
    const first = Math.max(1, from, next === 0 ? store.newest - 4 : next, store.newest - 60);
    const last = Math.min(store.newest + AHEAD_UNITS, until - 1);
    let before = store.get(first - 1) ?? store.get(first);
    for (let unit = first; unit <= last && holes.length < MAX_HOLES; unit++) {
      const held = store.get(unit);
      if (held && (held.wholeMs !== null || held.K !== this.#supply.K)) {
        before = held;
        continue;
      }
      const sourceMs =
        held?.head.sourceMs ??
        (before ? before.head.sourceMs + before.head.durationMs * (unit - before.head.unit) : newest.head.sourceMs);
      holes.push(...this.#late(unit, sourceMs, held, nowMs));
      before = held ?? before;
    }
    return holes;
  }

  /** Data slices of a unit that are late, no more of them than it lacks beside what is here and what is still to come [P19]. */
  #late(unit: number, sourceMs: number, held: HeldUnit | undefined, nowMs: number): readonly Missing[] {
    const { K, substreams } = this.#supply;
    const heldUpMs = held ? this.#heldUpMs(held) : 0;
    const late: Missing[] = [];
    let lacks: number = K;
    for (const sub of substreams) {
      const due = dueMs(sub, sourceMs);
      const isComing = due !== null && nowMs < due + heldUpMs && (sub.serving !== null || sub.standIn !== null);
      if (isComing || held?.slices[sub.k]) lacks--;
      else if (due !== null && nowMs >= due + heldUpMs && !isParity(sub.k, K)) {
        const book = this.#asked.get(`${this.#at.store.epoch}.${unit}.${sub.k}`);
        const [askedMs, asked] = [book?.atMs ?? null, book?.count ?? 0];
        const playedMs = this.#at.feeds(sub.k, K) ? null : this.#at.playedMs(sourceMs);
        late.push({ unit, k: sub.k, sourceMs, begun: held !== undefined, heldUpMs, playedMs, askedMs, asked });
      }
    }
    return worthAsking(late, lacks);
  }

  /**
   * Does a unit of which something is here lack this slice, later than is usual? Where the whole unit is late, as a keyframe is on narrow
   * uplinks, it is not. True while nobody knows what is usual.
   */
  isOverdue(sub: Substream, nowMs: number): boolean {
    const { store } = this.#at;
    for (let unit = Math.max(sub.newest + 1, store.newest - MAX_HOLES); unit <= store.newest; unit++) {
      const held = store.get(unit);
      if (!held || held.K !== this.#supply.K || held.slices[sub.k]) continue;
      const due = dueMs(sub, held.head.sourceMs);
      if (due === null || nowMs >= due + this.#heldUpMs(held)) return true;
    }
    return false;
  }

  /** How much later than usual the first slice of a unit came. */
  #heldUpMs({ firstMs, firstK, head }: HeldUnit): number {
    const usualMs = this.#supply.substreams[firstK]?.delayMs;
    return usualMs === null || usualMs === undefined ? 0 : Math.max(0, firstMs - head.sourceMs - usualMs);
  }

  #suppliers(nowMs: number): Supplier[] {
    const { store } = this.#at;
    const suppliers: Supplier[] = [];
    for (const link of this.#at.links().open()) {
      const recent = (this.#recent.get(link.id) ?? []).filter((at) => nowMs - at < 1_000);
      this.#recent.set(link.id, recent);
      const alive = link.aliveOf(this.#supply.K);
      const newest = alive?.epoch === store.epoch ? alive.newest : [];
      suppliers.push({ id: link.id, kind: link.kind, newest, recentWants: recent.length });
    }
    if (this.#recent.size > 64)
      for (const id of this.#recent.keys()) if (!this.#at.links().get(id)) this.#recent.delete(id);
    // The last resort is dialled when a hole needs it: no idle socket is kept at the forward.
    if (!suppliers.some((s) => s.kind === 'forward')) this.#dialForwardIfLate(nowMs);
    return suppliers;
  }

  #dialForwardIfLate(nowMs: number): void {
    const stuck = [...this.#asked.values()].some((book) => book.count >= 2 && nowMs - book.atMs < 500);
    const forward = this.#at.forwards()[0];
    if (stuck && forward) this.#at.links().toForward(forward.id, forward.url);
  }

  #askForInit(nowMs: number): void {
    if (nowMs - this.#initAskedMs < INIT_AGAIN_MS) return;
    this.#initAskedMs = nowMs;
    const { store } = this.#at;
    const links = this.#at.links().open();
    for (let k = 0; k < this.#supply.K; k++) {
      if (store.get(0)?.slices[k]) continue;
      const parent = this.#supply.substreams[k]?.serving;
      const link = links.find((l) => l.kind === 'forward') ?? links.find((l) => l.id === parent) ?? links[0];
      link?.send({ type: 'want', epoch: store.epoch, unit: 0, slice: k, of: this.#supply.K, why: 'pull' });
    }
    const forward = this.#at.forwards()[0];
    if (forward && !links.some((l) => l.kind === 'forward')) this.#at.links().toForward(forward.id, forward.url);
  }

  #book(unit: number, k: number, nowMs: number): void {
    const key = `${this.#at.store.epoch}.${unit}.${k}`;
    const book = this.#asked.get(key);
    if (book) {
      book.count++;
      book.atMs = nowMs;
      return;
    }
    this.#asked.set(key, { count: 1, atMs: nowMs });
    if (this.#asked.size > MAX_BOOKS) {
      const oldest = this.#asked.keys().next().value;
      if (oldest !== undefined) this.#asked.delete(oldest);
    }
  }
}
