// One POST to the coordinate, from its beginning to its end: what waits is bounded, a connection that takes nothing is cut, an answer
// while we send is a refusal. Whether and when there is another one is live-link.ts's business.
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { awakeMs } from '../../shared/awake.ts';
import { acceptedBytes } from './accepted.ts';
import { answered, unreachable, SILENT, type LinkFailure } from './link-failure.ts';
import type { Fragment, Init } from './fragments.ts';
import type { Recent } from './recent.ts';
import { SendQueue } from './send-queue.ts';

export interface Target {
  url: string;
  key?: string | undefined;
}

export interface UplinkHears {
  /** Connected, and the first picture is on its way. */
  opened(): void;
  /** It is over, and not by us. Once, and not after `finish` or `cut`. */
  failed(failure: LinkFailure): void;
}

/** Bytes wait to be sent and the other side takes none for so long: it is not there any more. */
const SILENT_MS = 3_000;
const LOOK_EVERY_MS = 250;
const CONNECT_MS = 4_000;
/** After a clean end the coordinate has this long to answer. */
const ANSWER_LIMIT_MS = 500;
const MOST_ANSWER_CHARS = 2_000;

export class Uplink {
  readonly #target: Target;
  readonly #hears: UplinkHears;
  readonly #queue = new SendQueue();
  #post: ClientRequest | null = null;
  #socket: Socket | null = null;
  #isBlocked = false;
  #isOver = false;
  #isOpen = false;
  #watch: NodeJS.Timeout | null = null;
  #accepted = { bytes: 0, atMs: 0 };
  #closed: Promise<void> = Promise.resolve();

  constructor(target: Target, hears: UplinkHears) {
    this.#target = target;
    this.#hears = hears;
  }

  /** The connection is closed; at once when there never was one. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  get droppedFragments(): number {
    return this.#queue.dropped;
  }

  start(recent: Recent): void {
    const { url, key } = this.#target;
    const request = url.startsWith('https:') ? httpsRequest : httpRequest;
    const post = request(url, {
      method: 'POST',
      agent: false, // a connection of its own
      headers: {
        'content-type': 'video/mp4',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
    });
    this.#post = post;
    this.#closed = new Promise((resolve) => post.once('close', () => resolve()));
    post.on('error', (error) => this.#fail(unreachable(error)));
    post.on('response', (answer) => void this.#read(answer));
    post.on('drain', () => {
      this.#isBlocked = false;
      this.#flush();
    });
    post.once('socket', (socket) => {
      this.#socket = socket as Socket;
      const ready = url.startsWith('https:') ? 'secureConnect' : 'connect';
      if (socket.connecting) socket.once(ready, () => this.#connected());
      else this.#connected();
    });
    this.#accepted = { bytes: 0, atMs: awakeMs() };
    this.#watch = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    if (recent.init) this.begin(recent.init);
    for (const fragment of recent.fragments) this.add(fragment);
  }

  /** What follows has another beginning; the coordinate takes it as it comes. */
  begin(init: Init): void {
    if (this.#isOver) return;
    this.#queue.begin(init, performance.now());
    this.#flush();
  }

  add(fragment: Fragment): void {
    if (this.#isOver) return;
    this.#queue.add(fragment, performance.now());
    this.#flush();
  }

  /** A clean end: viewers are told that it is over. Answers at once; what can't be said in time is cut. */
  finish(): void {
    const post = this.#post;
    if (!this.#end() || !post) return;
    if (!this.#isOpen) post.destroy();
    else {
      const limit = setTimeout(() => post.destroy(), ANSWER_LIMIT_MS);
      post.once('close', () => clearTimeout(limit));
      post.end();
    }
  }

  /** Viewers see an interruption. */
  cut(): void {
    if (this.#end()) this.#post?.destroy();
  }

  /** @returns false when it was over already */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    if (this.#watch) clearInterval(this.#watch);
    return true;
  }

  #fail(failure: LinkFailure): void {
    if (!this.#end()) return;
    this.#post?.destroy();
    this.#hears.failed(failure);
  }

  #connected(): void {
    this.#isOpen = true;
    this.#accepted = { bytes: 0, atMs: awakeMs() };
    this.#flush();
    if (!this.#isOver) this.#hears.opened();
  }

  #flush(): void {
    const post = this.#post;
    if (!post || !this.#isOpen || this.#isOver) return;
    while (!this.#isBlocked) {
      const bytes = this.#queue.take();
      if (!bytes) return;
      this.#isBlocked = !post.write(bytes);
    }
  }

  /** Does the other side still take what we send? */
  async #look(): Promise<void> {
    const nowMs = awakeMs();
    const socket = this.#socket;
    if (!this.#isOpen || !socket) {
      if (nowMs - this.#accepted.atMs > CONNECT_MS) this.#fail(SILENT);
      return;
    }
    const bytes = await acceptedBytes(socket);
    const waits = socket.bytesWritten - bytes + this.#queue.bytes;
    if (bytes > this.#accepted.bytes || waits === 0) this.#accepted = { bytes, atMs: nowMs };
    else if (nowMs - this.#accepted.atMs > SILENT_MS) this.#fail(SILENT);
  }

  /** An answer while we send says why we shall not; one after a clean end says nothing new. */
  async #read(answer: IncomingMessage): Promise<void> {
    let text = '';
    answer.setEncoding('utf8');
    try {
      for await (const part of answer) if (text.length < MOST_ANSWER_CHARS) text += String(part);
    } catch {
      // Cut off in the middle: the status alone says enough.
    }
    this.#fail(answered(answer.statusCode ?? 0, text));
  }
}
