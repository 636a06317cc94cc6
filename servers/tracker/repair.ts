// What happens to the trees when something breaks or changes: a peer leaves, one edge fails, slots or the wish to share change.
import { attach, WHY } from './place.ts';
import { at, type Peer, type TreeNode } from './node.ts';
import type { Trees } from './tree.ts';

/** Bad pairs remembered per peer; the oldest go. */
const MAX_BAD_PAIRS = 16;

/** Takes a peer out of all trees; the strongest of its children takes the vacated place, the others are placed anew [T7]. */
export function leave(trees: Trees, peer: Peer): void {
  trees.peers.delete(peer.id);
  uproot(trees, peer, `Its parent ${peer.id} left.`);
  trees.touched.delete(peer);
}

/** A peer that becomes receive-only, or sharing again [T4]. */
export function setDirect(trees: Trees, peer: Peer, direct: boolean, why: string = WHY.receiveOnly): void {
  if (peer.direct === direct) return;
  if (direct) {
    const slots = peer.slots;
    uproot(trees, peer, `Its parent ${peer.id} stopped sharing.`);
    peer.slots = slots;
    trees.seatDirect(peer, why);
    return;
  }
  trees.unseatDirect(peer);
  if (peer.slots > 0) trees.setCap(peer, peer.slots);
  seatAll(trees, peer);
}

/** A changed number of slots; children above it are placed anew, the smallest first to go. */
export function setSlots(trees: Trees, peer: Peer, slots: number): void {
  if (peer.direct) {
    peer.slots = slots;
    return;
  }
  const node = peer.home < 0 ? null : at(peer.nodes, peer.home);
  const evicted: TreeNode[] = [];
  if (node && node.kids.length > slots) {
    for (const kid of byStrength(node.kids).slice(slots)) {
      trees.unlink(kid);
      evicted.push(kid);
    }
  }
  trees.setCap(peer, slots);
  for (const kid of evicted) attach(trees, kid, `Its parent ${peer.id} can serve fewer.`);
}

/** One edge failed while both ends stay: the child gets another parent in this tree and the pair is kept apart for a while [T9]. */
export function moveEdge(trees: Trees, child: Peer, tree: number, apartUntilMs: number): void {
  const node = at(child.nodes, tree);
  const parent = node.parent?.peer;
  if (!parent || child.direct) return;
  rememberBadPair(child, parent.id, apartUntilMs);
  trees.unlink(node);
  attach(trees, node, `It could not get the slice from ${parent.id}.`);
}

export function rememberBadPair(peer: Peer, other: string, untilMs: number): void {
  const bad = (peer.bad ??= new Map());
  bad.delete(other);
  bad.set(other, untilMs);
  for (const oldest of bad.keys()) {
    if (bad.size <= MAX_BAD_PAIRS) break;
    bad.delete(oldest);
  }
}

export function forgetBadPairs(peer: Peer, nowMs: number): void {
  if (!peer.bad) return;
  for (const [id, untilMs] of peer.bad) if (untilMs <= nowMs) peer.bad.delete(id);
  if (peer.bad.size === 0) peer.bad = null;
}

/** Places a peer in every tree, its home first: there it can host whom it displaces. */
export function seatAll(trees: Trees, peer: Peer): void {
  const home = peer.home; // placing may already change it
  if (home >= 0) attach(trees, at(peer.nodes, home));
  for (const node of peer.nodes) if (node.tree !== home) attach(trees, node);
}

function uproot(trees: Trees, peer: Peer, why: string): void {
  if (peer.direct) {
    trees.unseatDirect(peer);
    return;
  }
  const home = peer.home < 0 ? null : at(peer.nodes, peer.home);
  const vacated = home?.parent ?? null;
  const orphans = byStrength(home?.kids ?? []);
  for (const orphan of orphans) trees.unlink(orphan);
  trees.setCap(peer, 0);
  for (const node of peer.nodes) {
    trees.unlink(node);
    trees.unfile(node);
    node.depth = -1;
  }
  const heir = vacated === null ? undefined : orphans.shift();
  if (heir && vacated) trees.link(heir, vacated, why);
  for (const orphan of orphans) attach(trees, orphan, why);
}

/** Those that can host most first, then those with most children. */
const byStrength = (nodes: readonly TreeNode[]): TreeNode[] =>
  nodes.toSorted((a, b) => b.cap - a.cap || b.kids.length - a.kids.length);
