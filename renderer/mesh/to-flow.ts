// A scene in React Flow's terms. What did not change keeps its object, so that React Flow draws it no second time.
import { Position, type Edge, type Node } from '@xyflow/react';
import type { Cluster, Scene, Shown, ShownEdge } from './clusters.ts';
import type { MeshNode } from './graph.ts';
import { HEALTH_WORDS, type Health } from './health.ts';
import { many, milliseconds } from './figures.ts';
import { COLUMN_PX, ROW_PX, type Point } from './layout.ts';
import type { Chosen } from './view-store.ts';

export type ViewerFlowNode = Node<{ node: MeshNode }, 'viewer'>;
export type ServerFlowNode = Node<{ node: MeshNode }, 'server'>;
export type ClusterFlowNode = Node<{ cluster: Cluster }, 'cluster'>;
export type FlowNode = ViewerFlowNode | ServerFlowNode | ClusterFlowNode;
export type FlowEdge = Edge<{ edge: ShownEdge; offset: number; isMoving: boolean }, 'mesh'>;

export const NODE_WIDTH = COLUMN_PX - 16;
const HEIGHTS = { viewer: ROW_PX - 8, server: 2 * ROW_PX - 10, cluster: 4 * ROW_PX - 12 } as const;
/** Moving dashes are painted anew for every picture: so many at once stay smooth without a graphics card. */
const MAX_MOVING = 60;
/** Slices enter side by side. */
const SLICE_STEP_PX = 5;

interface Kept<K, T> {
  of: K;
  made: T;
}

type KeptNode = Kept<Shown, FlowNode> & { x: number; y: number; isChosen: boolean };
type KeptEdge = Kept<ShownEdge, FlowEdge> & { isLit: boolean; isMoving: boolean; slices: number };

export class FlowCache {
  #nodes = new Map<string, KeptNode>();
  #edges = new Map<string, KeptEdge>();

  /** Nodes that have a place already. */
  nodes(scene: Scene, points: ReadonlyMap<string, Point>, chosen: Chosen | null): FlowNode[] {
    const next = new Map<string, KeptNode>();
    const nodes: FlowNode[] = [];
    for (const shown of scene.nodes) {
      const at = points.get(shown.id);
      if (!at) continue;
      const isChosen = chosen?.is === 'node' && chosen.id === shown.id;
      const old = this.#nodes.get(shown.id);
      const isSame = old?.of === shown && old.x === at.x && old.y === at.y && old.isChosen === isChosen;
      const kept = isSame ? old : { of: shown, x: at.x, y: at.y, isChosen, made: flowNode(shown, at, isChosen) };
      next.set(shown.id, kept);
      nodes.push(kept.made);
    }
    this.#nodes = next;
    return nodes;
  }

  /** Edges whose both ends have a place. */
  edges(scene: Scene, points: ReadonlyMap<string, Point>, chosen: Chosen | null, slices: number): FlowEdge[] {
    const next = new Map<string, KeptEdge>();
    const edges: FlowEdge[] = [];
    const movesAll = scene.edges.length <= MAX_MOVING;
    for (const edge of scene.edges) {
      if (!points.has(edge.from) || !points.has(edge.to)) continue;
      const isLit = chosen?.is === 'edge' ? chosen.id === edge.id : chosen?.id === edge.from || chosen?.id === edge.to;
      const isMoving = (movesAll || isLit) && (edge.bitsPerSecond > 0 || edge.kind === 'feed') && edge.health !== 'off';
      const old = this.#edges.get(edge.id);
      const isSame = old?.of === edge && old.isLit === isLit && old.isMoving === isMoving && old.slices === slices;
      const kept = isSame
        ? old
        : { of: edge, isLit, isMoving, slices, made: flowEdge(edge, isLit, isMoving, slices, chosen) };
      next.set(edge.id, kept);
      edges.push(kept.made);
    }
    this.#edges = next;
    return edges;
  }
}

function flowNode(shown: Shown, position: Point, selected: boolean): FlowNode {
  const type = shown.kind === 'cluster' || shown.kind === 'viewer' ? shown.kind : 'server';
  const height = HEIGHTS[type];
  const at = { y: height / 2, width: 1, height: 1 };
  const common = {
    id: shown.id,
    position: { ...position },
    width: NODE_WIDTH,
    height,
    measured: { width: NODE_WIDTH, height },
    selected,
    ariaLabel: labelOf(shown),
    handles: [
      { ...at, type: 'target' as const, position: Position.Left, x: 0 },
      { ...at, type: 'source' as const, position: Position.Right, x: NODE_WIDTH },
    ],
  };
  if (shown.kind === 'cluster') return { ...common, type: 'cluster', data: { cluster: shown } };
  return { ...common, type: shown.kind === 'viewer' ? 'viewer' : 'server', data: { node: shown } } as FlowNode;
}

export function labelOf(shown: Shown): string {
  if (shown.kind === 'cluster')
    return `${many(shown.members.length, 'viewer')}, ${hops(shown.layer)}, ${HEALTH_WORDS[shown.health]}. Opens when chosen.`;
  const delay = shown.kind === 'viewer' && shown.figure !== null ? `, ${milliseconds(shown.figure)}` : '';
  return `${shown.kind} ${shown.kind === 'viewer' ? shown.key : shown.name}, ${shown.state}, ${HEALTH_WORDS[shown.health]}${delay}`;
}

export const hops = (layer: number): string => many(layer - 2, 'hop');

function flowEdge(edge: ShownEdge, isLit: boolean, isMoving: boolean, slices: number, chosen: Chosen | null): FlowEdge {
  const offset = edge.slice === null || slices < 2 ? 0 : (edge.slice - (slices - 1) / 2) * SLICE_STEP_PX;
  return {
    id: edge.id,
    type: 'mesh',
    source: edge.from,
    target: edge.to,
    selected: chosen?.is === 'edge' && chosen.id === edge.id,
    className: isLit ? 'lit' : '',
    focusable: false,
    domAttributes: { 'aria-hidden': true },
    data: { edge, offset, isMoving },
  };
}

export const healthColour = (health: Health): string => `var(--mesh-${health})`;
