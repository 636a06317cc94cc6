// A peer without a picture: the mesh core with the numbers that a page shows too.
import type { PeerEnv } from '../mesh/env.ts';
import { MeshPeer } from '../mesh/peer.ts';
import type { PeerOptions } from '../mesh/peer-options.ts';
import type { Playable } from '../mesh/sequencer.ts';

export interface HeadlessStats {
  id: string | null;
  state: string;
  receivedBytes: { forward: number; peers: number };
  sentBytes: number;
  parents: { slice: number; id: string; kind: 'peer' | 'forward' }[];
  children: { slice: number; id: string }[];
  units: number;
  skippedUnits: number;
  duplicateBytes: number;
  /** Of these, originals of slices that had been made here. */
  madeBytes: number;
  /** Delay of the newest unit when it came, coordinate's clock, ms. */
  arrivalMs: number | null;
}

export interface HeadlessEvents {
  init?(bytes: Uint8Array, epoch: number): void;
  unit?(playable: Playable): void;
}

export class HeadlessPeer {
  readonly peer: MeshPeer;
  #units = 0;
  #arrivalMs: number | null = null;

  constructor(env: PeerEnv, options: PeerOptions, events: HeadlessEvents = {}) {
    this.peer = new MeshPeer(env, options, {
      init: (bytes, epoch) => events.init?.(bytes, epoch),
      unit: (playable) => {
        this.#units++;
        const coordinateMs = this.peer.coordinateMs();
        if (coordinateMs !== null) this.#arrivalMs = coordinateMs - playable.held.head.sourceMs;
        events.unit?.(playable);
      },
      changed: () => undefined,
    });
  }

  start(): void {
    this.peer.start();
  }

  close(): void {
    this.peer.close();
  }

  stats(): HeadlessStats {
    const { peer } = this;
    const totals = peer.totals();
    return {
      id: peer.id,
      state: peer.state,
      receivedBytes: { forward: totals.forward, peers: totals.peers },
      sentBytes: totals.sent,
      parents: peer.supplies.parents(),
      children: peer.children.list(),
      units: this.#units,
      skippedUnits: totals.skipped,
      duplicateBytes: totals.duplicate,
      madeBytes: totals.made,
      arrivalMs: this.#arrivalMs === null ? null : Math.round(this.#arrivalMs),
    };
  }
}
