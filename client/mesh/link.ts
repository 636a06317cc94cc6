// One open (or opening) line to a parent, child or forward: typed messages, whole slices in both directions, and what is known of
// the other side. Decides nothing.
import { Bucket } from '../../protocol/bucket.ts';
import { decodeFragment, type Fragment } from '../../protocol/chunk.ts';
import { decodeMessage } from '../../protocol/decode.ts';
import type { SliceCount } from '../../protocol/fields.ts';
import {
  MAX_DROPPED,
  MAX_PEER_MESSAGE_CHARS,
  PEER_BURST,
  PEER_PER_SECOND,
  PROTOCOL_VERSION,
  RING_MS,
} from '../../protocol/limits.ts';
import { PeerMessage } from '../../protocol/peering.ts';
import { Reassembly, type Slice } from '../../protocol/slice.ts';
import type { Wire, WireEvents } from './env.ts';

export type Alive = Extract<PeerMessage, { type: 'alive' }>;

export interface LinkEvents {
  opened(link: Link): void;
  /** The other side has said hello: it is who it should be, and lets us in. */
  greeted?(link: Link): void;
  message(link: Link, message: PeerMessage): void;
  slice(link: Link, slice: Slice): void;
  /**
   * A fragment of a slice that is here already, or not needed: a new parent delivers, or a former one still does.
   * @returns what it is: one that came twice, one whose slice was made here before it came, parity that was not needed
   */
  duplicate(link: Link, fragment: Fragment): 'twice' | 'made' | 'spare';
  /** A whole slice that came after it was made here, or was not needed: the sender is to be credited with it, once it is checked. */
  original(link: Link, slice: Slice): void;
  /** Not after close() from our side. */
  closed(link: Link, why: string): void;
}

export interface LinkOptions {
  id: string;
  kind: 'peer' | 'forward';
  stream: string;
  streamTag: number;
  self: string;
  /** The newest: links are dialled long after the first. */
  ticket: () => string | undefined;
  now: () => number;
  /** Cheap test before a fragment is put together. */
  wants: (epoch: number, unit: number, k: number, K: SliceCount) => boolean;
}

export class Link {
  readonly id: string;
  readonly kind: 'peer' | 'forward';
  state: 'opening' | 'open' | 'closed' = 'opening';
  /** Monotonic ms. */
  readonly sinceMs: number;
  heardMs: number;
  sentMs = 0;
  /** Media bytes as they came off and went on the wire. */
  receivedBytes = 0;
  sentBytes = 0;
  duplicateBytes = 0;
  /** Of these, what was made here before it came. */
  madeBytes = 0;
  /** Newest unit received here. */
  newest = 0;
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  readonly #assembly = new Reassembly(RING_MS);
  /** What the other side last said of itself, by the number of slices that it spoke of. */
  readonly #alive = new Map<number, Alive>();
  readonly #words: Bucket;
  #dropped = 0;
  #wire: Wire | null = null;
  #heardHello = false;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.id = options.id;
    this.kind = options.kind;
    this.#options = options;
    this.#events = events;
    this.sinceMs = this.heardMs = options.now();
    this.#words = new Bucket(PEER_BURST, PEER_PER_SECOND, this.sinceMs);
  }

  /** Opens the wire; `open` starts it and hands it our event handlers. */
  connect(open: (events: WireEvents) => Wire): void {
    this.#wire = open({
      open: () => this.#opened(),
      message: (data) => this.#take(data),
      closed: (why) => this.#ended(why),
    });
  }

  /** What the other side last said of itself in the layout of K slices. */
  aliveOf(K: SliceCount): Alive | undefined {
    return this.#alive.get(K);
  }

  get bufferedBytes(): number {
    return this.#wire?.bufferedBytes ?? 0;
  }

  send(message: PeerMessage): void {
    if (this.state !== 'open') return;
    this.sentMs = this.#options.now();
    this.#wire?.send(JSON.stringify(message));
  }

  sendMedia(fragment: Uint8Array): void {
    if (this.state !== 'open') return;
    this.sentMs = this.#options.now();
    this.sentBytes += fragment.length;
    this.#wire?.send(fragment);
  }

  /** @param farewell false when the wire is known to be dead */
  close(farewell = true): void {
    if (this.state === 'closed') return;
    if (farewell) this.send({ type: 'bye' });
    this.state = 'closed';
    this.#wire?.close();
  }

  #opened(): void {
    if (this.state !== 'opening') return;
    this.state = 'open';
    this.heardMs = this.#options.now();
    const { stream, self } = this.#options;
    const ticket = this.#options.ticket();
    this.send({ type: 'hello', v: PROTOCOL_VERSION, stream, id: self, ...(ticket === undefined ? {} : { ticket }) });
    this.#events.opened(this);
  }

  #take(data: string | Uint8Array): void {
    if (this.state !== 'open') return;
    this.heardMs = this.#options.now();
    if (typeof data === 'string') this.#takeText(data);
    else this.#takeFragment(data);
  }

  #takeText(text: string): void {
    // [P17] What a neighbour says beyond that is not even read.
    if (!this.#words.take(this.heardMs)) {
      if (++this.#dropped > MAX_DROPPED) this.#fail('it says too much');
      return;
    }
    const decoded = decodeMessage(PeerMessage, text, MAX_PEER_MESSAGE_CHARS);
    if (!decoded.ok) return this.#fail(decoded.refusal.detail);
    const message = decoded.value;
    if (message.type === 'hello') {
      if (message.v !== PROTOCOL_VERSION) {
        const detail = `This peer speaks version ${PROTOCOL_VERSION}. Reload the page.`;
        this.send({ type: 'refused', what: 'hello', reason: 'wrong-version', detail });
        return this.#fail('wrong version');
      }
      if (message.stream !== this.#options.stream || message.id !== this.id)
        return this.#fail('not who the tracker named');
      this.#heardHello = true;
      return this.#events.greeted?.(this);
    }
    // [P1] nothing counts before the hello
    if (!this.#heardHello && message.type !== 'refused') return this.#fail('no hello');
    if (message.type === 'alive') this.#alive.set(message.of ?? message.newest.length, message);
    this.#events.message(this, message);
  }

  #takeFragment(bytes: Uint8Array): void {
    const decoded = decodeFragment(bytes);
    if (!decoded.ok) return this.#fail(decoded.refusal.detail);
    const fragment = decoded.value;
    if (fragment.stream !== this.#options.streamTag) return this.#fail('a slice of another stream');
    this.receivedBytes += bytes.length;
    const isWanted = this.#options.wants(fragment.epoch, fragment.unit, fragment.k, fragment.K);
    if (!isWanted) {
      const what = this.#events.duplicate(this, fragment);
      if (what !== 'spare') this.duplicateBytes += bytes.length;
      if (what === 'made') this.madeBytes += bytes.length;
      if (what === 'twice') return;
    }
    const slice = this.#assembly.take(fragment, this.#options.now());
    if (slice === 'bad') return this.#fail('fragments contradict each other');
    if (!slice) return;
    if (isWanted) this.#events.slice(this, slice);
    else this.#events.original(this, slice);
  }

  #fail(why: string): void {
    if (this.state === 'closed') return;
    this.close();
    this.#events.closed(this, why);
  }

  #ended(why: string): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.#events.closed(this, why);
  }
}
