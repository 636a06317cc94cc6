// The taking half of a peer in one layout: carries out the tracker's plan make-before-break (joining.ts), notices when a parent fails
// (stand-ins.ts bridges that) and asks again for single slices (pulls.ts). Rules P2, P3, P8 to P11. How one layout follows another is in
// supplies.ts.
import { isParity } from '../../protocol/chunk.ts';
import type { SliceCount } from '../../protocol/fields.ts';
import type { NextKeys, PeerMessage } from '../../protocol/peering.ts';
import type { Slice } from '../../protocol/slice.ts';
import type { Edge, FromTracker, FromViewer, Parent } from '../../protocol/signalling.ts';
import { Joining } from './joining.ts';
import type { Link } from './link.ts';
import { LateStart } from './late-start.ts';
import { Pulls } from './pulls.ts';
import type { SupplyContext } from './supply-context.ts';
import { Silence } from './silence.ts';
import { StandIns } from './stand-ins.ts';
import { isRegular, newSubstream, observeArrival, reseated, waitedLess, type Substream } from './substream.ts';

type Plan = Extract<FromTracker, { type: 'plan' }>;
type LostHow = Extract<FromViewer, { type: 'lost' }>['how'];

/** Who failed is not asked again for this long. */
const AVOID_MS = 4_000;
/** A layout that has begun is given so many units before a slice that has not come is somebody's fault. */
const BEGUN_UNITS = 2;

/** Before a former parent is told again that it is one. */
const TURN_AWAY_AGAIN_MS = 300;

/** What of a slice says who supplies it. */
export type Arrived = Pick<Slice, 'k' | 'K' | 'retransmit'> & { head: Pick<Slice['head'], 'unit' | 'sourceMs'> };

/** Which units a layout cuts, and into how many slices. */
export interface LayoutShape {
  K: SliceCount;
  layout: number;
  /** First unit that is cut like this. */
  from: number;
}

export class Supply {
  readonly K: SliceCount;
  layout: number;
  from: number;
  /** First unit that is not cut like this any more. */
  until = Infinity;
  /** One for each data slice, and one for parity while the plan says so. */
  readonly substreams: Substream[];
  readonly #at: SupplyContext;
  readonly pulls: Pulls;
  readonly #standIns: StandIns;
  readonly #lateStart = new LateStart();
  readonly #joining: Joining;
  readonly #silence: Silence;
  alternatives: readonly Parent[] = [];
  readonly #turnedAway = new Map<string, number>();

  /** @param usual what is known of delay and jitter from the layout before */
  constructor(at: SupplyContext, { K, layout, from }: LayoutShape, usual: Partial<Substream> = {}) {
    this.#at = at;
    this.K = K;
    this.layout = layout;
    this.from = from;
    this.substreams = Array.from({ length: K }, (_, k) => ({ ...newSubstream(k), ...usual }));
    this.pulls = new Pulls(at, this);
    this.#standIns = new StandIns(at, this);
    this.#joining = new Joining(at, this);
    this.#silence = new Silence(at, this);
  }

  /** Another epoch counts its units anew, and all of them are cut like this. */
  epochBegan(): void {
    this.from = 1;
    this.#lateStart.epochBegan(this.#at.store.epoch);
    for (const sub of this.substreams) sub.newest = 0;
  }

  /** The first unit that is wanted, for a newcomer that was put off; 0: whatever is at hand. */
  get first(): number {
    return this.#lateStart.first;
  }

  covers(unit: number): boolean {
    return unit >= this.from && unit < this.until;
  }

  /** Another layout cuts the units from `until` on: suppliers are told at once, so that nothing comes twice. */
  retire(until: number): void {
    this.until = until;
    for (const sub of this.substreams) {
      sub.planned = sub.joining = sub.dueMs = null;
      for (const id of [sub.serving, sub.standIn?.id])
        if (id) this.#at.links().get(id)?.send({ type: 'unsubscribe', slice: sub.k, of: this.K, from: until });
    }
  }

  /** Nothing of this layout is wanted any more. */
  close(): void {
    for (const sub of this.substreams) this.#end(sub);
  }

  #end(sub: Substream): void {
    for (const id of new Set([sub.serving, sub.standIn?.id, sub.joining?.id]))
      if (id) this.#at.links().get(id)?.send({ type: 'unsubscribe', slice: sub.k, of: this.K });
    sub.serving = sub.standIn = sub.joining = null;
  }

  /** [P19] Parity comes and goes beside the other slices, which are not touched by it. */
  #setParity(isSent: boolean): void {
    const parity = this.substreams[this.K];
    if (isSent === (parity !== undefined)) return;
    this.#at.note(isSent ? 'parity is sent along from now on' : 'parity is sent no more');
    if (!parity) return void this.substreams.push(newSubstream(this.K));
    this.#end(parity);
    this.substreams.pop();
  }

  /** Everything from the forward at once, until parents deliver [P2]. */
  bootstrap(): void {
    for (const sub of this.substreams) if (!sub.serving && !sub.standIn) this.#standIns.byForward(sub, 'bootstrap');
  }

  follow(plan: Plan): void {
    this.alternatives = plan.alternatives;
    this.#setParity(plan.parity === true && this.K > 1);
    for (const id of plan.gone ?? []) this.#suspectAtOnce(id);
    for (const sub of this.substreams) {
      const parent = plan.parents.find((p) => p.slice === sub.k) ?? null;
      sub.planned = parent;
      if (!parent && isParity(sub.k, this.K)) this.#end(sub); // no slot for it: nobody has to give what is not needed
      if (!parent || sub.serving === parent.id) {
        sub.joining = sub.dueMs = null;
        continue;
      }
      sub.avoided.delete(parent.id);
      if (sub.joining?.id !== parent.id) {
        this.#at.note(`slice ${sub.k}: planned from ${parent.id} (${plan.why})`);
        this.#joining.calmly(sub, parent);
      }
    }
  }

  /** [P9] The tracker has lost sight of this parent: it is not waited for until its silence is long enough. */
  #suspectAtOnce(id: string): void {
    for (const sub of this.substreams) {
      if (sub.serving !== id || sub.standIn || !this.hasBegun || this.isOver) continue;
      this.#at.note(`slice ${sub.k}: ${id} has left the tracker`);
      sub.avoided.set(id, this.#at.now());
      const link = this.#at.links().get(id);
      if (link && this.#isNextToForward(sub, link)) this.#standIns.byForward(sub, 'takeover');
      else this.#standIns.begin(sub);
    }
  }

  /** Everybody below this parent lacks the slice when it goes: only the forward can help. */
  #isNextToForward(sub: Substream, link: Link): boolean {
    return (link.aliveOf(this.K)?.path[sub.k]?.length ?? 0) === 2;
  }

  opened(link: Link): void {
    for (const sub of this.substreams) {
      // The start first: what a newcomer is given at once is no tree edge's cost.
      if (sub.standIn?.id === link.id) this.subscribe(sub, link, sub.standIn.why);
      if (sub.joining?.id === link.id) this.#joining.ask(sub, link);
    }
  }

  /** A slice came in the regular way or on request; `isNew`: verified, and not here before. */
  delivered(link: Link, slice: Arrived, isNew: boolean): void {
    const sub = this.substreams[slice.k];
    if (!sub || slice.K !== this.K || slice.retransmit) return;
    const nowMs = this.#at.now();
    if (sub.joining?.id === link.id) this.#seat(sub, link.id);
    const isFresh = isRegular(sub, slice.head.unit, this.#at.store.newest, nowMs);
    if (isNew) {
      sub.lastMs = nowMs;
      sub.lastFrom = link.id;
      sub.newest = slice.head.unit;
    }
    if (sub.serving === link.id) {
      sub.servedMs = Math.max(sub.servedMs ?? 0, slice.head.sourceMs);
      if (isFresh) observeArrival(sub, nowMs, slice.head.sourceMs);
      if (sub.standIn?.why === 'takeover') this.#standIns.end(sub); // the suspect speaks again
    } else if (sub.standIn?.id === link.id) {
      if (isFresh && sub.serving === null) observeArrival(sub, nowMs, slice.head.sourceMs);
    } else if (
      nowMs - (this.#turnedAway.get(`${slice.k}.${link.id}`) ?? Number.NEGATIVE_INFINITY) >
      TURN_AWAY_AGAIN_MS
    ) {
      // A former parent that has not heard it yet.
      if (this.#turnedAway.size > 64) this.#turnedAway.clear();
      this.#turnedAway.set(`${slice.k}.${link.id}`, nowMs);
      link.send({ type: 'unsubscribe', slice: sub.k, of: this.K });
    }
  }

  refused(link: Link, message: Extract<PeerMessage, { type: 'refused' }>): void {
    if (message.what === 'want') return this.pulls.refused(message);
    const sub = message.slice === undefined ? undefined : this.substreams[message.slice];
    if (!sub) return;
    this.#at.note(`slice ${sub.k}: ${link.id} refuses ${message.why ?? 'it'}: ${message.reason}`);
    // A stand-in that is refused says nothing about the same peer as a planned parent, and the other way round.
    if (message.why === 'tree') {
      if (sub.joining?.id === link.id || sub.serving === link.id) this.parentFailed(sub, link.id, 'refused');
    } else if (sub.standIn?.id === link.id) {
      if (message.reason === 'crowded' && message.why === 'bootstrap') return this.#putOff(sub, message.keys);
      sub.avoided.set(link.id, this.#at.now());
      sub.standIn = null;
      if (!sub.serving && this.hasBegun) this.#standIns.begin(sub);
    }
  }

  /** [P20] Too many begin at once: its parents are dialled without waiting, and the forward is asked again if they do not deliver. */
  #putOff(sub: Substream, keys: NextKeys | undefined): void {
    sub.standIn = null;
    this.#lateStart.begin(keys, this.#at.now());
    if (sub.planned && sub.dueMs !== null) this.#joining.begin(sub, sub.planned);
  }

  /** The link is gone, from the other side or by silence. */
  lost(link: Link, how: LostHow): void {
    for (const sub of this.substreams) {
      if (sub.standIn?.id === link.id) {
        sub.avoided.set(link.id, this.#at.now());
        sub.standIn = null;
        if (!sub.serving && this.hasBegun) this.#standIns.begin(sub);
      }
      if (sub.serving !== link.id && sub.joining?.id !== link.id) continue;
      const wasNextToForward = this.#isNextToForward(sub, link);
      this.parentFailed(sub, link.id, link.sentMs === 0 ? 'unreachable' : how, wasNextToForward);
    }
  }

  tick(): void {
    const nowMs = this.#at.now();
    const pausedMs = this.#silence.tick(nowMs);
    if (pausedMs > 0) for (const sub of this.substreams) waitedLess(sub, pausedMs);
    const isActive = this.hasBegun && !this.isOver;
    for (const sub of this.substreams) {
      for (const [id, at] of sub.avoided) if (nowMs - at > AVOID_MS) sub.avoided.delete(id);
      if (sub.planned && sub.dueMs !== null && nowMs >= sub.dueMs) this.#joining.begin(sub, sub.planned);
      if (this.#isForgotten(sub)) this.#joining.calmly(sub, sub.planned);
      this.#joining.watch(sub, nowMs);
      if (this.#at.isLive() && isActive) this.#silence.watch(sub, nowMs);
      if (sub.standIn?.why === 'takeover') this.#standIns.watch(sub, sub.standIn, nowMs);
      if (!sub.serving && !sub.standIn && isActive && nowMs >= this.#lateStart.patientUntilMs)
        this.#standIns.begin(sub);
    }
    const warm = this.#warmForward();
    if (warm) this.#at.links().toForward(warm.id, warm.url);
    if (this.#at.isLive()) this.pulls.tick();
  }

  /** It has a parent by the plan and goes to nobody: the plan came to nothing, and the tracker has found no other. It is tried again. */
  #isForgotten(sub: Substream): sub is Substream & { planned: Parent } {
    if (sub.serving || sub.joining || sub.dueMs !== null || !sub.planned || this.isOver) return false;
    return !sub.avoided.has(sub.planned.id);
  }

  /**
   * The forward to keep a line open to: for who is fed by a direct child of a forward, since only the forward can help when that one
   * goes. There are few of them, however large the audience.
   */
  #warmForward(): { id: string; url: string } | undefined {
    const isNear = (sub: Substream): boolean => {
      if (isParity(sub.k, this.K)) return false;
      const parent = sub.serving === null ? undefined : this.#at.links().get(sub.serving);
      return parent?.kind === 'peer' && parent.aliveOf(this.K)?.path[sub.k]?.length === 2;
    };
    return this.substreams.some(isNear) ? this.#at.forwards()[0] : undefined;
  }

  /** Every unit of this layout is here, or the next layout is well under way. */
  get isOver(): boolean {
    return this.#at.store.newest >= this.until;
  }

  /** Units of this layout come: who is silent now lacks something. */
  get hasBegun(): boolean {
    return this.from <= 1 || this.#at.store.newest >= this.from + BEGUN_UNITS;
  }

  /** Ids from this peer up to the forward for slice k, as far as known. */
  path(k: number): string[] {
    const sub = this.substreams[k];
    const parent = sub && (sub.serving ?? sub.standIn?.id);
    const self = this.#at.self();
    if (!parent) return [self];
    const above = this.#at.links().get(parent)?.aliveOf(this.K)?.path[k] ?? [parent];
    return [self, ...(above[0] === parent ? above : [parent, ...above])].slice(0, 64);
  }

  parents(): (Edge & { kind: 'peer' | 'forward' })[] {
    return this.substreams.flatMap((sub) => {
      const id = sub.serving ?? sub.standIn?.id;
      const link = id === undefined || id === null ? undefined : this.#at.links().get(id);
      return link ? [{ slice: sub.k, id: link.id, kind: link.kind }] : [];
    });
  }

  /** Ids that some slice depends on. */
  inUse(): Set<string> {
    const ids = new Set<string>();
    for (const sub of this.substreams)
      for (const id of [sub.serving, sub.joining?.id, sub.standIn?.id]) if (id) ids.add(id);
    const warm = this.#warmForward();
    if (warm) ids.add(warm.id);
    return ids;
  }

  /** [P3] From the first unit whose slice is missing; two units on when the old supplier still delivers them. */
  subscribe(sub: Substream, link: Link, why: 'tree' | 'takeover' | 'bootstrap'): void {
    const { store } = this.#at;
    const base = { type: 'subscribe' as const, slice: sub.k, of: this.K, why };
    if (store.epoch === 0) return link.send(base);
    const newest = store.newestOf(sub.k, this.K);
    const supplied = why === 'tree' && (sub.serving !== null || sub.standIn !== null);
    const begin = this.#lateStart.from(store.epoch, this.#at.now());
    const missing = (): number =>
      store.firstMissing(sub.k, this.K, Math.max(this.from, 1, begin, this.#at.nextUnit(), newest - 30));
    link.send({ ...base, epoch: store.epoch, from: supplied ? Math.max(this.from, newest + 2) : missing() });
  }

  #seat(sub: Substream, id: string): void {
    const former = sub.serving;
    this.#at.note(`slice ${sub.k}: comes from ${id}`);
    sub.serving = id;
    sub.joining = null;
    reseated(sub, this.#at.now());
    if (sub.standIn && sub.standIn.id !== id) this.#standIns.end(sub);
    sub.standIn = null;
    if (former && former !== id) this.#at.links().get(former)?.send({ type: 'unsubscribe', slice: sub.k, of: this.K });
    this.#at.tell({ type: 'seated', slice: sub.k, id, layout: this.layout });
  }

  suspect(sub: Substream): void {
    this.#standIns.begin(sub);
  }

  /** @param wasNextToForward everybody below the lost parent lacks the slice now */
  parentFailed(sub: Substream, id: string, how: LostHow, wasNextToForward = false): void {
    const nowMs = this.#at.now();
    sub.avoided.set(id, nowMs);
    if (sub.joining?.id === id) sub.joining = null;
    if (sub.planned?.id === id) sub.dueMs = null;
    if (sub.serving === id) sub.serving = null;
    this.#at.note(`slice ${sub.k}: lost ${id} (${how})`);
    if (this.until === Infinity) this.#at.tell({ type: 'lost', slice: sub.k, id, how, layout: this.layout });
    // The last resort is dialled now: when a hole needs it, it must not be three round trips away.
    const [forward] = this.#at.forwards();
    if (forward && !isParity(sub.k, this.K)) this.#at.links().toForward(forward.id, forward.url);
    if (!sub.serving && !sub.standIn && this.hasBegun) {
      if (wasNextToForward) this.#standIns.byForward(sub, 'takeover');
      else this.#standIns.begin(sub);
    }
    const alternative = this.alternatives.find((p) => p.slice === sub.k && !sub.avoided.has(p.id));
    // Where the tracker has found another parent already, that is the one: an alternative does not know us, and soon sends us away.
    const isReplanned = sub.planned !== null && !sub.avoided.has(sub.planned.id);
    if (sub.joining || sub.serving || isReplanned || !alternative) return;
    sub.planned = alternative; // until the tracker says otherwise
    this.#joining.calmly(sub, alternative);
  }
}
