// Where the coordinate's clock stands, by pings over an open WebSocket, and whether this machine
// has slept: then nothing that was known is true, and it is asked again [S17]. How measurements are
// weighed is clock-estimate.ts.
import { ClockEstimate } from '../../protocol/clock-estimate.ts';

/**
 * The two clocks of this machine differ by less from one look to the next, however coarse a browser
 * makes them.
 */
const STEP_MS = 250;
/** Longer between two looks, and this machine may have slept with both clocks going. */
const AWAY_MS = 2_000;

export class RemoteClock {
  readonly #estimate = new ClockEstimate();
  #seen: { nowMs: number; wallMs: number } | null = null;
  /** Pings from before may have been answered before the machine slept. */
  #validMs = Number.NEGATIVE_INFINITY;

  /**
   * To be called at each tick, and before each answer is taken.
   * @param nowMs our monotonic clock
   * @param wallMs our machine's own clock: where it goes on and the monotonic one does not, the
   * machine slept, or somebody set it
   * @returns why to measure again at once: `lost`, nothing is known any more; `away`, what is known
   * may be old; null, no need
   */
  look(nowMs: number, wallMs: number): 'lost' | 'away' | null {
    const seen = this.#seen;
    this.#seen = { nowMs, wallMs };
    if (!seen) return null;
    const passedMs = nowMs - seen.nowMs;
    if (Math.abs(wallMs - seen.wallMs - passedMs) <= STEP_MS) return passedMs > AWAY_MS ? 'away' : null;
    this.#estimate.forget();
    this.#validMs = nowMs;
    return 'lost';
  }

  /**
   * @param sentMs our monotonic clock when the ping left
   * @param coordinateMs the coordinate's clock when it was answered
   * @param uncertainMs how far off the answerer may be itself
   * @returns whether one of the clocks has jumped: what was known is thrown away then, and it is
   * time to measure again
   */
  observe(sentMs: number, receivedMs: number, coordinateMs: number, uncertainMs: number): boolean {
    return sentMs >= this.#validMs && this.#estimate.observe(sentMs, receivedMs, coordinateMs, uncertainMs);
  }

  get isKnown(): boolean {
    return this.#estimate.isKnown;
  }

  /**
   * The coordinate's clock at our monotonic `nowMs`; null until the first answer, and after a sleep
   * until the next.
   */
  at(nowMs: number): number | null {
    return this.#estimate.at(nowMs);
  }

  /** How far off `at` may be. */
  uncertainAt(nowMs: number): number {
    return this.#estimate.uncertainAt(nowMs);
  }
}
