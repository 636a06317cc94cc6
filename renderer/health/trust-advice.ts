// Sentences about viewers that nobody should believe, for the Health pane. Pure.
import type { MeshTables, ViewerTableRow } from '../../protocol/mesh-tables.ts';
import type { Advice } from './advice.ts';

/** Named one by one; the rest as a number. */
const MOST_NAMED = 3;

type Trust = NonNullable<ViewerTableRow['trust']>;

export function ofTrust(tables: Partial<MeshTables>): Advice[] {
  const rows = Object.entries(tables.viewers ?? {});
  const told = (trust: Trust, severity: Advice['severity'], what: string, todo: string): Advice[] => {
    const found = rows.filter(([, row]) => row.trust === trust);
    if (found.length === 0) return [];
    const why = found.length === 1 ? found[0]?.[1].trustWhy : 'Why stands beside each on the Mesh pane.';
    return [{ key: trust, severity, says: `${named(found.map(([id]) => id))} ${what}. ${why ?? ''}`.trim(), todo }];
  };
  return [
    ...told(
      'convicted',
      'bad',
      'convicted of passing on bad media',
      'Nobody takes anything from a convicted viewer; it can be disconnected on the Mesh pane.',
    ),
    ...told('accused', 'note', 'accused of passing on bad media', 'That is not proven.'),
    ...told('silenced', 'note', 'not believed', ''),
  ];
}

function named(ids: readonly string[]): string {
  const shown = ids.slice(0, MOST_NAMED).join(', ');
  const rest = ids.length - MOST_NAMED;
  return `${shown}${rest > 0 ? ` and ${rest} more` : ''} ${ids.length === 1 ? 'is' : 'are'}`;
}
