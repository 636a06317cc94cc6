// The coordinate's clock as this tracker knows it: from the answers to its heartbeats, trusting the one with the shortest way.

/** A measurement is trusted for so long; then a newer one with a longer way replaces it. */
const TRUST_MS = 60_000;

export class CoordinateClock {
  /** A clock that never jumps, in milliseconds since 1970 by this machine. */
  readonly #local: () => number;
  #best: { offsetMs: number; roundTripMs: number; takenMs: number } | null = null;
  /** With no coordinate to ask, this machine's clock is the coordinate's. */
  readonly #unknownMs: number;

  constructor(asksCoordinate: boolean, local: () => number = () => performance.timeOrigin + performance.now()) {
    this.#local = local;
    this.#unknownMs = asksCoordinate ? 1_000 : 0;
  }

  now(): { coordinateMs: number; uncertainMs: number } {
    const local = this.#local();
    if (!this.#best) return { coordinateMs: local, uncertainMs: this.#unknownMs };
    return { coordinateMs: local + this.#best.offsetMs, uncertainMs: this.#best.roundTripMs / 2 };
  }

  /** Starts a measurement; the function returned takes the coordinate's answer. */
  measure(): (coordinateMs: number) => void {
    const sent = this.#local();
    return (coordinateMs) => {
      const takenMs = this.#local();
      const roundTripMs = takenMs - sent;
      const best = this.#best;
      if (best && roundTripMs > best.roundTripMs && takenMs - best.takenMs < TRUST_MS) return;
      this.#best = { offsetMs: coordinateMs + roundTripMs / 2 - takenMs, roundTripMs, takenMs };
    };
  }
}
