// The mesh as one indented list for the table: every server and viewer once, below whoever feeds it in one tree. Pure.
import { sourceId, type Graph, type MeshNode } from './graph.ts';

export interface TreeRow {
  node: MeshNode;
  /** From 1. */
  level: number;
  isOpen: boolean;
  /** Rows right below it, open or not. */
  children: number;
  /** Its place among those beside it, from 1, and how many they are. */
  place: number;
  beside: number;
}

export interface TreeChoice {
  /** Which tree decides who stands below whom. */
  slice: number;
  /** Closed and opened by hand; whoever is not named is open while there are few. */
  toggled: ReadonlyMap<string, boolean>;
  /** Which viewers are left, with everyone above them; null: all. */
  matches: ((node: MeshNode) => boolean) | null;
}

/** So many viewers are all shown open at first. */
const MAX_OPEN = 200;
const SERVER_LEVELS = 3;

export function treeRows(graph: Graph, { slice, toggled, matches }: TreeChoice): TreeRow[] {
  const below = childrenBy(graph, slice);
  const left = matches === null ? null : withAncestors(graph, below, matches);
  const opensAll = left !== null || graph.viewers.size <= MAX_OPEN;
  const rows: TreeRow[] = [];
  const seen = new Set<string>();
  const add = (nodes: readonly MeshNode[], level: number): void => {
    const here = nodes.filter((node) => !seen.has(node.id) && (left === null || left.has(node.id)));
    for (const node of here) seen.add(node.id);
    for (const [i, node] of here.entries()) {
      const children = below.get(node.id) ?? [];
      const isOpen = toggled.get(node.id) ?? (opensAll || level < SERVER_LEVELS);
      rows.push({ node, level, isOpen, children: children.length, place: i + 1, beside: here.length });
      if (isOpen) add(children, level + 1);
    }
  };
  add(below.get('') ?? [], 1);
  return rows;
}

/** By id of who feeds them; under '' those at the top. Nobody is its own ancestor: a circle hangs below its tracker. */
function childrenBy(graph: Graph, slice: number): Map<string, MeshNode[]> {
  const servers = new Map(graph.servers.map((node) => [node.id, node]));
  const below = new Map<string, MeshNode[]>();
  const put = (parent: string, node: MeshNode): void => {
    const list = below.get(parent);
    if (list) list.push(node);
    else below.set(parent, [node]);
  };
  const parentOf = new Map<string, string>();
  for (const [id, row] of Object.entries(graph.rows)) {
    const parent = (row.parents?.find((one) => one.slice === slice) ?? row.parents?.[0])?.id;
    if (parent !== undefined && (servers.has(parent) || graph.viewers.has(parent))) parentOf.set(id, parent);
  }
  const isRooted = rooted(parentOf, servers);
  for (const node of graph.servers) {
    const parent = node.kind === 'tracker' ? '' : (node.parents.find((id) => servers.has(id)) ?? '');
    put(parent, node);
  }
  for (const node of graph.viewers.values()) {
    const parent = isRooted(node.id) ? (parentOf.get(node.id) ?? '') : '';
    const fallback = node.tracker !== null && servers.has(node.tracker) ? node.tracker : firstSource(node, servers);
    put(parent === '' ? fallback : parent, node);
  }
  return below;
}

/** Whether a walk upwards ends at a server. */
function rooted(
  parentOf: ReadonlyMap<string, string>,
  servers: ReadonlyMap<string, MeshNode>,
): (id: string) => boolean {
  const known = new Map<string, boolean>();
  return (id) => {
    const walk: string[] = [];
    let at: string | undefined = id;
    while (at !== undefined && !known.has(at) && !servers.has(at)) {
      known.set(at, false); // met again on this walk: a circle
      walk.push(at);
      at = parentOf.get(at);
    }
    const ends = at !== undefined && (servers.has(at) || known.get(at) === true);
    for (const one of walk) known.set(one, ends);
    return known.get(id) ?? ends;
  };
}

function firstSource(node: MeshNode, servers: ReadonlyMap<string, MeshNode>): string {
  const id = sourceId(node.stream ?? '');
  return servers.has(id) ? id : '';
}

function withAncestors(
  graph: Graph,
  below: ReadonlyMap<string, readonly MeshNode[]>,
  matches: (node: MeshNode) => boolean,
): Set<string> {
  const above = new Map<string, string>();
  for (const [parent, children] of below) for (const child of children) above.set(child.id, parent);
  const left = new Set(graph.servers.map((node) => node.id));
  for (const node of graph.viewers.values()) {
    if (!matches(node)) continue;
    for (let id: string | undefined = node.id; id && !left.has(id); id = above.get(id)) left.add(id);
  }
  return left;
}
