// From one layout to the next: all viewers seated anew in trees for another number of slices, before anybody is told. Pure; when and why
// K changes is decided elsewhere (rule T14).
import type { SliceCount } from '../../protocol/fields.ts';
import { Engine } from './engine.ts';
import { rememberBadPair, seatAll } from './repair.ts';

/** A new layout begins so many units after the newest one: four seconds, in which its connections open. */
export const LEAD_UNITS = 60;

/** @param slots what each viewer may serve in the new layout */
export function seatedAnew(
  before: Engine,
  options: { k: SliceCount; directCopies: number | null; random: () => number },
  slots: (id: string) => number,
): Engine {
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
