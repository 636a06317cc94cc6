// The console's WebSocket against a real server: hello, calls, a break and the way back.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket as NodeSocket } from 'ws';
import { retryDelayMs } from '../../renderer/wire/retry-delay.ts';
import { WebWire, type WireLink } from '../../renderer/wire/web-wire.ts';
import { FakePlane } from '../support/fake-plane.ts';
import { until } from '../support/until.ts';

const open = (url: string): WebSocket => new NodeSocket(url) as unknown as WebSocket;

describe('the WebSocket wire', () => {
  let plane: FakePlane;
  let wire: WebWire | null = null;
  const links: WireLink['is'][] = [];

  beforeEach(async () => {
    plane = await new FakePlane({ viewers: 4, meshEveryMs: 0, sampleEveryMs: 0 }).start();
    links.length = 0;
  });
  afterEach(async () => {
    wire?.close();
    await plane.close();
  });

  const connect = (token = plane.token): WebWire => {
    wire = new WebWire({ base: plane.base.replace('http', 'ws'), token, open });
    wire.watchLink((link) => links.push(link.is));
    wire.start();
    return wire;
  };

  it('opens with the token, calls, and hears events', async () => {
    const mine = connect();
    const heard: string[] = [];
    mine.listen((event) => heard.push(event));
    await until('the wire to open', () => mine.link.is === 'open');
    expect(await mine.call('getState', undefined)).toMatchObject({ ok: true, value: { platform: 'linux' } });
    plane.capture({ is: 'external' });
    plane.changeMesh([]);
    await until('both events', () => heard.length === 2);
    expect(heard).toEqual(['changed', 'meshChanged']);
  });

  it('passes over an event that is not of the contract', async () => {
    const mine = connect();
    const heard: string[] = [];
    mine.listen((event) => heard.push(event));
    await until('the wire to open', () => mine.link.is === 'open');
    plane.say('sampled', { atMs: 'now' } as never);
    plane.say('nonsense' as never, {} as never);
    plane.sample();
    await until('what is valid', () => heard.length > 0);
    expect(heard[0]).toBe('sampled');
    expect(await mine.call('getState', undefined)).toMatchObject({ ok: true });
    expect(heard.filter((event) => event !== 'logged')).toHaveLength(1);
  });

  it('says that it was refused, and does not try again', async () => {
    const mine = connect('not-the-token');
    await until('the refusal', () => mine.link.is === 'refused');
    expect(mine.link).toMatchObject({ detail: expect.stringContaining('token') as string });
    expect(await mine.call('getState', undefined)).toMatchObject({ ok: false, reason: 'not-now' });
    expect(links).toEqual(['connecting', 'connecting', 'refused']);
  });

  it('answers calls in flight at a break with not-now, and comes back by itself', async () => {
    const mine = connect();
    await until('the wire to open', () => mine.link.is === 'open');
    plane.isSilent = true;
    const inFlight = mine.call('goLive', undefined);
    await until('the call to arrive', () => plane.calls.some(({ name }) => name === 'goLive'));
    plane.drop();
    expect(await inFlight).toMatchObject({ ok: false, reason: 'not-now' });
    plane.isSilent = false;
    await until('the way back', () => mine.link.is === 'open' && links.includes('lost'));
    expect(plane.calls.filter(({ name }) => name === 'goLive')).toHaveLength(1);
    expect(await mine.call('getState', undefined)).toMatchObject({ ok: true });
  });

  it('tries at once when it is asked to', async () => {
    const mine = connect();
    await until('the wire to open', () => mine.link.is === 'open');
    plane.drop();
    await until('the break', () => mine.link.is === 'lost');
    mine.retryNow();
    expect(mine.link.is).toBe('connecting');
    await until('the way back', () => mine.link.is === 'open');
  });

  it('waits longer each time, up to seven seconds', () => {
    expect([1, 2, 3, 4, 5, 50].map(retryDelayMs)).toEqual([300, 1_200, 2_700, 4_800, 7_000, 7_000]);
  });
});
