// Who delivers a slice while its parent is missing: the forward at the start, then somebody at hand when a parent is lost or suspected.
// Rules P2 and P8.
import { isParity } from '../../protocol/chunk.ts';
import type { SliceCount } from '../../protocol/fields.ts';
import { TAKEOVER_MS } from '../../protocol/limits.ts';
import type { Parent } from '../../protocol/signalling.ts';
import type { Link } from './link.ts';
import type { SupplyContext } from './supply-context.ts';
import type { Substream } from './substream.ts';

/**
 * A forward that has refused is asked again after this; when one that has gone is called again is
 * for backoff.ts to say.
 */
const FORWARD_AGAIN_MS = 500;
/** A stand-in has what it was asked for at hand: silence for this long, and it has not. */
const STAND_IN_SILENCE_MS = 160;

/** The supply as its stand-ins see it. */
interface Supplied {
  readonly K: SliceCount;
  readonly substreams: readonly Substream[];
  /** Parents that the tracker named for the case of need. */
  readonly alternatives: readonly Parent[];
  subscribe(sub: Substream, link: Link, why: 'takeover' | 'bootstrap'): void;
}

export class StandIns {
  readonly #at: SupplyContext;
  readonly #of: Supplied;

  constructor(at: SupplyContext, of: Supplied) {
    this.#at = at;
    this.#of = of;
  }

  /** [P8] Somebody at hand, now: a parent of another slice first, any other open peer, at last the forward. */
  begin(sub: Substream): void {
    if (isParity(sub.k, this.#of.K)) return; // the tracker's next parent is soon enough [P19]
    const links = this.#at.links();
    const others = this.#of.substreams.filter((s) => s !== sub).map((s) => s.serving);
    const ranked = [
      ...others,
      ...this.#of.alternatives.filter((p) => p.slice === sub.k).map((p) => p.id),
      ...links.open().map((l) => l.id),
    ];
    for (const id of ranked) {
      const link = id ? links.get(id) : undefined;
      if (
        !link ||
        link.state !== 'open' ||
        link.kind !== 'peer' ||
        sub.avoided.has(link.id) ||
        // Who is the parent, or is to be, is no help against its own silence.
        sub.serving === link.id ||
        sub.joining?.id === link.id
      )
        continue;
      this.#at.note(`slice ${sub.k}: asks ${link.id} to stand in`);
      sub.standIn = { id: link.id, sinceMs: this.#at.now(), why: 'takeover' };
      this.#of.subscribe(sub, link, 'takeover');
      return;
    }
    this.byForward(sub, 'takeover');
  }

  byForward(sub: Substream, why: 'bootstrap' | 'takeover'): void {
    if (isParity(sub.k, this.#of.K)) return;
    const forwards = this.#at.forwards();
    const isRested = (id: string): boolean =>
      !this.#at.links().get(id) ||
      this.#at.now() - (sub.avoided.get(id) ?? Number.NEGATIVE_INFINITY) > FORWARD_AGAIN_MS;
    const forward = forwards.find((f) => !sub.avoided.has(f.id)) ?? forwards.find((f) => isRested(f.id));
    if (!forward) return;
    const link = this.#at.links().toForward(forward.id, forward.url, sub.planned?.id === forward.id);
    if (!link) return; // it is called again when its turn comes
    this.#at.note(`slice ${sub.k}: asks the forward (${why})`);
    sub.standIn = { id: forward.id, sinceMs: this.#at.now(), why };
    if (link.state === 'open') this.#of.subscribe(sub, link, why);
  }

  end(sub: Substream): void {
    const id = sub.standIn?.id;
    sub.standIn = null;
    // One that is the planned parent too goes on as such.
    if (id && id !== sub.serving && id !== sub.joining?.id)
      this.#at.links().get(id)?.send({ type: 'unsubscribe', slice: sub.k, of: this.#of.K });
  }

  /** A peer stands in for some seconds only; if the tracker has found nobody by then, or it delivers nothing, the forward does. */
  watch(sub: Substream, standIn: NonNullable<Substream['standIn']>, nowMs: number): void {
    const link = this.#at.links().get(standIn.id);
    if (link?.kind === 'forward') return;
    const sinceMs = nowMs - standIn.sinceMs;
    const delivers = sub.lastFrom === standIn.id && nowMs - sub.lastMs < STAND_IN_SILENCE_MS;
    if (sinceMs < TAKEOVER_MS && (delivers || sinceMs < STAND_IN_SILENCE_MS)) return;
    this.#at.note(`slice ${sub.k}: ${standIn.id} stands in with nothing`);
    sub.avoided.set(standIn.id, nowMs);
    this.end(sub);
    this.byForward(sub, 'takeover');
  }
}
