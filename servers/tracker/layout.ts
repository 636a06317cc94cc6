// From one layout to the next: all viewers seated anew in trees for another number of slices, before anybody is told. Pure; when and why
// K changes is decided elsewhere (rule T14).
import { Engine } from './engine.ts';
import { rememberBadPair, seatAll } from './repair.ts';
import type { TreesOptions } from './tree.ts';

/** A new layout begins so many units after the newest one: four seconds, in which its connections open. */
const LEAD_UNITS = 60;

/** The first unit of a layout that is decided now; 0: there are no units that another one has cut. */
export function firstUnit(
  viewers: Iterable<{ report: { newest?: number | undefined } | null }>,
  isLive: boolean,
): number {
  const newest = Math.max(0, ...Array.from(viewers, ({ report }) => report?.newest ?? 0));
  return isLive && newest > 0 ? newest + LEAD_UNITS : 0;
}

/** @param slots what each viewer may serve in the new layout */
export function seatedAnew(before: Engine, options: TreesOptions, slots: (id: string) => number): Engine {
  const engine = new Engine(options);
  const former = [...before.trees.peers.values()].map((peer) => ({ peer, slots: slots(peer.id) }));
  // The strongest first, among equals those that have stayed longest: they end near the root, as they would have by and by.
  former.sort((a, b) => b.slots - a.slots || a.peer.joinedMs - b.peer.joinedMs);
  const seated = former.flatMap(({ peer, slots: may }) => {
    const { id, network, joinedMs, direct } = peer;
    const anew = engine.admit({ id, network, slots: may, shares: !direct }, joinedMs);
    if (!anew) return [];
    if (direct) {
      anew.slots = may;
      anew.why = peer.why;
    }
    for (const [other, untilMs] of peer.bad ?? []) rememberBadPair(anew, other, untilMs);
    return direct ? [] : anew;
  });
  for (const peer of seated) seatAll(engine.trees, peer);
  return engine;
}
