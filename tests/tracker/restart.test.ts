// A tracker that is killed and started again, and viewers that come back to it with how they were seated.
import { afterEach, describe, expect, it } from 'vitest';
import type { Edge } from '../../protocol/signalling.ts';
import { until } from '../support/until.ts';
import { Rig, type FakeViewer } from './rig.ts';

describe('a restarted tracker', () => {
  let rig: Rig;
  afterEach(() => rig.close());

  const edgesOf = async (): Promise<string[]> =>
    ((await rig.debug()).streams[0]?.viewers ?? [])
      .flatMap((viewer) => viewer.parents.map((parent) => `${parent.slice} ${parent.id} > ${viewer.id}`))
      .toSorted();

  /** How a viewer would say it was seated. */
  async function again(viewer: FakeViewer, all: readonly FakeViewer[]) {
    const { id, secret } = await viewer.next('welcome');
    const children: Edge[] = [];
    for (const other of all)
      for (const parent of other.plan.parents)
        if (parent.id === id) children.push({ slice: parent.slice, id: await other.id() });
    return {
      id,
      secret,
      parents: viewer.plan.parents.map(({ slice, id: parent }) => ({ slice, id: parent })),
      children,
    };
  }

  for (const meshSecret of [undefined, 'the same secret as before'])
    it(`[T11] rebuilds the same edges ${meshSecret ? 'and knows ids by their secret' : 'though its key is new'}`, async () => {
      rig = new Rig();
      const settings = meshSecret === undefined ? {} : { meshSecret };
      const stop = await rig.startTracker(settings);
      await rig.forward('fone1', meshSecret ? { secret: meshSecret } : {});
      const viewers: FakeViewer[] = [];
      for (let i = 0; i < 12; i++) {
        const viewer = await rig.viewer(rig.ticket(meshSecret));
        await viewer.planned();
        viewers.push(viewer);
      }
      const before = await edgesOf();
      expect(before).toHaveLength(24);
      const claims = await Promise.all(viewers.map((viewer) => again(viewer, viewers)));
      await stop();
      await rig.startTracker(settings);
      await rig.forward('fone1', meshSecret ? { secret: meshSecret } : {});
      const back: FakeViewer[] = [];
      for (const claim of claims.toReversed()) back.push(await rig.viewer({ again: claim }));
      for (const viewer of back) await viewer.planned();
      expect(await edgesOf()).toEqual(before);
      for (const [i, viewer] of back.toReversed().entries()) expect(await viewer.id()).toBe(claims[i]?.id);
      // Nobody was told of a child it had not had before.
      expect(back.flatMap((viewer) => viewer.all('child').filter((notice) => !notice.expected))).toEqual([]);
    });

  it('[T11] who does not come back leaves no hole: the others are seated without it', { timeout: 20_000 }, async () => {
    rig = new Rig();
    const stop = await rig.startTracker();
    await rig.forward('fone1');
    const viewers = await rig.seated(6);
    const claims = await Promise.all(viewers.map((viewer) => again(viewer, viewers)));
    await stop();
    await rig.startTracker();
    await rig.forward('fone1');
    const back: FakeViewer[] = [];
    for (const claim of claims.slice(1)) back.push(await rig.viewer({ again: claim }));
    // One cannot wait: its parent is gone, and everybody here is seated then.
    back[2]?.say({ type: 'lost', slice: 0, id: claims[0]?.id ?? '', how: 'closed' });
    for (const viewer of back) await viewer.planned();
    const here = new Set(['fone1', ...claims.slice(1).map((claim) => claim.id)]);
    for (const viewer of back) {
      expect(viewer.plan.parents).toHaveLength(2);
      expect(viewer.plan.parents.every((parent) => here.has(parent.id))).toBe(true);
    }
  });

  it('[T11] the others are waited for, but not for ever', { timeout: 20_000 }, async () => {
    rig = await Rig.start();
    await rig.forward('fone1');
    const startMs = performance.now();
    const claim = { id: 'valone', secret: 'of another life', parents: [{ slice: 0, id: 'vgone' }], children: [] };
    const back = await rig.viewer({ again: claim });
    expect(await back.id()).toBe('valone');
    await back.next('plan', (plan) => plan.parents.length === 2, 10_000);
    expect(performance.now() - startMs).toBeGreaterThan(5_000);
  });

  it('[T11] one-sided and cyclic claims link nothing', async () => {
    rig = await Rig.start();
    await rig.forward('fone1');
    const ids = ['vaaaa', 'vbbbb', 'vcccc'];
    // Each says that the next is its parent in both slices and that all are its children in both.
    const back: FakeViewer[] = [];
    for (const [i, id] of ids.entries()) {
      const next = ids[(i + 1) % 3] ?? '';
      const parents = [0, 1].map((slice) => ({ slice, id: next }));
      const children = ids.flatMap((child) => [0, 1, 3].map((slice) => ({ slice, id: child })));
      back.push(await rig.viewer({ again: { id, secret: 'none', parents, children } }));
    }
    for (const viewer of back) await viewer.planned();
    const rows = (await rig.debug()).streams[0]?.viewers ?? [];
    expect(rows.flatMap((row) => row.parents.filter((parent) => parent.id === 'fone1'))).toHaveLength(2);
    for (const row of rows) expect(row.depth).toBeLessThanOrEqual(3);
  });

  it('[S3] a viewer that lost its connection keeps its seat when it is back before that was noticed', async () => {
    rig = await Rig.start();
    await rig.forward('fone1');
    const viewers = await rig.seated(5);
    const before = await edgesOf();
    const [first] = viewers as [FakeViewer];
    const back = await rig.viewer({ again: await again(first, viewers) });
    await first.ended();
    expect((await back.planned()).parents).toEqual(first.plan.parents);
    expect(await edgesOf()).toEqual(before);
    await until('one row each', async () => (await rig.debug()).streams[0]?.viewers.length === 5);
  });
});
