// What a peer is told at its start, and what it tells whoever runs it.
import type { PeerRole } from '../../protocol/signalling.ts';
import type { PlayoutEvents } from './playout.ts';

export interface PeerOptions {
  /** Base URL of the coordinate. */
  coordinate: string;
  stream: string;
  shares: boolean;
  role: PeerRole;
  /** From an earlier visit, see `PeerEvents.remember`. */
  history?: string | undefined;
  /** The most this peer uploads, bits a second; absent: the broadcaster's cap alone. */
  capBitsPerSecond?: number | undefined;
}

export interface PeerEvents extends PlayoutEvents {
  /** Something about the peer's state or the stream's changed. */
  changed(): void;
  /** What a tracker signed about this peer's upload: to be given as `history` the next time. */
  remember?(token: string): void;
}
