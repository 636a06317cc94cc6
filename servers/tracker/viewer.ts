// One connected viewer as the tracker keeps it: its socket, what it was told, what it last said. Decisions are made elsewhere.
import type { WebSocket } from 'ws';
import { awakeMs } from '../shared/awake.ts';
import type { Edge, FromTracker, FromViewer, LeafReason, PeerRole } from '../../protocol/signalling.ts';

export type Hello = Extract<FromViewer, { type: 'hello' }>;
export type Report = Extract<FromViewer, { type: 'report' }>;

/** A parent as it was planned; null while no forward is there to be named. */
export type Planned = { kind: 'peer' | 'forward'; id: string } | null;

/** Peers that a viewer may still signal with after the edge has gone. */
const MAX_RECENT = 64;
const MAX_MET = 256;
export const RECENT_MS = 10_000;
/** A viewer that does not read what we send is closed before it costs memory. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

/** What is derived from the difference of two reports. */
export interface Rates {
  forwardBitsPerSecond: number;
  peersBitsPerSecond: number;
  sentBitsPerSecond: number;
}

export class Viewer {
  readonly id: string;
  readonly stream: string;
  readonly socket: WebSocket;
  readonly role: PeerRole;
  readonly network: string;
  readonly sinceMs: number;
  shares: boolean;
  /** Why it takes no children for now; null: it does. */
  leaf: LeafReason | null;
  /** The most it allows itself to upload; null: no cap of its own. */
  capBitsPerSecond: number | null;
  /** What a tracker has signed of its upload on an earlier visit. */
  proven: { bitsPerSecond: number | null } | null = null;
  /** It may serve: it has stayed for a moment, or is known. */
  isTrusted = false;
  /** When it was last told its own history. */
  historyMs = Number.NEGATIVE_INFINITY;
  /** Set while a re-announced viewer waits for its neighbours: how it said it was seated. */
  claims: { parents: readonly Edge[]; children: readonly Edge[] } | null = null;
  /** What the newest plan said, per slice; empty before the first. */
  planned: Planned[] = [];
  alternatives: (string | null)[] = [];
  serial = 0;
  /** Peers of former edges and alternatives, until when they count. */
  recent = new Map<string, number>();
  /** Everyone it was rightly told of or called by, newest last: that one of them is gone is no offence. */
  met = new Set<string>();
  /** Former parents that still deliver until the new one does. */
  handingOver: { slice: number; id: string; sinceMs: number }[] = [];
  /** Former parents that have left since its last plan. */
  readonly goneParents = new Set<string>();
  /** Forwards that failed for this viewer, and until when that is believed. */
  badForwards = new Map<string, number>();
  /** When anything last came from it, by awakeMs. */
  heardMs: number;
  report: Report | null = null;
  reportedMs = 0;
  /** When its receipts were last entered into the ledger. */
  accountedMs: number;
  rates: Rates = { forwardBitsPerSecond: 0, peersBitsPerSecond: 0, sentBitsPerSecond: 0 };
  /** The two newest arrival delays: a single late unit is not a late viewer. */
  arrivals: number[] = [];
  /** Bytes that its children say they have from it. */
  confirmedBytes = 0;
  /** What in its last report contradicts the trees; null when nothing does. */
  mismatch: string | null = null;

  constructor(socket: WebSocket, id: string, hello: Hello, network: string, nowMs: number) {
    this.socket = socket;
    this.id = id;
    this.stream = hello.stream;
    this.role = hello.role ?? 'viewer';
    this.shares = hello.shares;
    this.leaf = hello.leaf ?? null;
    this.capBitsPerSecond = hello.capBitsPerSecond ?? null;
    this.network = network;
    this.sinceMs = nowMs;
    this.heardMs = awakeMs();
    this.accountedMs = nowMs;
  }

  /** Becomes what `former` was told and had said, on this connection. */
  takeOver(former: Viewer): void {
    this.shares = former.shares;
    this.proven = former.proven;
    this.isTrusted = former.isTrusted;
    this.historyMs = former.historyMs;
    this.claims = former.claims;
    this.planned = former.planned;
    this.alternatives = former.alternatives;
    this.serial = former.serial;
    this.recent = former.recent;
    this.met = former.met;
    this.handingOver = former.handingOver;
    this.badForwards = former.badForwards;
    this.confirmedBytes = former.confirmedBytes;
  }

  send(message: FromTracker): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (this.socket.bufferedAmount > MAX_BUFFERED_BYTES) this.socket.terminate();
    else this.socket.send(JSON.stringify(message));
  }

  remember(other: string, nowMs: number): void {
    this.recent.delete(other);
    this.recent.set(other, nowMs + RECENT_MS);
    for (const [id, untilMs] of this.recent) {
      if (untilMs > nowMs && this.recent.size <= MAX_RECENT) break;
      this.recent.delete(id);
    }
  }

  meet(other: string): void {
    this.met.delete(other);
    this.met.add(other);
    for (const oldest of this.met) {
      if (this.met.size <= MAX_MET) break;
      this.met.delete(oldest);
    }
  }

  forwardIsBad(id: string, nowMs: number): boolean {
    return (this.badForwards.get(id) ?? -Infinity) > nowMs;
  }

  /** It was told of this edge to `other`: as parent or alternative. */
  wasTold(other: string): boolean {
    return (
      this.planned.some((parent) => parent?.kind === 'peer' && parent.id === other) || this.alternatives.includes(other)
    );
  }
}
