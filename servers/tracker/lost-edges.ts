// What follows when a viewer says that an edge failed: the edge moves, the parent must show that it is there, and who is found unfit
// serves nobody for a while [T9]. Whose word counts for what is losses.ts.
import type { FromViewer } from '../../protocol/signalling.ts';
import type { Engine } from './engine.ts';
import { apartMs, LEAF_MS, Losses } from './losses.ts';
import { WHY } from './place.ts';
import type { Viewer } from './viewer.ts';

/** A viewer that others call lost has so long to answer a ping. */
const PROBE_MS = 1_500;

type How = Extract<FromViewer, { type: 'lost' }>['how'];

export interface LostEdgesOwner {
  readonly engine: Engine;
  viewer(id: string): Viewer | undefined;
}

export class LostEdges {
  readonly #owner: LostEdgesOwner;
  readonly #losses = new Losses();
  readonly #probes = new Map<string, NodeJS.Timeout>();
  /** Peers that serve nobody for a while, and until when. */
  readonly #leaves = new Map<string, number>();

  constructor(owner: LostEdgesOwner) {
    this.#owner = owner;
  }

  isLeaf(id: string): boolean {
    return this.#leaves.has(id);
  }

  /** @param isPlanned it is the parent that the child has by the newest plan, and not a former one */
  hear(child: string, slice: number, parent: string, how: How, isPlanned: boolean, nowMs: number): void {
    const { engine } = this.#owner;
    const verdict = this.#losses.hear(child, parent, how, nowMs);
    if (verdict === 'child cannot connect') {
      engine.keepApart(child, parent, nowMs + LEAF_MS);
      engine.setShares(child, false, WHY.unreachable);
      this.#leaves.set(child, nowMs + LEAF_MS);
      return;
    }
    if (isPlanned) engine.lost(child, slice, parent, nowMs + apartMs(how));
    if (verdict === 'parent fails') {
      engine.setSlots(parent, 0);
      this.#leaves.set(parent, nowMs + LEAF_MS);
    }
    this.#probe(parent);
  }

  /** Who has served its time may share again; its slots are the owner's to give. */
  tick(nowMs: number): void {
    for (const [id, untilMs] of this.#leaves) {
      if (untilMs > nowMs) continue;
      this.#leaves.delete(id);
      if (this.#owner.viewer(id)?.shares) this.#owner.engine.setShares(id, true);
    }
  }

  forget(id: string): void {
    clearTimeout(this.#probes.get(id));
    this.#probes.delete(id);
    this.#leaves.delete(id);
    this.#losses.forget(id);
  }

  close(): void {
    for (const probe of this.#probes.values()) clearTimeout(probe);
    this.#probes.clear();
  }

  /** Whom one child calls lost must show that it is there. */
  #probe(id: string): void {
    const viewer = this.#owner.viewer(id);
    if (!viewer || this.#probes.has(id)) return;
    const askedMs = performance.now();
    viewer.socket.ping();
    const probe = setTimeout(() => {
      this.#probes.delete(id);
      if (viewer.heardMs < askedMs) viewer.socket.terminate();
    }, PROBE_MS);
    this.#probes.set(id, probe);
  }
}
