// The placement engine of one stream as its owner sees it: joins, departures, broken edges and time go in; who must be told comes out
// by `takeTouched`. A pure data structure: the owner passes time and randomness.
import { alternativeFor } from './alternative.ts';
import { setParity } from './parity-tree.ts';
import { WHY } from './place.ts';
import { leave, moveEdge, rememberBadPair, seatAll, setDirect, setSlots } from './repair.ts';
import { relieveForwards, tick } from './tick.ts';
import { Peer, type TreeNode } from './node.ts';
import { Trees, type TreesOptions } from './tree.ts';

export interface Newcomer {
  id: string;
  /** Slices it may serve at once. */
  slots: number;
  shares: boolean;
  network?: string;
}

/** Parents and children named by their ids; `null` = the forward. */
export interface Seat {
  slice: number;
  parent: string | null;
}

export class Engine {
  readonly trees: Trees;

  constructor(options: TreesOptions) {
    this.trees = new Trees(options);
  }

  get size(): number {
    return this.trees.peers.size;
  }

  peer(id: string): Peer | undefined {
    return this.trees.peers.get(id);
  }

  /** Seats newcomers, the strongest first [T1]. Ids that are here already are passed over. */
  join(newcomers: readonly Newcomer[], nowMs: number): Peer[] {
    const peers = newcomers
      .toSorted((a, b) => Number(b.shares) - Number(a.shares) || b.slots - a.slots)
      .flatMap((newcomer) => this.admit(newcomer, nowMs) ?? []);
    for (const peer of peers) if (!peer.direct) seatAll(this.trees, peer);
    return peers;
  }

  /** Registers a peer without seating it; the caller seats it in the same turn. Null when the id is taken. */
  admit(newcomer: Newcomer, nowMs: number, home = -1): Peer | null {
    const { trees } = this;
    if (trees.peers.has(newcomer.id)) return null;
    const peer = new Peer(newcomer.id, trees.count, newcomer.slots, false, newcomer.network ?? '', nowMs);
    trees.peers.set(peer.id, peer);
    if (newcomer.shares) trees.setCap(peer, newcomer.slots, home);
    else trees.seatDirect(peer, WHY.receiveOnly);
    return peer;
  }

  leave(id: string): void {
    const peer = this.peer(id);
    if (peer) leave(this.trees, peer);
  }

  setSlots(id: string, slots: number): void {
    const peer = this.peer(id);
    if (peer) setSlots(this.trees, peer, slots);
  }

  setShares(id: string, shares: boolean, why?: string): void {
    const peer = this.peer(id);
    if (peer) setDirect(this.trees, peer, !shares, why);
  }

  /** The child could not get this slice from its parent. @returns false when that peer is not its parent there */
  lost(id: string, slice: number, parent: string, apartUntilMs: number): boolean {
    const peer = this.peer(id);
    if (!peer || peer.nodes[slice]?.parent?.peer?.id !== parent) return false;
    moveEdge(this.trees, peer, slice, apartUntilMs);
    return true;
  }

  keepApart(id: string, other: string, untilMs: number): void {
    const peer = this.peer(id);
    if (peer) rememberBadPair(peer, other, untilMs);
  }

  /** [T17] Parity is sent along, or not, from now on; nobody's other parents change for it where slots suffice. */
  setParity(isSent: boolean): void {
    setParity(this.trees, isSent);
  }

  tick(nowMs: number): number {
    return tick(this.trees, nowMs);
  }

  /** Forwards give up children above their budget, where peers have room for them now. */
  relieve(): number {
    return relieveForwards(this.trees);
  }

  /** One peer to try in each tree when the parent fails; null = the forward. */
  alternatives(id: string): (string | null)[] {
    return this.peer(id)?.nodes.map((node) => alternativeFor(this.trees, node)?.id ?? null) ?? [];
  }

  /** It shall be told its plan anew. */
  touch(id: string): void {
    const peer = this.peer(id);
    if (peer) this.trees.touched.add(peer);
  }

  /** The peers whose parents may have changed since the last call. */
  takeTouched(): Peer[] {
    const touched = [...this.trees.touched];
    this.trees.touched.clear();
    return touched;
  }

  check(): void {
    this.trees.check();
  }
}

export const parentsOf = (peer: Peer): Seat[] =>
  peer.nodes.map((node) => ({ slice: node.tree, parent: node.parent?.peer?.id ?? null }));

export const childrenOf = (peer: Peer): { slice: number; id: string }[] =>
  peer.nodes.flatMap((node) =>
    node.kids.flatMap((kid: TreeNode) => (kid.peer ? { slice: kid.tree, id: kid.peer.id } : [])),
  );
