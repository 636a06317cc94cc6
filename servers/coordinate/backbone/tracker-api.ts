// `/tracker`: a viewer asks for its tracker (GET), trackers register, send heartbeats and leave (POST, PUT, DELETE).
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { TrackerRecord, type TrackerWelcome } from '../../../protocol/backbone.ts';
import { decodeMessage } from '../../../protocol/decode.ts';
import { StreamName } from '../../../protocol/fields.ts';
import { MAX_BACKBONE_CHARS, PROTOCOL_VERSION } from '../../../protocol/limits.ts';
import type { Result } from '../../../protocol/refusal.ts';
import type { Assignment } from '../../../protocol/signalling.ts';
import { awakeMs } from '../../shared/awake.ts';
import { isServer, issueTicket } from '../../shared/guard.ts';
import { readBody, sendJson, sendText, targetOf } from '../../shared/http.ts';
import { coordinateNowMs } from '../clock.ts';
import type { Streams } from '../streams.ts';
import { clientOf, type ClientAddress, type Network } from './addresses.ts';
import { chooseTracker, type Choice } from './assign.ts';
import type { PublicAddress } from './public-address.ts';
import type { Regions } from './region.ts';
import type { Roster } from './roster.ts';

export interface TrackerApiParts {
  roster: Roster;
  regions: Regions;
  streams: Streams;
  publicKey: string;
  address: PublicAddress;
  meshSecret: string | undefined;
  proxies: readonly Network[];
  defaultRegion: string;
}

export class TrackerApi {
  readonly #parts: TrackerApiParts;

  constructor(parts: TrackerApiParts) {
    this.#parts = parts;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (request.method ?? 'GET') {
      case 'GET':
        return this.#assign(request, response);
      case 'POST':
      case 'PUT':
        return this.#hear(request, response);
      case 'DELETE':
        return this.#leave(request, response);
      default:
        response.setHeader('allow', 'GET, POST, PUT, DELETE');
        return sendText(response, 405, 'Ask with GET; trackers register with POST, PUT and DELETE.\n');
    }
  }

  /** Why this address would get which tracker, in a sentence. */
  async explain(address: string): Promise<string> {
    const choice = await this.#choose({ address, throughProxy: false }, {});
    if (!choice.ok) return choice.refusal.detail;
    const { tracker, why } = choice.value;
    return `${address} gets tracker ${tracker.record.id} at ${this.#parts.address.tracker(tracker.record)}: ${why}.`;
  }

  async #choose(client: ClientAddress, headers: IncomingMessage['headers']): Promise<Result<Choice>> {
    const { regions, roster, defaultRegion } = this.#parts;
    const place = await regions.find(client.address, headers, client.throughProxy);
    return chooseTracker(roster.trackers(), place, defaultRegion);
  }

  async #assign(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { streams, publicKey, address, meshSecret, proxies } = this.#parts;
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('vary', 'accept');
    const name = targetOf(request).searchParams.get('stream') ?? 'live';
    if (!v.is(StreamName, name))
      return sendText(response, 400, 'Ask for a stream by its name: /tracker?stream=live.\n');
    const choice = await this.#choose(clientOf(request, proxies), request.headers);
    if (!choice.ok) {
      response.setHeader('retry-after', '1');
      return sendText(response, 503, `${choice.refusal.detail}\n`);
    }
    const { tracker, region } = choice.value;
    tracker.sent++;
    const url = address.tracker(tracker.record);
    if ((request.headers.accept ?? '').includes('text/plain')) return sendText(response, 200, hostPort(url));
    const assignment: Assignment = {
      v: PROTOCOL_VERSION,
      stream: name,
      tracker: url,
      publicKey,
      region,
      state: streams.get(name)?.facts.state ?? 'waiting',
      ...(meshSecret === undefined ? {} : { ticket: issueTicket(meshSecret, name, tracker.record.region, Date.now()) }),
    };
    sendJson(response, 200, assignment);
  }

  async #hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#mayTell(request, response)) return;
    const text = await readBody(request, MAX_BACKBONE_CHARS);
    if (text === null) {
      response.setHeader('connection', 'close');
      return sendText(response, 413, 'That registration is too long.\n');
    }
    const record = decodeMessage(TrackerRecord, text, MAX_BACKBONE_CHARS);
    if (!record.ok) return sendText(response, 400, `${record.refusal.detail}\n`);
    if (record.value.v !== PROTOCOL_VERSION)
      return sendText(response, 400, `This coordinate speaks version ${PROTOCOL_VERSION}: update the tracker.\n`);
    const bad = badAddress(record.value);
    if (bad !== null) return sendText(response, 400, `${bad}\n`);
    const { roster, streams, publicKey, address } = this.#parts;
    if (!roster.hear(record.value, awakeMs()))
      return sendText(response, 503, 'This coordinate knows as many trackers as it can.\n');
    const welcome: TrackerWelcome = {
      v: PROTOCOL_VERSION,
      coordinateMs: coordinateNowMs(),
      streams: streams.news(),
      publicKey,
      ...(address.carry === undefined ? {} : { carry: address.carry }),
    };
    sendJson(response, 200, welcome);
  }

  #leave(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#mayTell(request, response)) return;
    this.#parts.roster.leave(targetOf(request).searchParams.get('id') ?? '', awakeMs());
    response.writeHead(204).end();
  }

  /** [R1] Only servers with the shared secret (without one: of this machine) may register; a web page never may. */
  #mayTell(request: IncomingMessage, response: ServerResponse): boolean {
    if (isServer(request, this.#parts.meshSecret)) return true;
    response.setHeader('connection', 'close');
    sendText(response, 401, 'Trackers register with the shared secret (--mesh-secret) as a bearer token.\n');
    return false;
  }
}

/** Addresses that we will dial or hand out must be of the kind they are for. */
export function badAddress(record: TrackerRecord): string | null {
  const is = (url: string, kinds: RegExp): boolean => kinds.test(url) && URL.canParse(url) && !url.includes('#');
  if (!is(record.resource, /^wss?:\/\//)) return 'A tracker names its resource as ws:// or wss://.';
  if (!is(record.base, /^https?:\/\//)) return 'A tracker names its base as http:// or https://.';
  for (const { push, pull } of record.forwards)
    if (!is(pull, /^wss?:\/\//) || (push !== undefined && !is(push, /^wss?:\/\//)))
      return 'Forwards are named by ws:// or wss:// addresses.';
  return null;
}

/** `host:port`, as the first description answered. */
function hostPort(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === 'wss:' ? '443' : '80')}`;
}
