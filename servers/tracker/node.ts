// A peer and its nodes, one per tree. Only tree.ts changes where they hang and how they are filed.

/** 0 cannot host in this tree; 1 ordinary; 2 carries one and a half copies or more. */
export type Strength = 0 | 1 | 2;

/** One peer in one tree. The root of a tree (depth 0) stands for all forwards and has no peer. */
export class TreeNode {
  readonly peer: Peer | null;
  readonly tree: number;
  parent: TreeNode | null = null;
  readonly kids: TreeNode[] = [];
  /** Place in the parent's kids. */
  kidAt = -1;
  /** Hops from the forward; -1 before the first placement. */
  depth = -1;
  /** Children it may have: the peer's slots in its home tree, 0 elsewhere. */
  cap = 0;
  strength: Strength = 0;
  /** The peer that was named to it in case the parent fails: it may be connected to that one already. */
  alternative: Peer | null = null;
  levelAt = -1;
  freeAt = -1;

  constructor(peer: Peer | null, tree: number) {
    this.peer = peer;
    this.tree = tree;
  }
}

export class Peer {
  readonly id: string;
  readonly nodes: TreeNode[] = [];
  /** Children it may serve, in slices. */
  slots: number;
  /** The one tree in which it may have children; -1 without slots. */
  home = -1;
  /** Fed by forwards alone and connected to nobody: receive-only, or no peer can reach it. */
  direct: boolean;
  /** Where it is in the network; equal strings are near each other. */
  readonly network: string;
  readonly joinedMs: number;
  /** When an optimising move last touched it. */
  movedMs = -Infinity;
  idleAt = -1;
  /** One sentence: why it sits where it sits. */
  why = '';
  /** Peers it could not be joined with, and until when that is believed. */
  bad: Map<string, number> | null = null;

  /** @param trees how many there are */
  constructor(id: string, trees: number, slots: number, direct: boolean, network: string, nowMs: number) {
    this.id = id;
    this.slots = slots;
    this.direct = direct;
    this.network = network;
    this.joinedMs = nowMs;
    for (let tree = 0; tree < trees; tree++) this.nodes.push(new TreeNode(this, tree));
  }
}

/** `list[index]` for an index that is in range by construction. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`no item ${index} in a list of ${list.length}`);
  return item;
}
