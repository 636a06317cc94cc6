// Which other peer a viewer may ask for a slice when its parent fails, before the tracker has answered.
import { isBadPair } from './place.ts';
import { at, type Peer, type TreeNode } from './node.ts';
import type { Trees } from './tree.ts';

const SCAN = 16;

/** A peer near the forward with a free slot, else any that can host there; null when only the forward is left. Never one below. */
export function alternativeFor(trees: Trees, node: TreeNode): Peer | null {
  node.alternative = choose(trees, node);
  return node.alternative;
}

function choose(trees: Trees, node: TreeNode): Peer | null {
  if (node.peer?.direct) return null;
  const fits = (x: TreeNode): boolean =>
    x !== node.parent && x.peer !== node.peer && !isBadPair(x.peer, node.peer) && trees.mayHost(x, node);
  const levels = at(trees.levels, node.tree);
  for (let depth = 1; depth < levels.length; depth++) {
    const found = at(levels, depth).free.find(trees.random, SCAN, fits);
    if (found) return found.peer;
  }
  for (let depth = 1; depth < levels.length; depth++) {
    const level = at(levels, depth).byStrength;
    const found = level[2].find(trees.random, SCAN, fits) ?? level[1].find(trees.random, SCAN, fits);
    if (found) return found.peer;
  }
  return null;
}
