// The trees of one stream, one for each slice and one for parity, as a data structure: nodes, their filing by depth and strength, and the invariants. Where a node should
// sit is decided in place.ts, repair.ts and tick.ts; this file only moves nodes and keeps the books. No sockets, no clock.
import type { SliceCount } from '../../protocol/fields.ts';
import { Bag } from './bag.ts';
import { at, TreeNode, type Peer, type Strength } from './node.ts';

/** All nodes at one depth of one tree. */
class Level {
  readonly byStrength = [
    new Bag<'levelAt', TreeNode>('levelAt'),
    new Bag<'levelAt', TreeNode>('levelAt'),
    new Bag<'levelAt', TreeNode>('levelAt'),
  ] as const;
  /** Those with a free slot. */
  readonly free = new Bag<'freeAt', TreeNode>('freeAt');

  get size(): number {
    return this.byStrength[0].size + this.byStrength[1].size + this.byStrength[2].size;
  }
}

export interface TreesOptions {
  k: SliceCount;
  /** There is a tree for the parity slice, behind those of the k slices [T17]. */
  parity?: boolean;
  /** Full copies that forwards give to sharing viewers; null: max(1, 0.4 % of them). */
  directCopies: number | null;
  /** Seeded in tests: 0 <= random() < 1. */
  random: () => number;
}

/** Share of the viewers that forwards feed directly where no number is set (decision 004: what a fifth less costs, and brings). */
const DIRECT_SHARE = 0.004;

export class Trees {
  readonly k: SliceCount;
  readonly random: () => number;
  readonly roots: TreeNode[] = [];
  /** [tree][depth]; depth 0 is unused. */
  readonly levels: Level[][] = [];
  /** Peers of a home tree without children: they can change their home. */
  readonly idle: Bag<'idleAt', Peer>[] = [];
  readonly freeSlots: number[] = [];
  readonly capacity: number[] = [];
  readonly peers = new Map<string, Peer>();
  /** Peers fed by forwards alone, outside the budget. */
  directPeers = 0;
  /** Peers whose parents may have changed since the owner last looked and cleared it. */
  readonly touched = new Set<Peer>();
  readonly #directCopies: number | null;

  constructor(options: TreesOptions) {
    this.k = options.k;
    this.random = options.random;
    this.#directCopies = options.directCopies;
    for (let tree = 0; tree < options.k; tree++) this.#plant();
    if (options.parity) this.#plant();
  }

  /** Trees, that of parity included. */
  get count(): number {
    return this.roots.length;
  }

  get hasParity(): boolean {
    return this.count > this.k;
  }

  /** [T17] One tree more, in which every peer has a node that hangs from nobody yet; those that forwards alone feed need no parity. */
  addParityTree(): void {
    this.#plant();
    for (const peer of this.peers.values()) {
      const node = new TreeNode(peer, this.k);
      if (peer.direct) [node.parent, node.depth] = [this.root(this.k), 1];
      peer.nodes.push(node);
      this.touched.add(peer);
    }
  }

  /** [T17] The parity tree goes with all its nodes. Whose home it was has none any more. */
  removeParityTree(): void {
    for (const peer of this.peers.values()) {
      if (peer.home === this.k) this.setCap(peer, 0);
      peer.nodes.length = this.k;
      this.touched.add(peer);
    }
    for (const list of [this.roots, this.levels, this.idle, this.freeSlots, this.capacity]) list.length = this.k;
  }

  #plant(): void {
    const root = new TreeNode(null, this.count);
    root.depth = 0;
    this.roots.push(root);
    this.levels.push([new Level()]);
    this.idle.push(new Bag<'idleAt', Peer>('idleAt'));
    this.freeSlots.push(0);
    this.capacity.push(0);
  }

  /** F: children that a forward has per tree without being over budget [T3]. */
  get budget(): number {
    return this.#directCopies ?? Math.max(1, Math.round((this.peers.size - this.directPeers) * DIRECT_SHARE));
  }

  root(tree: number): TreeNode {
    return at(this.roots, tree);
  }

  /** Seats a node (with its subtree) under a parent. */
  link(node: TreeNode, parent: TreeNode, why: string): void {
    node.parent = parent;
    this.#unfree(parent);
    node.kidAt = parent.kids.length;
    parent.kids.push(node);
    this.#free(parent);
    this.#setDepth(node, parent.depth + 1);
    if (node.peer) {
      node.peer.why = why;
      this.touched.add(node.peer);
    }
  }

  /** Takes a node (with its subtree) from its parent. It stays filed under its old depth until it is linked again. */
  unlink(node: TreeNode): void {
    const parent = node.parent;
    if (!parent) return;
    this.#unfree(parent);
    const last = parent.kids.pop();
    if (last && last !== node) {
      parent.kids[node.kidAt] = last;
      last.kidAt = node.kidAt;
      if (!parent.peer && last.peer) this.touched.add(last.peer); // forwards may feed it now
    }
    this.#free(parent);
    node.parent = null;
    node.kidAt = -1;
    if (node.peer) this.touched.add(node.peer);
  }

  /** Gives a peer `slots` in its home tree, choosing the tree with the least capacity when it has none [T2]. */
  setCap(peer: Peer, slots: number, home = peer.home): void {
    if (peer.home >= 0 && peer.home !== home) this.#setNodeCap(at(peer.nodes, peer.home), 0);
    if (slots > 0 && home < 0) home = this.poorestTree();
    peer.slots = slots;
    peer.home = slots > 0 ? home : -1;
    if (home >= 0) this.#setNodeCap(at(peer.nodes, home), slots);
  }

  /** Has a peer fed by forwards alone: under every root, but outside its kids, its budget and all bags [T4]. */
  seatDirect(peer: Peer, why: string): void {
    this.directPeers++;
    peer.direct = true;
    peer.why = why;
    for (const node of peer.nodes) {
      node.parent = this.root(node.tree);
      node.depth = 1;
    }
    this.touched.add(peer);
  }

  unseatDirect(peer: Peer): void {
    this.directPeers--;
    peer.direct = false;
    for (const node of peer.nodes) node.parent = null;
    this.touched.add(peer);
  }

  poorestTree(): number {
    let poorest = 0;
    for (let tree = 1; tree < this.count; tree++)
      if (at(this.capacity, tree) < at(this.capacity, poorest)) poorest = tree;
    return poorest;
  }

  /** The candidate hangs under the root now, and not under `node`: `node` may be linked to it [T5]. */
  mayHost(candidate: TreeNode, node: TreeNode): boolean {
    for (let x: TreeNode | null = candidate; x; x = x.parent) {
      if (x === node) return false;
      if (x.peer === null) return true;
    }
    return false;
  }

  /** Takes a node out of every bag. Detached nodes stay filed; only a leaving peer's are taken out for good. */
  unfile(node: TreeNode): void {
    if (node.levelAt < 0) return;
    this.#unfree(node);
    const levels = at(this.levels, node.tree);
    at(at(levels, node.depth).byStrength, node.strength).remove(node);
    // Empty levels at the bottom go, so that walks over the levels stay as short as the tree is deep.
    while (levels.length > 1 && at(levels, levels.length - 1).size === 0) levels.pop();
  }

  file(node: TreeNode): void {
    if (!node.peer || node.depth < 0 || node.peer.direct) return;
    const levels = at(this.levels, node.tree);
    while (levels.length <= node.depth) levels.push(new Level());
    node.strength = this.strengthOf(node.cap);
    at(at(levels, node.depth).byStrength, node.strength).add(node);
    this.#free(node);
  }

  #unfree(node: TreeNode): void {
    if (node.freeAt >= 0) {
      at(at(this.levels, node.tree), node.depth).free.remove(node);
      this.freeSlots[node.tree] = at(this.freeSlots, node.tree) - (node.cap - node.kids.length);
    }
    if (node.cap > 0 && node.peer && node.peer.idleAt >= 0) at(this.idle, node.tree).remove(node.peer);
  }

  #free(node: TreeNode): void {
    const spare = node.cap - node.kids.length;
    if (spare <= 0 || node.levelAt < 0 || !node.peer) return;
    at(at(this.levels, node.tree), node.depth).free.add(node);
    this.freeSlots[node.tree] = at(this.freeSlots, node.tree) + spare;
    if (node.kids.length === 0) at(this.idle, node.tree).add(node.peer);
  }

  strengthOf(cap: number): Strength {
    return cap === 0 ? 0 : cap < 1.5 * this.k ? 1 : 2;
  }

  /** Throws with a sentence when an invariant does not hold; every peer must be seated. For tests: it looks at everything. */
  check(): void {
    const free = this.roots.map(() => 0);
    const capacity = this.roots.map(() => 0);
    const filed = this.roots.map(() => 0);
    const underRoot = this.roots.map(() => 0);
    let direct = 0;
    const must = (holds: boolean, peer: Peer, rule: string): void => {
      if (!holds) throw new Error(`${peer.id}: ${rule}`);
    };
    for (const peer of this.peers.values()) {
      if (peer.direct) direct++;
      const parents = new Set<Peer>();
      for (const node of peer.nodes) {
        const t = node.tree;
        const parent = node.parent;
        must(node.kids.length <= node.cap, peer, 'has more children than slots');
        must(node.cap === (peer.home === t ? peer.slots : 0), peer, 'has slots in its home tree only');
        must(parent !== null && node.depth === parent.depth + 1, peer, 'is one deeper than its parent');
        if (peer.direct) {
          must(parent === this.root(t) && node.levelAt < 0 && node.kids.length === 0, peer, 'direct peers are apart');
          continue;
        }
        must(parent?.kids[node.kidAt] === node, peer, 'is where its parent looks for it');
        let steps = 0;
        let x: TreeNode | null = parent;
        for (; x && x.peer && steps <= this.peers.size; steps++) x = x.parent;
        must(x === this.root(t) && steps + 1 === node.depth, peer, 'hangs from the root, no peer above itself');
        if (parent?.peer) {
          must(!parents.has(parent.peer), peer, 'has distinct parents');
          parents.add(parent.peer);
        } else underRoot[t] = at(underRoot, t) + 1;
        const level = at(at(this.levels, t), node.depth);
        must(level.byStrength[node.strength].items[node.levelAt] === node, peer, 'is filed by depth and strength');
        must(node.strength === this.strengthOf(node.cap), peer, 'is filed under its strength');
        const spare = node.cap - node.kids.length;
        must(spare > 0 ? level.free.items[node.freeAt] === node : node.freeAt === -1, peer, 'is free as filed');
        const idles = node.cap > 0 && node.kids.length === 0;
        if (peer.home === t) must(idles === peer.idleAt >= 0, peer, 'is idle as filed');
        free[t] = at(free, t) + spare;
        capacity[t] = at(capacity, t) + node.cap;
        filed[t] = at(filed, t) + 1;
      }
    }
    const same = (a: readonly number[], b: readonly number[], what: string): void => {
      if (a.join() !== b.join()) throw new Error(`${what}: ${a.join()} counted, ${b.join()} kept`);
    };
    same(free, this.freeSlots, 'free slots');
    same(capacity, this.capacity, 'capacity');
    same(
      filed,
      this.levels.map((levels) => levels.reduce((sum, level) => sum + level.size, 0)),
      'nodes on levels',
    );
    same(
      underRoot,
      this.roots.map((root) => root.kids.length),
      'children of the root',
    );
    same([direct], [this.directPeers], 'direct peers');
  }

  #setNodeCap(node: TreeNode, cap: number): void {
    const filed = node.levelAt >= 0;
    this.unfile(node);
    this.capacity[node.tree] = at(this.capacity, node.tree) + cap - node.cap;
    node.cap = cap;
    if (filed) this.file(node);
  }

  #setDepth(top: TreeNode, depth: number): void {
    if (top.depth === depth && top.levelAt >= 0) return;
    const stack: TreeNode[] = [top];
    for (let node = stack.pop(); node; node = stack.pop()) {
      this.unfile(node);
      node.depth = node === top ? depth : (node.parent?.depth ?? 0) + 1;
      this.file(node);
      for (const kid of node.kids) stack.push(kid);
    }
  }
}
