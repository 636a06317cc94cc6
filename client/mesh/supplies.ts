// The layouts that a peer takes units in: nearly always one; two while the tracker changes K, each for its own units. The new one connects
// and subscribes before its first unit, the old one is told where to stop, so that the change costs nobody a unit [P16].
import { isParity } from '../../protocol/chunk.ts';
import type { SliceCount } from '../../protocol/fields.ts';
import type { PeerMessage } from '../../protocol/peering.ts';
import type { Edge, FromTracker, FromViewer } from '../../protocol/signalling.ts';
import type { Link } from './link.ts';
import type { SupplyContext } from './supply-context.ts';
import type { Substream } from './substream.ts';
import { Supply, type Arrived } from './supply.ts';

type Plan = Extract<FromTracker, { type: 'plan' }>;
type LostHow = Extract<FromViewer, { type: 'lost' }>['how'];

/** A change further ahead than this is meant for another epoch: it is made at once. */
const FURTHEST_AHEAD_UNITS = 300;
/** The units of a layout that is over are waited for so long. */
const CLOSING_MS = 3_000;

export class Supplies {
  readonly #at: SupplyContext;
  /** Oldest first; the last one is what the tracker wants. */
  #all: Supply[] = [];
  #overSinceMs: number | null = null;
  #gone = { hedges: 0, pulled: 0 };
  /** Called with the slices of a layout that is closed. */
  ended: (K: SliceCount) => void = () => {};

  constructor(at: SupplyContext) {
    this.#at = at;
  }

  /** The layout whose units are played now; null before the welcome. */
  get current(): Supply | null {
    return this.#all[0] ?? null;
  }

  /** The layout that the tracker wants. */
  get newest(): Supply | null {
    return this.#all.at(-1) ?? null;
  }

  all(): readonly Supply[] {
    return this.#all;
  }

  of(K: number): Supply | undefined {
    return this.#all.findLast((supply) => supply.K === K);
  }

  /** Into how many slices a unit is cut; null where that is not known. */
  slicesOf(unit: number): SliceCount | null {
    if (unit === 0) return this.current?.K ?? null;
    return this.#all.find((supply) => supply.covers(unit))?.K ?? null;
  }

  /** A tracker's first word. What is seated already goes on where K stays. */
  welcomed(K: SliceCount, layout: number): void {
    const { newest } = this;
    if (newest?.K === K) newest.layout = layout;
    else this.#begin(K, layout, newest ? this.#at.store.newest + 1 : 1);
    for (const supply of this.#all) if (supply.until === Infinity) supply.bootstrap();
  }

  follow(plan: Plan): void {
    const { newest } = this;
    if (!newest || newest.K !== plan.k) this.#begin(plan.k, plan.layout, newest ? (plan.from ?? 0) : 1);
    else newest.layout = plan.layout;
    this.newest?.follow(plan);
  }

  /** Another epoch counts its units anew, and all of them are cut in the newest way. */
  epochBegan(): void {
    for (const supply of this.#all.slice(0, -1)) this.#close(supply);
    this.newest?.epochBegan();
  }

  opened(link: Link): void {
    for (const supply of this.#all) supply.opened(link);
  }

  delivered(link: Link, slice: Arrived, isNew: boolean): void {
    this.of(slice.K)?.delivered(link, slice, isNew);
  }

  refused(link: Link, message: Extract<PeerMessage, { type: 'refused' }>): void {
    const supply = message.of === undefined ? this.newest : this.of(message.of);
    supply?.refused(link, message);
  }

  lost(link: Link, how: LostHow): void {
    for (const supply of this.#all) supply.lost(link, how);
  }

  tick(): void {
    for (const supply of this.#all) supply.tick();
    const { current } = this;
    if (!current?.isOver) return;
    const nowMs = this.#at.now();
    this.#overSinceMs ??= nowMs;
    if (this.#at.nextUnit() >= current.until || nowMs - this.#overSinceMs > CLOSING_MS) this.#close(current);
  }

  parents(): (Edge & { kind: 'peer' | 'forward' })[] {
    return this.current?.parents() ?? [];
  }

  /** Ids that some slice depends on. */
  inUse(): Set<string> {
    return new Set(this.#all.flatMap((supply) => [...supply.inUse()]));
  }

  get hedges(): number {
    return this.#all.reduce((sum, supply) => sum + supply.pulls.hedges, this.#gone.hedges);
  }

  get pulled(): number {
    return this.#all.reduce((sum, supply) => sum + supply.pulls.pulled, this.#gone.pulled);
  }

  #begin(K: SliceCount, layout: number, wanted: number): void {
    const { newest } = this;
    const { store } = this.#at;
    const isFar = wanted > store.newest + FURTHEST_AHEAD_UNITS;
    const from = newest ? Math.max(store.newest + 1, isFar ? 0 : wanted) : wanted;
    this.#at.note(`units from ${from} on have ${K} slices`);
    // A third layout before the first is over: the second one, which nobody has units of yet, makes room.
    for (const supply of this.#all) if (supply.from >= from && supply !== this.current) this.#close(supply);
    this.newest?.retire(from);
    this.#all.push(new Supply(this.#at, { K, layout, from }, usual(newest)));
  }

  #close(supply: Supply): void {
    this.#overSinceMs = null;
    this.#gone.hedges += supply.pulls.hedges;
    this.#gone.pulled += supply.pulls.pulled;
    supply.close();
    this.#all = this.#all.filter((other) => other !== supply);
    if (!this.of(supply.K)) this.ended(supply.K);
  }
}

/** Delay and jitter to begin with: those of the slowest slice of the layout before. */
function usual(before: Supply | null): Partial<Substream> {
  const slowest = before?.substreams
    .filter((sub) => sub.delayMs !== null && !isParity(sub.k, before.K))
    .toSorted((a, b) => (b.delayMs ?? 0) - (a.delayMs ?? 0))[0];
  return slowest ? { delayMs: slowest.delayMs, jitterMs: slowest.jitterMs } : {};
}
