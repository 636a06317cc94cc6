// The scene that is drawn, made from tables and view a few times a second at most; React only draws it.
import { create } from 'zustand';
import { useHistory, useMesh } from '../stores.ts';
import { foldGraph, itemsOf, type Scene } from './clusters.ts';
import { filterOf } from './filter.ts';
import { buildGraph, nodeOf, pathOf, type Graph } from './graph.ts';
import { Placing } from './places.ts';
import { noteTrace } from './trace.ts';
import { useView } from './view-store.ts';

export interface SceneStore {
  graph: Graph;
  scene: Scene;
  /** false until tables were read. */
  isLoaded: boolean;
}

/** Ten pictures a second are enough for figures, and leave the machine to the video. */
const REDRAW_MS = 100;
const NO_GRAPH = buildGraph({}, 'all');
const ALL = { open: {}, pinned: new Set<string>(), matches: null, wasFolded: false };

export const useScene = create<SceneStore>(() => ({
  graph: NO_GRAPH,
  scene: foldGraph(NO_GRAPH, ALL),
  isLoaded: false,
}));

/** Keeps the scene up to date while somebody looks. */
export class SceneKeeper {
  #placing = new Placing(() => this.#publish());
  /** Drawn when its places are known: one picture a change instead of two. */
  #next: SceneStore | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #drawnMs = -Infinity;
  #stops: (() => void)[] = [];

  open(): void {
    const soon = (): void => this.#soon();
    this.#stops = [
      useMesh.subscribe(soon),
      useHistory.subscribe(onMoment(soon)),
      useView.subscribe(() => this.#draw()),
    ];
    this.#draw();
  }

  tidy(): void {
    this.#placing.tidy();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#placing.close();
  }

  #soon(): void {
    if (this.#timer !== null) return;
    const waitMs = this.#drawnMs + REDRAW_MS - performance.now();
    if (waitMs <= 0) this.#draw();
    else this.#timer = setTimeout(() => this.#draw(), waitMs);
  }

  #draw(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#drawnMs = performance.now();
    const { cursorMs, tablesAt } = useHistory.getState();
    const mesh = useMesh.getState();
    const view = useView.getState();
    const tables = cursorMs === null ? mesh.tables : (tablesAt ?? mesh.tables);
    const before = this.#next ?? useScene.getState();
    const graph = buildGraph(tables, view.tree, before.graph);
    const scene = foldGraph(graph, {
      open: view.open,
      pinned: pinnedOf(graph),
      matches: filterOf(view.filters),
      wasFolded: before.scene.isFolded,
    });
    if (cursorMs === null) noteTrace(graph, view.chosen);
    this.#next = { graph, scene, isLoaded: mesh.serial !== null || before.isLoaded };
    if (!this.#placing.show(itemsOf(scene))) this.#publish();
  }

  #publish(): void {
    if (this.#next !== null) useScene.setState(this.#next);
    this.#next = null;
  }
}

/** Who is drawn one by one whatever the clusters: the one that is chosen with its neighbours, and the way of the one that is followed. */
function pinnedOf(graph: Graph): Set<string> {
  const { chosen, follow } = useView.getState();
  const pinned = follow === null ? new Set<string>() : pathOf(graph, follow);
  if (chosen?.is !== 'node') return pinned;
  const node = nodeOf(graph, chosen.id);
  if (node?.kind !== 'viewer') return pinned;
  pinned.add(node.id);
  for (const id of node.parents) if (graph.viewers.has(id)) pinned.add(id);
  return pinned;
}

function onMoment(then: () => void): (now: { cursorMs: number | null; tablesAt: unknown }, before: unknown) => void {
  return (now, before) => {
    const old = before as typeof now;
    if (now.cursorMs !== old.cursorMs || now.tablesAt !== old.tablesAt) then();
  };
}
