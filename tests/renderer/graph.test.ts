// The mesh as a graph: what stands where, how it is, and that nothing is made anew without a reason.
import { describe, expect, it } from 'vitest';
import type { MeshTables } from '../../protocol/mesh-tables.ts';
import { buildGraph, edgesOf, nodeOf, pathOf, type Graph } from '../../renderer/mesh/graph.ts';
import { prevailing, noCounts } from '../../renderer/mesh/health.ts';
import { treeRows } from '../../renderer/mesh/tree-rows.ts';
import { search } from '../../renderer/mesh/filter.ts';
import { FakeMesh } from '../support/fake-mesh.ts';

const tablesOf = (viewers: number): MeshTables => structuredClone(new FakeMesh(viewers).tables);

function withRow(tables: MeshTables, id: string, change: Partial<MeshTables['viewers'][string]>): MeshTables {
  const row = tables.viewers[id];
  if (!row) throw new Error(`no ${id}`);
  return { ...tables, viewers: { ...tables.viewers, [id]: { ...row, ...change } } };
}

const edgeInto = (graph: Graph, id: string) => graph.into.get(id)?.[0];

describe('nodes and edges', () => {
  const tables = tablesOf(40);
  const graph = buildGraph(tables, 'all');

  it('has one node for each source, server and viewer', () => {
    expect(graph.servers.map(({ kind }) => kind).toSorted()).toEqual([
      'coordinate',
      'forward',
      'forward',
      'source',
      'tracker',
    ]);
    expect(graph.viewers.size).toBe(40);
  });

  it('has an edge for every slice of every viewer, and its rate adds up to what the viewer receives', () => {
    for (const row of Object.values(tables.viewers)) {
      const edges = graph.into.get(row.id) ?? [];
      expect(edges.map(({ slice }) => slice)).toEqual(row.parents.map(({ slice }) => slice));
      const sum = edges.reduce((all, edge) => all + edge.bitsPerSecond, 0);
      expect(sum).toBeCloseTo(row.forwardBitsPerSecond + row.peersBitsPerSecond);
    }
  });

  it('shows one tree alone, in which everybody stands one layer below the one that feeds it', () => {
    const one = buildGraph(tables, 1);
    for (const edge of edgesOf(one).filter(({ kind }) => kind === 'tree')) {
      expect(edge.slice).toBe(1);
      expect(nodeOf(one, edge.to)?.layer).toBe((nodeOf(one, edge.from)?.layer ?? 0) + 1);
    }
  });

  it('leaves out edges from who has left, and links a viewer without a seat to its tracker', () => {
    const { v00001: _left, ...viewers } = tables.viewers;
    const seen = buildGraph(withRow({ ...tables, viewers }, 'v00040', { parents: [], depths: [], depth: null }), 'all');
    expect(edgesOf(seen).filter((edge) => edge.from === 'v00001' || edge.to === 'v00001')).toEqual([]);
    expect(edgeInto(seen, 'v00040')).toMatchObject({ from: 'tmain', kind: 'link' });
  });

  it('follows a viewer up to the forwards, circles included', () => {
    const path = pathOf(graph, 'v00040');
    expect(path.has('v00040')).toBe(true);
    expect([...path].every((id) => graph.viewers.has(id))).toBe(true);
    expect([...path].some((id) => graph.viewers.get(id)?.parents.includes('fwest'))).toBe(true);
  });

  it('takes rows of another release, in which much is missing', () => {
    const bare = { id: 'vold', stream: 'live', tracker: 'tmain' } as MeshTables['viewers'][string];
    const seen = buildGraph({ ...tables, viewers: { vold: bare } }, 'all');
    expect(seen.viewers.get('vold')).toMatchObject({ layer: 3, health: 'ok' });
    expect(buildGraph({}, 'all').viewers.size).toBe(0);
  });
});

describe('health', () => {
  const tables = tablesOf(40);
  const healthOf = (change: Partial<MeshTables['viewers'][string]>) => {
    const graph = buildGraph(withRow(tables, 'v00030', change), 'all');
    return [graph.viewers.get('v00030')?.health, edgeInto(graph, 'v00030')?.health];
  };

  it('is told by arrival, state and contradiction', () => {
    expect(healthOf({ arrivalMs: 300 })).toEqual(['ok', 'ok']);
    expect(healthOf({ arrivalMs: 700 })).toEqual(['late', 'late']); // the swarm shows everything 640 ms late
    expect(healthOf({ state: 'starving' })).toEqual(['lossy', 'lossy']);
    expect(healthOf({ mismatch: 'It claims another parent.' })).toEqual(['lossy', 'lossy']);
    expect(healthOf({ state: 'joining' })).toEqual(['off', 'off']);
  });

  it('names a forward that stands in for a lost parent', () => {
    const link = { forward: 'fwest', viewer: 'v00001', stream: 'live', lagMs: 5, skips: 0 };
    const slices = [{ k: 0, K: 2, why: 'takeover' }];
    const taken = { ...tables, links: { 'fwest/1': { ...link, slices } } };
    const before = buildGraph(tables, 'all');
    expect(edgeInto(before, 'v00001')?.health).toBe('ok');
    expect(edgeInto(buildGraph(taken, 'all', before), 'v00001')).toMatchObject({ from: 'fwest', health: 'takeover' });
  });

  it('of many is the worst that concerns a tenth of them', () => {
    expect(prevailing({ ...noCounts(), ok: 95, lossy: 5 })).toBe('ok');
    expect(prevailing({ ...noCounts(), ok: 80, lossy: 5, late: 15 })).toBe('late');
    expect(prevailing(noCounts())).toBe('ok');
  });
});

describe('a change', () => {
  it('makes only what it touches anew', () => {
    const tables = tablesOf(120);
    const before = buildGraph(tables, 'all');
    const after = buildGraph(withRow(tables, 'v00007', { arrivalMs: 999 }), 'all', before);
    const anew = [...after.viewers].filter(([id, node]) => before.viewers.get(id) !== node).map(([id]) => id);
    expect(anew).toEqual(['v00007']);
    expect(after).toMatchObject({ viewers: buildGraph(after.tables, 'all').viewers });
  });

  it('of the target delay is seen by everybody', () => {
    const tables = tablesOf(20);
    const before = buildGraph(tables, 'all');
    const swarm = tables.swarms['live'];
    if (!swarm) throw new Error('no swarm');
    const after = buildGraph({ ...tables, swarms: { live: { ...swarm, targetDelayMs: 150 } } }, 'all', before);
    expect([...after.viewers.values()].every(({ health }) => health === 'late')).toBe(true);
  });
});

describe('the table', () => {
  const tables = tablesOf(60);
  const choice = { slice: 0, toggled: new Map<string, boolean>(), matches: null };

  it('has every node once, each right below its parent', () => {
    const graph = buildGraph(tables, 'all');
    const rows = treeRows(graph, choice);
    const ids = rows.map(({ node }) => node.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBe(graph.viewers.size + graph.servers.length);
    for (const [i, row] of rows.entries())
      if (i > 0) expect(row.level).toBeLessThanOrEqual((rows[i - 1]?.level ?? 0) + 1);
  });

  it('keeps two who claim to feed each other', () => {
    const two = withRow(tables, 'v00050', { parents: [{ slice: 0, id: 'v00051', kind: 'peer' }] });
    const circle = withRow(two, 'v00051', { parents: [{ slice: 0, id: 'v00050', kind: 'peer' }] });
    const ids = treeRows(buildGraph(circle, 'all'), choice).map(({ node }) => node.id);
    expect(ids).toContain('v00050');
    expect(ids).toContain('v00051');
  });

  it('with a filter shows who is left and everyone above', () => {
    const graph = buildGraph(withRow(tables, 'v00055', { state: 'starving' }), 'all');
    const rows = treeRows(graph, { ...choice, matches: (node) => node.state === 'starving' });
    const viewers = rows.filter(({ node }) => node.kind === 'viewer').map(({ node }) => node.id);
    expect(viewers.at(-1)).toBe('v00055');
    expect(viewers.length).toBeLessThan(8);
  });
});

it('search finds ids, addresses and states', () => {
  const graph = buildGraph(withRow(tablesOf(60), 'v00055', { state: 'starving' }), 'all');
  expect(search(graph, 'V00055').found.map(({ id }) => id)).toEqual(['v00055']);
  expect(search(graph, 'starving').found.map(({ id }) => id)).toEqual(['v00055']);
  expect(search(graph, ':9998').found.map(({ id }) => id)).toEqual(['fwest']);
  expect(search(graph, 'v000')).toMatchObject({ count: 60 });
  expect(search(graph, '  ')).toEqual({ found: [], count: 0 });
});
