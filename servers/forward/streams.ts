// The streams a forward holds, by name. Viewers may ask for a name before anybody broadcasts it, and may make names up: those never
// take the place of a stream that a coordinate has named.
import type { StartsRow } from '../../protocol/mesh-tables.ts';
import { StreamBuffer } from './stream-buffer.ts';

const MAX_STREAMS = 64;
const MAX_AWAITED = 64;

export class Streams {
  readonly #named = new Map<string, StreamBuffer>();
  readonly #awaited = new Map<string, StreamBuffer>();

  *all(): Generator<StreamBuffer> {
    yield* this.#named.values();
    yield* this.#awaited.values();
  }

  /** What it has said of starts counts no more. */
  trackerGone(tracker: string): void {
    for (const { starts } of this.all()) starts.tell(tracker, undefined);
  }

  /** For each stream with a limit: what newcomers of the last half minute were given. @param nowMs monotonic */
  starts(nowMs: number): StartsRow[] {
    return [...this.all()].flatMap(({ name, starts: { limit, newcomers } }) =>
      limit === null ? [] : [{ stream: name, limit, ...newcomers.recent(nowMs) }],
    );
  }

  /** A coordinate speaks of it. Null when it names more than a forward holds. */
  named(name: string): StreamBuffer | null {
    const known = this.#named.get(name);
    if (known) return known;
    if (this.#named.size >= MAX_STREAMS) return null;
    const stream = this.#awaited.get(name) ?? new StreamBuffer(name);
    this.#awaited.delete(name);
    this.#named.set(name, stream);
    return stream;
  }

  /**
   * A viewer or tracker asks for it. Null when there is no room for another name that nobody broadcasts.
   * @param watched names that somebody is here for: the others make room
   */
  awaited(name: string, watched: () => ReadonlySet<string>): StreamBuffer | null {
    const known = this.#named.get(name) ?? this.#awaited.get(name);
    if (known) return known;
    if (this.#awaited.size >= MAX_AWAITED) {
      const kept = watched();
      for (const other of this.#awaited.keys()) if (!kept.has(other)) this.#awaited.delete(other);
      if (this.#awaited.size >= MAX_AWAITED) return null;
    }
    const stream = new StreamBuffer(name);
    this.#awaited.set(name, stream);
    return stream;
  }
}
