// `POST` and `PUT /stream` and `/stream/:name`: who may publish, and what a publisher is answered. An encoder does not read our
// answer while it sends, so the reason is also in the log.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';
import { StreamName } from '../../protocol/fields.ts';
import type { Reason } from '../../protocol/refusal.ts';
import { isLocal } from '../shared/guard.ts';
import { sendText, targetOf } from '../shared/http.ts';
import type { Log } from '../shared/log.ts';
import { coordinateNowMs } from './clock.ts';
import { Ingest, type IngestSettings, type Outcome } from './ingest.ts';
import { OnAir, type Role } from './on-air.ts';
import { PushBody } from './push-body.ts';
import type { Stream } from './stream.ts';
import type { Streams } from './streams.ts';

export const DEFAULT_STREAM = 'live';

const STATUS: Partial<Record<Reason, number>> = {
  'bad-message': 400,
  unauthorised: 401,
  busy: 409,
  'too-large': 413,
  'unsupported-media': 415,
  full: 503,
};

export interface PublishSettings extends IngestSettings {
  streamKey?: string;
  streamKeys: Record<string, string>;
}

/** Why may this request not publish? null: it may [I5]. */
export function keyRefusal(
  request: IncomingMessage,
  name: string,
  settings: Pick<PublishSettings, 'streamKey' | 'streamKeys'>,
): string | null {
  const wanted = Object.hasOwn(settings.streamKeys, name) ? settings.streamKeys[name] : settings.streamKey;
  if (wanted === undefined)
    // Without a key a web page could publish through the browser of whoever visits it: programs send no origin.
    return isLocal(request) && request.headers.origin === undefined
      ? null
      : 'Publishing from another machine needs a stream key: set one with --stream-key KEY, then push to .../stream/NAME?key=KEY.';
  return keysOf(request).some((key) => sameText(key, wanted))
    ? null
    : `The stream key for "${name}" is missing or wrong: push to .../stream/${name}?key=KEY.`;
}

/** Where a key may stand: `?key=`, a bearer token, or the password of basic authentication. */
function keysOf(request: IncomingMessage): string[] {
  const query = targetOf(request).searchParams.get('key');
  const header = request.headers.authorization ?? '';
  const basic = /^Basic (.+)$/i.exec(header)?.[1];
  const password = basic
    ? Buffer.from(basic, 'base64')
        .toString('utf8')
        .replace(/^[^:]*:/, '')
    : null;
  const bearer = /^Bearer (.+)$/i.exec(header)?.[1]?.trim();
  return [query, password, bearer].filter((key) => typeof key === 'string');
}

function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}

export class Publishing {
  readonly #streams: Streams;
  readonly #settings: PublishSettings;
  readonly #log: Log;
  /** All that push, by name: one, and one that stands by. */
  readonly #running = new Map<Ingest, string>();
  readonly #onAir = new WeakMap<Stream, OnAir>();

  constructor(streams: Streams, settings: PublishSettings, log: Log) {
    this.#streams = streams;
    this.#settings = settings;
    this.#log = log;
  }

  /** How a stream's media is taken in, for the debug page. */
  howOf(name: string): string | null {
    const how = [...this.#running].filter(([, of]) => of === name).map(([ingest]) => ingest.how);
    return how.length > 0 ? how.join('; standing by: ') : null;
  }

  /** @param rawName as it stands in the path; empty means the default stream */
  async take(request: IncomingMessage, response: ServerResponse, rawName: string): Promise<void> {
    const body = new PushBody(request, this.#settings.ingestIdleMs);
    const name = rawName === '' ? DEFAULT_STREAM : rawName;
    const from = request.socket.remoteAddress;
    const refuse = async (status: number, detail: string): Promise<void> => {
      this.#log.warn({ stream: name.slice(0, 80), from, status, detail }, 'push refused');
      await answer(request, response, body, status, detail);
    };
    if (!v.is(StreamName, name))
      return refuse(400, 'A stream name has letters, digits, - and _ (at most 64): push to /stream/NAME.');
    const key = keyRefusal(request, name, this.#settings);
    if (key !== null) return refuse(401, key);
    const stream = this.#streams.open(name);
    if (!stream) return refuse(503, 'This coordinate has as many streams as it takes: end another first.');
    const onAir = this.#onAir.get(stream) ?? new OnAir(stream, coordinateNowMs);
    this.#onAir.set(stream, onAir);
    const ingest = new Ingest(onAir, body, this.#settings, (how) =>
      this.#log.info({ stream: name, how }, 'push taken in'),
    );
    const { role, takesOver } = placeOf(request);
    if (!onAir.enter(ingest, role, takesOver)) return refuse(409, role === 'backup' ? BACKUP_BUSY : busy(name));
    this.#running.set(ingest, name);
    this.#log.info({ stream: name, from, role, takesOver }, 'push begins');
    try {
      const outcome = await ingest.run();
      onAir.leave(ingest, outcome.how === 'ended' ? 'ended' : 'interrupted', whyOf(outcome));
      await stream.settled();
      this.#streams.forget(stream);
      await this.#close(request, response, body, { stream: name, ingest, outcome });
    } finally {
      onAir.leave(ingest, 'interrupted', 'the ingest failed');
      this.#streams.forget(stream);
      this.#running.delete(ingest);
    }
  }

  close(): void {
    for (const ingest of this.#running.keys()) ingest.close();
  }

  async #close(
    request: IncomingMessage,
    response: ServerResponse,
    body: PushBody,
    { stream, ingest, outcome }: { stream: string; ingest: Ingest; outcome: Outcome },
  ): Promise<void> {
    const why = whyOf(outcome);
    switch (outcome.how) {
      case 'ended':
        this.#log.info({ stream, bytes: body.bytes, how: ingest.how, skipped: ingest.skipped }, 'push ended');
        return sendText(response, 200, 'ended\n');
      case 'interrupted':
        this.#log.warn({ stream, bytes: body.bytes, why }, 'push interrupted');
        return answer(request, response, body, outcome.stalled ? 408 : 503, why);
      case 'refused':
        this.#log.warn({ stream, bytes: body.bytes, detail: why, words: outcome.words }, 'push refused');
        return answer(request, response, body, STATUS[outcome.refusal.reason] ?? 400, why);
    }
  }
}

/** Which place a push asks for: `?backup=1` stands by, `?takeover=1` replaces whoever has the place. */
function placeOf(request: IncomingMessage): { role: Role; takesOver: boolean } {
  const { searchParams } = targetOf(request);
  const asks = (name: string): boolean => ['1', 'true', 'yes', ''].includes(searchParams.get(name) ?? 'no');
  return { role: asks('backup') ? 'backup' : 'primary', takesOver: asks('takeover') };
}

const busy = (name: string): string =>
  `Somebody else publishes "${name}" now: stop them, push with ?takeover=1 to take their place or with ?backup=1 to stand by, ` +
  'or push to another name.';
const BACKUP_BUSY = 'Another publisher stands by already: push with ?backup=1&takeover=1 to take its place.';

function whyOf(outcome: Outcome): string {
  switch (outcome.how) {
    case 'ended':
      return 'the publisher ended it';
    case 'interrupted':
      return outcome.why;
    case 'refused':
      return outcome.refusal.detail;
  }
}

/** Status and sentence, then the rest of the body is read and thrown away within bounds, then the connection is closed [I7]. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  body: PushBody,
  status: number,
  sentence: string,
): Promise<void> {
  if (!response.destroyed && !response.headersSent) {
    response.setHeader('connection', 'close');
    if (status === 401) response.setHeader('www-authenticate', 'Basic realm="stream key"');
    sendText(response, status, `${sentence}\n`);
  }
  await body.drain();
  request.socket.destroySoon();
}
