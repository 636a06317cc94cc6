// Level of detail: up to 200 viewers are drawn one by one; above that those of one branch and depth fold into a cluster that opens
// step by step. Also what the filters leave. Pure: the graph and the view in, what is to be drawn out.
import { FIRST_VIEWER_LAYER, nodeOf, type Graph, type MeshEdge, type MeshNode } from './graph.ts';
import { noCounts, prevailing, type Health } from './health.ts';
import type { Item } from './layout.ts';

/** Up to here each viewer is a node of its own. */
export const MAX_SINGLE_VIEWERS = 200;
/** So many more are drawn one by one while they were before: an audience about that size does not fold and unfold all the time. */
const GRACE_VIEWERS = 40;
/** How many more viewers one opening of a cluster shows. */
export const OPEN_STEP = 100;
/** Flows between clusters that carry less than this share of what a cluster gets are left out. */
const MIN_SHARE = 0.12;
/** The branches below a forward's own viewers are put into so many lanes: enough to see, few enough to stay readable. */
const LANES = 3;
/** Fewer are not worth a cluster. */
const MIN_CLUSTER = 4;
const SPANS: Record<MeshNode['kind'] | 'cluster', number> = {
  source: 2,
  coordinate: 2,
  tracker: 2,
  forward: 2,
  viewer: 1,
  cluster: 4,
};

export interface Cluster {
  id: string;
  kind: 'cluster';
  layer: number;
  /** Where most of it hangs. */
  trunk: string | null;
  region: string;
  stream: string | null;
  /** Viewers folded into it. */
  members: readonly MeshNode[];
  counts: Readonly<Record<Health, number>>;
  health: Health;
  bitsPerSecond: number;
  /** Viewers of the same place that stand beside it because it was opened. */
  shown: number;
}

export type Shown = MeshNode | Cluster;

export interface ShownEdge extends MeshEdge {
  /** Edges of the graph that it stands for. */
  count: number;
}

export interface Scene {
  nodes: readonly Shown[];
  clusters: ReadonlyMap<string, Cluster>;
  edges: readonly ShownEdge[];
  /** Which node stands for a viewer: itself or its cluster. */
  standsFor: ReadonlyMap<string, string>;
  total: number;
  /** Of these, people: neither consoles' monitors nor relays that a deployer runs. */
  audience: { total: number; matching: number };
  matching: number;
  isFolded: boolean;
}

export interface Detail {
  /** How many viewers of a cluster were opened, by its id. */
  open: Readonly<Record<string, number>>;
  /** Always drawn one by one: who is followed, found or chosen. */
  pinned: ReadonlySet<string>;
  /** Which viewers the filters leave; null: all. */
  matches: ((node: MeshNode) => boolean) | null;
  /** Whether the scene before was folded. */
  wasFolded: boolean;
}

export function foldGraph(graph: Graph, detail: Detail): Scene {
  const left: MeshNode[] = [];
  const audience = { total: 0, matching: 0 };
  for (const node of graph.viewers.values()) {
    const isMatching = detail.matches === null || detail.pinned.has(node.id) || detail.matches(node);
    if (isMatching) left.push(node);
    if ((graph.rows[node.id]?.role ?? 'viewer') !== 'viewer') continue;
    audience.total++;
    if (isMatching) audience.matching++;
  }
  const isFolded = left.length > MAX_SINGLE_VIEWERS + (detail.wasFolded ? 0 : GRACE_VIEWERS);
  const { nodes, standsFor } = isFolded
    ? fold(graph, left, detail)
    : { nodes: left, standsFor: new Map<string, string>() };
  if (!isFolded) for (const node of left) standsFor.set(node.id, node.id);
  for (const node of graph.servers) standsFor.set(node.id, node.id);
  return {
    nodes: [...graph.servers, ...nodes],
    clusters: new Map(nodes.flatMap((node) => (node.kind === 'cluster' ? [[node.id, node] as const] : []))),
    edges: gather(graph, left, standsFor, isFolded),
    standsFor,
    total: graph.viewers.size,
    audience,
    matching: left.length,
    isFolded,
  };
}

/** What the layout needs to know of the scene. */
export function itemsOf(scene: Scene): Item[] {
  return scene.nodes.map((node) => ({
    id: node.id,
    layer: node.layer,
    parents: [
      ...new Set(
        (node.kind === 'viewer' || node.kind === 'cluster' ? [node.trunk ?? ''] : node.parents).flatMap(
          (id) => scene.standsFor.get(id) ?? [],
        ),
      ),
    ],
    span: SPANS[node.kind],
  }));
}

export function findShown(scene: Scene, graph: Graph, id: string): Shown | null {
  return nodeOf(graph, id) ?? scene.clusters.get(id) ?? null;
}

function fold(
  graph: Graph,
  left: readonly MeshNode[],
  { open, pinned }: Detail,
): { nodes: Shown[]; standsFor: Map<string, string> } {
  const nodes: Shown[] = [];
  const standsFor = new Map<string, string>();
  const laneOf = lanes(graph);
  const groups = new Map<string, { members: MeshNode[]; shown: number }>();
  for (const node of left) {
    const id = `g:${node.tracker ?? ''}|${node.stream ?? ''}|${laneOf(node)}|${node.layer}`;
    let group = groups.get(id);
    if (!group) groups.set(id, (group = { members: [], shown: 0 }));
    const isOpen = group.shown < (open[id] ?? 0);
    if (isOpen) group.shown++;
    if (isOpen || pinned.has(node.id)) {
      nodes.push(node);
      standsFor.set(node.id, node.id);
    } else {
      group.members.push(node);
      standsFor.set(node.id, id);
    }
  }
  for (const [id, { members, shown }] of groups) {
    const [first] = members;
    if (first && members.length >= MIN_CLUSTER) nodes.push(cluster(id, first, members, shown));
    else
      for (const member of members) {
        nodes.push(member);
        standsFor.set(member.id, member.id);
      }
  }
  return { nodes, standsFor };
}

function cluster(id: string, first: MeshNode, members: readonly MeshNode[], shown: number): Cluster {
  const counts = noCounts();
  let bitsPerSecond = 0;
  for (const member of members) {
    counts[member.health]++;
    bitsPerSecond += member.bitsPerSecond;
  }
  const { layer, trunk, region, stream } = first;
  const health = prevailing(counts);
  return { id, kind: 'cluster', layer, trunk, region, stream, members, counts, health, bitsPerSecond, shown };
}

/** The branch of a viewer: its forward, and which of the lanes below it. Whole subtrees share a lane, so flows run along it. */
function lanes(graph: Graph): (node: MeshNode) => string {
  const known = new Map<string, string>();
  const laneOf = (node: MeshNode): string => {
    const walk: MeshNode[] = [];
    let lane: string | undefined;
    for (let at: MeshNode | undefined = node; at && lane === undefined;) {
      lane = known.get(at.id);
      if (lane !== undefined) break;
      walk.push(at);
      const above: MeshNode | undefined = at.trunk === null ? undefined : graph.viewers.get(at.trunk);
      if (at.layer <= FIRST_VIEWER_LAYER || !above || above.layer >= at.layer)
        lane = `${at.trunk ?? ''}.${hash(at.id) % LANES}`;
      at = above;
    }
    for (const one of walk) known.set(one.id, lane ?? '');
    return lane ?? '';
  };
  return laneOf;
}

function hash(text: string): number {
  let value = 7;
  for (let i = 0; i < text.length; i++) value = (Math.imul(value, 31) + text.charCodeAt(i)) >>> 0;
  return value;
}

function gather(
  graph: Graph,
  left: readonly MeshNode[],
  standsFor: ReadonlyMap<string, string>,
  isFolded: boolean,
): ShownEdge[] {
  const edges: ShownEdge[] = [];
  for (const edge of graph.between) if (standsFor.has(edge.from) && standsFor.has(edge.to)) edges.push(single(edge));
  const bundles = new Map<string, Map<string, Bundle>>();
  for (const { id } of left) {
    const to = standsFor.get(id) ?? id;
    let into: Map<string, Bundle> | null = null;
    for (const edge of graph.into.get(id) ?? []) {
      const from = standsFor.get(edge.from);
      if (from === undefined || from === to) continue;
      if (!isFolded || (from === edge.from && to === id)) {
        edges.push(single(edge));
        continue;
      }
      into ??= bundles.get(to) ?? null;
      if (!into) bundles.set(to, (into = new Map()));
      let bundle = into.get(from);
      if (!bundle) into.set(from, (bundle = { count: 0, bitsPerSecond: 0, counts: noCounts(), kind: edge.kind }));
      bundle.count++;
      bundle.bitsPerSecond += edge.bitsPerSecond;
      bundle.counts[edge.health]++;
    }
  }
  for (const [to, into] of bundles) {
    const all = [...into.values()].reduce((sum, bundle) => sum + bundle.count, 0);
    for (const [from, { count, bitsPerSecond, counts, kind }] of into)
      if (count >= all * MIN_SHARE)
        edges.push({
          id: `${from}>${to}`,
          from,
          to,
          kind,
          slice: null,
          bitsPerSecond,
          health: prevailing(counts),
          count,
        });
  }
  return edges;
}

interface Bundle {
  count: number;
  bitsPerSecond: number;
  counts: Record<Health, number>;
  kind: MeshEdge['kind'];
}

const singles = new WeakMap<MeshEdge, ShownEdge>();

/** The same object for the same edge, so that what is drawn stays drawn. */
function single(edge: MeshEdge): ShownEdge {
  let shown = singles.get(edge);
  if (!shown) singles.set(edge, (shown = { ...edge, count: 1 }));
  return shown;
}
