// The tracker and the coordinate: a real tracker against a small HTTP server that answers as a coordinate would.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import { TrackerRecord } from '../../protocol/backbone.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { readBody, sendJson } from '../../servers/shared/http.ts';
import { until } from '../support/until.ts';
import { Rig } from './rig.ts';

const AHEAD_MS = 123_456;

class Coordinate {
  readonly calls: { method: string; token: string | undefined; record: TrackerRecord | null; path: string }[] = [];
  answer: Record<string, unknown> = { streams: [], publicKey: 'k' };
  #server: Server | null = null;

  async listen(port = 0): Promise<number> {
    const server = createServer((request, response) => {
      void this.#record(request).then(() => {
        sendJson(response, 200, { v: PROTOCOL_VERSION, coordinateMs: Date.now() + AHEAD_MS, ...this.answer });
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await new Promise<void>((resolve) => {
      if (!server) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  async #record(request: IncomingMessage): Promise<void> {
    const body = (await readBody(request, 1_000_000)) ?? '';
    const record = body === '' ? null : v.parse(TrackerRecord, JSON.parse(body));
    const token = request.headers.authorization;
    this.calls.push({ method: request.method ?? '', token, record, path: request.url ?? '' });
  }
}

describe('registering at the coordinate', () => {
  let rig: Rig;
  const coordinate = new Coordinate();
  afterEach(async () => {
    await rig.close();
    await coordinate.close();
    coordinate.calls.length = 0;
    coordinate.answer = { streams: [], publicKey: 'k' };
  });

  it('registers, sends heartbeats with its forwards, takes over clock and streams, says goodbye', async () => {
    const port = await coordinate.listen();
    rig = new Rig();
    const stop = await rig.startTracker({ coordinate: `http://127.0.0.1:${port}`, meshSecret: 's', region: 'lan' });
    await until('it registers', () => coordinate.calls.length > 0);
    const { port: own } = rig;
    expect(coordinate.calls[0]).toMatchObject({
      method: 'POST',
      token: 'Bearer s',
      record: { region: 'lan', resource: `ws://127.0.0.1:${own}/resource`, base: `http://127.0.0.1:${own}` },
    });
    await rig.forward('fone1', { secret: 's' });
    coordinate.answer = { streams: [{ name: 'live', state: 'live', epoch: 3 }], publicKey: 'k2' };
    await until('a heartbeat names the forward', () =>
      coordinate.calls.some((call) => call.method === 'PUT' && call.record?.forwards[0]?.id === 'fone1'),
    );
    const viewer = await rig.viewer(rig.ticket('s', { region: 'lan' }));
    await until(
      'the state',
      () => viewer.all('welcome')[0]?.state === 'live' || viewer.all('stream').at(-1)?.state === 'live',
    );
    viewer.say({ type: 'ping', t: 1 });
    const pong = await viewer.next('pong');
    // A clock that was not taken over is two minutes off, and one that is not known is uncertain by a second.
    expect(Math.abs(pong.coordinateMs - Date.now() - AHEAD_MS)).toBeLessThan(5_000);
    expect(pong.uncertainMs).toBeLessThan(1_000);
    await stop();
    const id = coordinate.calls[0]?.record?.id;
    expect(coordinate.calls.at(-1)).toMatchObject({ method: 'DELETE', path: `/tracker?id=${id}`, token: 'Bearer s' });
  });

  it('finds a coordinate that starts later, and again after it was away', { timeout: 20_000 }, async () => {
    const port = await coordinate.listen();
    await coordinate.close();
    rig = await Rig.start({ coordinate: `http://127.0.0.1:${port}` });
    const viewer = await rig.viewer();
    viewer.say({ type: 'ping', t: 1 });
    expect((await viewer.next('pong')).uncertainMs).toBe(1_000);
    await coordinate.listen(port);
    await until('it registers', () => coordinate.calls.length > 0);
    await coordinate.close();
    coordinate.calls.length = 0;
    await coordinate.listen(port);
    await until('it is back', () => coordinate.calls.length > 0);
  });

  it('where the coordinate carries everything on one port, viewers get that address', async () => {
    coordinate.answer = { streams: [], publicKey: 'k', carry: 'wss://live.example.org/mesh' };
    const port = await coordinate.listen();
    rig = await Rig.start({ coordinate: `http://127.0.0.1:${port}` });
    await rig.forward('fone1');
    const viewer = await rig.viewer();
    await viewer.next('plan', (plan) => plan.parents[0]?.kind === 'forward');
    await until('its address', () =>
      viewer.plan.parents.every((p) => p.kind === 'forward' && p.url === 'wss://live.example.org/mesh/at/fone1/pull'),
    );
  });

  it('forwards and the debug pages need their secrets', async () => {
    rig = await Rig.start({ meshSecret: 's', debugToken: 'd' });
    const status = async (path: string) => (await fetch(`${rig.base}${path}`)).status;
    expect(await Promise.all(['/forwards', '/debug', '/debug?token=s', '/forwards?token=d'].map(status))).toEqual([
      401, 401, 401, 401,
    ]);
    expect(await Promise.all(['/forwards?token=s', '/debug?token=d', '/healthz'].map(status))).toEqual([200, 200, 200]);
    expect(await status('/readyz')).toBe(503);
    expect(await status('/elsewhere')).toBe(404);
    const stranger = await rig.connect('/forward').catch((error: Error) => error);
    expect(stranger).toBeInstanceOf(Error);
    await rig.forward('fone1', { secret: 's' });
    expect(await status('/readyz')).toBe(200);
    const listed = (await (await fetch(`${rig.base}/forwards?token=s`)).json()) as { forwards: { id: string }[] };
    expect(listed.forwards.map((forward) => forward.id)).toEqual(['fone1']);
    const feed = await rig.connect('/debug/feed?token=d');
    const [snapshot] = await until('a snapshot', () => (feed.raw.length > 0 ? feed.raw : null));
    expect(snapshot).toMatchObject({
      type: 'snapshot',
      program: 'tracker',
      tables: { forwards: { fone1: { load: 0 } } },
    });
    await rig.viewer(rig.ticket('s'));
    await until('a change', () => JSON.stringify(feed.raw).includes('"table":"viewers"'));
  });
});
