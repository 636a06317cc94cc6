// The coordinate's clock as this tracker knows it, from the answers to its heartbeats.
import { ClockEstimate } from '../../protocol/clock-estimate.ts';

/** Before the first answer. */
const UNKNOWN_MS = 1_000;

export class CoordinateClock {
  /** A clock that never jumps, in milliseconds since 1970 by this machine. */
  readonly #local: () => number;
  readonly #estimate = new ClockEstimate();
  /** With no coordinate to ask, this machine's clock is the coordinate's. */
  readonly #unknownMs: number;

  constructor(asksCoordinate: boolean, local: () => number = () => performance.timeOrigin + performance.now()) {
    this.#local = local;
    this.#unknownMs = asksCoordinate ? UNKNOWN_MS : 0;
  }

  now(): { coordinateMs: number; uncertainMs: number } {
    const local = this.#local();
    const coordinateMs = this.#estimate.at(local);
    if (coordinateMs === null) return { coordinateMs: local, uncertainMs: this.#unknownMs };
    return { coordinateMs, uncertainMs: this.#estimate.uncertainAt(local) };
  }

  /** Starts a measurement; the function returned takes the coordinate's answer. */
  measure(): (coordinateMs: number) => void {
    const sentMs = this.#local();
    return (coordinateMs) => void this.#estimate.observe(sentMs, this.#local(), coordinateMs);
  }
}
