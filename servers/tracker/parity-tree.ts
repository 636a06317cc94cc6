// The tree of the parity slice comes and goes while people watch [T17]: it is grown from slots that stand idle, beside the trees of the
// other slices, and dies without them. When it should is auto-parity.ts.
import { at, type Peer, type TreeNode } from './node.ts';
import { attach } from './place.ts';
import type { Trees } from './tree.ts';

export function setParity(trees: Trees, isSent: boolean): void {
  if (isSent === trees.hasParity || trees.k === 1) return;
  if (isSent) grow(trees);
  else fell(trees);
}

/** Forwards give parity within their budget alone, and not to those that they give everything. */
export const isSpared = (trees: Trees, { peer, parent, tree, kidAt }: TreeNode): boolean =>
  tree === trees.k && parent?.peer === null && (peer?.direct === true || kidAt >= trees.budget);

/** Hosts first, the strongest and oldest of them nearest to the root; then whoever only takes. */
function grow(trees: Trees): void {
  trees.addParityTree();
  const peers = [...trees.peers.values()].filter((peer) => !peer.direct);
  recruit(trees, peers);
  const nodes = peers.map((peer) => at(peer.nodes, trees.k));
  nodes.sort((a, b) => b.cap - a.cap || joined(a) - joined(b));
  for (const node of nodes) attach(trees, node);
}

/** As many hosts as it takes change over, those with the fewest children first, where the others of their tree have room for these. */
function recruit(trees: Trees, peers: readonly Peer[]): void {
  let wanted = peers.length - trees.budget;
  const hosts = peers.filter((peer) => peer.home >= 0).map((peer) => at(peer.nodes, peer.home));
  hosts.sort((a, b) => a.kids.length - b.kids.length || b.cap - a.cap || joined(a) - joined(b));
  for (const { peer, tree, kids, cap } of hosts) {
    if (wanted <= 0) return;
    // Finding the children of those before it a place may have moved its slots to another tree already.
    if (!peer || peer.home !== tree) continue;
    if (at(trees.freeSlots, tree) - (cap - kids.length) <= kids.length) continue;
    const former = [...kids];
    for (const kid of former) trees.unlink(kid);
    trees.setCap(peer, cap, trees.k);
    for (const kid of former) attach(trees, kid);
    wanted -= cap;
  }
}

const joined = ({ peer }: TreeNode): number => peer?.joinedMs ?? 0;

/** Its hosts have their slots in another tree from now on. */
function fell(trees: Trees): void {
  const hosts = [...trees.peers.values()].filter((peer) => peer.home === trees.k);
  const slots = hosts.map((peer) => peer.slots);
  trees.removeParityTree();
  for (const [i, peer] of hosts.entries()) trees.setCap(peer, at(slots, i));
}
