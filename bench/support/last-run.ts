// The rows of the last run beside those of this one. Rows are told apart by what stands first in them.

export type Row = Readonly<Record<string, unknown>>;

/** @returns the rows of the last run that this one has too, in this one's order; what only one of them has is left out */
export function sameRows(now: readonly Row[], last: readonly Row[]): Row[] {
  const nameOf = namer([...now], [...last]);
  const known = new Map(last.map((row) => [nameOf(row), row]));
  return now.flatMap((row): Row[] => {
    const same = known.get(nameOf(row));
    return same ? [same] : [];
  });
}

/** As many of the first columns as tell all rows of each run apart. */
function namer(...runs: Row[][]): (row: Row) => string {
  const most = Math.max(1, ...runs.flat().map((row) => Object.keys(row).length));
  for (let columns = 1; columns < most; columns++) {
    const nameOf = firstOf(columns);
    if (runs.every((rows) => new Set(rows.map(nameOf)).size === rows.length)) return nameOf;
  }
  return firstOf(most);
}

const firstOf =
  (columns: number) =>
  (row: Row): string =>
    JSON.stringify(Object.values(row).slice(0, columns));
