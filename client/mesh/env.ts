// What a peer needs from the machine it runs on. The browser, Node with wrtc, and an in-memory net for tests implement it.
import type { IceServer } from '../../protocol/fields.ts';
import type { SignalData } from '../../protocol/signalling.ts';

export interface WireEvents {
  open(): void;
  message(data: string | Uint8Array): void;
  /** Once, whatever happened; never after our own close(). */
  closed(why: string): void;
}

/** A message pipe that is already being opened. */
export interface Wire {
  send(data: string | Uint8Array): void;
  /** Bytes handed over and not yet on their way. */
  readonly bufferedBytes: number;
  close(): void;
}

/** A wire to another peer, opened by messages that somebody else carries. Text arrives in order, bytes in any order. */
export interface PeerWire extends Wire {
  signal(data: SignalData): void;
}

export interface PeerWireEvents extends WireEvents {
  /** Carry this to the other side. */
  signal(data: SignalData): void;
  /** bufferedBytes fell below the low-water mark. */
  drained(): void;
}

export interface PeerEnv {
  /** Monotonic milliseconds; on some machines they stand while the machine sleeps. */
  now(): number;
  /**
   * The machine's own clock, milliseconds since 1970: it shows that the machine slept, and may be
   * set at any time.
   */
  wallMs(): number;
  /** A timer that also runs in a hidden tab. */
  after(ms: number, call: () => void): () => void;
  random(): number;
  /** GET of JSON text. Rejects with a sentence. */
  getJson(url: string): Promise<unknown>;
  socket(url: string, events: WireEvents): Wire;
  peer(
    options: { initiator: boolean; call: string; iceServers: readonly IceServer[] },
    events: PeerWireEvents,
  ): PeerWire;
  sha256(bytes: Uint8Array): Promise<Uint8Array> | Uint8Array;
  /** Ed25519. */
  verify(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean> | boolean;
}
