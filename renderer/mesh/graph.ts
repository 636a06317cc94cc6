// The mesh as a graph: tables in, nodes and edges out. What was not touched keeps its object, so that nothing is drawn twice; where a
// node stands is layout.ts, what is folded together is clusters.ts.
import type { MeshTables, ViewerTableRow } from '../../protocol/mesh-tables.ts';
import { edgeHealth, takenOver, viewerHealth, type Health } from './health.ts';

export type NodeKind = 'source' | 'coordinate' | 'tracker' | 'forward' | 'viewer';
/** One slice's tree, or all of them. */
export type Tree = 'all' | number;
type Tables = Partial<MeshTables>;

export interface MeshNode {
  id: string;
  kind: NodeKind;
  /** Its key in the table of its kind. */
  key: string;
  name: string;
  /** 0 source, 1 coordinate and tracker, 2 forward, 2 + depth for a viewer. */
  layer: number;
  /** Ids of everyone it is fed by. */
  parents: readonly string[];
  /** The one of them it stands below: its parent in the tree that gives its layer. Walks along it end at a forward. */
  trunk: string | null;
  health: Health;
  state: string;
  region: string;
  stream: string | null;
  tracker: string | null;
  /** What it receives (a viewer) or sends (a forward). */
  bitsPerSecond: number;
  /** Arrival delay of a viewer, load of a server in hundredths; null where unknown. */
  figure: number | null;
}

export interface MeshEdge {
  id: string;
  from: string;
  to: string;
  /** feed: between servers; tree: a slice to a viewer; link: words only, no media. */
  kind: 'feed' | 'tree' | 'link';
  slice: number | null;
  bitsPerSecond: number;
  health: Health;
}

export interface Graph {
  tree: Tree;
  tables: Tables;
  /** Servers and sources: few, made anew each time. */
  servers: readonly MeshNode[];
  viewers: ReadonlyMap<string, MeshNode>;
  /** Edges into each viewer, by its id. An edge's `from` may have left already. */
  into: ReadonlyMap<string, readonly MeshEdge[]>;
  between: readonly MeshEdge[];
  /** Most slices any swarm is cut into, the parity slice with them. */
  slices: number;
  rows: Readonly<Record<string, ViewerTableRow>>;
}

/** Layer of the viewers that a forward serves itself. */
export const FIRST_VIEWER_LAYER = 3;
export const sourceId = (stream: string): string => `s:${stream}`;
export const coordinateId = (base: string): string => `c:${base}`;
const SHORT_ID_CHARS = 9;

/** @param previous what this function returned for the tables before: its objects are used again where nothing changed */
export function buildGraph(tables: Tables, tree: Tree, previous: Graph | null = null): Graph {
  const old = previous?.tree === tree ? previous : null;
  const targets = targetsOf(tables);
  const stable =
    old !== null && old.tables.swarms === tables.swarms && old.tables.trackers === tables.trackers ? old : null;
  const taken = takenOver(tables.links ?? {});
  const takenBefore = stable === null ? taken : takenOver(stable.tables.links ?? {});
  const isCalm = taken.size === 0 && takenBefore.size === 0;
  const viewers = new Map(stable?.viewers);
  const into = new Map(stable?.into);
  const rows = tables.viewers ?? {};
  const rowsBefore = stable?.rows ?? {};
  let here = 0;
  // Most rows are the very objects they were: all that is done for them is this comparison.
  for (const id in rows) {
    const row = rows[id];
    if (row === undefined) continue;
    here++;
    if (row === rowsBefore[id] && (isCalm || takenBefore.get(id) === taken.get(id))) continue;
    const targetMs = targets.get(row.stream) ?? null;
    const region = tables.trackers?.[row.tracker]?.region ?? '';
    viewers.set(id, viewerNode(id, row, tree, region, targetMs));
    into.set(id, edgesInto(id, row, tree, targetMs, taken.get(id) ?? ''));
  }
  if (viewers.size > here)
    for (const id of viewers.keys())
      if (rows[id] === undefined) {
        viewers.delete(id);
        into.delete(id);
      }
  return { tree, tables, viewers, into, rows, ...serverSide(tables), slices: slicesOf(tables) };
}

/** Any node by its id. */
export function nodeOf(graph: Graph, id: string): MeshNode | null {
  return graph.viewers.get(id) ?? graph.servers.find((node) => node.id === id) ?? null;
}

/** Every edge, those whose beginning has left apart. */
export function edgesOf(graph: Graph): MeshEdge[] {
  const here = new Set(graph.servers.map((node) => node.id));
  const known = (id: string): boolean => graph.viewers.has(id) || here.has(id);
  return [...graph.between, ...[...graph.into.values()].flat()].filter((edge) => known(edge.from));
}

/** Everyone between a viewer and the forwards, and itself. */
export function pathOf(graph: Graph, viewer: string): Set<string> {
  const seen = new Set<string>();
  const ahead = [viewer];
  for (let id = ahead.pop(); id !== undefined; id = ahead.pop()) {
    const node = graph.viewers.get(id);
    if (!node || seen.has(id)) continue;
    seen.add(id);
    ahead.push(...node.parents);
  }
  return seen;
}

function targetsOf(tables: Tables): Map<string, number> {
  const targets = new Map<string, number>();
  for (const row of Object.values(tables.swarms ?? {})) targets.set(row.name, row.targetDelayMs);
  return targets;
}

const slicesOf = (tables: Tables): number =>
  Object.values(tables.swarms ?? {}).reduce((most, row) => Math.max(most, (row.k ?? 1) + (row.parity ? 1 : 0)), 1);

function viewerNode(id: string, row: ViewerTableRow, tree: Tree, region: string, targetMs: number | null): MeshNode {
  const parents = (row.parents ?? []).filter((parent) => tree === 'all' || parent.slice === tree);
  const ids = [...new Set(parents.map((parent) => parent.id))];
  const slice = standingSlice(row, tree);
  return {
    id,
    kind: 'viewer',
    key: id,
    name: shortId(id),
    layer: FIRST_VIEWER_LAYER - 1 + Math.max(1, row.depths?.[slice] ?? row.depth ?? 1),
    parents: ids,
    trunk: row.parents?.find((parent) => parent.slice === slice)?.id ?? ids[0] ?? null,
    health: viewerHealth(row, targetMs),
    state: row.state ?? 'joining',
    region,
    stream: row.stream,
    tracker: row.tracker,
    bitsPerSecond: (row.forwardBitsPerSecond ?? 0) + (row.peersBitsPerSecond ?? 0),
    figure: row.arrivalMs ?? null,
  };
}

/** All trees at once: who feeds others stands where it does that, who feeds nobody where it is deepest. */
function standingSlice(row: ViewerTableRow, tree: Tree): number {
  if (tree !== 'all') return tree;
  const depths = row.depths ?? [];
  return row.children?.[0]?.slice ?? Math.max(0, depths.indexOf(Math.max(...depths)));
}

function edgesInto(id: string, row: ViewerTableRow, tree: Tree, targetMs: number | null, taken: string): MeshEdge[] {
  const parents = row.parents ?? [];
  const seated = parents.filter((parent) => tree === 'all' || parent.slice === tree);
  if (parents.length === 0)
    return row.tracker
      ? [
          {
            id: `${row.tracker}>${id}`,
            from: row.tracker,
            to: id,
            kind: 'link',
            slice: null,
            bitsPerSecond: 0,
            health: 'off',
          },
        ]
      : [];
  const fromForward = parents.filter((parent) => parent.kind === 'forward').length;
  const fromPeers = parents.length - fromForward;
  return seated.map((parent) => ({
    id: `${parent.id}>${id}#${parent.slice}`,
    from: parent.id,
    to: id,
    kind: 'tree',
    slice: parent.slice,
    bitsPerSecond:
      parent.kind === 'forward'
        ? (row.forwardBitsPerSecond ?? 0) / fromForward
        : (row.peersBitsPerSecond ?? 0) / fromPeers,
    health: edgeHealth(row, parent, targetMs, taken),
  }));
}

function serverSide(tables: Tables): { servers: MeshNode[]; between: MeshEdge[] } {
  const servers: MeshNode[] = [];
  const between: MeshEdge[] = [];
  const plain = { stream: null, tracker: null, bitsPerSecond: 0, figure: null, region: '' } as const;
  const coordinates = Object.entries(tables.coordinates ?? {});
  for (const [name, row] of Object.entries(tables.streams ?? {})) {
    const id = sourceId(name);
    const health: Health = row.state === 'live' ? 'ok' : row.state === 'interrupted' ? 'lossy' : 'off';
    servers.push({
      ...plain,
      id,
      kind: 'source',
      key: name,
      name,
      layer: 0,
      parents: [],
      trunk: null,
      health,
      state: row.state,
      stream: name,
    });
    const to = coordinateId(row.coordinate);
    if (tables.coordinates?.[row.coordinate]) between.push(wire(id, to, 'feed', health));
  }
  for (const [base, row] of coordinates) {
    const parents = Object.entries(tables.streams ?? {}).flatMap(([name, stream]) =>
      stream.coordinate === base ? [sourceId(name)] : [],
    );
    const health = healthOf(row.state);
    servers.push({
      ...plain,
      id: coordinateId(base),
      kind: 'coordinate',
      key: base,
      name: row.program ?? hostOf(base),
      layer: 1,
      parents,
      trunk: parents[0] ?? null,
      health,
      state: row.state,
    });
  }
  for (const [id, row] of Object.entries(tables.trackers ?? {})) {
    const health = healthOf(row.state);
    servers.push({
      ...plain,
      id,
      kind: 'tracker',
      key: id,
      name: row.program ?? shortId(id),
      layer: 1,
      parents: [],
      trunk: null,
      health,
      state: row.state,
      region: row.region,
      figure: Math.round((row.load ?? 0) * 100),
      tracker: id,
    });
    for (const forward of row.forwards ?? [])
      if (tables.forwards?.[forward]) between.push(wire(id, forward, 'link', health));
  }
  for (const [id, row] of Object.entries(tables.forwards ?? {})) {
    const parents = coordinates.map(([base]) => coordinateId(base));
    servers.push({
      ...plain,
      id,
      kind: 'forward',
      key: id,
      name: row.program ?? shortId(id),
      layer: 2,
      parents,
      trunk: parents[0] ?? null,
      health: row.load >= 1 ? 'late' : 'ok',
      state: 'here',
      region: row.region,
      bitsPerSecond: row.egressBitsPerSecond ?? 0,
      figure: Math.round((row.load ?? 0) * 100),
      tracker: row.tracker,
    });
    for (const parent of parents) between.push(wire(parent, id, 'feed', 'ok'));
  }
  return { servers, between };
}

const wire = (from: string, to: string, kind: 'feed' | 'link', health: Health): MeshEdge => ({
  id: `${from}>${to}`,
  from,
  to,
  kind,
  slice: null,
  bitsPerSecond: 0,
  health,
});

const healthOf = (state: string): Health => (state === 'lost' ? 'lossy' : 'ok');
const shortId = (id: string): string => (id.length > SHORT_ID_CHARS ? id.slice(0, SHORT_ID_CHARS) : id);

function hostOf(base: string): string {
  try {
    return new URL(base).host;
  } catch {
    return base;
  }
}
