// The picture that viewers see while nobody sends: put there by whoever may publish the stream, kept in memory, given to anybody.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendText } from '../shared/http.ts';

const MAX_SLATE_BYTES = 1024 * 1024;
/** Of all streams together; the oldest makes room. */
const MAX_ALL_BYTES = 64 * 1024 * 1024;

/** A browser shows these; an SVG could carry a script. */
const KINDS: readonly (readonly [type: string, isIt: (bytes: Buffer) => boolean])[] = [
  ['image/png', (b) => b.subarray(0, 8).toString('hex') === '89504e470d0a1a0a'],
  ['image/jpeg', (b) => b.subarray(0, 3).toString('hex') === 'ffd8ff'],
  ['image/webp', (b) => b.toString('latin1', 0, 4) === 'RIFF' && b.toString('latin1', 8, 12) === 'WEBP'],
];

export class Slates {
  readonly #kept = new Map<string, { type: string; bytes: Buffer }>();

  /** GET or HEAD. */
  give(response: ServerResponse, name: string, method: string): void {
    const slate = this.#kept.get(name);
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('cache-control', 'no-cache');
    // No error: a page that asks would log one.
    if (!slate) return void response.writeHead(204).end();
    response.writeHead(200, {
      'content-type': slate.type,
      'content-length': slate.bytes.length,
      'x-content-type-options': 'nosniff',
    });
    response.end(method === 'HEAD' ? undefined : slate.bytes);
  }

  remove(response: ServerResponse, name: string): void {
    this.#kept.delete(name);
    sendText(response, 200, 'removed\n');
  }

  /** PUT by whoever may publish the stream. */
  async take(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of request as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > MAX_SLATE_BYTES) {
        response.setHeader('connection', 'close');
        return sendText(response, 413, 'A picture for interruptions may have 1 MB: make it smaller.\n');
      }
      parts.push(part);
    }
    const bytes = Buffer.concat(parts);
    const kind = KINDS.find(([, isIt]) => isIt(bytes));
    if (!kind)
      return sendText(response, 415, 'That is no picture that browsers show alike: put a PNG, JPEG or WebP.\n');
    this.#kept.delete(name);
    this.#kept.set(name, { type: kind[0], bytes });
    this.#makeRoom();
    sendText(response, 200, 'kept\n');
  }

  #makeRoom(): void {
    let all = [...this.#kept.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
    for (const [name, { bytes }] of this.#kept) {
      if (all <= MAX_ALL_BYTES) return;
      this.#kept.delete(name);
      all -= bytes.length;
    }
  }
}
