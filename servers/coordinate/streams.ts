// All streams of this coordinate by name, and one audience for them.
import { coordinateNowMs } from './clock.ts';
import { Stream, type StreamAudience } from './stream.ts';
import type { SigningKey } from './signing-key.ts';

const MAX_STREAMS = 1_000;

export class Streams {
  readonly #streams = new Map<string, Stream>();
  readonly #key: SigningKey;
  readonly #audience: StreamAudience;

  constructor(key: SigningKey, audience: StreamAudience) {
    this.#key = key;
    this.#audience = audience;
  }

  get(name: string): Stream | undefined {
    return this.#streams.get(name);
  }

  /** null when there are as many as can be. A finished stream makes room, the one that ended first. */
  open(name: string): Stream | null {
    const known = this.#streams.get(name);
    if (known) return known;
    if (this.#streams.size >= MAX_STREAMS) {
      const idle = [...this.#streams.values()]
        .filter((s) => !s.claimed && s.facts.state !== 'live')
        .sort((a, b) => a.facts.sinceMs - b.facts.sinceMs)[0];
      if (!idle) return null;
      this.#streams.delete(idle.name);
    }
    const stream = new Stream(name, this.#key, this.#audience);
    this.#streams.set(name, stream);
    return stream;
  }

  /** After a push: a name under which nothing was ever shown is not kept. */
  forget(stream: Stream): void {
    if (stream.hasBegun || stream.claimed || this.#streams.get(stream.name) !== stream) return;
    this.#streams.delete(stream.name);
  }

  /** Also those of which nothing is known yet but that somebody pushes. */
  all(): Stream[] {
    return [...this.#streams.values()];
  }

  /** Those that others are told of. */
  begun(): Stream[] {
    return this.all().filter((stream) => stream.hasBegun);
  }

  /** What trackers and viewers are told. */
  news(): { name: string; state: Stream['facts']['state']; epoch: number }[] {
    return this.begun().map(({ name, facts }) => ({ name, state: facts.state, epoch: facts.epoch }));
  }

  ageMs(stream: Stream): number {
    return coordinateNowMs() - stream.facts.sinceMs;
  }
}
