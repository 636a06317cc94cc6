// After a restart of the tracker the viewers come back and say how they are seated: edges that both sides name are linked again, who
// is left over is placed like a newcomer [T11]. Claims can only ask: every invariant of the trees holds as ever.
import type { Edge } from '../../protocol/signalling.ts';
import type { Engine, Newcomer } from './engine.ts';
import { attach } from './place.ts';
import { at, type Peer, type TreeNode } from './node.ts';

export interface Claim extends Newcomer {
  parents: readonly Edge[];
  children: readonly Edge[];
}

const WHY_KEPT = 'It kept its place while the tracker restarted.';

/** Forward ids and viewer ids cannot be mistaken for each other. */
export const isForwardId = (id: string): boolean => id.startsWith('f');

/** Every viewer that the claims name is here, so there is nobody to wait for. */
export function isComplete(claims: ReadonlyMap<string, Claim>, isHere: (id: string) => boolean): boolean {
  for (const claim of claims.values())
    for (const edge of [...claim.parents, ...claim.children])
      if (!isForwardId(edge.id) && !claims.has(edge.id) && !isHere(edge.id)) return false;
  return true;
}

/** Seats all claimants. Ids that are seated already are passed over. */
export function rejoin(engine: Engine, claims: ReadonlyMap<string, Claim>, nowMs: number): Peer[] {
  const { trees } = engine;
  const peers: Peer[] = [];
  for (const claim of claims.values()) {
    const peer = engine.admit(claim, nowMs, homeOf(claim, claims, trees.count));
    if (peer) peers.push(peer);
  }
  const waiting = new Set<TreeNode>(peers.filter((peer) => !peer.direct).flatMap((peer) => peer.nodes));
  const claimOf = (node: TreeNode): Claim | undefined => (node.peer ? claims.get(node.peer.id) : undefined);

  /** Links to a seated node the children that both sides name, and so on downwards. */
  const gather = (top: TreeNode): void => {
    const queue = [top];
    for (let node = queue.pop(); node; node = queue.pop()) {
      for (const edge of claimOf(node)?.children ?? []) {
        const child = edge.slice === node.tree ? engine.peer(edge.id)?.nodes[node.tree] : undefined;
        if (!child || !waiting.has(child) || node.kids.length >= node.cap) continue;
        if (!names(claimOf(child)?.parents, node.tree, claimOf(node)?.id)) continue;
        trees.link(child, node, WHY_KEPT);
        waiting.delete(child);
        queue.push(child);
      }
    }
  };

  for (const node of waiting) {
    if (node.parent) continue;
    const parentId = claimOf(node)?.parents.find((edge) => edge.slice === node.tree)?.id;
    if (parentId === undefined) continue;
    const seated = claims.has(parentId) ? undefined : engine.peer(parentId)?.nodes[node.tree];
    const root = trees.root(node.tree);
    if (isForwardId(parentId) && root.kids.length < trees.budget) trees.link(node, root, WHY_KEPT);
    else if (seated && seated.kids.length < seated.cap && trees.mayHost(seated, node))
      trees.link(node, seated, WHY_KEPT);
    else continue;
    waiting.delete(node);
    gather(node);
  }
  // What hangs from nobody now: first those whose own parent is not among the claimants, so that their subtrees stay whole.
  const hosts = [...waiting].toSorted((a, b) => b.cap - a.cap);
  const isTop = (node: TreeNode): boolean =>
    !claimOf(node)?.parents.some((edge) => edge.slice === node.tree && claims.has(edge.id));
  for (const node of [...hosts.filter(isTop), ...hosts]) {
    if (!waiting.delete(node)) continue;
    attach(trees, node);
    gather(node);
  }
  return peers;
}

const names = (edges: readonly Edge[] | undefined, slice: number, id: string | undefined): boolean =>
  edges?.some((edge) => edge.slice === slice && edge.id === id) ?? false;

/** The tree in which most children confirm it as their parent; -1 when none does. */
function homeOf(claim: Claim, claims: ReadonlyMap<string, Claim>, trees: number): number {
  const votes = Array.from({ length: trees }, () => 0);
  for (const { slice, id } of claim.children)
    if (slice < trees && names(claims.get(id)?.parents, slice, claim.id)) votes[slice] = at(votes, slice) + 1;
  const most = Math.max(...votes);
  return most === 0 ? -1 : votes.indexOf(most);
}
