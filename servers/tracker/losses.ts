// What a `lost` means: one child's word moves that edge only; two children that could not connect to a parent take it out of the inside
// of its tree (bad slices are another matter: trust.ts); and a child that cannot connect to one parent after the other is fed by forwards
// (MESH.md section 6). Silence and closed channels move edges and nothing more: a machine that was busy for a second makes many
// parents silent at once, and all of them are well again after it. A word alone never ends a viewer's session.
import type { FromViewer } from '../../protocol/signalling.ts';

/** Words older than this no longer count. */
const AGREE_WITHIN_MS = 10_000;
/** A peer whose children lost it serves nobody for this long. */
export const LEAF_MS = 5 * 60_000;
/** So many distinct parents lost within a minute, and the fault is taken to be the child's. */
const SUSPECT_CHILD_AT = 4;
const SUSPECT_WITHIN_MS = 60_000;
const MAX_REMEMBERED = 10_000;

type How = Extract<FromViewer, { type: 'lost' }>['how'];
const SPEAKS_AGAINST_THE_PEER: ReadonlySet<How> = new Set<How>(['unreachable', 'bad-slice']);

/** How long the two ends of a lost edge are kept apart: what could not connect now cannot in a moment, who was silent may be well again. */
export const apartMs = (how: How): number => (SPEAKS_AGAINST_THE_PEER.has(how) ? 60_000 : 10_000);

export type LossVerdict = 'move the edge' | 'parent fails' | 'child cannot connect';

interface Word {
  other: string;
  ms: number;
}

export class Losses {
  /** By parent: the children that lost it. By child: the parents it lost. */
  readonly #byParent = new Map<string, Word[]>();
  readonly #byChild = new Map<string, Word[]>();

  /** Takes one child's word about its present parent. */
  hear(child: string, parent: string, how: How, nowMs: number): LossVerdict {
    if (!SPEAKS_AGAINST_THE_PEER.has(how)) return 'move the edge';
    const lost = note(this.#byChild, child, parent, nowMs, SUSPECT_WITHIN_MS);
    if (lost >= SUSPECT_CHILD_AT) return 'child cannot connect';
    // Who has lost several already is more likely the cause than a witness.
    if (lost > SUSPECT_CHILD_AT / 2) return 'move the edge';
    return note(this.#byParent, parent, child, nowMs, AGREE_WITHIN_MS) >= 2 ? 'parent fails' : 'move the edge';
  }

  forget(id: string): void {
    this.#byParent.delete(id);
    this.#byChild.delete(id);
  }
}

/** Adds a word and counts the distinct ones that are recent. */
function note(words: Map<string, Word[]>, about: string, other: string, nowMs: number, withinMs: number): number {
  const kept = (words.get(about) ?? []).filter((word) => word.other !== other && nowMs - word.ms < withinMs);
  kept.push({ other, ms: nowMs });
  words.delete(about);
  words.set(about, kept.slice(-16));
  for (const oldest of words.keys()) {
    if (words.size <= MAX_REMEMBERED) break;
    words.delete(oldest);
  }
  return kept.length;
}
