// Sentences about viewers that nobody should believe, for the Health pane. Pure.
import type { MeshTables } from '../../protocol/mesh-tables.ts';
import type { Advice } from './advice.ts';

/** Named one by one; the rest as a number. */
const MOST_NAMED = 3;

export function ofTrust(tables: Partial<MeshTables>): Advice[] {
  const rows = Object.entries(tables.viewers ?? {});
  const convicted = rows.filter(([, row]) => row.trust === 'convicted');
  const accused = rows.filter(([, row]) => row.trust === 'accused');
  return [
    ...(convicted.length > 0
      ? [
          {
            key: 'convicted',
            severity: 'bad' as const,
            says: `${named(convicted.map(([id]) => id))} convicted of passing on bad media. ${convicted[0]?.[1].trustWhy ?? ''}`.trim(),
            todo: 'Nothing it sends is taken any more; disconnect it on the Mesh pane if you wish.',
          },
        ]
      : []),
    ...(accused.length > 0
      ? [
          {
            key: 'accused',
            severity: 'note' as const,
            says: `${named(accused.map(([id]) => id))} accused: one word alone proves nothing.`,
            todo: '',
          },
        ]
      : []),
  ];
}

function named(ids: readonly string[]): string {
  const shown = ids.slice(0, MOST_NAMED).join(', ');
  const rest = ids.length - MOST_NAMED;
  return `${shown}${rest > 0 ? ` and ${rest} more` : ''} ${ids.length === 1 ? 'is' : 'are'}`;
}
