// Sentences about viewers that nobody should believe, for the Health pane. Pure.
import type { MeshTables, ViewerTableRow } from '../../protocol/mesh-tables.ts';
import { count } from '../format.ts';
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

/** On one link nobody can say which end is wrong; who stands on several is likely the one. */
export function ofLedgers({ swarms }: Partial<MeshTables>): Advice[] {
  return Object.entries(swarms ?? {}).flatMap(([id, { name, ledger }]) => {
    const mismatches = ledger?.mismatches ?? [];
    if (mismatches.length === 0) return [];
    const links = new Map<string, number>();
    for (const end of mismatches.flatMap(({ from, to }) => [from, to])) links.set(end, (links.get(end) ?? 0) + 1);
    const [[suspect, most] = ['', 0]] = [...links].toSorted(([, a], [, b]) => b - a);
    const who = most < 2 ? '' : ` ${suspect} stands on ${most} of them.`;
    return [
      {
        key: `ledger ${id}`,
        severity: 'warn',
        says: `On ${count(mismatches.length, 'link')} of ${name} the two ends do not agree about what was carried.${who}`,
        todo: 'The ledger below names them; who makes its numbers up can be disconnected on the Mesh pane.',
      },
    ];
  });
}

function named(ids: readonly string[]): string {
  const shown = ids.slice(0, MOST_NAMED).join(', ');
  const rest = ids.length - MOST_NAMED;
  return `${shown}${rest > 0 ? ` and ${rest} more` : ''} ${ids.length === 1 ? 'is' : 'are'}`;
}
