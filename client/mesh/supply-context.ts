// What the taking half of a peer needs from the rest of it, and what it shows to its parts.
import type { SliceCount } from '../../protocol/fields.ts';
import type { FromViewer } from '../../protocol/signalling.ts';
import type { Links } from './links.ts';
import type { UnitStore } from './store.ts';
import type { Substream } from './substream.ts';

export interface SupplyContext {
  now: () => number;
  random: () => number;
  self: () => string;
  store: UnitStore;
  links: () => Links;
  forwards: () => readonly { id: string; url: string }[];
  tell: (message: FromViewer) => void;
  note: (text: string) => void;
  /** The unit the player needs next; 0 before the first. */
  nextUnit: () => number;
  isLive: () => boolean;
  /** Somebody below is given slice k of K by this peer. */
  feeds: (k: number, K: SliceCount) => boolean;
  /** When what was made then is shown here, on the clock of `now`; null until the coordinate's clock is known. */
  playedMs: (sourceMs: number) => number | null;
  /** This machine comes late with everything: what seems late may be here already, not yet looked at. */
  isBusy: () => boolean;
}

/** The supply as its pulls see it. */
export interface Substreams {
  readonly K: SliceCount;
  /** The units of this layout: from `from` to before `until`. */
  readonly from: number;
  readonly until: number;
  /** What a newcomer begins with that no forward has started. */
  readonly first: number;
  readonly substreams: readonly Substream[];
}
