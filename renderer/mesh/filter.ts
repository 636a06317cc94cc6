// Search and filters as pure functions: which viewers are left, and what a search finds.
import type { Graph, MeshNode } from './graph.ts';
import { HEALTH_WORDS, isProblem } from './health.ts';

export interface Filters {
  /** Empty: any. */
  region: string;
  state: string;
  onlyProblems: boolean;
}

export const NO_FILTERS: Filters = { region: '', state: '', onlyProblems: false };
const MAX_FOUND = 12;

/** @returns null when everything is left */
export function filterOf(filters: Filters): ((node: MeshNode) => boolean) | null {
  const { region, state, onlyProblems } = filters;
  if (!region && !state && !onlyProblems) return null;
  return (node) =>
    (!region || node.region === region) &&
    (!state || node.state === state) &&
    (!onlyProblems || isProblem(node.health));
}

/** Nodes whose id, name, address, state or health has the words, servers first. */
export function search(graph: Graph, words: string, most = MAX_FOUND): { found: MeshNode[]; count: number } {
  const asked = words.trim().toLowerCase();
  if (asked === '') return { found: [], count: 0 };
  const found: MeshNode[] = [];
  let count = 0;
  const look = (node: MeshNode): void => {
    if (!textOf(node, graph).includes(asked)) return;
    count++;
    if (found.length < most) found.push(node);
  };
  for (const node of graph.servers) look(node);
  for (const node of graph.viewers.values()) look(node);
  return { found, count };
}

/** What one can filter by, in order. */
export function choicesOf(graph: Graph): { regions: string[]; states: string[] } {
  const regions = new Set<string>();
  const states = new Set<string>();
  for (const node of graph.viewers.values()) {
    if (node.region) regions.add(node.region);
    states.add(node.state);
  }
  return { regions: [...regions].toSorted(), states: [...states].toSorted() };
}

function textOf(node: MeshNode, graph: Graph): string {
  return `${node.key} ${node.name} ${node.kind} ${addressOf(node, graph)} ${node.state} ${HEALTH_WORDS[node.health]}`.toLowerCase();
}

function addressOf(node: MeshNode, { tables }: Graph): string {
  if (node.kind === 'tracker') return tables.trackers?.[node.key]?.base ?? '';
  if (node.kind === 'forward') return tables.forwards?.[node.key]?.pull ?? '';
  return '';
}
