// What a simulated run is judged by: delays, units missing at a playout buffer, bytes by kind, times until data is back.

export type Kind = 'tree' | 'bootstrap' | 'repair';
export const BUFFERS_MS = [500, 1_000, 2_000] as const;

/** What the forwards sent in one second, in copies, and to how many viewers. */
export type Second = Record<Kind, number> & { viewers: number };

export const sumOf = (by: Readonly<Record<Kind, number>>): number => by.tree + by.bootstrap + by.repair;

export class Histogram {
  readonly #counts: Float64Array;
  readonly #stepMs: number;
  count = 0;

  constructor(mostMs: number, stepMs: number) {
    this.#counts = new Float64Array(Math.ceil(mostMs / stepMs) + 1);
    this.#stepMs = stepMs;
  }

  add(ms: number): void {
    const at = Math.max(0, Math.min(this.#counts.length - 1, Math.floor(ms / this.#stepMs)));
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.count++;
  }

  at(share: number): number | null {
    if (this.count === 0) return null;
    let sum = 0;
    for (const [i, n] of this.#counts.entries()) {
      sum += n;
      if (sum >= share * this.count) return Math.round((i + 0.5) * this.#stepMs);
    }
    return null;
  }
}

export class Measures {
  readonly delay = new Histogram(10_000, 5);
  readonly backGraceful = new Histogram(5_000, 5);
  readonly backSilent = new Histogram(5_000, 5);
  /** Units that should have been played, and those that came too late for each buffer. */
  units = 0;
  readonly late = BUFFERS_MS.map(() => 0);
  /** In copies of one unit, its headers included. */
  readonly forward: Record<Kind, number> = { tree: 0, bootstrap: 0, repair: 0 };
  peers = 0;
  useful = 0;
  duplicate = 0;
  /** Of these, originals of slices that had been made here. */
  made = 0;
  /** Viewers, summed over every unit made while measuring. */
  viewerUnits = 0;
  madeUnits = 0;
  joins = 0;
  departures = 0;
  /** Newcomers whom the forwards told to wait for their parents. */
  putOff = 0;
  moves = 0;
  readonly seconds: Second[] = [];
  /** From asking the coordinate to the first whole keyframe unit, of those who came while measuring. */
  readonly firstPicture = new Histogram(10_000, 5);
  poisonedPlayed = 0;
  convicted = 0;

  result(unitMs: number) {
    const sent = sumOf(this.forward);
    const share = (second: Second): number => (100 * sumOf(second)) / Math.max(1, second.viewers);
    const worst = this.seconds.toSorted((a, b) => share(b) - share(a))[0] ?? null;
    const viewers = this.viewerUnits / Math.max(1, this.madeUnits);
    const missing = (i: number): number => round((100 * (this.late[i] ?? 0)) / Math.max(1, this.units), 5);
    return {
      offload: round(100 * (1 - sent / Math.max(1, this.viewerUnits)), 3),
      egressCopies: round(sent / Math.max(1, this.madeUnits), 3),
      delayMs: { p50: this.delay.at(0.5), p95: this.delay.at(0.95), p99: this.delay.at(0.99) },
      missing: { '500': missing(0), '1000': missing(1), '2000': missing(2) },
      duplicates: round((100 * this.duplicate) / Math.max(1, this.useful), 3),
      ofTheseMade: round((100 * this.made) / Math.max(1, this.useful), 3),
      uploadCopies: round(this.peers / Math.max(1, this.viewerUnits), 4),
      egress: {
        tree: round(this.forward.tree / Math.max(1, this.madeUnits), 2),
        bootstrap: round(this.forward.bootstrap / Math.max(1, this.madeUnits), 2),
        repair: round(this.forward.repair / Math.max(1, this.madeUnits), 2),
        /** The busiest second, in per cent of the viewers then. */
        peak: worst ? round(share(worst), 2) : 0,
        /** What it consisted of, in copies. */
        atPeak: worst && {
          tree: Math.round(worst.tree),
          bootstrap: Math.round(worst.bootstrap),
          repair: Math.round(worst.repair),
        },
      },
      firstPictureMs: { p50: this.firstPicture.at(0.5), p95: this.firstPicture.at(0.95) },
      backMs: {
        graceful: { p50: this.backGraceful.at(0.5), p95: this.backGraceful.at(0.95) },
        silent: { p50: this.backSilent.at(0.5), p95: this.backSilent.at(0.95) },
      },
      viewers: Math.round(viewers),
      joins: this.joins,
      departures: this.departures,
      putOff: this.putOff,
      movesPerViewerMinute: round((this.moves / Math.max(1, this.viewerUnits)) * (60_000 / unitMs), 3),
    };
  }
}

export type SimResult = ReturnType<Measures['result']> & {
  k: number;
  parity: boolean;
  kWhy: string;
  depth: { p50: number; max: number };
  seconds: readonly Second[];
};

const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;
