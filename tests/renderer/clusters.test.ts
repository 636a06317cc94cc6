// Level of detail: up to 200 viewers one by one, more in clusters, and nobody is lost on the way.
import { describe, expect, it } from 'vitest';
import { foldGraph, itemsOf, OPEN_STEP, type Cluster, type Detail, type Scene } from '../../renderer/mesh/clusters.ts';
import { buildGraph, edgesOf, pathOf } from '../../renderer/mesh/graph.ts';
import { filterOf, NO_FILTERS } from '../../renderer/mesh/filter.ts';
import { FakeMesh } from '../support/fake-mesh.ts';

const graphOf = (viewers: number) => buildGraph(new FakeMesh(viewers).tables, 'all');
const PLAIN: Detail = { open: {}, pinned: new Set(), matches: null, wasFolded: false };
const singles = (scene: Scene) => scene.nodes.filter(({ kind }) => kind === 'viewer').map(({ id }) => id);
const clusters = (scene: Scene) => scene.nodes.filter((node): node is Cluster => node.kind === 'cluster');
const folded = (scene: Scene) => clusters(scene).flatMap(({ members }) => members.map(({ id }) => id));

describe('up to 200 viewers', () => {
  it.each([0, 1, 37, 200])('draws each of %i, with all edges', (viewers) => {
    const graph = graphOf(viewers);
    for (const wasFolded of [false, true]) {
      const scene = foldGraph(graph, { ...PLAIN, wasFolded });
      expect(singles(scene)).toHaveLength(viewers);
      expect(scene.isFolded).toBe(false);
      expect(scene.edges).toHaveLength(edgesOf(graph).length);
    }
  });

  it('an audience of about 200 does not fold and unfold with everyone who comes or goes', () => {
    expect(foldGraph(graphOf(210), PLAIN).isFolded).toBe(false);
    expect(foldGraph(graphOf(210), { ...PLAIN, wasFolded: true }).isFolded).toBe(true);
  });
});

describe('2,000 viewers', () => {
  const graph = graphOf(2_000);
  const scene = foldGraph(graph, PLAIN);

  it('are each in one place, and few places are drawn', () => {
    const everyone = [...singles(scene), ...folded(scene)].toSorted();
    expect(everyone).toEqual([...graph.viewers.keys()].toSorted());
    expect(scene.nodes.length).toBeLessThan(120);
    for (const id of graph.viewers.keys()) expect(scene.standsFor.has(id)).toBe(true);
  });

  it('have clusters whose counts add up', () => {
    for (const { counts, members } of clusters(scene))
      expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(members.length);
  });

  it('have edges only between what is drawn, and none from a cluster to itself', () => {
    const drawn = new Set(scene.nodes.map(({ id }) => id));
    for (const { from, to } of scene.edges) {
      expect(drawn.has(from) && drawn.has(to)).toBe(true);
      expect(from).not.toBe(to);
    }
    expect(new Set(scene.edges.map(({ id }) => id)).size).toBe(scene.edges.length);
  });

  it('keep their clusters when one viewer leaves', () => {
    const tables = new FakeMesh(2_000).tables;
    const leaf = Object.values(graph.rows).find((row) => row.children.length === 0)?.id ?? '';
    const { [leaf]: _left, ...viewers } = tables.viewers;
    const after = foldGraph(buildGraph({ ...tables, viewers }, 'all'), PLAIN);
    const ids = (of: Scene): string[] =>
      clusters(of)
        .map(({ id }) => id)
        .toSorted();
    expect(ids(after)).toEqual(ids(scene));
  });

  it('open step by step', () => {
    const biggest = clusters(scene).toSorted((a, b) => b.members.length - a.members.length)[0];
    if (!biggest) throw new Error('no cluster');
    const opened = foldGraph(graph, { ...PLAIN, open: { [biggest.id]: OPEN_STEP } });
    expect(singles(opened)).toHaveLength(singles(scene).length + OPEN_STEP);
    const rest = clusters(opened).find(({ id }) => id === biggest.id);
    expect(rest?.members).toHaveLength(biggest.members.length - OPEN_STEP);
    expect(rest?.shown).toBe(OPEN_STEP);
    expect([...singles(opened), ...folded(opened)]).toHaveLength(2_000);
  });

  it('show who is followed with everyone on its way', () => {
    const pinned = pathOf(graph, 'v01999');
    const shown = new Set(singles(foldGraph(graph, { ...PLAIN, pinned })));
    for (const id of pinned) expect(shown.has(id)).toBe(true);
  });

  it('unfold when the filters leave few', () => {
    const scene = foldGraph(graph, { ...PLAIN, matches: (node) => node.id < 'v00100' });
    expect(scene).toMatchObject({ isFolded: false, matching: 99, total: 2_000 });
    expect(singles(scene)).toHaveLength(99);
    expect(filterOf(NO_FILTERS)).toBeNull();
    expect(foldGraph(graph, { ...PLAIN, matches: filterOf({ ...NO_FILTERS, region: 'nowhere' }) }).matching).toBe(0);
  });

  it('are counted as Health counts them, without a console’s monitor', () => {
    const [[id, row] = ['', undefined]] = Object.entries(graph.rows);
    const rows = { ...graph.rows, [id]: { ...row, role: 'monitor' } } as typeof graph.rows;
    expect(scene.audience).toEqual({ total: 2_000, matching: 2_000 });
    expect(foldGraph({ ...graph, rows }, PLAIN).audience).toEqual({ total: 1_999, matching: 1_999 });
    const one = foldGraph({ ...graph, rows }, { ...PLAIN, matches: (node) => node.id === id });
    expect(one).toMatchObject({ total: 2_000, matching: 1, audience: { total: 1_999, matching: 0 } });
  });

  it('give the layout items below their trunk', () => {
    const items = itemsOf(scene);
    expect(new Set(items.map(({ id }) => id)).size).toBe(scene.nodes.length);
    const layers = new Map(items.map(({ id, layer }) => [id, layer]));
    for (const { id, layer, parents } of items)
      for (const parent of parents) expect(layers.get(parent), id).toBeLessThan(layer);
  });
});
