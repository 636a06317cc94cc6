// The console's door for a browser: who gets in, what is answered, what a broken message costs.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ConsoleAnswer } from '../../protocol/control.ts';
import { ConsoleServer, type ConsolePlane } from '../../servers/control/console-server.ts';
import { quietLog } from '../support/quiet-log.ts';
import { until } from '../support/until.ts';

const TOKEN = 'a-token-for-this-test-only';

let server: ConsoleServer;
let folder: string;
let base: string;
let link: string;
const calls: { name: unknown; argument: unknown }[] = [];
let hears: Parameters<ConsolePlane['listen']>[0][] = [];
let shows: Parameters<ConsolePlane['preview']>[0][] = [];
const sockets: WebSocket[] = [];

const plane: ConsolePlane = {
  call(name, argument) {
    calls.push({ name, argument });
    return Promise.resolve({ ok: true, value: { name } });
  },
  listen(hear) {
    hears.push(hear);
    return () => (hears = hears.filter((one) => one !== hear));
  },
  preview(hear) {
    shows.push(hear);
    return () => (shows = shows.filter((one) => one !== hear));
  },
};

beforeEach(async () => {
  calls.length = 0;
  hears = [];
  shows = [];
  folder = mkdtempSync(path.join(tmpdir(), 'p2plive-console-'));
  mkdirSync(path.join(folder, 'assets'));
  writeFileSync(path.join(folder, 'index.html'), '<!doctype html><title>console</title>');
  writeFileSync(path.join(folder, 'assets/main.js'), 'export {};');
  server = new ConsoleServer({ host: '127.0.0.1', port: 0, token: TOKEN, folder, plane, log: quietLog() });
  link = await server.start();
  base = link.replace(/\/#.*/, '');
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await server.close();
  rmSync(folder, { recursive: true });
});

function dial(where = '/console', options: { origin?: string; headers?: Record<string, string> } = {}) {
  const socket = new WebSocket(`${base.replace('http', 'ws')}${where}`, options);
  sockets.push(socket);
  const heard: (ConsoleAnswer | Buffer | string)[] = [];
  let failed: string | null = null;
  socket.on('message', (data, isBinary) => {
    const text = (data as Buffer).toString();
    heard.push(
      isBinary
        ? (data as Buffer)
        : where === '/preview' && !text.startsWith('{')
          ? text
          : (JSON.parse(text) as ConsoleAnswer),
    );
  });
  socket.on('error', (error) => (failed = error.message));
  return {
    socket,
    heard,
    failed: () => failed,
    say: (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    open: () => until('the socket to open or fail', () => failed !== null || socket.readyState === WebSocket.OPEN),
    closed: () => until('the socket to close', () => socket.readyState === WebSocket.CLOSED),
  };
}

async function enter(where?: string) {
  const one = dial(where);
  await one.open();
  one.say({ type: 'hello', token: TOKEN });
  return one;
}

describe('the console in a browser', () => {
  it('prints a link with the token behind the #, where no server sees it', () => {
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=a-token-for-this-test-only$/);
  });

  it('serves the built page under a policy that lets only its own scripts run', async () => {
    const page = await fetch(`${base}/`);
    expect(await page.text()).toContain('<title>console</title>');
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*script-src 'self'/);
    expect((await fetch(`${base}/assets/main.js`)).status).toBe(200);
    expect((await fetch(`${base}/../package.json`)).status).toBe(404);
    expect((await fetch(`${base}/`, { method: 'POST' })).status).toBe(405);
  });

  it('[C8] turns away a page of another site and a foreign name that points here', async () => {
    const foreign = dial('/console', { origin: 'https://evil.example' });
    await foreign.open();
    expect(foreign.failed()).toContain('403');
    const broken = dial('/console', { origin: 'nonsense' });
    await broken.open();
    expect(broken.failed()).toContain('403');
    const status = await new Promise((resolve, reject) => {
      const asking = request(`${base}/`, { headers: { host: 'evil.example' } }, (answer) => resolve(answer.statusCode));
      asking.on('error', reject).end();
    });
    expect(status).toBe(403);
  });

  it.each(['/console', '/preview'])('[C8] %s says nothing to who has not the token', async (where) => {
    for (const hello of [{ type: 'hello', token: 'wrong' }, { type: 'call', id: 1, name: 'getState' }, 'garbage', {}]) {
      const one = dial(where);
      await one.open();
      one.say(hello);
      await one.closed();
      expect(one.heard).toEqual([expect.objectContaining({ type: 'refused' })]);
    }
    expect([calls, hears, shows]).toEqual([[], [], []]);
  });

  it('[C7] carries calls and their answers, and events to everybody who is in', async () => {
    const [one, other] = [await enter(), await enter()];
    one.say({ type: 'call', id: 7, name: 'setRecording', argument: { on: true } });
    await until('the answer', () =>
      one.heard.some((m) => 'type' in (m as object) && (m as ConsoleAnswer).type === 'answer'),
    );
    expect(one.heard[0]).toEqual({ type: 'welcome' });
    expect(one.heard).toContainEqual({ type: 'answer', id: 7, outcome: { ok: true, value: { name: 'setRecording' } } });
    expect(calls).toEqual([{ name: 'setRecording', argument: { on: true } }]);
    await until('both to listen', () => hears.length === 2);
    for (const hear of hears) hear('marked', { atMs: 1, kind: 'note', subject: 'x', text: 'y' });
    for (const each of [one, other])
      await until('the event', () => each.heard.some((m) => (m as ConsoleAnswer).type === 'event'));
    other.socket.close();
    await until('one listener to be left', () => hears.length === 1);
  });

  it('[C7] answers what is no call with a reason, and ends a connection that speaks nonsense', async () => {
    const one = await enter();
    one.say({ type: 'call', id: 3, name: 'rm', argument: '-rf' });
    await until('the refusal', () => one.heard.length === 2);
    expect(one.heard[1]).toMatchObject({ type: 'answer', id: 3, outcome: { ok: false, reason: 'bad-call' } });
    expect(calls).toEqual([]);
    one.say('nonsense');
    await one.closed();
  });

  it('shows the preview as it comes', async () => {
    const one = await enter('/preview');
    await until('somebody to look', () => shows.length === 1);
    shows[0]?.('video/mp4; codecs="avc1.42c01e"');
    shows[0]?.(new Uint8Array([1, 2, 3]));
    await until('both', () => one.heard.length === 2);
    expect(one.heard).toEqual(['video/mp4; codecs="avc1.42c01e"', Buffer.from([1, 2, 3])]);
  });
});
