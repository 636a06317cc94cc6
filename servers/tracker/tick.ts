// The slow improvement of the trees, once a second with a bounded number of moves: relieve the forward of children over its budget,
// lift the deepest, swap peers that can host upwards over those that cannot (MESH.md section 4).
import { findSpot, isBadPair, rehome, seat, seatWithin, seize } from './place.ts';
import { forgetBadPairs } from './repair.ts';
import { at, type Peer, type TreeNode } from './node.ts';
import type { Trees } from './tree.ts';

/** A peer is moved for the better at most this often. */
export const MOVE_EVERY_MS = 10_000;
/** A peer is trusted with a place nearer to the root after this long, with one right under it after the longer time. */
export const PROVEN_MS = 20_000;
export const PROVEN_FOR_TOP_MS = 60_000;
/** A lift that gains less is not worth a new connection. */
const LIFT_GAIN = 2;
const SCAN = 32;

/** Moves allowed in one tick: max(8, 1 % of the viewers) [T10]. */
export const movesPerTick = (viewers: number): number => Math.max(8, Math.floor(viewers / 100));

/** @returns how many nodes were moved */
export function tick(trees: Trees, nowMs: number): number {
  for (const peer of trees.peers.values()) forgetBadPairs(peer, nowMs);
  let left = movesPerTick(trees.peers.size);
  const allowed = left;
  for (const tree of mostOverBudget(trees)) left -= drain(trees, tree, left);
  // Each tree has its share, and those after it what it leaves over: one that is much too deep does not keep the others as they are.
  for (let tree = 0; tree < trees.count && left > 1; tree++)
    left -= lift(trees, tree, Math.ceil((left - 1) / (trees.count - tree)), nowMs);
  for (let tree = 0; tree < trees.count && left > 1; tree++)
    left -= promote(trees, tree, Math.ceil(left / (trees.count - tree)), nowMs);
  return allowed - left;
}

/** What `tick` does first, alone: newcomers have just been trusted. @returns how many nodes were moved */
export function relieveForwards(trees: Trees): number {
  let left = movesPerTick(trees.peers.size);
  const allowed = left;
  for (const tree of mostOverBudget(trees)) left -= drain(trees, tree, left);
  return allowed - left;
}

/** The tree whose forward children are most over budget comes first: in a rush the moves do not suffice for all. Parity comes last. */
const mostOverBudget = (trees: Trees): number[] =>
  trees.roots
    .map((root, tree) => ({ tree, kids: tree === trees.k ? -1 : root.kids.length }))
    .toSorted((a, b) => b.kids - a.kids || a.tree - b.tree)
    .map(({ tree }) => tree);

/** Children of the forward above its budget go to peers, the weakest first. */
function drain(trees: Trees, tree: number, most: number): number {
  const root = trees.root(tree);
  let moved = 0;
  while (moved < most && root.kids.length > trees.budget) {
    const top = at(trees.levels, tree)[1];
    const node = top?.byStrength.map((bag) => bag.find(trees.random, 1, () => true)).find((found) => found !== null);
    if (!node) break;
    const before = root.kids.length;
    if (!relieve(trees, node)) {
      if (!(rehome(trees, tree) || seize(trees, node)) || !relieve(trees, node)) break;
    }
    moved++;
    if (root.kids.length >= before) break; // nothing gained: try again in a second
  }
  return moved;
}

const relieve = (trees: Trees, node: TreeNode): boolean =>
  seatWithin(trees, node, 'A slot came free; the forward is relieved.');

/**
 * Shortens the longest way to the forward: the middle of it, with all that hangs below, goes to the highest free slot, or changes
 * places with the highest childless node that cannot host. Cutting in the middle halves what the way has too much.
 */
function lift(trees: Trees, tree: number, most: number, nowMs: number): number {
  let moved = 0;
  for (let tries = most; tries > 0 && moved < most; tries--) {
    const levels = at(trees.levels, tree);
    const deepest = levels.length - 1;
    const free = levels.findIndex((level) => level.free.size > 0);
    const weak = levels.findIndex((level, depth) => depth > 0 && level.byStrength[0].size > 0);
    const freeSpot = free < 0 ? Infinity : free + 1;
    const weakSpot = weak < 0 ? Infinity : weak;
    const spot = Math.min(freeSpot, weakSpot);
    const depth = Math.ceil((deepest + spot) / 2);
    if (depth - spot < LIFT_GAIN) break;
    const middle = ancestorAt(findAt(trees, tree, deepest), depth);
    if (!middle || !rested(middle.peer, nowMs)) continue;
    if (freeSpot <= weakSpot) {
      if (!seat(trees, middle, findSpot(trees, middle, spot), 'It moved nearer to the forward.')) continue;
      moved++;
    } else {
      const other = at(levels, weak).byStrength[0].find(trees.random, SCAN, (x) => rested(x.peer, nowMs));
      if (!other || !maySwap(middle, other)) continue;
      swap(trees, middle, other, 'Much hangs below it, so it moved nearer to the forward.');
      noteMove(other, nowMs);
      moved += 2;
    }
    noteMove(middle, nowMs);
  }
  return moved;
}

function ancestorAt(node: TreeNode | null, depth: number): TreeNode | null {
  let x = node;
  while (x && x.depth > depth) x = x.parent;
  return x;
}

/** A proven peer that can host changes places with a childless one that cannot and sits higher. */
function promote(trees: Trees, tree: number, most: number, nowMs: number): number {
  let moved = 0;
  const levels = at(trees.levels, tree);
  for (let high = 1; high < levels.length - 1 && moved + 1 < most; high++) {
    const proven = high === 1 ? PROVEN_FOR_TOP_MS : PROVEN_MS;
    for (let low = levels.length - 1; low > high && moved + 1 < most; low--) {
      const weak = at(levels, high).byStrength[0].find(trees.random, SCAN, (x) => rested(x.peer, nowMs));
      if (!weak) break;
      const strong = (node: TreeNode): boolean =>
        rested(node.peer, nowMs) && node.peer !== null && nowMs - node.peer.joinedMs >= proven && maySwap(node, weak);
      const level = at(levels, low).byStrength;
      const node = level[2].find(trees.random, SCAN, strong) ?? level[1].find(trees.random, SCAN, strong);
      if (!node) continue;
      swap(trees, node, weak, 'It has proven itself and can host here, so it moved up.');
      noteMove(node, nowMs);
      noteMove(weak, nowMs);
      moved += 2;
    }
  }
  return moved;
}

const maySwap = (low: TreeNode, high: TreeNode): boolean =>
  !isBadPair(low.peer, high.parent?.peer ?? null) && !isBadPair(high.peer, low.parent?.peer ?? null);

/** `low` with its subtree takes the place of the childless `high`, which takes its. */
function swap(trees: Trees, low: TreeNode, high: TreeNode, why: string): void {
  const [lowParent, highParent] = [low.parent, high.parent];
  if (!lowParent || !highParent) return;
  trees.unlink(low);
  trees.unlink(high);
  trees.link(low, highParent, why);
  trees.link(high, lowParent, 'A peer that can host here took its place.');
}

const rested = (peer: Peer | null, nowMs: number): boolean => peer !== null && nowMs - peer.movedMs >= MOVE_EVERY_MS;

function noteMove(node: TreeNode, nowMs: number): void {
  if (node.peer) node.peer.movedMs = nowMs;
}

/** Any node at this depth. */
function findAt(trees: Trees, tree: number, depth: number): TreeNode | null {
  for (const bag of at(at(trees.levels, tree), depth).byStrength) {
    const found = bag.find(trees.random, 1, () => true);
    if (found) return found;
  }
  return null;
}
