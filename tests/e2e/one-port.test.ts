// One public port behind a proxy that speaks TLS is enough: page, tracker and forward all come through it.
import { request } from 'node:https';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TEST_CERT } from '../coordinate/self-signed.ts';
import { openBrowser } from '../support/browser.ts';
import { openViewer, playsOn } from '../support/pages.ts';
import { freePorts } from '../support/ports.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { openTlsProxy, type TlsProxy } from '../support/tls-proxy.ts';
import { until } from '../support/until.ts';

const TOKEN = 'a-token-that-only-this-test-knows';

let proxy: TlsProxy;
let stack: Stack;
let browser: Browser;

/** Through the proxy, as somebody outside asks. */
const ask = (path: string): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const headers = { accept: 'application/json' };
    const asking = request(`${proxy.url}${path}`, { ca: TEST_CERT, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asking.on('error', reject).end();
  });

beforeAll(async () => {
  const [port = 0] = await freePorts(1);
  proxy = await openTlsProxy(() => port);
  const flags = ['--source', 'test', '--coordinate-port', String(port), '--public-url', proxy.url];
  stack = await startStack(flags, { P2PLIVE_DEBUG_TOKEN: TOKEN });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  proxy?.close();
  await stack?.stop();
});

it('[R5] viewers play and feed each other, and know of no other port', async () => {
  expect(stack.ready).toMatchObject({ coordinate: proxy.url, watch: `${proxy.url}/watch/live` });
  const first = await openViewer(browser, stack.ready.watch);
  await playsOn(first, 30, 30_000);
  const second = await openViewer(browser, stack.ready.watch);
  await playsOn(second, 5);
  await until(
    'the second to be fed by the first',
    async () => (await second.stats()).parents.some((p) => p.kind === 'peer'),
    { withinMs: 20_000, describe: async () => JSON.stringify(await second.stats()) },
  );
  await playsOn(second, 60);

  const own = new URL(proxy.url).host;
  for (const viewer of [first, second]) {
    const sockets = viewer.dialled.filter((url) => url.startsWith('ws'));
    expect(sockets.map((url) => new URL(url).pathname.replace(/\/at\/[^/]+/, ''))).toEqual(
      expect.arrayContaining(['/resource', '/pull']),
    );
    const elsewhere = viewer.dialled.filter((url) => !/^(blob|data):/.test(url) && new URL(url).host !== own);
    expect(elsewhere).toEqual([]);
    expect(sockets.filter((url) => !url.startsWith('wss:'))).toEqual([]);
    expect(viewer.errors).toEqual([]);
  }
  expect(proxy.upgrades.length).toBeGreaterThanOrEqual(4);
  for (const viewer of [first, second]) await viewer.leave();
});

it('[R9] what the servers show of themselves needs the token there', async () => {
  expect((await ask('/debug')).status).toBe(401);
  expect((await ask('/debug?token=wrong')).status).toBe(401);
  expect((await ask('/tracker/why?ip=10.0.0.1')).status).toBe(401);
  expect((await ask(`/debug?token=${TOKEN}`)).status).toBe(200);
  // Of trackers and forwards only what viewers need is carried.
  const { streams } = JSON.parse((await ask('/streams')).text) as { streams: unknown[] };
  expect(streams).toMatchObject([{ name: 'live', state: 'live' }]);
  const { tracker } = JSON.parse((await ask('/tracker?stream=live')).text) as { tracker: string };
  const { pathname } = new URL(tracker);
  for (const path of [pathname.replace('resource', 'debug'), pathname.replace('resource', 'forwards')])
    expect((await ask(path)).status).toBe(404);
});

it('[R9] [I5] without any token or key a request through the proxy is not one of this machine', async () => {
  const [port = 0] = await freePorts(1);
  const front = await openTlsProxy(() => port);
  const open = await startStack(['--coordinate-port', String(port), '--public-url', front.url]);
  try {
    const dispatch = (path: string, method: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const asking = request(`${front.url}${path}`, { ca: TEST_CERT, method }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
        asking.on('error', reject).end(method === 'GET' ? undefined : 'FLV\u0001');
      });
    expect(await dispatch('/debug', 'GET')).toBe(401);
    expect(await dispatch('/stream/live', 'POST')).toBe(401);
    expect(await dispatch('/tracker', 'POST')).toBe(401);
    expect((await fetch(`http://127.0.0.1:${port}/debug`)).status).toBe(200);
  } finally {
    front.close();
    await open.stop();
  }
});
