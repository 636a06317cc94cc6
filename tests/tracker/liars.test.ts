// A real tracker among poisoners, liars and viewers that would know everybody.
import { WebSocket } from 'ws';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { until } from '../support/until.ts';
import { Rig, type FakeViewer } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
  await rig.forward('fone1');
});
afterEach(() => rig.close());

const rows = async () => (await rig.debug()).streams[0]?.viewers ?? [];
const rowOf = async (id: string) => (await rows()).find((row) => row.id === id);

/** Its slice of this parent had a broken seal. */
function accuse(child: FakeViewer, id: string): void {
  const slice = child.plan.parents.find((parent) => parent.id === id)?.slice ?? -1;
  child.say({ type: 'lost', slice, id, how: 'bad-slice' });
}

async function withChildren(viewers: readonly FakeViewer[], count: number) {
  for (const parent of viewers) {
    const id = await parent.id();
    const children = viewers.filter((viewer) => viewer.plan.parents.some((p) => p.id === id));
    if (children.length >= count) return { parent, id, children };
  }
  throw new Error(`nobody has ${count} children`);
}

it('[T15] two children convict: no slots, no children, no signals, forwards alone, also after coming back', async () => {
  const viewers = await rig.seated(8);
  const { parent, id, children } = await withChildren(viewers, 2);
  const [first, second] = children as [FakeViewer, FakeViewer];
  accuse(first, id);
  await until('accused', async () => (await rowOf(id))?.['trust'] === 'accused');
  expect(second.plan.parents.some((p) => p.id === id)).toBe(true);
  accuse(second, id);
  await until('convicted', async () => (await rowOf(id))?.['trust'] === 'convicted');
  const row = await rowOf(id);
  expect(row).toMatchObject({ slots: 0, children: [], direct: true });
  expect(row?.['trustWhy']).toContain('sealed');
  for (const viewer of viewers) await until('moved', () => viewer.plan.parents.every((p) => p.id !== id));
  await until('forwards only', () => parent.plan.parents.every((p) => p.kind === 'forward'));
  parent.say({ type: 'signal', to: await first.id(), data: { kind: 'offer', call: 'c', sdp: 's' } });
  parent.say({ type: 'sharing', shares: true });
  parent.say({ type: 'ping', t: 1 });
  await parent.next('pong');
  expect(first.all('signal')).toEqual([]);
  const { secret } = await parent.next('welcome');
  parent.socket.terminate();
  await until('it has left', async () => (await rowOf(id)) === undefined);
  const back = await rig.viewer({ again: { id, secret, parents: [], children: [] } });
  expect(await back.id()).toBe(id);
  await back.planned();
  expect(back.plan.parents.every((p) => p.kind === 'forward')).toBe(true);
  expect(await rowOf(id)).toMatchObject({ trust: 'convicted', slots: 0, direct: true });
});

it('[T15] the only child’s word waits for the next child, which is the witness', async () => {
  const [a, b] = (await rig.seated(2)) as [FakeViewer, FakeViewer];
  const id = await a.id();
  accuse(b, id);
  await until('accused', async () => (await rowOf(id))?.['trust'] === 'accused');
  const later: FakeViewer[] = [];
  const witness = await until('somebody else to be below it', async () => {
    const found = later.find((viewer) => viewer.plan.parents.some((p) => p.id === id));
    if (found || later.length >= 8) return found;
    later.push(...(await rig.seated(1)));
    return null;
  });
  accuse(witness, id);
  await until('convicted', async () => (await rowOf(id))?.['trust'] === 'convicted');
});

it('[T15] a false accuser convicts nobody and ends at the forward, not listened to', async () => {
  const viewers = await rig.seated(10);
  const liar = viewers[9] as FakeViewer;
  const id = await liar.id();
  await until('forwards only', () => {
    for (const parent of liar.plan.parents) if (parent.kind === 'peer') accuse(liar, parent.id);
    return liar.plan.parents.every((parent) => parent.kind === 'forward');
  });
  const all = await rows();
  expect(all.filter((row) => row['trust'] === 'convicted')).toEqual([]);
  expect(all.filter((row) => row.id !== id && row['slots'] === 0)).toEqual([]);
  expect(all.find((row) => row.id === id)?.['trust']).toBe('silenced');
});

it('[T15] in a swarm of two networks two viewers of one network only suspend', async () => {
  const far = new WebSocket(`${rig.base.replace('http', 'ws')}/resource`, { localAddress: '127.0.7.1' });
  await new Promise((resolve, reject) => far.once('open', resolve).once('error', reject));
  try {
    far.send(JSON.stringify({ type: 'hello', v: PROTOCOL_VERSION, stream: 'live', shares: false }));
    await until('it to be here', async () => (await rows()).length === 1);
    const { id, children } = await withChildren(await rig.seated(8), 2);
    for (const child of children) accuse(child, id);
    await until('no children', async () => (await rowOf(id))?.children.length === 0);
    expect(await rowOf(id)).toMatchObject({ trust: 'accused', slots: 0, direct: false });
  } finally {
    far.terminate();
  }
});

it('[T16] who loses parent after parent meets no more than its budget', async () => {
  const viewers = await rig.seated(40);
  const ids = new Set(await Promise.all(viewers.map((viewer) => viewer.id())));
  const curious = viewers[39] as FakeViewer;
  const known = (): number =>
    new Set(curious.all('plan').flatMap((plan) => [...plan.parents, ...plan.alternatives].map((p) => p.id))).size;
  let serial = -1;
  await until('forwards only', () => {
    const peer = curious.plan.parents.find((parent) => parent.kind === 'peer');
    if (!peer) return true;
    if (curious.plan.serial !== serial) {
      serial = curious.plan.serial;
      curious.say({ type: 'lost', slice: peer.slice, id: peer.id, how: 'late' });
    }
    return false;
  });
  expect(ids.size).toBe(40);
  // What it was told at first, and the budget.
  expect(known()).toBeLessThan(30 + 8);
  expect(viewers.filter((viewer) => viewer.closed)).toEqual([]);
});
