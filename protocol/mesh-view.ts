// What `/debug/feed` says: a snapshot of tables, then numbered changes to their rows. One pure function applies a change, so that
// tracker, control plane and console agree by construction. A skipped number asks for a new snapshot (SPEC.md, C rules).
import * as v from 'valibot';
import { Uint32 } from './fields.ts';

/** What every object has by birth is no name of a table or row. */
const Key = v.pipe(
  v.string(),
  v.maxLength(200),
  v.check((key) => !(key in {}), 'is no name'),
);
/** A row is flat or small JSON; each program documents its tables. */
export const Row = v.record(Key, v.unknown());
export type Row = v.InferOutput<typeof Row>;
export type Tables = Record<string, Record<string, Row>>;

export const Change = v.variant('op', [
  v.object({ op: v.literal('put'), table: Key, id: Key, row: Row }),
  v.object({ op: v.literal('drop'), table: Key, id: Key }),
]);
export type Change = v.InferOutput<typeof Change>;

export const FeedMessage = v.variant('type', [
  v.object({ type: v.literal('snapshot'), serial: Uint32, program: Key, tables: v.record(Key, v.record(Key, Row)) }),
  v.object({ type: v.literal('changes'), serial: Uint32, changes: v.array(Change) }),
]);
export type FeedMessage = v.InferOutput<typeof FeedMessage>;

export interface MeshView {
  serial: number;
  tables: Tables;
}

/** Applies a batch in place. Returns false when its number does not follow: ask for a snapshot. */
export function applyChanges(view: MeshView, serial: number, changes: readonly Change[]): boolean {
  if (serial !== view.serial + 1) return false;
  for (const change of changes) {
    const table = (view.tables[change.table] ??= {});
    if (change.op === 'put') table[change.id] = change.row;
    else delete table[change.id];
  }
  view.serial = serial;
  return true;
}
