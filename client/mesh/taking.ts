// What becomes of a slice that came off a wire: checked, kept, passed on, counted, given to the player; and what is made of it once enough
// of its unit is here [W5] [P4] [P19]. Part of peer.ts.
import { FLAG, isParity, type Fragment, type UnitHead } from '../../protocol/chunk.ts';
import type { Slice } from '../../protocol/slice.ts';
import type { Children } from './children.ts';
import type { PeerEnv } from './env.ts';
import type { KeepAlive } from './keep-alive.ts';
import type { Link } from './link.ts';
import { makeable, madeSlice } from './making.ts';
import type { Playout } from './playout.ts';
import type { Added, UnitStore } from './store.ts';
import type { Supplies } from './supplies.ts';
import type { Verifier } from './verifier.ts';

/** A newcomer's first units are old on purpose: they say nothing about how late units arrive. */
export const CATCH_UP_MS = 1_500;

export interface TakingContext {
  env: Pick<PeerEnv, 'now' | 'sha256'>;
  store: UnitStore;
  verifier: Verifier;
  supplies: Supplies;
  children: Children;
  playout: Playout;
  regular: KeepAlive;
  coordinateMs: () => number | null;
  isClosed: () => boolean;
  /** This link has sent a slice that the coordinate never sealed, or sealed with another key. */
  spoilt: (link: Link, head: UnitHead) => void;
}

export class Taking {
  readonly #at: TakingContext;
  /** When the running epoch's first slice came. */
  #epochMs = 0;

  constructor(at: TakingContext) {
    this.#at = at;
  }

  async slice(link: Link, slice: Slice): Promise<void> {
    const { env, store, verifier, supplies, children, regular } = this.#at;
    const { head, k } = slice;
    const genuine = await verifier.isGenuine(slice);
    if (this.#at.isClosed() || link.state === 'closed') return;
    if (!genuine) return this.#at.spoilt(link, head);
    const nowMs = env.now();
    const added = store.add(slice, nowMs);
    if (head.unit > link.newest || added === 'epoch') link.newest = head.unit;
    if (added === 'epoch') {
      this.#epochMs = nowMs;
      supplies.epochBegan();
    }
    regular.receipt(k, link.id, slice.bytes.length);
    const isNew = isNews(added);
    if (isNew) children.relay(slice, link);
    supplies.delivered(link, slice, isNew);
    if (!isNew) return;
    if (added === 'whole' && !slice.retransmit) this.#arrived(head, nowMs);
    this.#at.playout.give();
    await this.#make(head);
  }

  /**
   * A fragment of a slice that is here, or that its unit can do without.
   * @returns what it is to the books: see LinkEvents
   */
  again(link: Link, fragment: Fragment): 'twice' | 'made' | 'spare' {
    const { store, supplies } = this.#at;
    const { epoch, unit, k, K, flags, sourceMs } = fragment;
    if (epoch !== store.epoch) return 'twice';
    if (store.isUnseen(unit, k, K)) return isParity(k, K) ? 'spare' : 'made';
    supplies.delivered(link, { k, K, retransmit: (flags & FLAG.retransmit) !== 0, head: { unit, sourceMs } }, false);
    return 'twice';
  }

  /**
   * The original of a slice that was made here, or not needed: it says who supplies the slice regularly, and is credited to its sender
   * when it is genuine. Nobody needs its bytes.
   */
  async original(link: Link, slice: Slice): Promise<void> {
    const { store, verifier, supplies, regular } = this.#at;
    const { head, k, K, bytes } = slice;
    const genuine = await verifier.isGenuine(slice);
    if (this.#at.isClosed() || link.state === 'closed') return;
    if (!genuine) return this.#at.spoilt(link, head);
    if (head.epoch !== store.epoch) return;
    const isFirst = store.isUnseen(head.unit, k, K);
    if (isFirst) store.seen(head.unit);
    link.newest = Math.max(link.newest, head.unit);
    regular.receipt(k, link.id, bytes.length);
    supplies.delivered(link, slice, isFirst);
  }

  /** [P19] What is missing is made as soon as it can be: a data slice always, the parity slice for children that wait for it. */
  async #make({ epoch, unit }: UnitHead): Promise<void> {
    const { env, store, verifier, children, playout } = this.#at;
    const held = store.get(unit);
    if (!held) return;
    const isWanted = held.wholeMs !== null && !held.slices[held.K] && children.hasFor(held.head, held.K, held.K);
    const k = makeable(held) ?? (isWanted ? held.K : null);
    if (k === null) return;
    const made = await madeSlice((bytes) => env.sha256(bytes), held, k);
    const isGenuine = await verifier.isGenuine(made);
    if (!isGenuine || this.#at.isClosed() || store.epoch !== epoch) return;
    const nowMs = env.now();
    const added = store.add(made, nowMs, true);
    if (!isNews(added)) return; // the original was quicker
    children.relay(made, null);
    if (added !== 'whole') return;
    this.#arrived(made.head, nowMs);
    playout.give();
  }

  /** A unit is whole: how late it is says something about this peer's place. */
  #arrived({ unit, sourceMs }: UnitHead, nowMs: number): void {
    const coordinateMs = this.#at.coordinateMs();
    if (unit > 0 && coordinateMs !== null && nowMs - this.#epochMs > CATCH_UP_MS)
      this.#at.regular.arrivals.add(coordinateMs - sourceMs, nowMs);
  }
}

const isNews = (added: Added): boolean => added === 'new' || added === 'whole' || added === 'epoch';
