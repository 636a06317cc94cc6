// What the console can look back on: a sample a second and every marker of the last half hour and more, and the mesh as it was. All of
// it is bounded; the oldest goes first.
import type { Marker, Sample } from '../../protocol/history.ts';
import type { Change, Row, Tables } from '../../protocol/mesh-view.ts';

const MAX_SAMPLES = 2_700; // 45 minutes
const MAX_MARKERS = 2_000;
/** A whole view of the mesh this often; only what changes its shape in between. */
const WHOLE_EVERY_MS = 60_000;
/** Rows held by all whole views together: about 1 KB each. */
const MAX_ROWS = 60_000;
const MAX_CHANGES = 200_000;

interface Moment {
  atMs: number;
  tables: Tables;
  rows: number;
  changes: { atMs: number; changes: Change[] }[];
  changeCount: number;
}

export class History {
  readonly #samples: Sample[] = [];
  readonly #markers: Marker[] = [];
  readonly #moments: Moment[] = [];
  /** The shape of each row as it was kept last. */
  readonly #shapes = new Map<string, string>();
  #rows = 0;
  #changeCount = 0;

  sampled(sample: Sample): void {
    this.#samples.push(sample);
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }

  marked(marker: Marker): void {
    this.#markers.push(marker);
    if (this.#markers.length > MAX_MARKERS) this.#markers.shift();
  }

  /** @param tables after the changes; rows are replaced and never changed in place */
  meshChanged(atMs: number, tables: Tables, changes: readonly Change[]): void {
    const last = this.#moments.at(-1);
    if (!last || atMs - last.atMs >= WHOLE_EVERY_MS) return this.#keepWhole(atMs, tables);
    const kept = changes.filter((change) => this.#isNews(change));
    if (kept.length === 0) return;
    last.changes.push({ atMs, changes: kept });
    last.changeCount += kept.length;
    this.#changeCount += kept.length;
    this.#trim();
  }

  /** Between two times, both included; `oldestMs` is where the memory begins. */
  between(fromMs: number, toMs: number): { samples: Sample[]; markers: Marker[]; oldestMs: number } {
    const inside = ({ atMs }: { atMs: number }): boolean => atMs >= fromMs && atMs <= toMs;
    return {
      samples: this.#samples.filter(inside),
      markers: this.#markers.filter(inside),
      oldestMs: this.#samples[0]?.atMs ?? Date.now(),
    };
  }

  /** The mesh at the nearest moment kept at or before `atMs` (or the oldest); null when nothing is kept. */
  meshAt(atMs: number): { atMs: number; tables: Tables } | null {
    const moment = this.#moments.findLast((one) => one.atMs <= atMs) ?? this.#moments[0];
    if (!moment) return null;
    const tables: Tables = Object.fromEntries(Object.entries(moment.tables).map(([name, rows]) => [name, { ...rows }]));
    let reachedMs = moment.atMs;
    for (const step of moment.changes) {
      if (step.atMs > atMs) break;
      reachedMs = step.atMs;
      for (const change of step.changes) {
        const rows = (tables[change.table] ??= {});
        if (change.op === 'put') rows[change.id] = change.row;
        else delete rows[change.id];
      }
    }
    return { atMs: reachedMs, tables };
  }

  #keepWhole(atMs: number, tables: Tables): void {
    const copy: Tables = Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, { ...rows }]));
    const rows = Object.values(copy).reduce((sum, table) => sum + Object.keys(table).length, 0);
    this.#moments.push({ atMs, tables: copy, rows, changes: [], changeCount: 0 });
    this.#rows += rows;
    this.#shapes.clear();
    for (const [table, all] of Object.entries(copy))
      for (const [id, row] of Object.entries(all)) this.#shapes.set(`${table}\n${id}`, shapeOf(table, row));
    this.#trim();
  }

  #isNews(change: Change): boolean {
    const key = `${change.table}\n${change.id}`;
    if (change.op === 'drop') return this.#shapes.delete(key);
    const shape = shapeOf(change.table, change.row);
    if (this.#shapes.get(key) === shape) return false;
    this.#shapes.set(key, shape);
    return true;
  }

  #trim(): void {
    while (
      this.#moments.length > 1 &&
      (this.#rows > MAX_ROWS ||
        this.#changeCount > MAX_CHANGES ||
        (this.#moments.at(-1)?.atMs ?? 0) - (this.#moments[0]?.atMs ?? 0) > MAX_SAMPLES * 1_000)
    ) {
      const oldest = this.#moments.shift();
      this.#rows -= oldest?.rows ?? 0;
      this.#changeCount -= oldest?.changeCount ?? 0;
    }
  }
}

/** What makes a row another one for who looks back: who feeds whom, in which state; not how many bytes by now. */
function shapeOf(table: string, row: Row): string {
  const pick = (...keys: string[]): string => JSON.stringify(keys.map((key) => row[key]));
  switch (table) {
    case 'viewers':
      return pick('parents', 'state', 'depth', 'shares', 'direct', 'mismatch', 'hidden');
    case 'streams':
    case 'swarms':
      return pick('state', 'epoch', 'k', 'layout', 'why');
    case 'forwards':
      return pick('program', 'tracker', 'region', 'pull');
    case 'links':
      return pick('slices', 'skips');
    case 'trackers':
    case 'coordinates':
    case 'feeds':
      return pick('state', 'why', 'forwards');
    default:
      return '';
  }
}
