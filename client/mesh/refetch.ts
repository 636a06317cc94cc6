// What to ask for again, and of whom: hedges while there is still time, pulls for holes that survive. Pure: looks at the supply,
// returns what to do (MESH, "Hedge" and "Pull").
import { dueMs, type Substream } from './substream.ts';

/** A slice that should be here and is not. */
export interface Missing {
  unit: number;
  k: number;
  /** The unit's source time, or an estimate from its neighbours. */
  sourceMs: number;
  /** Another slice of the unit is here. */
  begun: boolean;
  /** How much later than usual that one came: a large unit is late everywhere, and nobody's loss. */
  heldUpMs: number;
  /** It is played then, and nobody below waits for it; null: somebody does, or nobody knows. On the clock of `nowMs`. */
  playedMs: number | null;
  /** When it was last asked for; null = never. */
  askedMs: number | null;
  /** How often it was asked for. */
  asked: number;
}

export interface Supplier {
  id: string;
  kind: 'peer' | 'forward';
  /** By slice: the newest unit it said it holds; undefined = unknown. */
  newest: readonly (number | undefined)[];
  /** Requests sent to it in the last second. */
  recentWants: number;
}

export interface Want {
  to: string;
  unit: number;
  k: number;
  why: 'hedge' | 'pull';
}

/** Before the same slice is asked for again. */
const AGAIN_MS = 120;
/** A supplier is asked for this many slices a second at most; the forward for more, it is the last resort. */
const WANTS_PER_SECOND = 30;
const FORWARD_WANTS_PER_SECOND = 60;
/** What only this viewer waits for is given time for a retransmission on its way, while an answer to a question would still be in time. */
const PATIENCE_MS = 200;
/** An answer takes about so long. */
const ANSWER_MS = 150;
/** A hole this much overdue goes to the forward. */
const FORWARD_AFTER_MS = 150;
/** A machine that is busy itself asks for nothing sooner: repair that it cannot use would only make it busier. */
const BUSY_PATIENCE_MS = 500;
/** Asked this often in vain, a slice is left to the player's jump. */
const MAX_ASKED = 6;

/**
 * [P19] Of a unit's late slices those that are worth asking for.
 * @param lacks how many slices it lacks beside those that are here and those that are still to come
 */
export function worthAsking(late: readonly Missing[], lacks: number): readonly Missing[] {
  if (late.length <= lacks) return late;
  // What was asked for before is on its way more likely than another.
  const open = late.filter((hole) => hole.asked < MAX_ASKED).toSorted((a, b) => b.asked - a.asked);
  return open.slice(0, Math.max(0, lacks));
}

export function planRefetch(
  missing: readonly Missing[],
  substreams: readonly Substream[],
  suppliers: readonly Supplier[],
  nowMs: number,
  isBusy = false,
): Want[] {
  const wants: Want[] = [];
  const used = new Map<string, number>();
  for (const hole of missing) {
    const sub = substreams[hole.k];
    if (!sub || hole.asked >= MAX_ASKED) continue;
    if (hole.askedMs !== null && nowMs - hole.askedMs < AGAIN_MS) continue;
    const due = dueMs(sub, hole.sourceMs);
    if (due === null || nowMs < due + hole.heldUpMs) continue;
    const overdueMs = nowMs - due - hole.heldUpMs;
    if (isBusy && overdueMs < BUSY_PATIENCE_MS) continue;
    const spareMs = hole.playedMs === null ? 0 : hole.playedMs - ANSWER_MS - nowMs;
    if (hole.asked === 0 && overdueMs < PATIENCE_MS && spareMs > 0) continue;
    // An alive parent with nothing newer is repairing its own supply: give it twice the time, so a break is no storm.
    const parent = suppliers.find((s) => s.id === sub.serving);
    const parentLacks = parent?.kind === 'peer' && (parent.newest[hole.k] ?? 0) < hole.unit;
    if (parentLacks && !hole.begun && overdueMs < 60) continue;
    const candidates = suppliers
      .filter((s) => s.kind === 'peer' || overdueMs > FORWARD_AFTER_MS || hole.asked >= 2)
      .filter(
        (s) =>
          s.recentWants + (used.get(s.id) ?? 0) < (s.kind === 'forward' ? FORWARD_WANTS_PER_SECOND : WANTS_PER_SECOND),
      );
    const to = pick(candidates, hole, sub);
    if (!to) continue;
    used.set(to.id, (used.get(to.id) ?? 0) + 1);
    wants.push({ to: to.id, unit: hole.unit, k: hole.k, why: hole.asked === 0 ? 'hedge' : 'pull' });
  }
  return wants;
}

/** First the one that is known to hold it and is not the late parent; asked in vain, the next one. */
function pick(candidates: readonly Supplier[], hole: Missing, sub: Substream): Supplier | undefined {
  const score = (s: Supplier): number => {
    const holds = (s.newest[hole.k] ?? 0) >= hole.unit;
    return (s.id === sub.serving ? 4 : 0) + (holds ? 0 : 1) + (s.kind === 'forward' ? 2 : 0);
  };
  const ranked = [...candidates].sort((a, b) => score(a) - score(b));
  return ranked[Math.min(hole.asked, ranked.length - 1)];
}
