// What a synthetic audience is told: how many, with which uplinks, how they come and go, what goes wrong. Everything else follows from
// the seed.
import type { EvilWay } from './evil.ts';

/** Shares of an audience and what they can upload, in copies of the stream; null: as much as they like. */
export type Profile = readonly (readonly [share: number, copies: number | null])[];

/** `ordinary` and `rich` are those of the simulator; nobody's uplink is nothing, but a fiftieth of the stream carries no slice. */
export const PROFILES: Readonly<Record<string, Profile>> = {
  equal: [[1, null]],
  ordinary: [
    [0.2, 0.02],
    [0.5, 1],
    [0.3, 3],
  ],
  rich: [
    [0.2, 0.02],
    [0.3, 2],
    [0.3, 5],
    [0.2, 10],
  ],
  mobile: [
    [0.5, 0.02],
    [0.4, 0.7],
    [0.1, 2],
  ],
};

/** Between two joins, where nobody says otherwise: eight a second. */
export const JOIN_EVERY_MS = 120;

export interface AudienceOptions {
  coordinate: string;
  stream: string;
  viewers: number;
  uplink: string;
  /** Share of the viewers that leave, and are replaced, in a minute. */
  churnPerMinute: number;
  /** Share of media messages that need a retransmission. */
  loss: number;
  /** Nearest and furthest round trip between two viewers, ms, above what the network has. */
  rttMs: readonly [near: number, far: number];
  evil: number;
  evilWay: EvilWay;
  seed: number;
  seconds: number;
  joinEveryMs: number;
  /** Between the last join and the first unit that counts. */
  settleSeconds: number;
}
