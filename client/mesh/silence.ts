// Which parent is silent, and which is there and of no use: watched at each tick, acted on by the supply that this is a part of [P9].
import { DEAD_SILENCE_MS, SUSPECT_SILENCE_MS } from '../../protocol/limits.ts';
import type { FromViewer } from '../../protocol/signalling.ts';
import type { Link } from './link.ts';
import type { SupplyContext } from './supply-context.ts';
import { isOfNoUse, type Substream } from './substream.ts';

type LostHow = Extract<FromViewer, { type: 'lost' }>['how'];

/** A forward that is silent for this long while the stream is live is dialled anew. */
const FORWARD_SILENCE_MS = 2_500;
/** Longer between two ticks, and this peer itself stood still. */
const OWN_PAUSE_MS = 120;
/** Every neighbour speaks more often than this. */
const COMMON_GAP_MS = 140;
/** Long units leave a channel silent for as long; one lost packet and its retransmission on top of that are no reason to suspect anybody. */
const RETRANSMISSION_MS = 115;
/** Silence of everybody that is taken for the loss of a parent. */
const ALL_SILENT_MS = 1_500;

/** The supply as its silence sees it. */
interface Watched {
  readonly pulls: { isOverdue(sub: Substream, nowMs: number): boolean };
  /** Somebody at hand delivers until the parent is heard again. */
  suspect(sub: Substream): void;
  parentFailed(sub: Substream, id: string, how: LostHow): void;
  lost(link: Link, how: LostHow): void;
}

export class Silence {
  readonly #at: SupplyContext;
  readonly #of: Watched;
  #tickMs = 0;
  /** When everybody was silent last: what holds all up is no parent's fault, and each has a moment to be heard again. */
  #gapMs = Number.NEGATIVE_INFINITY;

  constructor(at: SupplyContext, of: Watched) {
    this.#at = at;
    this.#of = of;
  }

  /**
   * Before the slices are looked at one by one.
   * @returns how long this peer itself stood still: no time in which anybody could have been heard
   */
  tick(nowMs: number): number {
    const open = this.#at.links().open();
    const pausedMs = nowMs - this.#tickMs > OWN_PAUSE_MS && this.#tickMs > 0 ? nowMs - this.#tickMs : 0;
    // After a pause of our own, messages wait to be read: nobody is silent before they are.
    if (pausedMs > 0) for (const link of open) link.heardMs = Math.max(link.heardMs, nowMs - SUSPECT_SILENCE_MS / 2);
    this.#tickMs = nowMs;
    if (open.length > 0 && open.every((link) => nowMs - link.heardMs > COMMON_GAP_MS)) this.#gapMs = nowMs;
    return pausedMs;
  }

  /** Suspicion first, then for good. An alive parent that lacks the slice itself is given time: it repairs. */
  watch(sub: Substream, nowMs: number): void {
    const link = sub.serving === null ? undefined : this.#at.links().get(sub.serving);
    if (!link) {
      sub.serving = null;
      return;
    }
    const silentMs = nowMs - Math.max(link.heardMs, link.sinceMs);
    if (link.kind === 'forward') {
      if (silentMs <= FORWARD_SILENCE_MS) return;
      this.#at.links().drop(link.id, false);
      return this.#of.lost(link, 'silent');
    }
    const newest = this.#at.store.get(this.#at.store.newest)?.head;
    if (newest && isOfNoUse(sub, newest.sourceMs, nowMs)) return this.#of.parentFailed(sub, link.id, 'late');
    const suspectMs = Math.max(SUSPECT_SILENCE_MS, (newest?.durationMs ?? 0) + RETRANSMISSION_MS);
    // When nobody at all has been heard, the fault is more likely on this side (a busy machine, a lost network) than the parent's.
    const heardOthers = this.#at
      .links()
      .open()
      .some((other) => other !== link && nowMs - other.heardMs < SUSPECT_SILENCE_MS);
    if (silentMs > (heardOthers ? DEAD_SILENCE_MS : ALL_SILENT_MS))
      return this.#of.parentFailed(sub, link.id, 'silent');
    const lackedMs = nowMs - Math.max(sub.lastMs, this.#gapMs);
    if (!heardOthers || silentMs <= suspectMs || lackedMs <= suspectMs || sub.standIn) return;
    if (this.#of.pulls.isOverdue(sub, nowMs)) this.#of.suspect(sub);
  }
}
