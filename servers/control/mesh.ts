// The console's one view of the mesh: the feeds of every server of every system that is shown, found through its coordinate and merged
// into the tables of protocol/mesh-tables.ts, with numbered batches of changes.
import { applyChanges, type Change, type MeshView, type Row } from '../../protocol/mesh-view.ts';
import { FeedReader, type FeedState } from './feed-reader.ts';
import { joinForward, place, type FeedKind, type FeedOrigin } from './mesh-merge.ts';

const BATCH_MS = 200;
const MAX_FEEDS = 256;
/** A server that its coordinate no longer names, or that is lost, is shown for so long. */
const REMEMBER_MS = 10_000;
const SWEEP_MS = 1_000;

export interface System {
  /** Base URL of the coordinate. */
  coordinate: string;
  token: string | undefined;
}

export interface MeshEvents {
  changed(serial: number, changes: Change[]): void;
  /** What a program says of its own processor and memory use. */
  usage(program: string, cpu: number, memoryBytes: number): void;
}

interface Feed {
  origin: FeedOrigin;
  reader: FeedReader;
  /** The system it belongs to. */
  system: System;
  /** When its coordinate or tracker named it last; the coordinate's own is always wanted. */
  namedMs: number;
  isOpen: boolean;
  isRoot: boolean;
}

export class Mesh {
  readonly view: MeshView = { serial: 0, tables: {} };
  readonly #events: MeshEvents;
  /** Which supervised program is at this base, if any. */
  readonly #programAt: (base: string) => string | null;
  readonly #feeds = new Map<string, Feed>();
  readonly #pending = new Map<string, Change>();
  /** Forwards by id as their tracker, and as they themselves, describe them. */
  readonly #byTracker = new Map<string, Row>();
  readonly #byItself = new Map<string, Row>();
  /** Trackers by id as their coordinate describes them, and those whose own feed broke: that is known before the coordinate misses them. */
  readonly #trackers = new Map<string, Row>();
  readonly #broken = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #sweeper: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(programAt: (base: string) => string | null, events: MeshEvents) {
    this.#programAt = programAt;
    this.#events = events;
  }

  /** These systems and no others. */
  show(systems: readonly System[]): void {
    if (this.#closed) return;
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS);
    const wanted = new Map(systems.map((system) => [system.coordinate, system]));
    for (const [base, feed] of this.#feeds) {
      if (!feed.isRoot || wanted.get(base)?.token === feed.system.token) continue;
      if (wanted.has(base)) this.#close(base);
      else this.#forget(base);
    }
    for (const system of wanted.values()) this.#read('coordinate', system.coordinate, system.coordinate, system);
  }

  /** The token that opens the server at this base. */
  tokenFor(base: string): string | undefined {
    return this.#feeds.get(base)?.system.token;
  }

  stateOf(coordinate: string): { state: string; why: string | null } {
    const row = this.view.tables['feeds']?.[coordinate];
    return row
      ? { state: String(row['state']), why: (row['why'] as string | null) ?? null }
      : { state: 'connecting', why: null };
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#sweeper) clearInterval(this.#sweeper);
    for (const feed of this.#feeds.values()) feed.reader.close();
    this.#feeds.clear();
  }

  #read(kind: FeedKind, base: string, id: string, system: System): void {
    const known = this.#feeds.get(base);
    if (known) {
      known.namedMs = performance.now();
      if (known.origin.id === id) return;
      this.#close(base); // another program at the same place
      this.#takeTracker(known.origin.id, null);
    }
    if (this.#feeds.size >= MAX_FEEDS) return;
    const origin: FeedOrigin = { kind, base, id, program: this.#programAt(base) };
    const reader = new FeedReader(base, system.token, {
      row: (table, rowId, row) => this.#take(origin, system, table, rowId, row),
      state: (state) => this.#feedState(origin, state),
    });
    const isRoot = kind === 'coordinate';
    this.#feeds.set(base, { origin, reader, system, namedMs: performance.now(), isOpen: false, isRoot });
    reader.start();
  }

  #take(origin: FeedOrigin, system: System, table: string, id: string, row: Row | null): void {
    if (table === 'process') {
      if (row)
        this.#events.usage(origin.program ?? origin.base, Number(row['cpu']) || 0, Number(row['memoryBytes']) || 0);
      return;
    }
    const placed = place(origin, table, id, row ?? {});
    if (!placed) return;
    if (placed.table === 'forwards') this.#takeForward(origin, id, row && placed.row);
    else if (placed.table === 'trackers') return this.#hearOfTracker(id, row && placed.row, system);
    else this.#put(placed.table, placed.id, row && placed.row);
    if (!row) return;
    const debug = (typeof row['debug'] === 'string' ? row['debug'] : '').replace(/\/debug\/?$/, '');
    if (origin.kind === 'tracker' && table === 'forwards' && debug !== '') this.#read('forward', debug, id, system);
  }

  /** A coordinate's word on a tracker. One that is lost is not shown beside the one that has its place now. */
  #hearOfTracker(id: string, row: Row | null, system: System): void {
    const base = String(row?.['base']);
    const there = this.#feeds.get(base);
    if (row?.['state'] === 'lost' && there && there.origin.id !== id) return this.#takeTracker(id, null);
    this.#takeTracker(id, row);
    if (row) this.#read('tracker', base, id, system);
  }

  #takeTracker(id: string, row: Row | null): void {
    if (row) this.#trackers.set(id, row);
    else {
      this.#trackers.delete(id);
      this.#broken.delete(id);
    }
    this.#putTracker(id);
  }

  #putTracker(id: string): void {
    const row = this.#trackers.get(id);
    if (!row) return this.#put('trackers', id, null);
    const state = this.#broken.has(id) ? 'lost' : row['state'];
    this.#put('trackers', id, { ...row, state, program: this.#programAt(String(row['base'])) });
  }

  #takeForward(origin: FeedOrigin, id: string, row: Row | null): void {
    const part = origin.kind === 'tracker' ? this.#byTracker : this.#byItself;
    if (row) part.set(id, row);
    else part.delete(id);
    const [byTracker, byItself] = [this.#byTracker.get(id), this.#byItself.get(id)];
    this.#put('forwards', id, byTracker || byItself ? joinForward(byTracker, byItself) : null);
  }

  #feedState({ kind, base, id, program }: FeedOrigin, state: FeedState): void {
    const feed = this.#feeds.get(base);
    const wasOpen = feed?.isOpen ?? false;
    if (feed) feed.isOpen = state.is === 'open';
    this.#put('feeds', base, { kind, state: state.is, why: 'why' in state ? state.why : null });
    if (kind === 'coordinate')
      this.#put('coordinates', base, { base, program, state: state.is === 'open' ? 'here' : 'lost' });
    // One that was never open here may be out of our reach alone: then its coordinate's word holds.
    if (kind === 'tracker' && wasOpen && state.is === 'lost') this.#broken.add(id);
    else if (state.is === 'connecting' || state.is === 'lost' || !this.#broken.delete(id)) return;
    this.#putTracker(id);
  }

  /** Servers that nobody names any more, or that have been lost for long, go with all their rows. */
  #sweep(): void {
    const nowMs = performance.now();
    for (const [base, feed] of this.#feeds) {
      if (feed.isOpen) feed.namedMs = nowMs;
      else if (!feed.isRoot && nowMs - feed.namedMs > REMEMBER_MS) this.#close(base);
    }
  }

  /** A system is shown no longer: its coordinate and all that was found through it. */
  #forget(coordinate: string): void {
    for (const [base, feed] of this.#feeds) if (feed.system.coordinate === coordinate) this.#close(base);
  }

  #close(base: string): void {
    const feed = this.#feeds.get(base);
    if (!feed) return;
    this.#feeds.delete(base);
    feed.reader.close();
    this.#put('feeds', base, null);
    if (feed.origin.kind === 'coordinate') this.#put('coordinates', base, null);
    // From here on its coordinate's word holds.
    if (this.#broken.delete(feed.origin.id)) this.#putTracker(feed.origin.id);
  }

  #put(table: string, id: string, row: Row | null): void {
    if (this.#closed) return;
    this.#pending.set(`${table}\n${id}`, row ? { op: 'put', table, id, row } : { op: 'drop', table, id });
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  #flush(): void {
    this.#timer = null;
    const changes = [...this.#pending.values()];
    this.#pending.clear();
    applyChanges(this.view, this.view.serial + 1, changes);
    this.#events.changed(this.view.serial, changes);
  }
}
