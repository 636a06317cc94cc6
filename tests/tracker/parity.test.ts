// The tree of the parity slice: grown beside the others, yielding to them, fed by forwards within their budget; and when it is grown.
import { afterEach, describe, expect, it } from 'vitest';
import { AutoParity, chooseParity } from '../../servers/tracker/auto-parity.ts';
import { Engine, parentsOf } from '../../servers/tracker/engine.ts';
import { isSpared } from '../../servers/tracker/parity-tree.ts';
import { Shape } from '../../servers/tracker/shape.ts';
import { seeded } from '../support/random.ts';
import { until } from '../support/until.ts';
import { Rig, type FakeViewer } from './rig.ts';

function filled(count: number, slots: number, k: 2 | 4 = 2): Engine {
  const engine = new Engine({ k, directCopies: null, random: seeded(5) });
  for (let i = 0; i < count; i++) engine.join([{ id: `v${i}`, slots, shares: true }], i);
  for (let s = 0; s < 5; s++) engine.tick(s * 1_000);
  engine.check();
  engine.takeTouched();
  return engine;
}
const dataParents = (engine: Engine): Map<string, (string | null)[]> =>
  new Map(
    Array.from(engine.trees.peers.values(), (peer) => [
      peer.id,
      parentsOf(peer)
        .filter(({ slice }) => slice < engine.trees.k)
        .map(({ parent }) => parent),
    ]),
  );
const sparedIn = ({ trees }: Engine): number =>
  [...trees.peers.values()].flatMap((peer) => peer.nodes).filter((node) => isSpared(trees, node)).length;
const overBudget = ({ trees }: Engine): number =>
  trees.roots.slice(0, trees.k).reduce((sum, root) => sum + Math.max(0, root.kids.length - trees.budget), 0);

describe('[T17] the parity tree', () => {
  for (const k of [2, 4] as const)
    it(`is grown from slots that stand idle: hardly anybody else is moved, K = ${k}`, () => {
      const engine = filled(200, 2 * k, k);
      const before = dataParents(engine);
      engine.setParity(true);
      engine.check();
      expect(engine.takeTouched()).toHaveLength(200);
      const after = dataParents(engine);
      const moved = [...before].reduce(
        (sum, [id, parents]) => sum + parents.filter((parent, slice) => after.get(id)?.[slice] !== parent).length,
        0,
      );
      expect(moved / (200 * k)).toBeLessThan(0.05);
      expect(sparedIn(engine)).toBe(0);
      expect(engine.trees.roots[k]?.kids.length).toBeLessThanOrEqual(engine.trees.budget);
    });

  it('goes without a trace: no other edge changes, its hosts serve in the other trees', () => {
    const engine = filled(200, 4);
    engine.setParity(true);
    for (let s = 10; s < 40; s++) engine.tick(s * 1_000);
    const before = dataParents(engine);
    engine.setParity(false);
    engine.check();
    expect(dataParents(engine)).toEqual(before);
    expect([...engine.trees.peers.values()].every((peer) => peer.nodes.length === 2 && peer.home >= 0)).toBe(true);
    for (let i = 0; i < 200; i++) engine.join([{ id: `w${i}`, slots: 0, shares: true }], 50_000 + i);
    engine.check();
    expect(overBudget(engine)).toBe(0);
  });

  it('yields: what the other trees lack it gives back, and the forward carries nothing for it', () => {
    const engine = filled(100, 4); // four hundred slots, three hundred taken with parity
    engine.setParity(true);
    expect(sparedIn(engine)).toBe(0);
    // A hundred more who can give nothing: the two other trees need all there is.
    for (let i = 0; i < 100; i++) engine.join([{ id: `w${i}`, slots: 0, shares: true }], 1_000 + i);
    engine.check();
    for (let s = 2; s < 60; s++) engine.tick(s * 1_000);
    engine.check();
    expect(overBudget(engine)).toBeLessThanOrEqual(2);
    expect(sparedIn(engine)).toBeGreaterThan(90);
  });

  it('is there from the begin where it is set, and has a node for whoever joins', () => {
    const engine = new Engine({ k: 2, parity: true, directCopies: null, random: seeded(5) });
    for (let i = 0; i < 30; i++) engine.join([{ id: `v${i}`, slots: 4, shares: i % 7 !== 0 }], i);
    for (let s = 1; s < 10; s++) engine.tick(s * 1_000);
    engine.check();
    const shares = [...engine.trees.peers.values()].filter((peer) => !peer.direct);
    expect(shares.every((peer) => peer.nodes.length === 3)).toBe(true);
    expect(sparedIn(engine)).toBe(engine.size - shares.length);
  });
});

const audience = (count: number, copies: number): number[] => Array.from({ length: count }, () => copies);

describe('[T17] parity by itself', () => {
  it('where the uplinks have room for one slice more, told in one sentence', () => {
    expect(chooseParity(audience(50, 1.75), 4, false)).toEqual({
      isSent: true,
      why: 'Uplinks have room for it: the audience can pass on 1.75 copies in quarters, and parity takes 1.60.',
    });
    expect(chooseParity(audience(50, 1.5), 4, false).isSent).toBe(false);
    expect(chooseParity(audience(50, 1.5), 4, true).isSent).toBe(true);
    expect(chooseParity(audience(50, 1.25), 4, true).isSent).toBe(false);
    // In halves it is half of a copy more.
    expect([1.5, 2].map((own) => chooseParity(audience(50, own), 2, false).isSent)).toEqual([false, true]);
    expect(chooseParity(audience(50, 9), 1, false).isSent).toBe(false);
    expect(chooseParity(audience(7, 9), 4, true).isSent).toBe(false);
  });

  it('comes after five seconds of the same mind and at most once a minute, goes after five seconds', () => {
    const auto = new AutoParity(0);
    const changes: [second: number, isSent: boolean][] = [];
    let isSent = false;
    for (let s = 1; s <= 200; s++) {
      // Ten seconds of every forty there is no room.
      const choice = auto.step(audience(20, s % 40 < 10 ? 1 : 2.5), 1.1, 4, isSent, s * 1_000);
      if (choice && choice.isSent !== isSent) changes.push([s, (isSent = choice.isSent)]);
    }
    expect(changes[0]).toEqual([15, true]);
    expect(changes[1]).toEqual([44, false]);
    const came = changes.filter(([, sent]) => sent).map(([s]) => s);
    for (const [i, at] of came.entries()) expect(at - (came[i - 1] ?? -60)).toBeGreaterThanOrEqual(60);
  });

  it('does not come, and goes, while there are fewer slots than viewers take, whatever their uplinks may carry', () => {
    const auto = new AutoParity(0);
    const at = (supply: number, isSent: boolean, second: number) =>
      auto.step(audience(20, 2.5), supply, 4, isSent, second * 1_000)?.isSent;
    for (let second = 60; second < 120; second++) expect(at(0.9, false, second)).toBe(false);
    for (let second = 120; second < 124; second++) at(1.05, false, second);
    expect(at(1.05, false, 124)).toBe(true);
    for (let second = 125; second < 129; second++) expect(at(0.9, true, second)).toBeUndefined();
    expect(at(0.9, true, 129)).toBe(false);
  });

  it('an operator’s word holds for every K that has any', () => {
    const shape = new Shape({ k: 1, parity: 'on' }, 0);
    expect(shape).toMatchObject({ k: 1, parity: false });
    shape.want({ k: 4 }, 0);
    expect(shape).toMatchObject({ k: 4, parity: true, parityWhy: 'It is set so.' });
    shape.want({ parity: 'off' }, 0);
    shape.step(audience(50, 9), 1.1, 100_000);
    expect(shape.parity).toBe(false);
  });
});

describe('[T17] a tracker', () => {
  let rig: Rig;
  afterEach(() => rig.close());
  const put = (query: string): Promise<Response> =>
    fetch(`${rig.base}/streams/live/slices?${query}`, { method: 'PUT' });
  const slicesOf = (viewer: FakeViewer): number[] => viewer.plan.parents.map((parent) => parent.slice);

  it('plans a parent for parity in the same layout, and takes it back, and says why in its pages', async () => {
    rig = await Rig.start({ uploadCap: 3 });
    await rig.forward('fone1');
    const viewers = await rig.seated(6);
    const { layout } = viewers[0]?.plan ?? {};
    expect((await put('parity=perhaps')).status).toBe(400);
    expect((await put('k=3&parity=on')).status).toBe(400);
    expect((await put('parity=on')).status).toBe(200);
    for (const viewer of viewers) {
      const plan = await viewer.next('plan', (one) => one.parity === true);
      expect(plan).toMatchObject({ k: 2, layout });
      expect(plan.from).toBeUndefined();
    }
    // Two copies of slots for two copies: who finds none does without, and nobody gets it of a forward beyond its one.
    const served = viewers.flatMap((viewer) => viewer.plan.parents.filter((parent) => parent.slice === 2));
    expect(served.filter((parent) => parent.kind === 'forward')).toHaveLength(1);
    const told = viewers.flatMap((viewer) => viewer.all('child')).filter((one) => one.slice === 2 && one.expected);
    expect(told.length).toBe(served.filter((parent) => parent.kind === 'peer').length);
    expect((await rig.debug()).streams[0]).toMatchObject({ parity: true, parityWhy: 'It is set so.' });
    const page = await (await fetch(`${rig.base}/debug`, { headers: { accept: 'text/html' } })).text();
    expect(page).toContain('with parity: It is set so.');
    expect((await put('parity=off')).status).toBe(200);
    for (const viewer of viewers) {
      await viewer.next('plan', (one) => one.serial === viewer.plan.serial && one.parity === undefined);
      expect(slicesOf(viewer)).toEqual([0, 1]);
    }
    await until('everybody to forget such children', () => {
      const words = viewers.flatMap((viewer) => viewer.all('child')).filter((one) => one.slice === 2);
      return words.filter((one) => !one.expected).length >= told.length;
    });
  });

  it('gives none to who is fed by forwards alone', async () => {
    rig = await Rig.start({ parity: 'on' });
    await rig.forward('fone1');
    await rig.seated(3);
    const alone = await rig.viewer({ shares: false });
    expect(await alone.planned()).toMatchObject({ k: 2 });
    expect(alone.plan.parity).toBeUndefined();
    expect(slicesOf(alone)).toEqual([0, 1]);
  });
});
