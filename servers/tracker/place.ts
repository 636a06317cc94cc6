// Where a node should sit: under the root while it has direct slots, else as high as a slot is free or a weaker node can be
// displaced. `attach` always succeeds: over budget, the forward is the last resort and tick.ts drains it (MESH.md section 4).
import { at, type Peer, type TreeNode } from './node.ts';
import type { Trees } from './tree.ts';

export interface Spot {
  parent: TreeNode;
  /** Sits there now and moves under the newcomer. */
  displaced: TreeNode | null;
}

/** Nodes compared when choosing a parent. */
const SAMPLE = 4;
/** Most nodes looked at for one that is allowed at all: bounds the work where nearly all are excluded. */
const SCAN = 48;

export const WHY = {
  first: 'Forwards feed the first viewers.',
  free: 'It has a free slot nearest to the forward.',
  stronger: 'It took the place of a peer that cannot host here.',
  displaced: 'A peer that can host took its place and feeds it now.',
  spare: 'No peer has a free slot for parity; it does without until one has.',
  overflow: 'No peer has a free slot; a forward feeds it until one has.',
  receiveOnly: 'It receives only, so forwards feed it and nobody connects to it.',
  unreachable: 'Peers could not reach it, so forwards feed it.',
  convicted: 'It sent slices that the coordinate never sealed: forwards feed it and nobody connects to it.',
  voiceless: 'It accused peers with whom everybody else is content: forwards feed it for a while.',
  restless: 'It has gone through many neighbours in a short time: forwards feed it for a while.',
} as const;

/** The best place for an unattached node (or one to be moved) at depth `maxDepth` or above; null when no slot is within reach. */
export function findSpot(trees: Trees, node: TreeNode, maxDepth = Infinity): Spot | null {
  const root = trees.root(node.tree);
  if (root.kids.length < trees.budget && node.parent !== root) return { parent: root, displaced: null };
  const levels = at(trees.levels, node.tree);
  const hosts = node.cap > node.kids.length;
  const deepest = Math.min(levels.length - 1, maxDepth);
  for (let depth = 1; depth <= deepest; depth++) {
    const level = at(levels, depth);
    if (hosts) {
      const weaker = weakerAt(trees, node, depth);
      if (weaker?.parent) return { parent: weaker.parent, displaced: weaker };
    }
    if (level.free.size > 0 && depth < maxDepth) {
      const parent = bestFree(trees, node, depth);
      if (parent) return { parent, displaced: null };
    }
  }
  return null;
}

/** A node at this depth that is weaker than `node` and may be hosted by it [T6]. */
export function weakerAt(trees: Trees, node: TreeNode, depth: number): TreeNode | null {
  const level = at(at(trees.levels, node.tree), depth);
  const strength = trees.strengthOf(node.cap);
  for (let weaker = 0; weaker < strength; weaker++) {
    const bag = level.byStrength[weaker as 0 | 1];
    const found = bag.find(
      trees.random,
      SCAN,
      (x) =>
        x !== node &&
        x.parent !== null &&
        trees.mayHost(x, node) &&
        !isAbove(x, node) &&
        !isBadPair(x.parent.peer, node.peer) &&
        !isBadPair(x.peer, node.peer),
    );
    if (found) return found;
  }
  return null;
}

/** The best of a few random nodes at this depth with a free slot. */
function bestFree(trees: Trees, node: TreeNode, depth: number): TreeNode | null {
  const bag = at(at(trees.levels, node.tree), depth).free;
  const fits = (x: TreeNode): boolean => trees.mayHost(x, node) && !isBadPair(x.peer, node.peer);
  // Where the parent has failed the child is turning to its alternative already.
  const alternative = node.alternative?.nodes[node.tree];
  if (alternative && alternative.freeAt >= 0 && alternative.depth === depth && fits(alternative)) return alternative;
  let best: TreeNode | null = null;
  let bestCost = Infinity;
  for (let i = Math.min(SAMPLE, bag.size); i > 0; i--) {
    const x = bag.items[Math.floor(trees.random() * bag.size)];
    if (!x || x === best || !fits(x)) continue;
    const cost = costOf(x, node);
    if (cost < bestCost) [best, bestCost] = [x, cost];
  }
  return best ?? bag.find(trees.random, SCAN, fits);
}

/** Lower is better: a peer of the same network is near, one that is connected already needs no new connection. */
function costOf(parent: TreeNode, node: TreeNode): number {
  const [a, b] = [parent.peer, node.peer];
  if (!a || !b) return 0;
  const near = a.network !== '' && a.network === b.network ? 0 : 2;
  const connected = a.nodes.some((n) => n.parent?.peer === b) || b.nodes.some((n) => n.parent?.peer === a) ? 0 : 1;
  return near + connected;
}

const isAbove = (x: TreeNode, node: TreeNode): boolean => {
  for (let y = node.parent; y; y = y.parent) if (y === x) return true;
  return false;
};

export const isBadPair = (a: Peer | null, b: Peer | null): boolean =>
  a !== null && b !== null && ((a.bad?.has(b.id) ?? false) || (b.bad?.has(a.id) ?? false));

/** Seats an unattached node with its subtree. */
export function attach(trees: Trees, node: TreeNode, why?: string): void {
  if (node.peer?.direct) return;
  if (seatWithin(trees, node, why)) return;
  // The tree has no slot: borrow a peer from the tree that has the most.
  if (rehome(trees, node.tree) && seatWithin(trees, node, why)) return;
  if (seize(trees, node) && seatWithin(trees, node, why)) return;
  trees.link(node, trees.root(node.tree), node.tree === trees.k ? WHY.spare : WHY.overflow);
}

/** Finds a node a seat without overburdening the forward. @returns false when the tree has no slot for it */
export function seatWithin(trees: Trees, node: TreeNode, why?: string): boolean {
  const spot = findSpot(trees, node);
  // A subtree hung deep delays all of it: rather one childless node goes there.
  const isDeep = spot !== null && node.kids.length > 0 && depthOf(spot) > shallowestLeaf(trees, node.tree);
  return (isDeep && squeezeIn(trees, node, why)) || seat(trees, node, spot, why) || squeezeIn(trees, node, why);
}

const depthOf = ({ parent }: Spot): number => parent.depth + 1;

/** The depth of the highest nodes that cannot host; Infinity when there are none. */
export function shallowestLeaf(trees: Trees, tree: number): number {
  const depth = at(trees.levels, tree).findIndex((level) => level.byStrength[0].size > 0);
  return depth < 0 ? Infinity : depth;
}

/** Moves a node into a spot; the displaced one goes under it. */
export function seat(trees: Trees, node: TreeNode, spot: Spot | null, why?: string): boolean {
  if (!spot) return false;
  const { parent, displaced } = spot;
  trees.unlink(node);
  if (displaced) {
    trees.unlink(displaced);
    trees.link(node, parent, why ?? WHY.stronger);
    trees.link(displaced, node, WHY.displaced);
  } else trees.link(node, parent, why ?? (parent.peer ? WHY.free : WHY.first));
  return true;
}

/**
 * For a node whose own subtree holds the only free slots: it takes the place of a childless weak node outside, which then moves
 * to one of those slots.
 */
export function squeezeIn(trees: Trees, node: TreeNode, why?: string): boolean {
  if (node.cap === 0 || at(trees.freeSlots, node.tree) === 0) return false;
  const levels = at(trees.levels, node.tree);
  for (let depth = 1; depth < levels.length; depth++) {
    const leaf = at(levels, depth).byStrength[0].find(
      trees.random,
      SCAN,
      (x) => x !== node && trees.mayHost(x, node) && !isBadPair(x.parent?.peer ?? null, node.peer),
    );
    const parent = leaf?.parent;
    if (!leaf || !parent) continue;
    trees.unlink(node);
    trees.unlink(leaf);
    trees.link(node, parent, why ?? WHY.stronger);
    if (!seat(trees, leaf, findSpot(trees, leaf), WHY.displaced)) trees.link(leaf, trees.root(leaf.tree), WHY.overflow);
    return true;
  }
  return false;
}

/**
 * Gives tree `needy` the capacity of one peer of the tree with the most free slots: an idle one, else one whose few children fit
 * on its other peers [T8].
 */
export function rehome(trees: Trees, needy: number): boolean {
  let rich = -1;
  for (let tree = 0; tree < trees.count; tree++)
    if (tree !== needy && at(trees.freeSlots, tree) > (rich < 0 ? 1 : at(trees.freeSlots, rich))) rich = tree;
  if (rich < 0) return false;
  const idle = at(trees.idle, rich).find(trees.random, 1, () => true);
  if (idle) {
    trees.setCap(idle, idle.slots, needy);
    return true;
  }
  const levels = at(trees.levels, rich);
  for (let depth = levels.length - 1; depth > 0; depth--) {
    const found = at(levels, depth).free.find(
      trees.random,
      SCAN,
      (x) => at(trees.freeSlots, rich) - (x.cap - x.kids.length) >= x.kids.length,
    );
    if (!found?.peer) continue;
    const kids = [...found.kids];
    for (const kid of kids) trees.unlink(kid);
    trees.setCap(found.peer, found.peer.slots, needy);
    for (const kid of kids) if (!seatWithin(trees, kid)) trees.link(kid, trees.root(kid.tree), WHY.overflow);
    return true;
  }
  return false;
}

/** [T17] Parity gives way: where a slice has no slot left, one of its hosts changes over, whoever hangs from that one. */
export function seize(trees: Trees, node: TreeNode): boolean {
  if (!trees.hasParity || node.tree === trees.k) return false;
  const levels = at(trees.levels, trees.k);
  for (let depth = levels.length - 1; depth > 0; depth--) {
    const { byStrength } = at(levels, depth);
    const fits = (x: TreeNode): boolean => x.peer !== node.peer;
    const host = byStrength[1].find(trees.random, 2, fits) ?? byStrength[2].find(trees.random, 2, fits);
    if (!host?.peer) continue;
    const kids = [...host.kids];
    for (const kid of kids) trees.unlink(kid);
    trees.setCap(host.peer, host.peer.slots, node.tree);
    for (const kid of kids) if (!seatWithin(trees, kid)) trees.link(kid, trees.root(kid.tree), WHY.spare);
    return true;
  }
  return false;
}
