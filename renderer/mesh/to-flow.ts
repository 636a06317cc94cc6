// A scene as it is drawn: nodes in React Flow's terms, edges as paths. What did not change keeps its object, so that it is drawn no second
// time: every new node object makes React Flow ask all its nodes what changed.
import type { Node } from '@xyflow/react';
import type { Scene, Shown, ShownEdge } from './clusters.ts';
import { HEALTH_WORDS, type Health } from './health.ts';
import { many } from './figures.ts';
import { COLUMN_PX, ROW_PX, type Point } from './layout.ts';
import type { Chosen } from './view-store.ts';

/** Nodes carry only what React Flow needs; what they say they read from the scene by their id. */
export type FlowNode = Node<{ health: Health }, 'viewer' | 'server' | 'cluster'>;
export interface DrawnEdge {
  edge: ShownEdge;
  /** SVG path. */
  path: string;
  isLit: boolean;
  isMoving: boolean;
}

export const NODE_WIDTH = COLUMN_PX - 16;
const HEIGHTS = { viewer: ROW_PX - 8, server: 2 * ROW_PX - 10, cluster: 4 * ROW_PX - 12 } as const;
/** Moving dashes are painted anew for every picture: so many at once stay smooth without a graphics card. */
const MAX_MOVING = 60;
/** Slices enter side by side. */
const SLICE_STEP_PX = 5;

interface KeptNode {
  of: Shown;
  label: string;
  x: number;
  y: number;
  isChosen: boolean;
  made: FlowNode;
}

export class FlowCache {
  #nodes = new Map<string, KeptNode>();
  #edges = new Map<string, DrawnEdge>();
  #nodeList: readonly FlowNode[] = [];

  /** Nodes that have a place already; the same array when nothing about them changed. */
  nodes(scene: Scene, points: ReadonlyMap<string, Point>, chosen: Chosen | null): FlowNode[] {
    const next = new Map<string, KeptNode>();
    const nodes: FlowNode[] = [];
    for (const shown of scene.nodes) {
      const at = points.get(shown.id);
      if (!at) continue;
      const isChosen = chosen?.is === 'node' && chosen.id === shown.id;
      const old = this.#nodes.get(shown.id);
      const isPlaced = old?.x === at.x && old.y === at.y && old.isChosen === isChosen;
      if (isPlaced && old.of === shown) next.set(shown.id, old);
      else {
        const label = labelOf(shown);
        const made =
          isPlaced && old.label === label && old.made.data.health === shown.health
            ? old.made
            : flowNode(shown, at, isChosen, label);
        next.set(shown.id, { of: shown, label, x: at.x, y: at.y, isChosen, made });
      }
      nodes.push(next.get(shown.id)?.made ?? flowNode(shown, at, isChosen, labelOf(shown)));
    }
    this.#nodes = next;
    if (isSameList(this.#nodeList, nodes)) return this.#nodeList as FlowNode[];
    this.#nodeList = nodes;
    return nodes;
  }

  /** Edges whose both ends have a place. */
  edges(scene: Scene, points: ReadonlyMap<string, Point>, chosen: Chosen | null, slices: number): DrawnEdge[] {
    const next = new Map<string, DrawnEdge>();
    const edges: DrawnEdge[] = [];
    const movesAll = scene.edges.length <= MAX_MOVING;
    const heights = new Map(scene.nodes.map((node) => [node.id, HEIGHTS[typeOf(node)]]));
    for (const edge of scene.edges) {
      const [from, to] = [points.get(edge.from), points.get(edge.to)];
      if (!from || !to) continue;
      const offset = edge.slice === null || slices < 2 ? 0 : (edge.slice - (slices - 1) / 2) * SLICE_STEP_PX;
      const isLit = chosen?.is === 'edge' ? chosen.id === edge.id : chosen?.id === edge.from || chosen?.id === edge.to;
      const isMoving = (movesAll || isLit) && (edge.bitsPerSecond > 0 || edge.kind === 'feed') && edge.health !== 'off';
      const path = edgePath(
        from.x + NODE_WIDTH,
        from.y + (heights.get(edge.from) ?? 0) / 2 + offset,
        to.x,
        to.y + (heights.get(edge.to) ?? 0) / 2 + offset,
      );
      const old = this.#edges.get(edge.id);
      const isSame = old?.edge === edge && old.isLit === isLit && old.isMoving === isMoving && old.path === path;
      const kept = isSame ? old : { edge, path, isLit, isMoving };
      next.set(edge.id, kept);
      edges.push(kept);
    }
    this.#edges = next;
    return edges;
  }
}

const isSameList = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((one, i) => one === b[i]);

const typeOf = (shown: Shown): keyof typeof HEIGHTS =>
  shown.kind === 'cluster' || shown.kind === 'viewer' ? shown.kind : 'server';

function flowNode(shown: Shown, position: Point, selected: boolean, ariaLabel: string): FlowNode {
  const type = typeOf(shown);
  const height = HEIGHTS[type];
  return {
    id: shown.id,
    type,
    position: { ...position },
    width: NODE_WIDTH,
    height,
    measured: { width: NODE_WIDTH, height },
    // Known beforehand, so that nothing is measured; edges are drawn by edge-layer.tsx.
    handles: [],
    selected,
    ariaLabel,
    data: { health: shown.health },
  };
}

/** Without figures: a label that changes with every report would be read out without end. */
function labelOf(shown: Shown): string {
  if (shown.kind === 'cluster')
    return `Cluster of viewers, ${hops(shown.layer)}, ${HEALTH_WORDS[shown.health]}. Opens when chosen.`;
  return `${shown.kind} ${shown.kind === 'viewer' ? shown.key : shown.name}, ${shown.state}, ${HEALTH_WORDS[shown.health]}`;
}

export const hops = (layer: number): string => many(layer - 2, 'hop');

/**
 * Rightwards a calm S; within a column an arc on its right side; leftwards an S from the left side to the right one.
 * @param x1 right side of the one that gives, x2 left side of the one that gets
 */
function edgePath(x1: number, y1: number, x2: number, y2: number): string {
  if (x2 > x1) return curve(x1, y1, Math.max(28, (x2 - x1) * 0.4), x2, y2);
  const right = x2 + NODE_WIDTH;
  if (Math.abs(right - x1) < 2) {
    const bulge = 18 + Math.min(70, Math.abs(y2 - y1) * 0.14);
    return `M${x1},${y1}C${x1 + bulge},${y1} ${x1 + bulge},${y2} ${right},${y2}`;
  }
  return curve(x1 - NODE_WIDTH, y1, -Math.max(28, (x1 - NODE_WIDTH - right) * 0.4), right, y2);
}

const curve = (x1: number, y1: number, bend: number, x2: number, y2: number): string =>
  `M${x1},${y1}C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
