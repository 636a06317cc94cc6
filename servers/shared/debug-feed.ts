// The `/debug/feed` of a program: its tables, a snapshot to whoever connects, numbered batches of changes after it, at most ten a
// second. What the tables hold is the program's business; how a change applies is protocol/mesh-view.ts.
import type { WebSocket } from 'ws';
import { applyChanges, type Change, type MeshView, type Row } from '../../protocol/mesh-view.ts';

const BATCH_MS = 100;
/** A reader that lets this much pile up is closed; it comes back for a snapshot. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
const MAX_READERS = 64;
/** How often a program says how much processor and memory it takes, while somebody reads. */
const USAGE_MS = 1_000;

export class DebugFeed {
  readonly view: MeshView = { serial: 0, tables: {} };
  readonly #program: string;
  readonly #refresh: () => void;
  readonly #readers = new Set<WebSocket>();
  /** Rows changed since the last batch; null = dropped. */
  readonly #pending = new Map<string, { table: string; id: string; row: Row | null }>();
  #timer: NodeJS.Timeout | null = null;
  #usage: NodeJS.Timeout | null = null;
  #closed = false;

  /** @param refresh puts rows that are kept up only while somebody reads; called before a snapshot */
  constructor(program: string, refresh: () => void = () => {}) {
    this.#program = program;
    this.#refresh = refresh;
  }

  /** Is it worth keeping costly rows up to date? */
  get hasReaders(): boolean {
    return this.#readers.size > 0;
  }

  put(table: string, id: string, row: Row): void {
    this.#note(table, id, row);
  }

  drop(table: string, id: string): void {
    this.#note(table, id, null);
  }

  /** Hands a reader the snapshot and everything after it. The caller has checked that it may read. */
  attach(socket: WebSocket): void {
    if (this.#closed || this.#readers.size >= MAX_READERS) return socket.close(1013, 'too many readers');
    this.#refresh();
    this.flush();
    this.#readers.add(socket);
    this.#usage ??= this.#watchUsage();
    socket.on('close', () => {
      this.#readers.delete(socket);
      if (this.#readers.size === 0) this.#endUsage();
    });
    socket.on('error', () => socket.terminate());
    // Any message asks for a new snapshot: a reader that saw a number skipped.
    socket.on('message', () => this.#snapshot(socket));
    this.#snapshot(socket);
  }

  /** Applies what is pending now; `view` is then current. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#pending.size === 0) return;
    const changes: Change[] = [...this.#pending.values()].map(({ table, id, row }) =>
      row ? { op: 'put', table, id, row } : { op: 'drop', table, id },
    );
    this.#pending.clear();
    applyChanges(this.view, this.view.serial + 1, changes);
    if (this.#readers.size === 0) return;
    const text = JSON.stringify({ type: 'changes', serial: this.view.serial, changes });
    for (const reader of this.#readers) {
      if (reader.bufferedAmount > MAX_BUFFERED_BYTES) reader.terminate();
      else reader.send(text);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#endUsage();
    for (const reader of this.#readers) reader.close(1001);
    this.#readers.clear();
  }

  /** Table `process`: one row with this program's pid, processor time as a share of one core, and memory. */
  #watchUsage(): NodeJS.Timeout {
    let before = process.cpuUsage();
    let atMs = performance.now();
    return setInterval(() => {
      const spent = process.cpuUsage(before);
      const elapsedMs = performance.now() - atMs;
      before = process.cpuUsage();
      atMs = performance.now();
      const cpu = Math.round((spent.user + spent.system) / elapsedMs) / 1_000;
      this.put('process', 'own', { pid: process.pid, cpu, memoryBytes: process.memoryUsage.rss() });
    }, USAGE_MS).unref();
  }

  #endUsage(): void {
    if (this.#usage) clearInterval(this.#usage);
    this.#usage = null;
  }

  #note(table: string, id: string, row: Row | null): void {
    if (this.#closed) return;
    this.#pending.set(`${table}\n${id}`, { table, id, row });
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  #snapshot(socket: WebSocket): void {
    socket.send(
      JSON.stringify({ type: 'snapshot', serial: this.view.serial, program: this.#program, tables: this.view.tables }),
    );
  }
}
