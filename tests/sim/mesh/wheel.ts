// The simulated clock: what is due in which millisecond. Slices in flight are by far the most, so they are numbers, not closures.

/** A slice arriving: receiver, unit, slice, sender, when its last byte left the sender. */
export type Arrive = (to: number, unit: number, k: number, from: number, sentMs: number, flags: number) => void;

const FIELDS = 6;

export class Wheel {
  nowMs = 0;
  readonly #calls: ((() => void)[] | undefined)[] = [];
  readonly #arrivals: (number[] | undefined)[] = [];
  readonly #arrive: Arrive;

  constructor(arrive: Arrive) {
    this.#arrive = arrive;
  }

  at(ms: number, call: () => void): void {
    const slot = Math.max(Math.ceil(ms), this.nowMs + 1);
    (this.#calls[slot] ??= []).push(call);
  }

  in(ms: number, call: () => void): void {
    this.at(this.nowMs + ms, call);
  }

  arriveAt(ms: number, to: number, unit: number, k: number, from: number, sentMs: number, flags: number): void {
    const slot = Math.max(Math.ceil(ms), this.nowMs + 1);
    (this.#arrivals[slot] ??= []).push(to, unit, k, from, sentMs, flags);
  }

  runUntil(endMs: number): void {
    for (; this.nowMs < endMs; this.nowMs++) {
      const arrivals = this.#arrivals[this.nowMs];
      if (arrivals) {
        for (let i = 0; i < arrivals.length; i += FIELDS)
          this.#arrive(
            arrivals[i] ?? 0,
            arrivals[i + 1] ?? 0,
            arrivals[i + 2] ?? 0,
            arrivals[i + 3] ?? 0,
            arrivals[i + 4] ?? 0,
            arrivals[i + 5] ?? 0,
          );
        this.#arrivals[this.nowMs] = undefined;
      }
      const calls = this.#calls[this.nowMs];
      if (calls) {
        for (const call of calls) call();
        this.#calls[this.nowMs] = undefined;
      }
    }
  }
}
