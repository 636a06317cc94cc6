// Slots that follow reports, and a stream that is cut in another way while people watch: a real tracker, viewers that speak to it.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UploadHistory } from '../../servers/tracker/upload-history.ts';
import { until } from '../support/until.ts';
import { Rig, type FakeViewer } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.close());

const report = (newest: number, more: object = {}): Parameters<FakeViewer['say']>[0] => ({
  type: 'report',
  state: 'playing',
  newest,
  received: { forward: 0, peers: 0 },
  sent: 0,
  stalls: { count: 0, ms: 0 },
  ...more,
});

const slotsOf = async (viewer: FakeViewer): Promise<unknown> => {
  const id = await viewer.id();
  return (await rig.debug()).streams[0]?.viewers.find((row) => row.id === id)?.['slots'];
};

describe('slots', () => {
  it('[T13] a newcomer serves nobody at first, and then relieves the forward without being asked', async () => {
    await rig.close();
    rig = await Rig.start({ trustAfterMs: 1_500 });
    await rig.forward('fone1');
    const [a, b] = await rig.seated(2);
    if (!a || !b) throw new Error('two viewers');
    expect(await slotsOf(b)).toBe(0);
    await until('both feed each other', () => {
      const ids = [...a.plan.parents, ...b.plan.parents].map((parent) => parent.kind);
      return ids.filter((kind) => kind === 'peer').length === 2;
    });
    expect(await slotsOf(b)).toBe(2);
  });

  it('[T13] whose upload a tracker has measured before serves at once, as much as that carries', async () => {
    await rig.close();
    const meshSecret = 'm'.repeat(40);
    rig = await Rig.start({ trustAfterMs: 60_000, meshSecret });
    await rig.forward('fone1', { secret: meshSecret });
    const stranger = await rig.viewer(rig.ticket(meshSecret));
    await stranger.planned();
    const key = createHash('sha256').update(`viewer identity|${meshSecret}`).digest();
    const history = new UploadHistory(key).issue(null, Date.now());
    const known = await rig.viewer({ ...rig.ticket(meshSecret), history });
    await known.planned();
    expect([await slotsOf(stranger), await slotsOf(known)]).toEqual([0, 2]);
    const forged = await rig.viewer({ ...rig.ticket(meshSecret), history: `${history.slice(0, -3)}AAA` });
    await forged.planned();
    expect(await slotsOf(forged)).toBe(0);
  });

  it('[T13] follow what the uplink does, and children move where there is room', async () => {
    await rig.forward('fone1');
    const viewers = await rig.seated(6);
    const [first] = viewers;
    if (!first) throw new Error('a viewer');
    const id = await first.id();
    const isFedBy = (viewer: FakeViewer): boolean => viewer.plan.parents.some((parent) => parent.id === id);
    expect(viewers.filter(isFedBy).length).toBeGreaterThan(0);
    for (let i = 0; i < 3; i++) first.say(report(10 + i, { uplink: { bitsPerSecond: 1e5, oldestMs: 1_500 } }));
    await until('it serves fewer', async () => Number(await slotsOf(first)) < 2);
    await until('and nobody is left with it beyond that', async () => {
      const slots = Number(await slotsOf(first));
      return viewers.filter(isFedBy).length <= slots;
    });
  });

  it('[T13] who asks for no children, or caps its uplink, is given none beyond that and stays a child', async () => {
    await rig.forward('fone1');
    const viewers = await rig.seated(5);
    const [first] = viewers;
    if (!first) throw new Error('a viewer');
    first.say({ type: 'sharing', shares: true, leaf: 'metered' });
    await until('no slots', async () => (await slotsOf(first)) === 0);
    const row = (await rig.debug()).streams[0]?.viewers.find((one) => one['leaf'] !== null);
    expect(row).toMatchObject({ id: await first.id(), leaf: 'metered', children: [], direct: false });
    first.say({ type: 'sharing', shares: true, leaf: null });
    await until('slots again', async () => (await slotsOf(first)) === 2);
  });
});

describe('layouts', () => {
  it('[T14] K changes from a unit on: everybody is told once, trees stay whole, forwards too, old words count for nothing', async () => {
    const forward = await rig.forward('fone1');
    forward.streams({ name: 'live', state: 'live', epoch: 7 });
    const viewers = await rig.seated(7);
    const [a] = viewers;
    if (!a) throw new Error('a viewer');
    a.say(report(500));
    const before = a.plan;
    const put = (k: string): Promise<Response> => fetch(`${rig.base}/streams/live/slices?k=${k}`, { method: 'PUT' });
    await until('the report counts', async () =>
      ((await rig.debug()).streams[0]?.viewers ?? []).some((row) => row['newest'] === 500),
    );
    expect((await put('3')).status).toBe(400);
    expect((await put('4')).status).toBe(200);
    for (const viewer of viewers) {
      const plan = await viewer.next('plan', (one) => one.layout > before.layout);
      expect(plan).toMatchObject({ k: 4, layout: before.layout + 1, from: 560 });
      expect(plan.parents.map((parent) => parent.slice)).toEqual([0, 1, 2, 3]);
      const peers = plan.parents.filter((parent) => parent.kind === 'peer').map((parent) => parent.id);
      expect(new Set(peers).size).toBe(peers.length);
    }
    await until('the forward knows', () => forward.told.some((m) => m.type === 'layout' && m.k === 4));
    const notices = viewers.flatMap((viewer) => viewer.all('child')).filter((one) => one.of === 4 && one.expected);
    expect(notices.length).toBeGreaterThanOrEqual(4 * 7 - 4 - 3);
    // A word about the former layout moves nobody.
    const serial = a.plan.serial;
    a.say({ type: 'lost', slice: 0, id: before.parents[0]?.id ?? '', how: 'silent', layout: before.layout });
    a.say({ type: 'ping', t: 1 });
    await a.next('pong');
    expect(a.plan.serial).toBe(serial);
    // Who joins now has four parents from the begin.
    const late = await rig.viewer();
    expect(await late.next('welcome')).toMatchObject({ k: 4, layout: before.layout + 1 });
    expect((await late.planned()).parents).toHaveLength(4);
    expect((await rig.debug()).streams[0]).toMatchObject({ k: 4, kWhy: 'It is set so.' });
  });

  it('[T14] changing it needs the token or the secret', async () => {
    await rig.close();
    rig = await Rig.start({ debugToken: 'look', meshSecret: 's'.repeat(40) });
    const answer = await fetch(`${rig.base}/streams/live/slices?k=4`, { method: 'PUT' });
    expect(answer.status).toBe(401);
  });
});
