// What all forwards have counted, by their rows in the console's mesh and over all their lives. A forward that is killed leaves its row as
// it was, or takes it along; the next at its place may have another id.
import { Lives, type Counts } from '../../protocol/lives.ts';
import type { Row, Tables } from '../../protocol/mesh-view.ts';

export const KINDS = ['media', 'bootstrap', 'repair', 'control'] as const;
export type Kind = (typeof KINDS)[number];
/** Bytes sent, by kind, and taken in. */
export type Counted = Counts<Kind | 'ingress'>;
/** What each forward had counted at a moment since it was first seen. */
export type Reading = ReadonlyMap<object, Counted>;

/** A forward that is not seen for so long is another one when it comes back. */
const REMEMBER_MS = 60_000;

interface Forward {
  lives: Lives<keyof Counted>;
  /** Where viewers reach it, which a restarted one has again; empty: not known. */
  pull: string;
  /** As its feed said it last: every word of the feed is a new object. */
  said: unknown;
  seenMs: number;
}

export class ForwardCounters {
  /** By id. */
  readonly #forwards = new Map<string, Forward>();

  /**
   * Once a second or so. @param tables rows are replaced and never changed in place
   * @returns `isWhole`: false when a forward began anew, and had been out of sight for so long before that this must not be compared
   *   with an earlier reading
   */
  read(tables: Tables, atMs: number): { reading: Reading; isWhole: boolean } {
    let isWhole = true;
    const news = new Map(
      Object.entries(tables['forwards'] ?? {}).filter(
        ([id, row]) => row['egressBytes'] !== this.#forwards.get(id)?.said && hasCounted(row),
      ),
    );
    for (const [id, row] of news) {
      const pull = typeof row['pull'] === 'string' ? row['pull'] : '';
      const lives = (this.#forwards.get(id) ?? this.#takeFormer(pull, news))?.lives;
      if (lives && !lives.take(id, countedBy(row), atMs)) isWhole = false;
      this.#forwards.set(id, {
        lives: lives ?? new Lives(id, countedBy(row), atMs),
        pull,
        said: row['egressBytes'],
        seenMs: atMs,
      });
    }
    for (const [id, { lives, seenMs }] of this.#forwards) {
      if (!news.has(id)) lives.missed(atMs);
      if (atMs - seenMs > REMEMBER_MS) this.#forwards.delete(id);
    }
    const reading = new Map(Array.from(this.#forwards.values(), ({ lives }) => [lives, lives.sums] as const));
    return { reading, isWhole };
  }

  /** Who was at this place before, and says nothing any more. */
  #takeFormer(pull: string, news: ReadonlyMap<string, Row>): Forward | undefined {
    for (const [id, forward] of this.#forwards) {
      if (pull === '' || forward.pull !== pull || news.has(id)) continue;
      this.#forwards.delete(id);
      return forward;
    }
    return undefined;
  }
}

/** What each forward that is there now counted between two readings. */
export function countedBetween(first: Reading, last: Reading): Counted[] {
  return Array.from(last, ([forward, now]) => {
    const then = first.get(forward) ?? NOTHING;
    const since = (name: keyof Counted): number => now[name] - then[name];
    return {
      media: since('media'),
      bootstrap: since('bootstrap'),
      repair: since('repair'),
      control: since('control'),
      ingress: since('ingress'),
    };
  });
}

const NOTHING: Counted = { media: 0, bootstrap: 0, repair: 0, control: 0, ingress: 0 };

function countedBy(row: Row): Counted {
  const sent = (row['egressBytes'] ?? {}) as Partial<Record<Kind, unknown>>;
  const bytes = (value: unknown): number => Number(value) || 0;
  return {
    media: bytes(sent.media),
    bootstrap: bytes(sent.bootstrap),
    repair: bytes(sent.repair),
    control: bytes(sent.control),
    ingress: bytes(row['ingressBytes']),
  };
}

/** Of one that only its tracker speaks of nothing is known. */
const hasCounted = (row: Row): boolean => Object.values(countedBy(row)).some((bytes) => bytes > 0);
