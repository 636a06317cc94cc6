// A batch of mesh changes put into the tables with structural sharing: a table that no change names stays the same object.
import type { MeshTables } from '../protocol/mesh-tables.ts';
import type { Change } from '../protocol/mesh-view.ts';

type Rows = Record<string, unknown>;

/** The tables after the batch; those given stay as they are. */
export function applyBatch(tables: MeshTables, changes: readonly Change[]): MeshTables {
  const next = { ...tables } as unknown as Record<string, Rows>;
  const copied = new Set<string>();
  for (const change of changes) {
    if (!copied.has(change.table)) {
      next[change.table] = { ...next[change.table] };
      copied.add(change.table);
    }
    const rows = next[change.table] as Rows;
    if (change.op === 'put') rows[change.id] = change.row;
    else delete rows[change.id];
  }
  return copied.size === 0 ? tables : (next as unknown as MeshTables);
}
