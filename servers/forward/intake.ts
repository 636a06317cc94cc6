// Units and stream news from a coordinate, over a socket that either side has dialled. Checks each unit's seal once, so that what the
// forward hands out is what the coordinate signed.
import { createPublicKey, verify, createHash, type KeyObject } from 'node:crypto';
import type { WebSocket } from 'ws';
import { CoordinateToForward, type ForwardToCoordinate } from '../../protocol/backbone.ts';
import { decodeFragment, streamTag } from '../../protocol/chunk.ts';
import { decodeMessage } from '../../protocol/decode.ts';
import type { StreamState } from '../../protocol/fields.ts';
import { MAX_BACKBONE_CHARS, PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { refuse } from '../../protocol/refusal.ts';
import type { Slice } from '../../protocol/slice.ts';
import { rootFromSlice, signedBytes } from '../../protocol/unit.ts';
import type { Log } from '../shared/log.ts';

const ACK_MS = 300;

export interface IntakeEvents {
  publicKey(key: string): void;
  stream(name: string, state: StreamState, epoch: number): void;
  unit(name: string, slice: Slice): Promise<void>;
  bytes(count: number): void;
  closed(): void;
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** An Ed25519 key from its 32 raw bytes: the fixed DER prefix of RFC 8410. */
function ed25519Key(raw: Buffer): KeyObject {
  return createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]),
    format: 'der',
    type: 'spki',
  });
}

export class Intake {
  readonly #socket: WebSocket;
  readonly #events: IntakeEvents;
  readonly #log: Log;
  readonly #names = new Map<number, string>();
  readonly #acks = new Map<string, { epoch: number; unit: number }>();
  readonly #timer: NodeJS.Timeout;
  #key: KeyObject | null = null;
  /** Units are checked one after the other: their order is kept. */
  #work: Promise<void> = Promise.resolve();

  constructor(socket: WebSocket, selfId: string, events: IntakeEvents, log: Log) {
    this.#socket = socket;
    this.#events = events;
    this.#log = log;
    this.#send({ type: 'hello', v: PROTOCOL_VERSION, id: selfId });
    this.#timer = setInterval(() => this.#acknowledge(), ACK_MS);
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      events.bytes(data.length);
      if (isBinary) this.#takeUnit(data);
      else this.#takeText(data.toString('utf8'));
    });
    socket.on('error', (error) => log.debug({ err: error }, 'coordinate socket'));
    socket.on('close', () => {
      clearInterval(this.#timer);
      // Behind what came before it: news that is still being worked on must not make a stream live again.
      this.#work = this.#work.then(() => events.closed());
    });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.terminate();
  }

  #send(message: ForwardToCoordinate): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #acknowledge(): void {
    for (const [name, { epoch, unit }] of this.#acks) this.#send({ type: 'ack', name, epoch, unit });
    this.#acks.clear();
  }

  #refuse(refusal: ReturnType<typeof refuse>): void {
    this.#log.warn({ reason: refusal.refusal.reason }, 'refused a coordinate');
    this.#send({ type: 'refused', ...refusal.refusal });
    this.#socket.close(1008, refusal.refusal.reason);
  }

  #takeText(text: string): void {
    const decoded = decodeMessage(CoordinateToForward, text, MAX_BACKBONE_CHARS);
    if (!decoded.ok) return this.#refuse(decoded);
    const message = decoded.value;
    switch (message.type) {
      case 'hello': {
        if (message.v !== PROTOCOL_VERSION)
          return this.#refuse(refuse('wrong-version', `This forward speaks version ${PROTOCOL_VERSION}.`));
        const raw = Buffer.from(message.publicKey, 'base64url');
        if (raw.length !== 32) return this.#refuse(refuse('bad-message', 'A public key has 32 bytes.'));
        this.#key = ed25519Key(raw);
        return this.#events.publicKey(message.publicKey);
      }
      case 'stream':
        this.#names.set(streamTag(message.name), message.name);
        // Behind the units that came before it: "ended" must not overtake the last picture.
        this.#work = this.#work.then(() => this.#events.stream(message.name, message.state, message.epoch));
        return;
      case 'refused':
        this.#log.warn({ reason: message.reason, detail: message.detail }, 'the coordinate refused us');
        return;
    }
  }

  #takeUnit(data: Buffer): void {
    const decoded = decodeFragment(data);
    if (!decoded.ok) return this.#refuse(decoded);
    const f = decoded.value;
    const name = this.#names.get(f.stream);
    const key = this.#key;
    if (name === undefined || !key)
      return this.#refuse(refuse('bad-message', 'Say hello and name the stream before its units.'));
    if (f.K !== 1 || !f.seal || f.payload.length !== f.unitBytes)
      return this.#refuse(refuse('bad-message', 'A forward takes whole units.'));
    const { stream, epoch, unit, flags, unitBytes, sourceMs, durationMs, layout, hops, seal } = f;
    const head = { stream, epoch, unit, flags, unitBytes, sourceMs, durationMs };
    const slice: Slice = { head, layout, k: 0, K: 1, hops, retransmit: false, seal, bytes: f.payload };
    this.#work = this.#work.then(async () => {
      const root = await rootFromSlice(sha256, { k: 0, K: 1, unitBytes, proof: seal.proof, bytes: slice.bytes });
      if (!verify(null, signedBytes(name, head, root), key, seal.signature))
        return this.#refuse(refuse('bad-message', 'The seal of a unit does not hold.'));
      this.#acks.set(name, { epoch, unit });
      await this.#events.unit(name, slice);
    });
  }
}
