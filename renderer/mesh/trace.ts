// The last two minutes of the node that is chosen, noted while it is: viewers have no history of their own in the samples.
import { create } from 'zustand';
import { nodeOf, type Graph } from './graph.ts';
import type { Chosen } from './view-store.ts';

export interface TracePoint {
  atMs: number;
  bitsPerSecond: number;
  figure: number | null;
}

const MAX_POINTS = 120;
const EVERY_MS = 1_000;

export const useTrace = create<{ id: string | null; points: readonly TracePoint[] }>(() => ({ id: null, points: [] }));

export function noteTrace(graph: Graph, chosen: Chosen | null): void {
  const node = chosen?.is === 'node' ? nodeOf(graph, chosen.id) : null;
  const { id, points } = useTrace.getState();
  if (!node) {
    if (id !== null) useTrace.setState({ id: null, points: [] });
    return;
  }
  const atMs = Date.now();
  const kept = id === node.id ? points : [];
  const last = kept.at(-1);
  if (last && atMs - last.atMs < EVERY_MS) return;
  const point = { atMs, bitsPerSecond: node.bitsPerSecond, figure: node.figure };
  useTrace.setState({ id: node.id, points: [...kept.slice(1 - MAX_POINTS), point] });
}
