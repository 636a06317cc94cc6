// What a row of a server's feed becomes in the console's mesh. Pure; rows of another release may lack fields, so each is read with care.
import type { StartsRow } from '../../protocol/mesh-tables.ts';
import type { Row } from '../../protocol/mesh-view.ts';

export type FeedKind = 'coordinate' | 'tracker' | 'forward';

export interface FeedOrigin {
  kind: FeedKind;
  base: string;
  /** Id of the tracker or forward; the coordinate's is its base. */
  id: string;
  /** Name of the supervised program, or null. */
  program: string | null;
}

/** A part of a row: a forward is described by its tracker and by itself. */
export interface Placed {
  table: string;
  id: string;
  row: Row;
}

const text = (value: unknown, otherwise = ''): string => (typeof value === 'string' ? value : otherwise);
const amount = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

export function place(from: FeedOrigin, table: string, id: string, row: Row): Placed | null {
  switch (`${from.kind} ${table}`) {
    case 'coordinate streams':
      return { table: 'streams', id, row: { ...row, tracks: list(row['tracks']), coordinate: from.base } };
    case 'coordinate trackers':
      return {
        table: 'trackers',
        id,
        row: {
          program: null,
          state: row['state'] === 'here' ? 'here' : 'lost',
          region: text(row['region']),
          base: text(row['base']),
          viewers: amount(row['viewers']),
          load: amount(row['load']),
          forwards: list(row['forwards']),
        },
      };
    case 'tracker streams':
      return { table: 'swarms', id, row: { ...row, tracker: from.id } };
    case 'tracker viewers':
      return { table: 'viewers', id, row: { ...row, tracker: from.id } };
    case 'tracker forwards':
      return {
        table: 'forwards',
        id,
        row: {
          tracker: from.id,
          region: text(row['region']),
          load: amount(row['load']),
          pull: text(row['pull']),
          debug: text(row['debug']),
          children: amount(row['children']),
          egressBitsPerSecond: amount(row['egressBitsPerSecond']),
        },
      };
    case 'forward forward':
      return {
        table: 'forwards',
        id,
        row: {
          program: from.program,
          region: text(row['region']),
          load: amount(row['load']),
          pull: text(row['pull']),
          children: amount(row['children']),
          egressBitsPerSecond: amount(row['egressBitsPerSecond']),
          egressBytes: row['egressBytes'] ?? NOTHING_SENT,
          ingressBytes: amount(row['ingressBytes']),
          starts: list(row['starts']).map(startsRow),
        },
      };
    case 'forward children':
      return {
        table: 'links',
        id: `${from.id}/${id}`,
        row: {
          forward: from.id,
          viewer: id,
          stream: text(row['stream']),
          slices: list(row['slices']),
          lagMs: row['lagMs'] ?? null,
          skips: amount(row['skips']),
        },
      };
    default:
      return null;
  }
}

function startsRow(value: unknown): StartsRow {
  const row = (value ?? {}) as Row;
  return {
    stream: text(row['stream']),
    limit: amount(row['limit']),
    newcomers: amount(row['newcomers']),
    putOff: amount(row['putOff']),
  };
}

const NOTHING_SENT = { media: 0, bootstrap: 0, repair: 0, control: 0 };

/** A forward as its tracker and it itself describe it; what neither says is empty. */
export const joinForward = (byTracker: Row | undefined, byItself: Row | undefined): Row => ({
  program: null,
  tracker: null,
  egressBytes: NOTHING_SENT,
  ingressBytes: 0,
  ...byTracker,
  ...byItself,
});
