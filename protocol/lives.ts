// What a program has counted over all its lives: one that is killed takes its counters with it, and the next begins at nothing. Pure; where
// the counters are read is others' business.

/** By name. While the program lives they only grow. */
export type Counts<Name extends string> = Readonly<Record<Name, number>>;

/** What a life counted at its end, between the last reading and its death, may be unknown for so long; a second is usual. */
const MOST_UNSEEN_MS = 3_000;

export class Lives<Name extends string> {
  /** Of this life, unless the program has one name for good. */
  #id: string;
  #read: Counts<Name>;
  #readMs: number;
  /** Since when it is not to be read; null: it is. */
  #silentMs: number | null = null;
  #sums: Record<Name, number>;

  /** What was counted before this first reading is not counted here. @param nowMs milliseconds of any one clock */
  constructor(id: string, read: Counts<Name>, nowMs: number) {
    [this.#id, this.#read, this.#readMs] = [id, read, nowMs];
    this.#sums = { ...read };
    this.forget();
  }

  /** In all lives since the first reading. Never smaller than before, but for `forget`. */
  get sums(): Counts<Name> {
    return { ...this.#sums };
  }

  /** Counts from now on. */
  forget(): void {
    for (const name of names(this.#sums)) this.#sums[name] = 0;
  }

  /** It could not be read: perhaps it is dead. */
  missed(nowMs: number): void {
    this.#silentMs ??= nowMs;
  }

  /**
   * Another id, or less than before, is another life: all of it is new.
   * @returns false when a life before may have counted more, unseen, than can be left out
   */
  take(id: string, read: Counts<Name>, nowMs: number): boolean {
    const isNew = id !== this.#id || names(read).some((name) => read[name] < this.#read[name]);
    const unseenMs = isNew ? (this.#silentMs ?? nowMs) - this.#readMs : 0;
    for (const name of names(read)) this.#sums[name] += read[name] - (isNew ? 0 : this.#read[name]);
    [this.#id, this.#read, this.#readMs, this.#silentMs] = [id, read, nowMs, null];
    return unseenMs <= MOST_UNSEEN_MS;
  }
}

const names = <Name extends string>(counts: Counts<Name>): Name[] => Object.keys(counts) as Name[];
