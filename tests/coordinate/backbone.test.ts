// Trackers and forwards as the coordinate sees them: who is there, who is given to whom, and what a bad one costs the others.
import { createServer } from 'node:http';
import { createServer as createTcp, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ForwardRecord, TrackerRecord } from '../../protocol/backbone.ts';
import { LOST_AFTER_MS, PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { chooseTracker } from '../../servers/coordinate/backbone/assign.ts';
import { networkOf, clientOf } from '../../servers/coordinate/backbone/addresses.ts';
import { loadRegions } from '../../servers/coordinate/backbone/region.ts';
import { Roster } from '../../servers/coordinate/backbone/roster.ts';
import { checkTicket } from '../../servers/shared/guard.ts';
import { FakeForward } from './fake-forward.ts';
import { H264, live, PICTURE, stand, type Stand } from './harness.ts';

const tracker = (id: string, over: Partial<TrackerRecord> = {}): TrackerRecord => ({
  v: PROTOCOL_VERSION,
  id,
  resource: `ws://10.0.0.1:9090/resource`,
  base: 'http://127.0.0.1:9',
  region: 'default',
  viewers: 0,
  load: 0,
  forwards: [],
  ...over,
});
const forwardRecord = (id: string, push?: string): ForwardRecord => ({
  id,
  ...(push === undefined ? {} : { push }),
  pull: 'ws://10.0.0.2:9998/pull',
  region: 'default',
  load: 0,
  children: 0,
});

const open: Stand[] = [];
async function coordinate(over: Parameters<typeof stand>[0] = {}): Promise<Stand> {
  const made = await stand(over);
  open.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const send = (url: string, method: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

describe('the roster', () => {
  const roster = (): { roster: Roster; told: string[] } => {
    const told: string[] = [];
    return {
      told,
      roster: new Roster({
        trackerFound: ({ id }, again) => told.push(`${id} ${again ? 'back' : 'new'}`),
        trackerLost: ({ id }) => told.push(`${id} lost`),
        forwardsChanged: () => told.push('forwards'),
      }),
    };
  };

  it('[R2] loses a tracker that is silent too long and takes it back when it speaks again', () => {
    const { roster: r, told } = roster();
    r.hear(tracker('t-one'), 0);
    r.sweep(LOST_AFTER_MS);
    expect(told).toEqual(['t-one new']);
    r.sweep(LOST_AFTER_MS + 1);
    expect(r.tracker('t-one')?.state).toBe('lost');
    r.hear(tracker('t-one'), LOST_AFTER_MS + 500);
    expect(told).toEqual(['t-one new', 't-one lost', 't-one back']);
  });

  it('[R2] forgets a lost tracker as soon as another speaks at its address, and not while both speak', () => {
    const { roster: r, told } = roster();
    const ids = () => r.trackers().map((t) => t.record.id);
    r.hear(tracker('t-one', { base: 'http://a', forwards: [forwardRecord('f-one', 'ws://a/push')] }), 0);
    r.hear(tracker('t-far', { base: 'http://b' }), 0);
    r.hear(tracker('t-new', { base: 'http://a' }), 1_500);
    r.sweep(1_600);
    expect(ids()).toEqual(['t-one', 't-far', 't-new']);
    r.hear(tracker('t-new', { base: 'http://a' }), 2_500);
    r.sweep(2_600);
    expect(ids()).toEqual(['t-far', 't-new']);
    expect(told.at(-1)).toBe('t-one lost');
    expect(r.pushAddresses()).toEqual(['ws://a/push']);
  });

  it('[R4] keeps the forwards of a lost tracker, and drops those that a living one no longer names', () => {
    const { roster: r } = roster();
    r.hear(
      tracker('t-one', { forwards: [forwardRecord('f-one', 'ws://a/push'), forwardRecord('f-two', 'ws://b/push')] }),
      0,
    );
    r.sweep(60_000);
    expect(r.pushAddresses()).toEqual(['ws://a/push', 'ws://b/push']);
    r.hear(tracker('t-one', { forwards: [forwardRecord('f-one', 'ws://a/push')] }), 60_000);
    r.hear(tracker('t-one', { forwards: [forwardRecord('f-one', 'ws://a/push')] }), 71_000);
    r.sweep(71_000);
    expect(r.pushAddresses()).toEqual(['ws://a/push']);
    r.sweep(2_000_000);
    expect(r.pushAddresses()).toEqual([]);
  });

  it('[R4] knows a forward that was started again at the same place as the same place', () => {
    const { roster: r } = roster();
    r.hear(tracker('t-one', { forwards: [forwardRecord('f-old', 'ws://a/push')] }), 0);
    r.hear(tracker('t-one', { forwards: [forwardRecord('f-new', 'ws://a/push')] }), 1_000);
    expect(r.forwards().map((f) => f.record.id)).toEqual(['f-new']);
  });

  it('[R2] is bounded whatever is said', () => {
    const { roster: r } = roster();
    for (let i = 0; i < 1_200; i++) r.hear(tracker(`t-${i}`), i);
    expect(r.trackers()).toHaveLength(1_000);
  });
});

describe('the choice of a tracker', () => {
  const known = (id: string, over: Partial<TrackerRecord> = {}, state: 'here' | 'lost' = 'here') => ({
    record: tracker(id, { forwards: [forwardRecord('f-any')], ...over }),
    heardMs: 0,
    state,
    sent: 0,
  });
  const choose = (trackers: ReturnType<typeof known>[], ...names: string[]): string => {
    const choice = chooseTracker(trackers, { names, why: 'a test' }, 'default');
    return choice.ok ? choice.value.tracker.record.id : choice.refusal.reason;
  };

  it('[R3] goes by region first, then the default region, then any', () => {
    const all = [known('t-eu', { region: 'EU', load: 0.9 }), known('t-def'), known('t-us', { region: 'US' })];
    expect(choose(all, 'DE', 'EU')).toBe('t-eu');
    expect(choose(all, 'AF')).toBe('t-def');
    expect(choose(all.slice(0, 1), 'US')).toBe('t-eu');
  });

  it('[R3] then by load and viewers, counting those just sent there', () => {
    const a = known('t-aaa', { load: 0.5, viewers: 1 });
    const b = known('t-bbb', { load: 0.1, viewers: 5 });
    const c = known('t-ccc', { load: 0.11, viewers: 4 });
    expect(choose([a, b, c], 'default')).toBe('t-ccc');
    c.sent = 2;
    expect(choose([a, b, c], 'default')).toBe('t-bbb');
  });

  it('[R3] never gives one that is lost or full', () => {
    expect(choose([known('t-gone', {}, 'lost')], 'default')).toBe('no-tracker');
    expect(choose([known('t-full', { load: 1 })], 'default')).toBe('full');
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ lost: fc.boolean(), load: fc.constantFrom(0, 0.5, 1, 2), region: fc.constantFrom('a', 'b') }),
        ),
        (given) => {
          const all = given.map(({ lost, ...over }, i) => known(`t-${i}00`, over, lost ? 'lost' : 'here'));
          const choice = chooseTracker(all, { names: ['a'], why: '' }, 'b');
          if (choice.ok) expect(choice.value.tracker).toMatchObject({ state: 'here' });
          expect(choice.ok).toBe(all.some((t) => t.state === 'here' && t.record.load < 1));
        },
      ),
    );
  });
});

describe('regions', () => {
  it('[R3] are found by network, by header of a trusted proxy, or are the default', async () => {
    const lans = [
      { cidr: '10.0.0.0/8', region: 'campus' },
      { cidr: '10.1.0.0/16', region: 'library' },
      { cidr: '2001:db8::/32', region: 'six' },
    ];
    const regions = await loadRegions({ lans, header: 'X-Region', default: 'world' }, () => {});
    const find = async (address: string, proxied = false) =>
      (await regions.find(address, { 'x-region': 'EU' }, proxied)).names[0];
    expect(await find('10.1.2.3')).toBe('library');
    expect(await find('10.2.2.3')).toBe('campus');
    expect(await find('::ffff:10.2.2.3')).toBe('campus');
    expect(await find('2001:db8::1')).toBe('six');
    expect(await find('8.8.8.8', true)).toBe('EU');
    expect(await find('8.8.8.8')).toBe('world');
    expect(await find('nonsense')).toBe('world');
  });

  it('[R6] believe a forwarded address from trusted proxies only', () => {
    const proxies = [networkOf('127.0.0.0/8'), networkOf('10.9.0.0/16')];
    const from = (remoteAddress: string, forwarded?: string) =>
      clientOf({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } } as never, proxies).address;
    expect(from('8.8.8.8', '1.1.1.1')).toBe('8.8.8.8');
    expect(from('127.0.0.1', '1.1.1.1')).toBe('1.1.1.1');
    expect(from('127.0.0.1', '6.6.6.6, 1.1.1.1, 10.9.0.4')).toBe('1.1.1.1');
    expect(from('127.0.0.1', 'nonsense')).toBe('127.0.0.1');
    expect(from('127.0.0.1')).toBe('127.0.0.1');
  });
});

describe('/tracker', () => {
  it('[R1] is guarded by the shared secret, tells viewers where to go, and says 503 when it can not', async () => {
    const c = await coordinate({ meshSecret: 'hush', region: { lans: [], default: 'default' } });
    const url = `${c.url}/tracker`;
    const none = await fetch(`${url}?stream=live`);
    expect([none.status, await none.text()]).toEqual([503, expect.stringContaining('No tracker is there yet')]);
    expect((await send(url, 'POST', tracker('t-one'))).status).toBe(401);
    expect((await send(url, 'POST', tracker('t-one'), { authorization: 'Bearer wrong' })).status).toBe(401);
    const secret = { authorization: 'Bearer hush' };
    const welcome = await send(url, 'POST', tracker('t-one'), secret);
    expect(await welcome.json()).toMatchObject({
      v: PROTOCOL_VERSION,
      streams: [],
      publicKey: expect.stringMatching(/^[\w-]{43}$/),
    });
    const given = await fetch(`${url}?stream=show`);
    expect(given.headers.get('access-control-allow-origin')).toBe('*');
    const assignment = (await given.json()) as { ticket: string };
    expect(assignment).toMatchObject({
      stream: 'show',
      tracker: 'ws://10.0.0.1:9090/resource',
      region: 'default',
      state: 'waiting',
    });
    expect(checkTicket('hush', assignment.ticket, 'show', Date.now()).ok).toBe(true);
    const plain = await fetch(url, { headers: { accept: 'text/plain' } });
    expect(await plain.text()).toBe('10.0.0.1:9090');
    expect((await send(`${url}?id=t-one`, 'DELETE', undefined, secret)).status).toBe(204);
    expect((await fetch(url)).status).toBe(503);
  });

  it('[R1] refuses records that are no records, other versions, other kinds of addresses, and web pages', async () => {
    const c = await coordinate();
    const status = async (body: unknown, headers = {}): Promise<number> =>
      (await send(`${c.url}/tracker`, 'POST', body, headers)).status;
    expect(await status({})).toBe(400);
    expect(await status({ ...tracker('t-one'), v: 99 })).toBe(400);
    expect(await status(tracker('t-one', { resource: 'file:///etc/passwd' }))).toBe(400);
    expect(await status(tracker('t-one', { base: 'ws://x' }))).toBe(400);
    expect(await status(tracker('t-one', { forwards: [forwardRecord('f-one', 'http://x/push')] }))).toBe(400);
    expect(await status(tracker('t-one'), { origin: 'https://evil.example' })).toBe(401);
    expect(await status({ ...tracker('t-one'), more: 'x'.repeat(3e6) })).toBe(413);
    expect(await status(tracker('t-one'))).toBe(200);
  });

  it('[R7] asks listed trackers for their forwards and pushes to them', async () => {
    const forward = await FakeForward.listen();
    const asked: (string | undefined)[] = [];
    const listed = createServer((request, response) => {
      asked.push(request.headers.authorization);
      const forwards = [forwardRecord('f-far', forward.push)];
      response.end(JSON.stringify({ tracker: tracker('t-listed', { base: `http://127.0.0.1:${port}` }), forwards }));
    });
    await new Promise<void>((resolve) => listed.listen(0, '127.0.0.1', resolve));
    const { port } = listed.address() as AddressInfo;
    const c = await coordinate({ trackers: [`http://127.0.0.1:${port}/`], meshSecret: 'hush' });
    await forward.until('the coordinate dials', () => forward.connections === 1);
    expect(forward.authorizations).toEqual(['Bearer hush']);
    expect(asked[0]).toBe('Bearer hush');
    expect((await fetch(`${c.url}/tracker`)).status).toBe(200);
    listed.closeAllConnections();
    await new Promise((resolve) => listed.close(resolve));
    await forward.close();
  });
});

describe('forwards', () => {
  it('[R8] one that never reads, and one that is not there, delay no other; one that returns gets the newest group at once', async () => {
    // Accepts and says nothing, not even that it is a WebSocket; another upgrades and never reads.
    const silent = createTcp(() => {});
    const held = new Set<Socket>();
    silent.on('connection', (socket) => held.add(socket.pause()));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const slow = await FakeForward.listen();
    const gone = await FakeForward.listen();
    const goneAt = gone.push;
    const gonePort = gone.port;
    await gone.close();
    const silentAt = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/push`;
    const c = await coordinate();
    const forwards = [silentAt, slow.push, goneAt].map((push, i) => forwardRecord(`f-bad${i}`, push));
    await send(`${c.url}/tracker`, 'POST', tracker('t-one', { forwards }));
    await slow.until('connected', () => slow.connections === 1);
    for (const socket of slow.sockets) socket.pause();
    const push = c.push('show', [...live(PICTURE), ...H264, '-f', 'flv']);
    await c.forward.until('two seconds', () => c.forward.of('show').length > 30);
    const units = c.forward.of('show').slice(1);
    const late = units.map((u) => u.arrivedMs - u.sourceMs - u.durationMs).toSorted((a, b) => a - b);
    expect(late[Math.floor(late.length / 2)]).toBeLessThan(500);
    const back = await FakeForward.listen(gonePort);
    await back.until('its first units', () => back.of('show').length > 1, 5_000);
    const [init, key] = back.of('show');
    expect([init?.unit, (key?.flags ?? 0) & 1]).toEqual([0, 1]);
    expect(await back.faults('show')).toEqual([]);
    push.child.kill('SIGKILL');
    await push.ended;
    for (const socket of held) socket.destroy();
    silent.close();
    await Promise.all([slow.close(), back.close()]);
  });

  it('[R8] may dial in instead, with the secret, and get the same', async () => {
    const c = await coordinate({ meshSecret: 'hush' });
    const address = `${c.url.replace('http', 'ws')}/forward`;
    const refused = new WebSocket(address);
    expect(await new Promise((resolve) => refused.once('error', (error) => resolve(error.message)))).toContain('401');
    const socket = new WebSocket(address, { headers: { authorization: 'Bearer hush' } });
    const dialler = await FakeForward.listen();
    dialler.take(socket);
    await dialler.until('hello', () => dialler.news.some((n) => n.type === 'hello'));
    const { ended } = c.push('show', [...PICTURE, ...H264, '-t', '0.5', '-f', 'flv']);
    await ended;
    for (const forward of [dialler, c.forward]) await forward.until('ended', () => forward.stateOf('show') === 'ended');
    expect(dialler.media('show').equals(c.forward.media('show'))).toBe(true);
    expect(await dialler.faults('show')).toEqual([]);
    await dialler.close();
  });
});
