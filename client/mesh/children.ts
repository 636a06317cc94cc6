// The giving half of a peer: who is pushed which slice, who may ask, and what a new child gets at once. Rules P4 to P7.
import { isParity, type UnitHead } from '../../protocol/chunk.ts';
import { CHILD_SILENCE_MS, TAKEOVER_MS } from '../../protocol/limits.ts';
import type { SliceCount } from '../../protocol/fields.ts';
import type { PeerMessage } from '../../protocol/peering.ts';
import type { Reason } from '../../protocol/refusal.ts';
import type { Slice } from '../../protocol/slice.ts';
import type { Edge } from '../../protocol/signalling.ts';
import type { Link } from './link.ts';
import type { UnitStore } from './store.ts';
import type { Substream } from './substream.ts';
import type { Uplink } from './uplink.ts';

/** A slice that has waited this long for its turn is not sent any more. */
const WORTH_MS = 1_500;
/** [P5] stand-in edges above the tree's children. One leaves the forwards half as much again to carry when many go at once (decision 006). */
export const STAND_INS = 2;
/** Edges that call themselves planned and have not been announced yet. */
const MAX_UNCONFIRMED = 3;
/** [P6] who stands in must itself have had the slice this recently. */
const FRESH_MS = 300;
/** No tree of this system is deeper than a path can say. */
const MAX_HEIGHT = 64;
/** Requests for single slices that one child may make in a second. */
const WANTS_PER_SECOND = 60;

/**
 * Sooner said than found out: the asker turns to somebody else after one round trip. Who is only late gives what it can: refused by those too,
 * more is asked of the forwards when many leave at once (their worst second 5.7 to 7.5 %, simulated).
 */
const IDLE: [Reason, string] = ['full', 'My uplink carries next to nothing.'];

type Subscribe = Extract<PeerMessage, { type: 'subscribe' }>;

interface Child {
  link: Link;
  k: number;
  K: SliceCount;
  /** It gets the units from `from` on and before `until`, both of this epoch. */
  bounds: { epoch: number; from: number; until: number };
  why: Subscribe['why'];
  sinceMs: number;
  /** false: a stand-in edge, ended after TAKEOVER_MS unless the tracker confirms it. */
  inTree: boolean;
  /** It has said nothing for so long that it is gone without a word, most likely: nothing is sent to it before it speaks again. */
  isSilent: boolean;
}

export interface ChildrenContext {
  now: () => number;
  store: UnitStore;
  uplink: Uplink;
  /** Slices of the layout that the tracker wants; 0 before the welcome. */
  K: () => number;
  /** It gives to others at all. */
  shares: () => boolean;
  /** How this peer is supplied in the layout of so many slices; undefined where it has no such layout. */
  supplied: (K: number) => Supplied | undefined;
}

interface Supplied {
  readonly substreams: readonly Substream[];
  /** Ids from this peer up to the forward, for slice k. */
  path(k: number): readonly string[];
}

const keyOf = (k: number, K: number, id: string): string => `${k}/${K}.${id}`;

export class Children {
  readonly #at: ChildrenContext;
  readonly #children = new Map<string, Child>();
  /** Edges that the tracker announced. */
  readonly #expected = new Set<string>();
  readonly #wants = new Map<string, { sinceMs: number; count: number }>();

  constructor(at: ChildrenContext) {
    this.#at = at;
  }

  list(): Edge[] {
    return [...this.#children.values()].map(({ k, link }) => ({ slice: k, id: link.id }));
  }

  /** Somebody is given slice k of K. */
  has(k: number, K: number): boolean {
    for (const child of this.#children.values()) if (child.k === k && child.K === K) return true;
    return false;
  }

  expect(k: number, id: string, expected: boolean, K = this.#at.K()): void {
    const key = keyOf(k, K, id);
    if (expected) {
      this.#expected.add(key);
      const child = this.#children.get(key);
      if (child) child.inTree = true;
    } else this.#expected.delete(key);
    // A child that is no longer expected unsubscribes by itself, when its new parent delivers.
  }

  /** All expectations void: the tracker is another one now. */
  forgetExpectations(): void {
    this.#expected.clear();
  }

  subscribe(link: Link, message: Subscribe): void {
    const { slice: k, of, why } = message;
    const refusal = this.#refusal(link, message);
    if (refusal) {
      const [reason, detail] = refusal;
      link.send({ type: 'refused', what: 'subscribe', why, slice: k, of, reason, detail });
      return;
    }
    const key = keyOf(k, of, link.id);
    // A child by the plan is one whatever it calls itself: it may suspect us and ask for help, and find that there is nobody but us.
    const inTree = this.#expected.has(key) || this.#children.get(key)?.inTree === true;
    const { epoch } = this.#at.store;
    const bounds = { epoch, from: message.epoch === epoch ? (message.from ?? 0) : 0, until: Infinity };
    this.#children.set(key, { link, k, K: of, bounds, why, sinceMs: this.#at.now(), inTree, isSilent: false });
    this.#catchUp(link, k, message);
  }

  unsubscribe(link: Link, { slice: k, of, from }: Extract<PeerMessage, { type: 'unsubscribe' }>): void {
    for (const [key, child] of this.#children) {
      if (child.link !== link || child.k !== k || (of !== undefined && child.K !== of)) continue;
      if (from === undefined) this.#children.delete(key);
      else child.bounds = { epoch: this.#at.store.epoch, from: 0, until: from };
      this.#at.uplink.forget(link, { k, K: child.K, from });
    }
  }

  /** Nobody is given slices of a layout that is over. */
  layoutEnded(K: number): void {
    for (const [key, child] of this.#children) if (child.K === K) this.#children.delete(key);
    for (const key of this.#expected) if (key.includes(`/${K}.`)) this.#expected.delete(key);
  }

  /** Levels below this peer for slice k of K: 0 without children. */
  height(k: number, K: number): number {
    const below = [...this.#children.values()].filter((child) => child.k === k && child.K === K);
    return Math.min(MAX_HEIGHT, Math.max(0, ...below.map((child) => 1 + heightOf(child))));
  }

  want(link: Link, message: Extract<PeerMessage, { type: 'want' }>): void {
    const { epoch, unit, slice: k, of } = message;
    const held = epoch === this.#at.store.epoch ? this.#at.store.slice(unit, k, of) : null;
    const [reason, detail]: [Reason, string] = !this.#at.shares()
      ? ['full', 'This viewer only receives.']
      : this.#tooMany(link)
        ? ['too-fast', `At most ${WANTS_PER_SECOND} requests a second.`]
        : held && this.#at.uplink.carriesNothing
          ? IDLE
          : ['not-here', 'I do not hold it.'];
    if (held && reason === 'not-here') this.#at.uplink.push(link, held, this.#at.now() + WORTH_MS, true);
    else link.send({ type: 'refused', what: 'want', slice: k, of, unit, reason, detail });
  }

  /**
   * [P4] A verified slice that was not here before goes to everybody who has subscribed to it: those first below whom most hangs.
   * @param from null: it was made here
   */
  relay(slice: Slice, from: Link | null): void {
    const deadlineMs = this.#at.now() + WORTH_MS;
    const { k, K, head } = slice;
    const takers = [...this.#children.values()].filter((child) => child.link !== from && isWanted(child, head, k, K));
    if (takers.length > 1) takers.sort((a, b) => heightOf(b) - heightOf(a));
    for (const child of takers) this.#at.uplink.push(child.link, slice, deadlineMs);
  }

  /** Does anybody wait for slice k of K of this unit? */
  hasFor(head: UnitHead, k: number, K: SliceCount): boolean {
    return [...this.#children.values()].some((child) => isWanted(child, head, k, K));
  }

  gone(link: Link): void {
    for (const [key, child] of this.#children) if (child.link === link) this.#children.delete(key);
    this.#wants.delete(link.id);
    this.#at.uplink.forget(link);
  }

  /** Ends stand-in edges whose time is over, and sees who is silent; after the links have been told of a pause of our own. */
  sweep(): void {
    const nowMs = this.#at.now();
    for (const [key, child] of this.#children) {
      const isSilent = nowMs - child.link.heardMs > CHILD_SILENCE_MS;
      if (isSilent && !child.isSilent) this.#at.uplink.forget(child.link, child);
      child.isSilent = isSilent;
      if (child.inTree || nowMs - child.sinceMs < TAKEOVER_MS) continue;
      this.#children.delete(key);
      this.#at.uplink.forget(child.link, child);
      child.link.send({
        type: 'refused',
        what: 'subscribe',
        why: child.why,
        slice: child.k,
        of: child.K,
        reason: 'full',
        detail: 'A stand-in ends after some seconds; ask your parent by the plan.',
      });
    }
  }

  clear(): void {
    for (const { link, k, K, why } of this.#children.values()) {
      link.send({
        type: 'refused',
        what: 'subscribe',
        why,
        slice: k,
        of: K,
        reason: 'full',
        detail: 'This viewer no longer shares.',
      });
      this.#at.uplink.forget(link);
    }
    this.#children.clear();
  }

  #refusal(link: Link, message: Subscribe): [Reason, string] | null {
    const { slice: k, of, why } = message;
    if (!this.#at.shares()) return ['full', 'This viewer only receives.'];
    const supplied = this.#at.supplied(of);
    const sub = supplied?.substreams[k];
    // Parity can be made of whole units: who has not been told of it yet can give it all the same.
    if (!supplied || (!sub && !isParity(k, of))) return ['not-here', `My layout has ${this.#at.K()} slices.`];
    const isExpected = this.#expected.has(keyOf(k, of, link.id));
    // Planned edges stand even where they contradict today's path: that path is about to be replanned too.
    if (isExpected) return null;
    const standIns = [...this.#children.values()].filter((c) => !c.inTree && !(c.link === link && c.k === k)).length;
    // The tracker's notice may still be on its way to us: a tree edge unknown here is taken for now, and confirmed or ended later.
    if (why === 'tree') return standIns < MAX_UNCONFIRMED ? null : ['full', 'The tracker has not announced you.'];
    if (supplied.path(k).includes(link.id)) return ['would-loop', 'You are above me in this tree.'];
    // Who has just lost its own parent would stand in with nothing: two orphans must not wait for each other.
    if (!sub || sub.serving === null || sub.lastFrom === link.id || this.#at.now() - sub.lastMs > FRESH_MS)
      return ['starving', 'I lack this slice myself.'];
    if (standIns >= STAND_INS) return ['full', 'I stand in for others.'];
    return this.#at.uplink.carriesNothing ? IDLE : null;
  }

  #catchUp(link: Link, k: number, message: Subscribe): void {
    const { store, uplink } = this.#at;
    const deadlineMs = this.#at.now() + WORTH_MS;
    const sameEpoch = message.epoch === store.epoch;
    if ((message.epoch ?? 0) > store.epoch) return; // the child is ahead of us: live slices will do
    const init = store.slice(0, k, message.of);
    if (!sameEpoch && init) uplink.push(link, init, deadlineMs);
    const from = sameEpoch && message.from !== undefined ? message.from : (store.newestKey() ?? store.newest);
    for (const held of store.since(from)) {
      const slice = held.K === message.of ? held.slices[k] : null;
      if (slice) uplink.push(link, slice, deadlineMs);
    }
  }

  #tooMany(link: Link): boolean {
    const nowMs = this.#at.now();
    const window = this.#wants.get(link.id);
    if (!window || nowMs - window.sinceMs > 1_000) {
      this.#wants.set(link.id, { sinceMs: nowMs, count: 1 });
      return false;
    }
    return ++window.count > WANTS_PER_SECOND;
  }
}

/** What hangs below a child, by its own word. */
const heightOf = ({ link, k, K }: Child): number => link.aliveOf(K)?.heights?.[k] ?? 0;

function isWanted(child: Child, { epoch, unit }: UnitHead, k: number, K: SliceCount): boolean {
  const { bounds } = child;
  if (child.k !== k || child.K !== K || child.isSilent) return false;
  return bounds.epoch !== epoch || unit === 0 || (unit >= bounds.from && unit < bounds.until);
}
