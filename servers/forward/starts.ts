// How many newcomers of a stream a forward starts at once: each costs a run from a keyframe on, and then the stream until its parents deliver;
// a crowd of them costs more than the audience that is there [P20]. Everything is in copies of the stream; who subscribes is session.ts.
import { Newcomers } from './newcomers.ts';

/** What a newcomer is given: a run from a keyframe that lies far enough back, one from the newest, or the init segment alone. */
export type Start = 'whole' | 'short' | 'none';

/** Runs weigh for so long, as if they were sent evenly. */
const WINDOW_MS = 1_000;

export class Starts {
  /** Copies that each tracker's audience can bear, by the tracker's address; null: as many as come. */
  readonly #told = new Map<string, number | null>();
  /** Copies that flow to newcomers whose parents do not deliver yet. */
  flowing = 0;
  /** Newcomers that were told to wait for their parents, since the program's start. */
  putOff = 0;
  readonly newcomers = new Newcomers();
  /** Runs sent within the window, oldest first. */
  readonly #runs: { atMs: number; seconds: number }[] = [];
  #runSeconds = 0;

  /** Copies that may go to newcomers at once, for all trackers' audiences together; null: as many as come. */
  get limit(): number | null {
    let sum: number | null = null;
    for (const copies of this.#told.values()) {
      if (copies === null) return null;
      sum = (sum ?? 0) + copies;
    }
    return sum;
  }

  /** @param copies that this tracker's audience can bear; null: as many as come; undefined: it says nothing any more */
  tell(tracker: string, copies: number | null | undefined): void {
    if (copies === undefined) this.#told.delete(tracker);
    else this.#told.set(tracker, copies);
  }

  /** Decides, and counts the run as sent. @param whole seconds of the stream in such a run; `short`: in one from the newest keyframe */
  next(runs: { whole: number; short: number }, nowMs: number): Start {
    while (this.#runs[0] && nowMs - this.#runs[0].atMs >= WINDOW_MS)
      this.#runSeconds -= this.#runs.shift()?.seconds ?? 0;
    const start = this.#fitting(runs);
    this.newcomers.count(start === 'none', nowMs);
    if (start === 'none') {
      this.putOff++;
      return start;
    }
    this.#runs.push({ atMs: nowMs, seconds: runs[start] });
    this.#runSeconds += runs[start];
    return start;
  }

  #fitting({ whole, short }: { whole: number; short: number }): Start {
    const { limit } = this;
    const copies = this.flowing + this.#runSeconds;
    if (limit === null || copies + whole <= limit) return 'whole';
    return copies + short <= limit ? 'short' : 'none';
  }
}
