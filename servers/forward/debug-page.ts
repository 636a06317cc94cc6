// The forward's `/debug`: what it says, and how a person reads it.
import { escapeHtml, page, table } from '../shared/html.ts';

export interface ForwardDebug {
  id: string;
  push: string;
  pull: string;
  debug: string;
  region: string;
  load: number;
  /** Bytes put on viewers' sockets since start, frame headers included. */
  egressBytes: { media: number; bootstrap: number; repair: number; control: number };
  egressBitsPerSecond: number;
  ingressBytes: number;
  /** Slices served now. */
  children: number;
  sessions: {
    id: string;
    stream: string | null;
    slices: { k: number; K: number; why: string }[];
    lagMs: number;
    skips: number;
  }[];
  coordinates: number;
  trackers: { base: string; isUp: boolean }[];
  streams: {
    name: string;
    state: string;
    epoch: number;
    k: number;
    layout: number;
    newest: number;
    startLimit: number | null;
    putOff: number;
  }[];
}

const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

export function debugPage(state: ForwardDebug): string {
  const { media, bootstrap, repair, control } = state.egressBytes;
  return page(`Forward ${state.id}`, [
    `<p>Region ${escapeHtml(state.region)}. Load ${state.load}. Viewers pull at <code>${escapeHtml(state.pull)}</code>.</p>`,
    table(
      'Bytes',
      ['in', 'media to children', 'bootstrap', 'repair', 'control', 'now'],
      [
        [
          mega(state.ingressBytes),
          mega(media),
          mega(bootstrap),
          mega(repair),
          mega(control),
          `${(state.egressBitsPerSecond / 1e6).toFixed(2)} Mbit/s`,
        ],
      ],
    ),
    table(
      'Streams',
      ['name', 'state', 'epoch', 'slices', 'newest unit', 'copies for starts', 'starts put off'],
      state.streams.map((s) => [s.name, s.state, s.epoch, s.k, s.newest, s.startLimit ?? 'all', s.putOff]),
    ),
    table(
      'Viewers',
      ['id', 'stream', 'slices', 'lag', 'skips'],
      state.sessions.map((s) => [
        s.id,
        s.stream ?? '',
        s.slices.map((x) => `${x.k}/${x.K} ${x.why}`).join(', '),
        `${s.lagMs} ms`,
        s.skips,
      ]),
    ),
    table(
      'Trackers',
      ['address', 'connected'],
      state.trackers.map((t) => [t.base, t.isUp ? 'yes' : 'no']),
    ),
  ]);
}
