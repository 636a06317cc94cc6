// How a person looks at the mesh: view, tree, filters, what is chosen, followed and opened. It outlives a change of panes.
import { create } from 'zustand';
import { OPEN_STEP } from './clusters.ts';
import { NO_FILTERS, type Filters } from './filter.ts';
import type { Tree } from './graph.ts';

export type Chosen = { is: 'node' | 'edge'; id: string };

export interface View {
  as: 'graph' | 'table';
  tree: Tree;
  filters: Filters;
  chosen: Chosen | null;
  /** A viewer that stays in the middle, with everyone on its way to the forwards. */
  follow: string | null;
  open: Readonly<Record<string, number>>;
  /** A node to bring into sight; a new object each time. */
  centre: { id: string } | null;
}

export const useView = create<View>(() => ({
  as: 'graph',
  tree: 'all',
  filters: NO_FILTERS,
  chosen: null,
  follow: null,
  open: {},
  centre: null,
}));

export const choose = (chosen: Chosen | null): void => useView.setState({ chosen });

/** Chooses a node and brings it into sight. */
export const goTo = (id: string): void => useView.setState({ chosen: { is: 'node', id }, centre: { id } });

export const followViewer = (id: string | null): void =>
  useView.setState(id === null ? { follow: null } : { follow: id, chosen: { is: 'node', id }, centre: { id } });

export const openCluster = (id: string): void =>
  useView.setState(({ open }) => ({ open: { ...open, [id]: (open[id] ?? 0) + OPEN_STEP } }));

export const foldCluster = (id: string): void =>
  useView.setState(({ open }) => {
    const { [id]: _folded, ...rest } = open;
    return { open: rest };
  });

export const setFilters = (change: Partial<Filters>): void =>
  useView.setState(({ filters }) => ({ filters: { ...filters, ...change } }));
