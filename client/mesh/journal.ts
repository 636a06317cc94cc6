// The last things that happened to a peer's supply, for whoever asks why the picture stood still.

const MOST = 200;

export interface JournalEntry {
  /** Monotonic milliseconds. */
  atMs: number;
  text: string;
}

export class Journal {
  readonly #now: () => number;
  #entries: JournalEntry[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  note(text: string): void {
    this.#entries.push({ atMs: Math.round(this.#now()), text });
    if (this.#entries.length > MOST) this.#entries = this.#entries.slice(-MOST / 2);
  }

  entries(): readonly JournalEntry[] {
    return this.#entries;
  }
}
