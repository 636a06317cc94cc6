// The tables of the console's mesh: what the control plane gathers from every server's `/debug/feed` into one view. Rows travel as
// plain JSON and are read with care: a server of another release may leave something out.
import type { StreamState } from './fields.ts';

export interface MeshTables {
  /** By base URL. */
  coordinates: Record<string, CoordinateRow>;
  /** By stream name: what the coordinate says. */
  streams: Record<string, StreamTableRow>;
  /** By tracker id. */
  trackers: Record<string, TrackerTableRow>;
  /** By forward id. */
  forwards: Record<string, ForwardTableRow>;
  /** By viewer id. */
  viewers: Record<string, ViewerTableRow>;
  /** By `<forward>/<session>`: who is served by a forward directly, and how far behind it is. */
  links: Record<string, ForwardLinkRow>;
  /** By stream name: what the tracker says of its trees. */
  swarms: Record<string, SwarmRow>;
  /** By feed URL: is it being read? */
  feeds: Record<string, FeedRow>;
}

export interface CoordinateRow {
  base: string;
  /** Name of the supervised program, or null when it runs elsewhere. */
  program: string | null;
  state: 'here' | 'lost';
}

export interface StreamTableRow {
  coordinate: string;
  state: StreamState;
  why: string;
  epoch: number;
  unit: number;
  bytes: number;
  tracks: string[];
  /** How it is taken in, such as "as it is" or "transcoded". */
  how: string | null;
}

export interface TrackerTableRow {
  program: string | null;
  state: 'here' | 'lost';
  region: string;
  base: string;
  viewers: number;
  load: number;
  /** Ids. */
  forwards: string[];
}

export interface ForwardTableRow {
  program: string | null;
  tracker: string | null;
  region: string;
  /** 0 idle .. 1 full. */
  load: number;
  pull: string;
  children: number;
  egressBitsPerSecond: number;
  egressBytes: { media: number; bootstrap: number; repair: number; control: number };
  ingressBytes: number;
  /** From here on: what forwards of an earlier release do not say. For each stream whose trackers have set a limit [P20]. */
  starts?: StartsRow[] | undefined;
}

/** What a forward has given newcomers of a stream in the last half minute. */
export interface StartsRow {
  stream: string;
  /** Copies that it may give them at once. */
  limit: number;
  newcomers: number;
  /** Of them, those that were told to wait for their parents. */
  putOff: number;
}

export interface ViewerTableRow {
  id: string;
  stream: string;
  tracker: string;
  role: 'viewer' | 'relay' | 'monitor';
  /** Hops from the forward in its deepest tree; null before it is seated. */
  depth: number | null;
  depths: number[];
  parents: { slice: number; id: string; kind: 'peer' | 'forward' }[];
  children: { slice: number; id: string }[];
  /** finding, joining, buffering, playing, starving, ended, returning */
  state: string;
  why: string;
  shares: boolean;
  direct: boolean;
  slots: number;
  forwardBitsPerSecond: number;
  peersBitsPerSecond: number;
  sentBitsPerSecond: number;
  receivedBytes: { forward: number; peers: number };
  sentBytes: number;
  confirmedBytes: number;
  arrivalMs: number | null;
  bufferMs: number | null;
  newest: number | null;
  stalls: { count: number; ms: number };
  hidden: boolean;
  mismatch: string | null;
  ageMs: number;
  /** From here on: what trackers of an earlier release do not say. */
  trust?: 'good' | 'accused' | 'convicted' | 'silenced' | undefined;
  /** One sentence; null for a good one. */
  trustWhy?: string | null | undefined;
  /** How far the picture on its screen is behind the source. */
  delayMs?: number | null | undefined;
  delaySinceCapture?: boolean | undefined;
  /** Why it takes no children for now, by its own word. */
  leaf?: string | null | undefined;
  /** Measured while slices waited; null: its uplink has never been full. */
  uplinkBitsPerSecond?: number | null | undefined;
  /** What its children say they had from it. */
  contributedBytes?: number | undefined;
  /** Share by which its own account of what it gave differs from its children's receipts; null: nothing to compare. */
  ledgerGap?: number | null | undefined;
}

export interface ForwardLinkRow {
  forward: string;
  viewer: string;
  stream: string;
  slices: unknown[];
  lagMs: number | null;
  skips: number;
}

export interface SwarmRow {
  tracker: string;
  name: string;
  k: number;
  layout: number;
  state: StreamState;
  viewerCount: number;
  targetDelayMs: number;
  directCopies: number;
  forwardChildren: number[];
  freeSlots: number[];
  /** From here on: what trackers of an earlier release do not say. */
  kWhy?: string | undefined;
  /** Slots of all viewers over the slots that they take. */
  supply?: number | undefined;
  /** The parity slice is sent along, and why it is or not. */
  parity?: boolean | undefined;
  parityWhy?: string | undefined;
  /** Of one copy of the stream. */
  bitsPerSecond?: number | null | undefined;
  /** How large an audience these viewers and forwards would hold. */
  forecast?: { viewers: number; why: string; capShortage?: CapShortage | null | undefined } | null | undefined;
  ledger?: Ledger | null | undefined;
}

/** The forwards carry what viewers would, if they were let: what the cap on uploads costs, in copies that the average viewer passes on. */
export interface CapShortage {
  cap: number;
  copies: number;
  betterCap: number;
  betterCopies: number;
  /** Under the better cap the audience feeds itself, as far as its uplinks are known. */
  isEnough: boolean;
}

/** What was carried, by everybody's account: the forwards' own counters, the senders' word and the receivers' receipts. */
export interface Ledger {
  forwardBytes: number;
  peerGivenBytes: number;
  peerReceivedBytes: number;
  /** By the forwards' counters, 0..1; null while there is too little to say. */
  offload: number | null;
  /** Links whose two ends do not agree; the worst of them only. */
  mismatches: { from: string; to: string; gave: number; got: number }[];
}

export interface FeedRow {
  kind: 'coordinate' | 'tracker' | 'forward';
  state: 'connecting' | 'open' | 'refused' | 'lost';
  why: string | null;
}
