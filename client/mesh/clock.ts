// Where the coordinate's clock stands, estimated over an open WebSocket: of the recent pings the one with the lowest round trip wins.

const KEEP = 16;

interface Sample {
  roundTripMs: number;
  /** coordinate's clock minus our monotonic clock */
  offsetMs: number;
  uncertainMs: number;
}

export class RemoteClock {
  readonly #samples: Sample[] = [];
  #best: Sample | null = null;

  /**
   * @param sentMs our monotonic clock when the ping left
   * @param coordinateMs the coordinate's clock when it was answered
   * @param uncertainMs how far off the answerer may be itself
   */
  observe(sentMs: number, receivedMs: number, coordinateMs: number, uncertainMs: number): void {
    const roundTripMs = Math.max(0, receivedMs - sentMs);
    this.#samples.push({ roundTripMs, offsetMs: coordinateMs - (sentMs + roundTripMs / 2), uncertainMs });
    if (this.#samples.length > KEEP) this.#samples.shift();
    this.#best = this.#samples.reduce((a, b) => (b.roundTripMs < a.roundTripMs ? b : a));
  }

  get isKnown(): boolean {
    return this.#best !== null;
  }

  /** The coordinate's clock at our monotonic `nowMs`; null until the first answer. */
  at(nowMs: number): number | null {
    return this.#best && nowMs + this.#best.offsetMs;
  }

  /** How far off `at` may be: half the best round trip and what the answerer admits. */
  get uncertainMs(): number {
    return this.#best ? this.#best.roundTripMs / 2 + this.#best.uncertainMs : Number.POSITIVE_INFINITY;
  }
}
