// What the coordinate shows: the viewer's files, the state for people and programs, and to whom.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { applyChanges, type MeshView } from '../../protocol/mesh-view.ts';
import { startCoordinate } from '../../servers/coordinate/coordinate.ts';
import { EXIT } from '../../servers/shared/exit-codes.ts';
import { H264, PICTURE, settingsOf, stand, type Stand } from './harness.ts';

const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} } as never;

let coordinate: Stand;
let webDir: string;
beforeAll(async () => {
  webDir = mkdtempSync(join(tmpdir(), 'web-'));
  mkdirSync(join(webDir, 'assets'));
  writeFileSync(join(webDir, 'watch.html'), '<!doctype html><title>watch</title>');
  writeFileSync(join(webDir, 'stream-example-local.html'), 'example');
  writeFileSync(join(webDir, 'assets', 'player-AbC123xy.js'), 'export {}');
  writeFileSync(join(webDir, '.secret'), 'no');
  writeFileSync(join(webDir, '..', 'outside.html'), 'no');
  coordinate = await stand({ webDir });
});
afterAll(async () => {
  await coordinate.close();
  rmSync(webDir, { recursive: true });
});

/** As it stands on the wire: fetch would tidy the path up. */
function raw(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    request(coordinate.url, { path, headers }, (answer) => {
      let body = '';
      answer.on('data', (text) => (body += String(text)));
      answer.on('end', () => resolve({ status: answer.statusCode, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('the viewer page', () => {
  it.each(['/', '/watch/live', '/watch/any-name'])('is served at %s, under a policy', async (path) => {
    const answer = await fetch(`${coordinate.url}${path}`);
    expect(await answer.text()).toContain('<title>watch');
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(answer.headers.get('cache-control')).toBe('no-cache');
  });

  it('has its files, kept for ever when their names change with them, and asked again otherwise', async () => {
    const script = await fetch(`${coordinate.url}/assets/player-AbC123xy.js`);
    expect(script.headers.get('content-type')).toContain('text/javascript');
    expect(script.headers.get('cache-control')).toContain('immutable');
    expect(script.headers.get('access-control-allow-origin')).toBe('*');
    const page = await fetch(`${coordinate.url}/stream-example-local.html`);
    const again = await fetch(page.url, { headers: { 'if-none-match': page.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
    expect((await fetch(`${coordinate.url}/favicon.ico`)).status).toBe(200);
    expect((await fetch(page.url, { method: 'HEAD' })).headers.get('content-length')).toBe('7');
  });

  it.each([
    '/../outside.html',
    '/%2e%2e/outside.html',
    '/.secret',
    '/assets',
    '/assets/../../outside.html',
    '//etc/passwd',
    '/nothing',
  ])('has nothing at %s', async (path) => {
    expect((await raw(path)).status).toBe(404);
  });

  it('that is not built says so', async () => {
    const bare = await stand({ webDir: join(webDir, 'not-there') });
    const answer = await fetch(bare.url);
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('npm run build')]);
    await bare.close();
  });
});

describe('the state', () => {
  it('is shown to people, to programs, and as a feed', async () => {
    const socket = new WebSocket(`${coordinate.url.replace('http', 'ws')}/debug/feed`);
    const view: MeshView = { serial: 0, tables: {} };
    const shown = new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString('utf8'));
        if (message.type === 'snapshot') Object.assign(view, { serial: message.serial, tables: message.tables });
        else expect(applyChanges(view, message.serial, message.changes)).toBe(true);
        if (view.tables['streams']?.['shown']?.['state'] === 'ended') resolve();
      });
    });
    await coordinate.push('shown', [...PICTURE, ...H264, '-t', '0.4', '-f', 'flv']).ended;
    await shown;
    socket.close();
    expect(view.tables['forwards']).toHaveProperty([coordinate.forward.push, 'state'], 'open');
    const json = await (await fetch(`${coordinate.url}/debug`, { headers: { accept: 'application/json' } })).json();
    expect(json).toMatchObject({
      program: 'coordinate',
      streams: { shown: { state: 'ended', tracks: ['H.264 320x180'] } },
    });
    expect(await (await fetch(`${coordinate.url}/debug`)).text()).toContain('<td>shown</td><td>ended</td>');
    expect(await (await fetch(`${coordinate.url}/streams`)).json()).toMatchObject({
      streams: [{ name: 'shown', state: 'ended' }],
    });
    expect((await fetch(`${coordinate.url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${coordinate.url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, 'No tracker is there yet.\n']);
  });

  it('[R9] is not for pages of other sites, for names made to point here, or for other machines', async () => {
    expect((await raw('/debug')).status).toBe(200);
    expect((await raw('/debug', { origin: 'https://evil.example' })).status).toBe(401);
    expect((await raw('/debug', { host: 'evil.example' })).status).toBe(401);
    expect((await raw('/debug', { 'x-forwarded-for': '1.2.3.4' })).status).toBe(401);
    const feed = new WebSocket(`${coordinate.url.replace('http', 'ws')}/debug/feed`, {
      origin: 'https://evil.example',
    });
    expect(await new Promise((resolve) => feed.once('error', (error) => resolve(error.message)))).toContain('401');
  });

  it('[R9] needs its token where one is set', async () => {
    const guarded = await stand({ debugToken: 'look' });
    expect((await fetch(`${guarded.url}/debug`)).status).toBe(401);
    expect((await fetch(`${guarded.url}/debug?token=look`)).status).toBe(200);
    expect((await fetch(`${guarded.url}/tracker/why?ip=10.0.0.1&token=look`)).status).toBe(200);
    const none = await fetch(`${guarded.url}/tracker/why?ip=everybody&token=look`);
    expect([none.status, await none.text()]).toEqual([400, 'Ask for an IP address: /tracker/why?ip=203.0.113.7.\n']);
    await guarded.close();
  });
});

describe('the start', () => {
  it('keeps the signing key for itself and over restarts', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'key-'));
    const keys: string[] = [];
    for (let i = 0; i < 2; i++) {
      const one = await stand({ dataDir });
      keys.push(one.forward.news.find((n) => n.type === 'hello')?.publicKey ?? '');
      await one.close();
    }
    expect(keys[0]).toMatch(/^[\w-]{43}$/);
    expect(keys[1]).toBe(keys[0]);
    if (process.platform !== 'win32') expect(statSync(join(dataDir, 'signing-key.pem')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(dataDir, 'signing-key.pem'), 'utf8')).toContain('PRIVATE KEY');
    rmSync(dataDir, { recursive: true });
  });

  it('goes on with a key of its own where none can be kept', async () => {
    const one = await stand({ dataDir: '/dev/null/nowhere' });
    expect(one.logs.some((line) => String(line['msg']).includes('can not be kept'))).toBe(true);
    await one.close();
  });

  it.each([
    ['a port that is taken', () => ({ port: Number(coordinate.ready['port']) }), EXIT.portTaken, /already in use/],
    [
      'an ffmpeg that is not there',
      () => ({ ffmpeg: '/nowhere/ffmpeg' }),
      EXIT.ffmpegMissing,
      /names \/nowhere\/ffmpeg/,
    ],
    ['a network that is none', () => ({ trustedProxies: ['300.1.1.1'] }), EXIT.badSettings, /is not a network/],
    [
      'a region database that is none',
      () => ({ region: { lans: [], default: 'x', mmdb: '/dev/null' } }),
      EXIT.badSettings,
      /can not be read/,
    ],
    [
      'a region module that is none',
      () => ({ region: { lans: [], default: 'x', module: '/nowhere.mjs' } }),
      EXIT.badSettings,
      /can not be used/,
    ],
  ])('refuses %s in one sentence', async (_what, over, code, sentence) => {
    const failed = await startCoordinate(settingsOf(over()), silent).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failed).toMatchObject({ code, message: expect.stringMatching(sentence) });
  });
});
