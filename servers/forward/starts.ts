// How many newcomers of a stream a forward starts at once: each costs a run from a keyframe on, and then the stream until its parents deliver;
// a crowd of them costs more than the audience that is there [P20]. Everything is in copies of the stream; who subscribes is session.ts.

/** What a newcomer is given: a run from a keyframe that lies far enough back, one from the newest, or the init segment alone. */
export type Start = 'whole' | 'short' | 'none';

/** Runs weigh for so long, as if they were sent evenly. */
const WINDOW_MS = 1_000;
/** A crowd goes on for so long after the last newcomer that was put off. */
const CROWDED_MS = 5_000;

export class Starts {
  /** Copies that may go to newcomers at once; null: as many as come. */
  limit: number | null = null;
  /** Copies that flow to newcomers whose parents do not deliver yet. */
  flowing = 0;
  /** Newcomers that were told to wait for their parents, since the program's start. */
  putOff = 0;
  /** Runs sent within the window, oldest first. */
  readonly #runs: { atMs: number; seconds: number }[] = [];
  #runSeconds = 0;
  #crowdedMs = Number.NEGATIVE_INFINITY;

  /** Decides, and counts the run as sent. @param whole seconds of the stream in such a run; `short`: in one from the newest keyframe */
  next({ whole, short }: { whole: number; short: number }, nowMs: number): Start {
    while (this.#runs[0] && nowMs - this.#runs[0].atMs >= WINDOW_MS)
      this.#runSeconds -= this.#runs.shift()?.seconds ?? 0;
    if (this.limit === null) return this.#ran('whole', whole, nowMs);
    const copies = this.flowing + this.#runSeconds;
    if (copies + whole <= this.limit) return this.#ran('whole', whole, nowMs);
    if (copies + short <= this.limit) return this.#ran('short', short, nowMs);
    this.putOff++;
    this.#crowdedMs = nowMs;
    return 'none';
  }

  /** Somebody was put off just now: slots are short, and uplinks are worth measuring. */
  isCrowded(nowMs: number): boolean {
    return nowMs - this.#crowdedMs < CROWDED_MS;
  }

  #ran(start: Start, seconds: number, nowMs: number): Start {
    this.#runs.push({ atMs: nowMs, seconds });
    this.#runSeconds += seconds;
    return start;
  }
}
