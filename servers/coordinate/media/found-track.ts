// What a look at a container's head tells of a track, and which of several is taken.
import type { TrackKind } from './sample.ts';

export interface FoundTrack {
  kind: TrackKind;
  /** The codec's name, for people. */
  what: string;
  /** H.264 or AAC of a kind that browsers play: taken as it is. */
  taken: boolean;
  /** Its pictures may be coded as fields. */
  interlaced: boolean;
}

/** The first that can be taken as it is, or else the first. */
export const toTake = <T extends FoundTrack>(tracks: readonly T[], kind: TrackKind): T | null =>
  tracks.find((t) => t.kind === kind && t.taken) ?? tracks.find((t) => t.kind === kind) ?? null;
