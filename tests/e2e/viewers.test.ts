// Viewers in a real Chromium: they feed each other, survive each other's going, and keep what they promise about sharing.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { isFedByViewers, openViewer, playsOn, type ViewerPage } from '../support/pages.ts';
import { OUT, startStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

let stack: Stack;
let browser: Browser;
const opened: ViewerPage[] = [];

const open = async (url: string): Promise<ViewerPage> => {
  const viewer = await openViewer(browser, url);
  opened.push(viewer);
  return viewer;
};

beforeAll(async () => {
  stack = await startStack(['--source', 'test']);
  browser = await openBrowser();
});
afterEach(async () => {
  for (const viewer of opened.splice(0)) await viewer.leave();
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

describe('four viewers', () => {
  it('[P2] [P3] [P4] feed each other; one goes without a word and the picture goes on', async () => {
    const viewers: ViewerPage[] = [];
    for (let i = 0; i < 4; i++) {
      const viewer = await open(stack.ready.watch);
      viewers.push(viewer);
      await playsOn(viewer, 5);
    }
    const fed = async (): Promise<ViewerPage[]> => {
      const all = await Promise.all(viewers.map(async (viewer) => ({ viewer, stats: await viewer.stats() })));
      return all.filter(({ stats }) => isFedByViewers(stats)).map(({ viewer }) => viewer);
    };
    await until('two viewers fed by viewers alone', async () => (await fed()).length >= 2, {
      withinMs: 20_000,
      describe: async () => JSON.stringify(await Promise.all(viewers.map((v) => v.stats()))),
    });
    const [child] = await fed();
    if (!child) throw new Error('nobody is fed by viewers');
    const before = await child.stats();
    expect(before.receivedBytes.peers).toBeGreaterThan(0);
    expect(before.sentBytes).toBeGreaterThanOrEqual(0);
    expect(new Set(before.parents.map((p) => p.id)).size).toBe(2);
    for (const viewer of viewers) expect(viewer.errors).toEqual([]);
    // Each comes to show the moment that is planned: the whole audience's, unless its own units come too late for that.
    let off: number[] = [];
    await until(
      'the viewers to be in step',
      async () => {
        const all = await Promise.all(viewers.map((v) => v.stats()));
        off = all.map(({ delayMs, targetDelayMs }) => Math.abs((delayMs ?? Number.NaN) - targetDelayMs));
        return off.every((ms) => ms < 200);
      },
      { withinMs: 30_000, describe: () => off.join(' ') },
    );

    const parentId = before.parents[0]?.id;
    const ids = await Promise.all(viewers.map(async (v) => (await v.stats()).id));
    const parent = viewers[ids.indexOf(parentId ?? '')];
    if (!parent) throw new Error('the parent is not among the viewers');
    opened.splice(opened.indexOf(parent), 1);
    await parent.crash();
    await playsOn(child, 45);
    await until('another parent', async () => !(await child.stats()).parents.some((p) => p.id === parentId));
    for (const viewer of viewers) if (viewer !== parent) await playsOn(viewer, 10);
  });

  it('a window that closes says bye: its children lose no time', async () => {
    const first = await open(stack.ready.watch);
    await playsOn(first, 5);
    const second = await open(stack.ready.watch);
    await until(
      'the second is fed by the first',
      async () => (await second.stats()).parents.some((p) => p.kind === 'peer'),
      { withinMs: 15_000 },
    );
    opened.splice(opened.indexOf(first), 1);
    await first.leave();
    await until('the forward in its place', async () =>
      (await second.stats()).parents.every((p) => p.kind === 'forward'),
    );
    await playsOn(second, 45);
  });
});

describe('a page', () => {
  it('has one video in its own document, muted, and the names that scripts rely on', async () => {
    const viewer = await open(stack.ready.watch);
    await playsOn(viewer, 5);
    expect(
      await viewer.page.evaluate(() => [
        document.querySelectorAll('video').length,
        document.querySelectorAll('iframe').length,
        document.querySelector('video')?.muted,
      ]),
    ).toEqual([1, 0, true]);
    const stats = await viewer.stats();
    expect(Object.keys(stats)).toEqual(
      expect.arrayContaining(['state', 'receivedBytes', 'sentBytes', 'parents', 'children', 'delayMs', 'stalls']),
    );
    await until('it to play', async () => (await viewer.stats()).state === 'playing');
    await viewer.page.click('.p2p-sound');
    expect(await viewer.page.evaluate(() => document.querySelector('video')?.muted)).toBe(false);
    await viewer.page.keyboard.press('s');
    expect(await viewer.page.isVisible('.p2p-stats')).toBe(true);
  });

  it('[P13] that only receives opens no peer connection, and ends those it has when switched', async () => {
    const first = await open(stack.ready.watch);
    await playsOn(first, 5);
    const receiver = await open(`${stack.ready.watch}?share=no`);
    await playsOn(receiver, 60);
    expect(await receiver.connections()).toBe(0);
    expect((await receiver.stats()).parents.every((p) => p.kind === 'forward')).toBe(true);
    expect(await receiver.page.textContent('.p2p-share-text')).toContain('only receives');

    const sharer = await open(stack.ready.watch);
    await until('a feed from a viewer', async () => (await sharer.stats()).parents.some((p) => p.kind === 'peer'), {
      withinMs: 15_000,
    });
    await sharer.page.check('.p2p-receive');
    await until('the forward alone', async () => {
      const { parents, children } = await sharer.stats();
      return parents.length === 2 && parents.every((p) => p.kind === 'forward') && children.length === 0;
    });
    await playsOn(sharer, 30);
  });

  it('works from disk and from another site', async () => {
    const example = path.join(OUT, 'web/stream-example-local.html');
    const query = `?coordinate=${encodeURIComponent(stack.ready.coordinate)}`;
    const fromDisk = await open(`${pathToFileURL(example).href}${query}`);
    await playsOn(fromDisk, 20);

    const site = createServer((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(readFileSync(example)),
    );
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void site.close());
    const elsewhere = await open(`http://127.0.0.1:${(site.address() as AddressInfo).port}/${query}`);
    await playsOn(elsewhere, 20);
    await until(
      'two viewers of different sites feed each other',
      async () => (await elsewhere.stats()).parents.some((p) => p.kind === 'peer'),
      { withinMs: 15_000 },
    );
  });

  it('embeds as an element whose video stands in the page itself', async () => {
    const host = createServer((_request, response) =>
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(
          `<!doctype html><script type="module" src="${stack.ready.coordinate}/p2p-live.js"></script><p2p-live src="${stack.ready.watch}"></p2p-live>`,
        ),
    );
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void host.close());
    const viewer = await open(`http://127.0.0.1:${(host.address() as AddressInfo).port}/`);
    await playsOn(viewer, 20);
    expect(await viewer.page.evaluate(() => document.querySelectorAll('video').length)).toBe(1);
  });
});
