// Viewers come to a real tracker: who feeds whom, in which order they are told, what they are refused.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { until } from '../support/until.ts';
import { Rig } from './rig.ts';

describe('joining', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await Rig.start();
  });
  afterEach(() => rig.close());

  it('[T3] the first viewer has all slices from the forward, the second feeds the first and is fed by it', async () => {
    await rig.forward('fone1');
    const [a, b] = await rig.seated(2);
    const [idA, idB] = [await a?.id(), await b?.id()];
    expect(a?.all('plan')[0]?.parents.map((parent) => parent.id)).toEqual(['fone1', 'fone1']);
    await until('one slice each', () => a?.plan.parents.some((parent) => parent.id === idB));
    expect(new Set([a?.parent(0), a?.parent(1)])).toEqual(new Set(['fone1', idB]));
    expect(new Set([b?.parent(0), b?.parent(1)])).toEqual(new Set(['fone1', idA]));
    expect(a?.parent(0) === 'fone1').toBe(b?.parent(0) !== 'fone1');
    expect(a?.plan.parents.find((parent) => parent.kind === 'forward')).toMatchObject({
      url: 'ws://127.0.0.1:1/fone1/pull',
    });
  });

  it('[T5] eight viewers: two distinct parents each, one copy from the forward, nobody serves more than its slots', async () => {
    await rig.forward('fone1');
    const viewers = await rig.seated(8);
    const { streams } = await rig.debug();
    const rows = streams[0]?.viewers ?? [];
    expect(rows).toHaveLength(8);
    const fromForward = rows.flatMap((row) => row.parents.filter((parent) => parent.id === 'fone1'));
    expect(fromForward.map((parent) => parent.slice).toSorted((x, y) => x - y)).toEqual([0, 1]);
    for (const row of rows) {
      expect(row.parents.map((parent) => parent.slice).toSorted((x, y) => x - y)).toEqual([0, 1]);
      expect(row.parents[0]?.id).not.toBe(row.parents[1]?.id);
      expect(row.children.length).toBeLessThanOrEqual(2);
      expect(new Set(row.children.map((child) => child.slice)).size).toBeLessThanOrEqual(1);
      expect(row.depth).toBeLessThanOrEqual(4);
      expect(row.why).toMatch(/^[A-Z].*\.$/);
    }
    expect(streams[0]?.histogram.parents).toMatchObject({ 1: 2, 2: 6 });
    // What viewers were told is what the page shows.
    for (const viewer of viewers) {
      const id = await viewer.id();
      const row = rows.find((one) => one.id === id);
      expect(viewer.plan.parents.map(({ slice, id: parent }) => [slice, parent])).toEqual(
        row?.parents.map(({ slice, id: parent }) => [slice, parent]),
      );
    }
  });

  it('[S6] a parent hears of its child before the child hears of its parent', async () => {
    await rig.forward('fone1');
    const order: string[] = [];
    const [a] = await rig.seated(1);
    a?.socket.on('message', (data) => order.push(`a ${JSON.parse((data as Buffer).toString()).type}`));
    const b = await rig.connect();
    b.socket.on('message', (data) => order.push(`b ${JSON.parse((data as Buffer).toString()).type}`));
    b.say({ type: 'hello', v: PROTOCOL_VERSION, stream: 'live', shares: true });
    await b.planned();
    await a?.next('child', (child) => child.expected);
    expect(order.indexOf('a child')).toBeLessThan(order.indexOf('b plan'));
  });

  it('[T4] a receive-only viewer is fed by the forward alone and takes nobody’s place', async () => {
    await rig.forward('fone1');
    const first = await rig.viewer({ shares: false });
    const plan = await first.planned();
    expect(plan.parents.map((parent) => parent.kind)).toEqual(['forward', 'forward']);
    expect(plan.alternatives.every((parent) => parent.kind === 'forward')).toBe(true);
    const [a] = await rig.seated(1);
    expect(a?.plan.parents.map((parent) => parent.kind)).toEqual(['forward', 'forward']);
    expect(first.all('child')).toEqual([]);
    first.say({ type: 'sharing', shares: true });
    await first.next('plan', (p) => p.parents.some((parent) => parent.kind === 'peer'));
    first.say({ type: 'sharing', shares: false });
    await until('forwards alone again', () => first.plan.parents.every((parent) => parent.kind === 'forward'));
  });

  it('[S2] another protocol version is refused with a reason', async () => {
    const viewer = await rig.viewer({ v: 99 });
    expect(await viewer.next('refused')).toMatchObject({ reason: 'wrong-version' });
    expect(await viewer.ended()).toMatchObject({ code: 1008, reason: 'wrong-version' });
  });

  it('[S8] viewers are told what a stream’s state is, and every change of it', async () => {
    const forward = await rig.forward('fone1');
    const [a] = await rig.seated(1);
    expect((await a?.next('welcome'))?.state).toBe('waiting');
    forward.streams({ name: 'live', state: 'live', epoch: 7 });
    expect(await a?.next('stream')).toMatchObject({ state: 'live', epoch: 7, publicKey: 'key' });
    const other = await rig.forward('ftwo2');
    other.streams({ name: 'live', state: 'interrupted', epoch: 6 });
    other.streams({ name: 'live', state: 'live', epoch: 8 });
    await a?.next('stream', (news) => news.epoch === 8);
    expect(a?.all('stream').map((news) => news.epoch)).toEqual([7, 8]);
    const late = await rig.viewer();
    expect((await late.next('welcome')).state).toBe('live');
  });

  it('[S5] forwards are told the layout of every stream that has viewers', async () => {
    const early = await rig.forward('fone1');
    await rig.seated(1);
    await until('layout comes', () => early.told.some((m) => m.type === 'layout' && m.stream === 'live' && m.k === 2));
    const late = await rig.forward('ftwo2');
    await until('layout comes', () => late.told.some((m) => m.type === 'layout' && m.stream === 'live'));
  });

  it('[T2] nobody is given more slots than its upload cap allows', async () => {
    await rig.close();
    rig = await Rig.start({ uploadCap: 0.5 });
    await rig.forward('fone1');
    const viewers = await rig.seated(5);
    expect((await viewers[0]?.next('welcome'))?.uploadCap).toBe(0.5);
    for (const row of (await rig.debug()).streams[0]?.viewers ?? []) {
      expect(row['slots']).toBe(1);
      expect(row.children.length).toBeLessThanOrEqual(1);
    }
  });

  it('streams are independent of each other', async () => {
    await rig.forward('fone1');
    await rig.seated(2);
    const other = await rig.viewer({ stream: 'second' });
    expect((await other.planned()).parents.map((parent) => parent.kind)).toEqual(['forward', 'forward']);
    expect((await rig.debug()).streams.map((stream) => [stream.name, stream.viewers.length])).toEqual([
      ['live', 2],
      ['second', 1],
    ]);
  });
});
