// A PeerWire over WebRTC: one connection, one ordered channel for text and one unordered (reliable) for media. The same code for
// the browser's RTCPeerConnection and for wrtc's; only what both have is named here.
import type { IceServer } from '../../protocol/fields.ts';
import { patiently } from '../../protocol/awake.ts';
import { CONNECT_TIMEOUT_MS } from '../../protocol/limits.ts';
import type { SignalData } from '../../protocol/signalling.ts';
import type { PeerEnv, PeerWire, PeerWireEvents } from './env.ts';

/** Below this many buffered bytes a channel asks for more; several channels share what may be in flight (uplink.ts). */
const LOW_WATER_BYTES = 8 * 1024;

export interface Channel {
  binaryType: string;
  bufferedAmount: number;
  bufferedAmountLowThreshold: number;
  readyState: string;
  onopen: (() => void) | null;
  onclose: (() => void) | null;
  onbufferedamountlow: (() => void) | null;
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null;
  send(data: string | Uint8Array): void;
  close(): void;
}
interface Description {
  type: 'offer' | 'answer';
  sdp: string;
}
interface Candidate {
  candidate: string;
  sdpMid: string | null;
  sdpMLineIndex: number | null;
}
export interface Connection {
  connectionState: string;
  onicecandidate: ((event: { candidate: Candidate | null }) => void) | null;
  onconnectionstatechange: (() => void) | null;
  createDataChannel(label: string, options: { negotiated: boolean; id: number; ordered: boolean }): Channel;
  createOffer(): Promise<Description>;
  createAnswer(): Promise<Description>;
  setLocalDescription(description: Description): Promise<void>;
  setRemoteDescription(description: Description): Promise<void>;
  addIceCandidate(candidate: Candidate): Promise<void>;
  close(): void;
}
export type NewConnection = (configuration: { iceServers: readonly IceServer[] }) => Connection;

/**
 * By TCP no two browsers reach each other (none of them listens; RFC 6544), and half of what they gather is for it. In Node both
 * listen, and every pair of peers would connect over each address for nothing.
 */
const isTcp = (candidate: string): boolean => candidate.split(' ')[2]?.toLowerCase() === 'tcp';

export class RtcWire implements PeerWire {
  readonly #connection: Connection;
  readonly #text: Channel;
  readonly #media: Channel;
  readonly #events: PeerWireEvents;
  readonly #call: string;
  readonly #cancelTimeout: () => void;
  /** Candidates that came before the description they belong to. */
  #early: Candidate[] | null = [];
  #isOpen = false;
  #closed = false;

  constructor(
    create: NewConnection,
    env: Pick<PeerEnv, 'after'>,
    options: { initiator: boolean; call: string; iceServers: readonly IceServer[] },
    events: PeerWireEvents,
  ) {
    this.#events = events;
    this.#call = options.call;
    this.#connection = create({ iceServers: options.iceServers });
    this.#text = this.#channel('control', 0, true);
    this.#media = this.#channel('media', 1, false);
    this.#media.bufferedAmountLowThreshold = LOW_WATER_BYTES;
    this.#media.onbufferedamountlow = () => events.drained();
    this.#connection.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate || this.#closed || isTcp(candidate.candidate)) return;
      const { sdpMid, sdpMLineIndex } = candidate;
      events.signal({ kind: 'candidate', call: this.#call, candidate: candidate.candidate, sdpMid, sdpMLineIndex });
    };
    this.#connection.onconnectionstatechange = () => {
      const state = this.#connection.connectionState;
      if (state === 'failed' || state === 'closed') this.#fail(`connection ${state}`);
    };
    // ICE itself takes 15 s to give up: far too long for a viewer that waits for a slice.
    this.#cancelTimeout = patiently(env, CONNECT_TIMEOUT_MS, () => {
      if (!this.#isOpen) this.#fail('no connection in time');
    });
    if (options.initiator) this.#describe('offer').catch((error: unknown) => this.#fail(String(error)));
  }

  get bufferedBytes(): number {
    return this.#closed ? 0 : this.#media.bufferedAmount;
  }

  send(data: string | Uint8Array): void {
    if (!this.#isOpen || this.#closed) return;
    try {
      if (typeof data === 'string') this.#text.send(data);
      else this.#media.send(data);
    } catch (error) {
      this.#fail(String(error)); // the channel closed under us, or its buffer is full
    }
  }

  signal(data: SignalData): void {
    if (this.#closed || data.call !== this.#call) return;
    this.#take(data).catch((error: unknown) => this.#fail(String(error)));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimeout();
    for (const channel of [this.#text, this.#media]) {
      channel.onopen = channel.onclose = channel.onmessage = channel.onbufferedamountlow = null;
      channel.close();
    }
    this.#connection.onicecandidate = this.#connection.onconnectionstatechange = null;
    this.#connection.close();
  }

  #channel(label: string, id: number, ordered: boolean): Channel {
    const channel = this.#connection.createDataChannel(label, { negotiated: true, id, ordered });
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => {
      if (this.#isOpen || this.#text.readyState !== 'open' || this.#media.readyState !== 'open') return;
      this.#isOpen = true;
      this.#cancelTimeout();
      this.#events.open();
    };
    channel.onclose = () => this.#fail('channel closed');
    channel.onmessage = ({ data }) => this.#events.message(typeof data === 'string' ? data : new Uint8Array(data));
    return channel;
  }

  async #describe(kind: 'offer' | 'answer'): Promise<void> {
    const made = kind === 'offer' ? await this.#connection.createOffer() : await this.#connection.createAnswer();
    if (this.#closed) return;
    // Told before candidates can be: they are gathered from setLocalDescription on.
    this.#events.signal({ kind, call: this.#call, sdp: made.sdp });
    if (this.#closed) return;
    await this.#connection.setLocalDescription(made);
  }

  async #take(data: SignalData): Promise<void> {
    if (data.kind === 'candidate') {
      const { candidate, sdpMid, sdpMLineIndex } = data;
      if (this.#early) {
        if (this.#early.length < 64) this.#early.push({ candidate, sdpMid, sdpMLineIndex });
        return;
      }
      // One unusable candidate (an address family we lack) is no reason to fail the others.
      await this.#connection.addIceCandidate({ candidate, sdpMid, sdpMLineIndex }).catch(() => undefined);
      return;
    }
    await this.#connection.setRemoteDescription({ type: data.kind, sdp: data.sdp });
    if (this.#closed) return;
    const early = this.#early ?? [];
    this.#early = null;
    for (const candidate of early) {
      await this.#connection.addIceCandidate(candidate).catch(() => undefined);
      if (this.#closed) return;
    }
    if (data.kind === 'offer') await this.#describe('answer');
  }

  #fail(why: string): void {
    if (this.#closed) return;
    this.close();
    this.#events.closed(why);
  }
}
