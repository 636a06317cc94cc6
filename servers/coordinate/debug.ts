// What the coordinate shows of itself: one snapshot, as JSON for programs, as a page for a person, as rows for the feed.
import { awakeMs } from '../shared/awake.ts';
import { page, table } from '../shared/html.ts';
import type { Row } from '../../protocol/mesh-view.ts';
import type { LinkFacts } from './backbone/forward-links.ts';
import type { Roster } from './backbone/roster.ts';
import { coordinateNowMs } from './clock.ts';
import type { Publishing } from './publish-api.ts';
import type { Streams } from './streams.ts';

export interface DebugParts {
  streams: Streams;
  publishing: Publishing;
  roster: Roster;
  links: () => LinkFacts[];
  publicKey: string;
  tunnels: () => number;
}

export interface Snapshot {
  program: 'coordinate';
  publicKey: string;
  tunnels: number;
  streams: Record<string, Row>;
  trackers: Record<string, Row>;
  forwards: Record<string, Row>;
}

export function snapshot(parts: DebugParts): Snapshot {
  const { streams, publishing, roster } = parts;
  const nowMs = awakeMs();
  return {
    program: 'coordinate',
    publicKey: parts.publicKey,
    tunnels: parts.tunnels(),
    streams: Object.fromEntries(
      streams.all().map((stream) => {
        const { tracks, sinceMs, ...facts } = stream.facts;
        return [
          stream.name,
          {
            ...facts,
            forMs: Math.round(coordinateNowMs() - sinceMs),
            how: publishing.howOf(stream.name),
            tracks: tracks.map((t) =>
              t.kind === 'video' ? `H.264 ${t.width}x${t.height}` : `AAC ${t.sampleRate} Hz, ${t.channels} channels`,
            ),
          },
        ];
      }),
    ),
    trackers: Object.fromEntries(
      roster.trackers().map(({ record, state, heardMs }) => [
        record.id,
        {
          state,
          region: record.region,
          resource: record.resource,
          base: record.base,
          viewers: record.viewers,
          load: record.load,
          forwards: record.forwards.map((f) => f.id),
          heardMsAgo: Math.round(nowMs - heardMs),
        },
      ]),
    ),
    forwards: Object.fromEntries(parts.links().map((link) => [link.key, { ...link }])),
  };
}

/** Rows worth a change in the feed: without what only counts the time. */
export function feedTables(seen: Snapshot): Record<'streams' | 'trackers' | 'forwards', Record<string, Row>> {
  const without = (rows: Record<string, Row>, ...keys: string[]): Record<string, Row> =>
    Object.fromEntries(
      Object.entries(rows).map(([id, row]) => [
        id,
        Object.fromEntries(Object.entries(row).filter(([key]) => !keys.includes(key))),
      ]),
    );
  return {
    streams: without(seen.streams, 'forMs'),
    trackers: without(seen.trackers, 'heardMsAgo'),
    forwards: without(seen.forwards),
  };
}

const shown = (value: unknown): string =>
  value === null || value === undefined
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value as string);

export function debugPage(seen: Snapshot): string {
  const rows = (tableRows: Record<string, Row>, keys: readonly string[]): string[][] =>
    Object.entries(tableRows).map(([id, row]) => [id, ...keys.map((key) => shown(row[key]))]);
  const part = (caption: string, tableRows: Record<string, Row>, keys: readonly string[]): string =>
    table(caption, ['name', ...keys], rows(tableRows, keys));
  return page('P2PLive coordinate', [
    part('Streams', seen.streams, ['state', 'why', 'epoch', 'unit', 'bytes', 'tracks', 'how']),
    part('Trackers', seen.trackers, ['state', 'region', 'viewers', 'load', 'forwards', 'resource', 'heardMsAgo']),
    part('Forwards', seen.forwards, ['state', 'why', 'feed']),
  ]);
}
