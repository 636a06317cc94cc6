// What follows when a viewer says that an edge failed: the edge moves, the parent must show that it is there, and who is found unfit
// serves nobody for a while [T9], or for the rest of its session [T15]. Whose word counts for what is losses.ts and, where slices had
// broken seals, trust.ts.
import type { FromViewer } from '../../protocol/signalling.ts';
import { awakeMs, patience } from '../shared/awake.ts';
import type { Log } from '../shared/log.ts';
import type { Engine } from './engine.ts';
import { apartMs, LEAF_MS, Losses } from './losses.ts';
import { WHY } from './place.ts';
import { Strangers } from './strangers.ts';
import { Trust, VOICELESS_MS } from './trust.ts';
import type { Viewer } from './viewer.ts';

/** A viewer that others call lost has so long to answer a ping. */
const PROBE_MS = 1_500;

/** Who has met more new neighbours than is good is fed by forwards for so long. */
const RESTLESS_MS = 60_000;

type How = Extract<FromViewer, { type: 'lost' }>['how'];

export interface LostEdgesOwner {
  readonly engine: Engine;
  viewer(id: string): Viewer | undefined;
  readonly viewers: ReadonlyMap<string, Viewer>;
  /** Its row in the debug tables is out of date. */
  changed(id: string): void;
}

export class LostEdges {
  readonly #owner: LostEdgesOwner;
  readonly #tell: (nowMs: number) => void;
  readonly #log: Log;
  readonly #losses = new Losses();
  readonly trust = new Trust();
  readonly strangers = new Strangers();
  readonly #probes = new Map<string, () => void>();
  /** Peers that serve nobody for a while, and until when. */
  readonly #leaves = new Map<string, number>();

  /** @param tell tells everyone whose seat changed */
  constructor(owner: LostEdgesOwner, tell: (nowMs: number) => void, log: Log) {
    this.#owner = owner;
    this.#tell = tell;
    this.#log = log;
  }

  isLeaf(id: string): boolean {
    return this.#leaves.has(id) || this.trust.isConvicted(id);
  }

  /** Nobody is joined with it: it was convicted, or has met too many already. */
  isBanished(id: string, nowMs: number): boolean {
    return this.trust.isConvicted(id) || this.trust.isVoiceless(id, nowMs) || this.strangers.isOver(id, nowMs);
  }

  /** A viewer connects. Who was sent away for what it did is not another one because it comes again, and k parents are new to it. */
  welcome({ id, claims }: Viewer, k: number, nowMs: number): void {
    if (claims) this.strangers.meet(id, k, nowMs);
    if (this.isBanished(id, nowMs)) this.#leaves.set(id, nowMs + RESTLESS_MS);
  }

  /** @param isPlanned it is the parent that the child has by the newest plan, and not a former one */
  hear(child: Viewer, slice: number, parent: string, how: How, isPlanned: boolean, nowMs: number): void {
    const knew = child.met.size;
    this.#judge(child.id, slice, parent, how, isPlanned, nowMs);
    this.#tell(nowMs);
    this.strangers.meet(child.id, child.met.size - knew, nowMs);
  }

  #judge(child: string, slice: number, parent: string, how: How, isPlanned: boolean, nowMs: number): void {
    const { engine } = this.#owner;
    if (how === 'bad-slice') return this.#accuse(child, slice, parent, isPlanned, nowMs);
    if (this.strangers.isOver(child, nowMs)) return this.#toForwards(child, WHY.restless, nowMs + RESTLESS_MS);
    const verdict = this.#losses.hear(child, parent, how, nowMs);
    if (verdict === 'child cannot connect') {
      engine.keepApart(child, parent, nowMs + LEAF_MS);
      return this.#toForwards(child, WHY.unreachable, nowMs + LEAF_MS);
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
      if (this.isBanished(id, nowMs)) this.#leaves.set(id, nowMs + RESTLESS_MS);
      else this.#leaves.delete(id);
      if (this.#owner.viewer(id)?.shares && !this.#leaves.has(id)) this.#owner.engine.setShares(id, true);
    }
  }

  forget(id: string): void {
    this.#probes.get(id)?.();
    this.#probes.delete(id);
    this.#leaves.delete(id);
    this.#losses.forget(id);
  }

  close(): void {
    for (const stop of this.#probes.values()) stop();
    this.#probes.clear();
  }

  /** [T15] A slice of its had a broken seal. */
  #accuse(accuser: string, slice: number, accused: string, isPlanned: boolean, nowMs: number): void {
    const { engine } = this.#owner;
    const children = new Set(engine.peer(accused)?.nodes.flatMap((node) => node.kids.map((kid) => kid.peer?.id)));
    children.delete(accuser);
    const verdict = this.trust.hear(
      {
        accuser,
        network: this.#owner.viewer(accuser)?.network ?? '',
        accused,
        otherChildren: children.size,
        isMixed: new Set(Array.from(this.#owner.viewers.values(), (viewer) => viewer.network)).size > 1,
      },
      nowMs,
    );
    if (verdict.movesEdge && isPlanned) engine.lost(accuser, slice, accused, nowMs + apartMs('bad-slice'));
    if (verdict.losesVoice) {
      this.#log.warn({ viewer: accuser }, 'a viewer accuses many and nobody agrees: it is not listened to');
      this.#toForwards(accuser, WHY.voiceless, nowMs + VOICELESS_MS);
    }
    if (verdict.isSuspended) {
      engine.setSlots(accused, 0);
      this.#leaves.set(accused, nowMs + LEAF_MS);
    }
    for (const id of verdict.convicted) {
      this.#log.warn({ viewer: id }, 'a viewer sent slices with broken seals: it feeds nobody any more');
      engine.setSlots(id, 0);
      engine.setShares(id, false, WHY.convicted);
      this.#owner.changed(id);
    }
    this.#owner.changed(accused);
    this.#owner.changed(accuser);
  }

  #toForwards(id: string, why: string, untilMs: number): void {
    this.#owner.engine.setShares(id, false, why);
    this.#leaves.set(id, untilMs);
  }

  /** Whom one child calls lost must show that it is there. */
  #probe(id: string): void {
    const viewer = this.#owner.viewer(id);
    if (!viewer || this.#probes.has(id)) return;
    const askedMs = awakeMs();
    viewer.socket.ping();
    const probe = patience(PROBE_MS, () => {
      this.#probes.delete(id);
      if (viewer.heardMs < askedMs) viewer.socket.terminate();
    });
    this.#probes.set(id, probe);
  }
}
