// How a substream comes to the parent that the tracker has planned: when it dials, when it asks, how long it waits [P3]. Part of supply.ts.
import { isParity } from '../../protocol/chunk.ts';
import type { SliceCount } from '../../protocol/fields.ts';
import { CONNECT_TIMEOUT_MS } from '../../protocol/limits.ts';
import type { FromViewer, Parent } from '../../protocol/signalling.ts';
import type { Link } from './link.ts';
import type { SupplyContext } from './supply-context.ts';
import type { Substream } from './substream.ts';

/** A new parent that has connected must deliver within this. */
const FIRST_SLICE_MS = 1_500;
/**
 * A slice that flows already changes its parent calmly: opening a connection costs processor time, and in the moment of a join or a
 * departure that is short everywhere. In between, at random, so that the children of one parent do not all begin at once.
 */
const CALM_MS = { least: 350, spread: 450 };
/** While somebody stands in there is more time: after a departure all its children begin, and often a newcomer is just loading its page. */
const MENDING_MS = { least: 800, spread: 1_000 };
/** Everybody's parents of a new layout: there are seconds until it begins. */
const EARLY_MS = { least: 350, spread: 2_000 };

/** The supply as it joins parents. */
interface Joinable {
  readonly K: SliceCount;
  /** Units of this layout come. */
  readonly hasBegun: boolean;
  subscribe(sub: Substream, link: Link, why: 'tree'): void;
  parentFailed(sub: Substream, id: string, how: Extract<FromViewer, { type: 'lost' }>['how']): void;
}

export class Joining {
  readonly #at: SupplyContext;
  readonly #of: Joinable;

  constructor(at: SupplyContext, of: Joinable) {
    this.#at = at;
    this.#of = of;
  }

  /** At once where nothing flows or the connection is there; otherwise in a moment. Nobody misses parity for a moment. */
  calmly(sub: Substream, parent: Parent): void {
    const isEarly = !this.#of.hasBegun;
    const canWait = sub.serving !== null || sub.standIn !== null || isEarly || isParity(sub.k, this.#of.K);
    if (!canWait || parent.kind === 'forward' || this.#at.links().get(parent.id)?.state === 'open')
      return this.begin(sub, parent);
    sub.joining = null;
    const { least, spread } = isEarly ? EARLY_MS : sub.standIn?.why === 'takeover' ? MENDING_MS : CALM_MS;
    sub.dueMs ??= this.#at.now() + least + spread * this.#at.random();
  }

  begin(sub: Substream, parent: Parent): void {
    sub.dueMs = null;
    const link =
      parent.kind === 'forward'
        ? this.#at.links().toForward(parent.id, parent.url, true)
        : this.#at.links().toPeer(parent.id);
    if (!link) return;
    sub.joining = { id: parent.id, sinceMs: this.#at.now(), asked: false };
    if (link.state === 'open') this.ask(sub, link);
  }

  ask(sub: Substream, link: Link): void {
    if (!sub.joining) return;
    sub.joining = { ...sub.joining, asked: true };
    this.#of.subscribe(sub, link, 'tree');
  }

  /** Who does not connect, or connects and delivers nothing, has failed. */
  watch(sub: Substream, nowMs: number): void {
    const joining = sub.joining;
    if (!joining) return;
    // A layout that has not begun has nothing to deliver yet.
    if (!this.#of.hasBegun) return void (sub.joining = { ...joining, sinceMs: nowMs });
    const link = this.#at.links().get(joining.id);
    const limitMs = (link?.state === 'open' ? FIRST_SLICE_MS : 0) + CONNECT_TIMEOUT_MS;
    if (nowMs - joining.sinceMs < limitMs || (link?.state === 'open' && !this.#at.isLive())) return;
    this.#of.parentFailed(sub, joining.id, link?.state === 'open' ? 'silent' : 'unreachable');
  }
}
