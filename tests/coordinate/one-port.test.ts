// Everything on one port behind a proxy that speaks TLS: the addresses handed out, and the sockets carried.
import { connect, createServer as createTcp, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { TrackerRecord } from '../../protocol/backbone.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { openTlsProxy, type TlsProxy } from '../support/tls-proxy.ts';
import { until } from '../support/until.ts';
import { stand, type Stand } from './harness.ts';
import { TEST_CERT } from './self-signed.ts';

describe('one public port', () => {
  let coordinate: Stand;
  let proxy: TlsProxy;
  let behind: WebSocketServer;
  let publicUrl: string;
  const seen: { path: string | undefined; client: string | string[] | undefined }[] = [];
  let inside = 0;
  let record: TrackerRecord;

  async function register(body: TrackerRecord): Promise<unknown> {
    const headers = { authorization: 'Bearer hush' };
    const answer = await fetch(`${coordinate.url}/tracker`, { method: 'POST', body: JSON.stringify(body), headers });
    return answer.json();
  }

  beforeAll(async () => {
    proxy = await openTlsProxy(() => inside);
    publicUrl = proxy.url.replace('127.0.0.1', 'localhost');
    coordinate = await stand({ publicUrl, meshSecret: 'hush', trustedProxies: ['127.0.0.0/8'] });
    inside = Number(coordinate.ready['port']);
    behind = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((resolve) => behind.once('listening', resolve));
    behind.on('connection', (socket, request) => {
      seen.push({ path: request.url, client: request.headers['x-forwarded-for'] });
      socket.on('message', (data, binary) => socket.send(data, { binary }));
    });
    const at = `ws://127.0.0.1:${(behind.address() as AddressInfo).port}`;
    const forward = { id: 'f-one', pull: `${at}/pull`, region: 'default', load: 0, children: 0 };
    record = {
      v: PROTOCOL_VERSION,
      id: 't-one',
      resource: `${at}/resource`,
      base: 'http://127.0.0.1:9',
      region: 'default',
      viewers: 0,
      load: 0,
      forwards: [forward],
    };
    expect(await register(record)).toMatchObject({ carry: publicUrl.replace('https', 'wss') });
  });
  afterAll(async () => {
    for (const client of behind.clients) client.terminate();
    behind.close();
    proxy.close();
    await coordinate.close();
  });

  const dial = (path: string): WebSocket =>
    new WebSocket(`${publicUrl.replace('https', 'wss')}${path}`, { ca: TEST_CERT });

  it('[R5] every address handed out derives from the public one', async () => {
    expect(coordinate.ready).toMatchObject({
      coordinate: publicUrl,
      push: `${publicUrl}/stream/live`,
      watch: `${publicUrl}/watch/live`,
    });
    const given = (await (await fetch(`${coordinate.url}/tracker`)).json()) as { tracker: string };
    expect(given.tracker).toBe(`${publicUrl.replace('https', 'wss')}/at/t-one/resource`);
  });

  it.each(['resource?x=1', 'pull'])('[R5] carries /at/<id>/%s through TLS, both ways and large', async (end) => {
    const socket = dial(`/at/${end.startsWith('pull') ? 'f-one' : 't-one'}/${end}`);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const big = Buffer.alloc(3_000_000, 7);
    socket.send('hello');
    socket.send(big);
    const got: Buffer[] = [];
    await new Promise<void>((resolve) =>
      socket.on('message', (data: Buffer) => {
        got.push(data);
        if (got.length === 2) resolve();
      }),
    );
    expect([got[0]?.toString(), got[1]?.equals(big)]).toEqual(['hello', true]);
    expect(seen.at(-1)).toEqual({ path: `/${end}`, client: '203.0.113.7' });
    const closed = new Promise((resolve) => [...behind.clients].at(-1)?.once('close', resolve));
    socket.close();
    await closed;
  });

  it('[R5] knows only the ids of its roster, and closes with the other side', async () => {
    const answers = ['/at/t-none/resource', '/at/t-one/pull'].map((path) => {
      const socket = dial(path);
      return new Promise<string>((resolve) => socket.once('error', (error) => resolve(error.message)));
    });
    for (const answer of await Promise.all(answers)) expect(answer).toContain('404');
    const socket = dial('/at/t-one/resource');
    await new Promise((resolve) => socket.once('open', resolve));
    for (const client of behind.clients) client.close(4001, 'moved');
    expect(await new Promise((resolve) => socket.once('close', resolve))).toBe(4001);
  });

  it('[R5] keeps who comes for a forward that its tracker names a moment later', async () => {
    const early = dial('/at/f-late/pull');
    const opened = new Promise((resolve, reject) => early.once('open', () => resolve('open')).once('error', reject));
    await until('the viewer to wait', () => proxy.upgrades.some((path) => path.includes('f-late')));
    const [forward] = record.forwards;
    if (!forward) throw new Error('the record of the test names one forward');
    await register({ ...record, forwards: [forward, { ...forward, id: 'f-late' }] });
    expect(await opened).toBe('open');
    early.terminate();
  });

  it('[R5] passes nothing of a viewer on before the other side has agreed: no second request slips through', async () => {
    const upgrade =
      'host: x\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 5\r\nauthorization: x\r\n\r\n';
    const second = `GET /second HTTP/1.1\r\n${upgrade}`;
    const client = connect(inside, '127.0.0.1');
    let heard = '';
    const raw = createTcp((socket) => {
      socket.on('data', (data) => {
        if (heard === '') client.write(second);
        heard += String(data);
        if (heard.includes('\r\n\r\n'))
          setTimeout(() => socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno'), 50);
      });
    });
    await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
    await register({
      ...record,
      id: 't-raw',
      resource: `ws://127.0.0.1:${(raw.address() as AddressInfo).port}/resource`,
    });
    client.write(`GET /at/t-raw/resource HTTP/1.1\r\n${upgrade}${second}`);
    let text = '';
    client.on('data', (data) => {
      text += String(data);
    });
    await new Promise((resolve) => client.once('close', resolve));
    expect(text).toMatch(/^HTTP\/1.1 403 [^]*no$/);
    expect(heard).toMatch(/^GET \/resource HTTP/);
    expect(heard).not.toMatch(/second|content-length|authorization/);
    raw.close();
  });
});
