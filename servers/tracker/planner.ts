// From seats to words: compares what each viewer was told with where the engine has it now, picks the forwards, and sends the notices
// to the new parents before the plans to the children [S6].
import type { Parent } from '../../protocol/signalling.ts';
import type { Engine } from './engine.ts';
import type { Forwards } from './forwards.ts';
import type { Peer } from './node.ts';
import { isSpared } from './parity-tree.ts';
import type { Planned, Viewer } from './viewer.ts';

/** A former parent is told that its child is gone at the latest after this; the child's `seated` tells it earlier. */
export const HAND_OVER_MS = 10_000;

export interface PlannerOwner {
  readonly engine: Engine;
  readonly forwards: Forwards;
  readonly layout: number;
  /** First unit of the layout; 0: it was so from the begin. */
  readonly layoutFrom: number;
  viewer(id: string): Viewer | undefined;
  /** Its row in the debug tables is out of date. */
  changed(id: string): void;
}

export class Planner {
  readonly #owner: PlannerOwner;
  readonly #handingOver = new Set<Viewer>();

  constructor(owner: PlannerOwner) {
    this.#owner = owner;
  }

  /** Tells everyone whose seat changed; `also` are told in any case. */
  dispatch(nowMs: number, also: Iterable<Viewer> = []): void {
    const { engine } = this.#owner;
    const always = new Set(also);
    const viewers = new Set(always);
    for (const peer of engine.takeTouched()) {
      const viewer = this.#owner.viewer(peer.id);
      if (viewer) viewers.add(viewer);
    }
    const plans: (() => void)[] = [];
    for (const viewer of viewers) {
      const peer = engine.peer(viewer.id);
      if (!peer) continue;
      const changed = this.#replan(viewer, peer, nowMs);
      if (changed || always.has(viewer)) plans.push(() => this.#send(viewer, peer, nowMs));
    }
    for (const send of plans) send();
  }

  /** The new parent delivers: the former one may forget the child. */
  seated(viewer: Viewer, slice: number): void {
    this.#release(viewer, (former) => former.slice === slice);
  }

  /** A viewer came back on a new connection. */
  transfer(former: Viewer, viewer: Viewer): void {
    if (this.#handingOver.delete(former)) this.#handingOver.add(viewer);
  }

  sweep(nowMs: number): void {
    for (const viewer of this.#handingOver) this.#release(viewer, (former) => nowMs - former.sinceMs >= HAND_OVER_MS);
  }

  /** The viewer has left: its parents may forget it now, its forwards have room again. */
  forget(viewer: Viewer): void {
    this.#release(viewer, () => true);
    for (const [slice, parent] of viewer.planned.entries()) this.#drop(viewer, slice, parent);
    viewer.planned = [];
  }

  /** [T14] What was planned belongs to a layout that ends by itself: its edges may still signal for a while, and count for nobody. */
  relayout(viewer: Viewer, nowMs: number): void {
    for (const parent of viewer.planned) {
      if (parent?.kind === 'peer') viewer.remember(parent.id, nowMs);
      else if (parent) this.#assign(parent.id, -1);
    }
    for (const id of viewer.alternatives) if (id !== null) viewer.remember(id, nowMs);
    viewer.planned = [];
    viewer.alternatives = [];
    viewer.handingOver = [];
    this.#handingOver.delete(viewer);
  }

  /** Brings `planned` up to date and gives notice to new parents. */
  #replan(viewer: Viewer, peer: Peer, nowMs: number): boolean {
    let changed = false;
    for (const node of peer.nodes) {
      const slice = node.tree;
      const was = viewer.planned[slice] ?? null;
      const now = node.parent?.peer
        ? { kind: 'peer' as const, id: node.parent.peer.id }
        : isSpared(this.#owner.engine.trees, node)
          ? null
          : this.#forward(viewer, was, nowMs);
      if (was?.id === now?.id && slice in viewer.planned) continue;
      changed = true;
      viewer.planned[slice] = now;
      if (was?.kind === 'peer') this.#handOver(viewer, slice, was.id, nowMs);
      if (was?.kind === 'forward') this.#assign(was.id, -1);
      if (now?.kind === 'peer') {
        // Back to a former parent: it must not be told to forget the child after all.
        viewer.handingOver = viewer.handingOver.filter((former) => former.slice !== slice || former.id !== now.id);
        const parent = this.#owner.viewer(now.id);
        parent?.meet(viewer.id);
        viewer.meet(now.id);
        parent?.send({ type: 'child', slice, id: viewer.id, expected: true, of: this.#owner.engine.trees.k });
        this.#owner.changed(now.id);
      } else if (now) this.#assign(now.id, 1);
    }
    // Parity is not sent any more: its edges end at once.
    for (let slice = peer.nodes.length; slice < viewer.planned.length; slice++) {
      changed = true;
      const parent = viewer.planned[slice] ?? null;
      if (parent?.kind === 'peer') viewer.remember(parent.id, nowMs);
      this.#drop(viewer, slice, parent);
    }
    viewer.planned.length = Math.min(viewer.planned.length, peer.nodes.length);
    return changed;
  }

  /** Stays with the forward it has; else that of another slice; else the least loaded. */
  #forward(viewer: Viewer, was: Planned, nowMs: number): Planned {
    const { forwards } = this.#owner;
    const isBad = (id: string): boolean => viewer.forwardIsBad(id, nowMs);
    if (was?.kind === 'forward' && forwards.get(was.id) && !isBad(was.id)) return was;
    const others = viewer.planned.flatMap((parent) => (parent?.kind === 'forward' ? parent.id : []));
    const chosen = forwards.choose(others, isBad) ?? forwards.choose(others, () => false);
    return chosen ? { kind: 'forward', id: chosen.id } : null;
  }

  #send(viewer: Viewer, peer: Peer, nowMs: number): void {
    const { engine, layout, layoutFrom } = this.#owner;
    for (const id of viewer.alternatives) if (id !== null) viewer.remember(id, nowMs);
    viewer.alternatives = engine.alternatives(viewer.id);
    for (const id of viewer.alternatives) if (id !== null) viewer.meet(id);
    const parents = viewer.planned.flatMap((parent, slice) => this.#parent(parent, slice));
    const spare = this.#forward(viewer, null, nowMs);
    const alternatives = viewer.alternatives.flatMap((id, slice) => {
      const planned = viewer.planned[slice] ?? null;
      if (id !== null) return this.#parent({ kind: 'peer', id }, slice);
      if (slice === engine.trees.k) return [];
      return planned?.kind === 'forward' && planned.id === spare?.id ? [] : this.#parent(spare, slice);
    });
    const k = engine.trees.k;
    viewer.serial++;
    const from = layoutFrom > 0 ? { from: layoutFrom } : {};
    const gone = viewer.goneParents.size > 0 ? { gone: [...viewer.goneParents].slice(0, 5) } : {};
    viewer.goneParents.clear();
    const parity = engine.trees.hasParity && !peer.direct ? { parity: true } : {};
    const seats = { k, layout, ...from, ...parity, parents, alternatives, ...gone };
    viewer.send({ type: 'plan', serial: viewer.serial, ...seats, why: peer.why });
    this.#owner.changed(viewer.id);
  }

  #parent(parent: Planned, slice: number): Parent[] {
    if (!parent) return [];
    if (parent.kind === 'peer') return [{ kind: 'peer', slice, id: parent.id }];
    const forward = this.#owner.forwards.get(parent.id);
    return forward ? [{ kind: 'forward', slice, id: parent.id, url: this.#owner.forwards.urlOf(forward) }] : [];
  }

  #handOver(viewer: Viewer, slice: number, id: string, nowMs: number): void {
    viewer.remember(id, nowMs);
    this.#owner.changed(id);
    if (!this.#owner.viewer(id)) return void viewer.goneParents.add(id);
    viewer.handingOver.push({ slice, id, sinceMs: nowMs });
    this.#handingOver.add(viewer);
  }

  #release(viewer: Viewer, when: (former: Viewer['handingOver'][number]) => boolean): void {
    for (const former of viewer.handingOver.filter(when)) this.#forgetChild(former.id, viewer.id, former.slice);
    viewer.handingOver = viewer.handingOver.filter((former) => !when(former));
    if (viewer.handingOver.length === 0) this.#handingOver.delete(viewer);
  }

  #drop(viewer: Viewer, slice: number, parent: Planned): void {
    if (parent?.kind === 'peer') this.#forgetChild(parent.id, viewer.id, slice);
    else if (parent) this.#assign(parent.id, -1);
  }

  #forgetChild(parent: string, id: string, slice: number): void {
    this.#owner.viewer(parent)?.send({ type: 'child', slice, id, expected: false, of: this.#owner.engine.trees.k });
    this.#owner.changed(parent);
  }

  #assign(id: string, by: number): void {
    const forward = this.#owner.forwards.get(id);
    if (forward) forward.assigned = Math.max(0, forward.assigned + by);
  }
}
