// What the console knows, one store per subject. Components read one selector each; only follow.ts and the actions here write.
import { create } from 'zustand';
import type { CallName, Calls, ConsoleWire, LogLine, Outcome, PlaneState } from '../protocol/control.ts';
import type { Marker, Sample } from '../protocol/history.ts';
import type { MeshTables } from '../protocol/mesh-tables.ts';

export type Connection = 'no-token' | 'connecting' | 'open' | 'lost' | 'refused';

/** `detail`: why it is so, for a person; `retryAtMs`: when the next try comes while lost. */
export interface ConsoleStore {
  connection: Connection;
  detail: string | null;
  retryAtMs: number | null;
  state: PlaneState | null;
  /** The plane's clock less this browser's, to the second. */
  clockOffsetMs: number;
}

export interface MeshStore {
  /** null until a snapshot was read. */
  serial: number | null;
  tables: MeshTables;
}

export interface HistoryStore {
  /** Oldest first, one a second. */
  samples: readonly Sample[];
  /** Oldest first. */
  markers: readonly Marker[];
  /** The oldest moment that the plane keeps. */
  oldestMs: number | null;
  /** The moment looked at; null is live. */
  cursorMs: number | null;
  /** Tables of the moment looked at; null while live or not read yet. */
  tablesAt: MeshTables | null;
  /** Why the moment could not be read. */
  problem: string | null;
}

export interface LogsStore {
  /** Oldest first. */
  lines: readonly LogLine[];
  isLoaded: boolean;
}

export const NO_TABLES: MeshTables = {
  coordinates: {},
  streams: {},
  trackers: {},
  forwards: {},
  viewers: {},
  links: {},
  swarms: {},
  feeds: {},
};

export const useConsole = create<ConsoleStore>(() => ({
  connection: 'connecting',
  detail: null,
  retryAtMs: null,
  state: null,
  clockOffsetMs: 0,
}));
export const useMesh = create<MeshStore>(() => ({ serial: null, tables: NO_TABLES }));
export const useHistory = create<HistoryStore>(() => ({
  samples: [],
  markers: [],
  oldestMs: null,
  cursorMs: null,
  tablesAt: null,
  problem: null,
}));
export const useLogs = create<LogsStore>(() => ({ lines: [], isLoaded: false }));

/** Now, by the control plane's clock: what its moments are compared with. */
export const planeNowMs = (): number => Date.now() + useConsole.getState().clockOffsetMs;

let wire: ConsoleWire | null = null;

/** Set once by follow.ts. */
export function setWire(next: ConsoleWire | null): void {
  wire = next;
}

export const currentWire = (): ConsoleWire | null => wire;

/** Asks the control plane; what can go wrong comes back as data. */
export async function call<N extends CallName>(
  name: N,
  ...[argument]: Parameters<Calls[N]>
): Promise<Outcome<ReturnType<Calls[N]>>> {
  if (!wire) return { ok: false, reason: 'not-now', detail: 'The control plane is not connected.' };
  return wire.call(name, argument);
}

let wanted: number | null = null;
let isReading = false;

/** Looks at a moment of the past, or at now with null. Moments asked for meanwhile are skipped up to the newest. */
export function lookAt(atMs: number | null): void {
  wanted = atMs;
  if (atMs === null) useHistory.setState({ cursorMs: null, tablesAt: null, problem: null });
  else useHistory.setState({ cursorMs: atMs });
  if (!isReading) void readMoments();
}

async function readMoments(): Promise<void> {
  isReading = true;
  for (let atMs = wanted; atMs !== null; atMs = wanted === atMs ? null : wanted) {
    const outcome = await call('getMeshAt', { atMs });
    if (useHistory.getState().cursorMs === null) continue;
    if (outcome.ok) useHistory.setState({ tablesAt: withAllTables(outcome.value.tables), problem: null });
    else useHistory.setState({ problem: outcome.detail });
  }
  isReading = false;
}

/** A plane that has nothing to say of a table leaves it out. */
export function withAllTables(tables: Record<string, Record<string, unknown>>): MeshTables {
  return { ...NO_TABLES, ...tables } as MeshTables;
}
