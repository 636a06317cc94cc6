// What a forward shows of itself over HTTP, and to whom.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTracker } from '../../servers/tracker/tracker.ts';
import { quietLog } from '../support/quiet-log.ts';
import { until } from '../support/until.ts';
import { ForwardRig } from './rig.ts';

const JSON_PLEASE = { headers: { accept: 'application/json' } };

describe('a forward on this machine', () => {
  let rig: ForwardRig;
  let closeTracker: () => Promise<void>;
  beforeAll(async () => {
    const settings = {
      host: '127.0.0.1',
      port: 0,
      stunPort: null,
      region: 'default',
      k: 2 as const,
      uploadCap: 1.5,
      parity: 'off' as const,
      trustAfterMs: 0,
    };
    const tracker = await startTracker({ ...settings, iceServers: [], stun: false }, quietLog());
    closeTracker = () => tracker.close();
    rig = await ForwardRig.start({ trackers: [`http://127.0.0.1:${Number(tracker.ready['port'])}`], maxChildren: 8 });
  });
  afterAll(async () => {
    await rig.close();
  });

  it('/load is a number as of old, JSON on request', async () => {
    await rig.onAir(1);
    const viewer = await rig.viewer({ id: 'v<b>'.replace(/[<>]/g, '-') });
    viewer.ask(0);
    viewer.ask(1);
    await viewer.gets(1, 1);
    const plain = await fetch(`${rig.base}/load`);
    expect([await plain.text(), plain.headers.get('content-type')]).toEqual(['0.25\n', 'text/plain; charset=utf-8']);
    expect(await (await fetch(`${rig.base}/load`, JSON_PLEASE)).json()).toEqual({
      load: 0.25,
      children: 2,
      sessions: 1,
    });
  });

  it('/debug is a page for a person and JSON for a program', async () => {
    const page = await fetch(`${rig.base}/debug`);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toMatch(/^<!doctype html>.*bootstrap.*live/is);
    expect(await rig.debug()).toMatchObject({
      egressBytes: {
        media: expect.any(Number) as number,
        bootstrap: 0,
        repair: 0,
        control: expect.any(Number) as number,
      },
      ingressBytes: expect.any(Number) as number,
      children: 2,
      coordinates: 1,
      streams: [{ name: 'live', state: 'live', epoch: 1_000, k: 2, newest: 1 }],
    });
  });

  it('/healthz says that it lives, /readyz that a tracker knows it', async () => {
    expect((await fetch(`${rig.base}/healthz`)).status).toBe(200);
    await until('ready', async () => (await fetch(`${rig.base}/readyz`)).status === 200);
    await closeTracker();
    await until('not ready', async () => (await fetch(`${rig.base}/readyz`)).status === 503);
    expect(await (await fetch(`${rig.base}/readyz`)).text()).toBe('No tracker is connected yet.\n');
  });

  it('anything else gets a sentence, on both ports', async () => {
    for (const port of [rig.ready['pullPort'], rig.ready['pushPort']]) {
      const answer = await fetch(`http://127.0.0.1:${Number(port)}/nothing`);
      expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining('/load') as string]);
    }
  });
});

describe('a forward with a token', () => {
  it('[R9] shows /debug and its feed only with it, also to this machine', async () => {
    const rig = await ForwardRig.start({ debugToken: 'sesame' });
    try {
      const feed = `${rig.base.replace('http', 'ws')}/debug/feed`;
      const statusOf = async (path: string): Promise<number> => (await fetch(`${rig.base}${path}`, JSON_PLEASE)).status;
      expect(await statusOf('/debug')).toBe(401);
      expect(await statusOf('/debug?token=wrong')).toBe(401);
      expect(await statusOf('/debug?token=sesame')).toBe(200);
      const shut = new WebSocket(feed);
      expect(await new Promise((resolve) => shut.once('error', (e) => resolve(e.message)))).toContain('401');
      const open = new WebSocket(`${feed}?token=sesame`);
      const first = await new Promise<Buffer>((resolve) => open.once('message', resolve));
      expect(JSON.parse(first.toString())).toMatchObject({ type: 'snapshot' });
      open.terminate();
    } finally {
      await rig.close();
    }
  });

  it('[R9] without a token a forwarded request, and a page of another site, is not this machine', async () => {
    const rig = await ForwardRig.start();
    try {
      const forwarded = await fetch(`${rig.base}/debug`, { headers: { 'x-forwarded-for': '203.0.113.9' } });
      expect(forwarded.status).toBe(401);
      const foreign = await fetch(`${rig.base}/debug`, { headers: { origin: 'https://evil.example' } });
      expect(foreign.status).toBe(401);
      for (const address of [`${rig.base.replace('http', 'ws')}/debug/feed`, rig.push]) {
        const socket = new WebSocket(address, { origin: 'https://evil.example' });
        expect(await new Promise((resolve) => socket.once('error', (e) => resolve(e.message)))).toContain('401');
      }
    } finally {
      await rig.close();
    }
  });
});
