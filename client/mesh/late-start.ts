// A newcomer that its forward has put off, since many begin at once [P20]: when its parents must have delivered, and with which unit it begins.
import { START_PATIENCE_MS } from '../../protocol/limits.ts';
import type { NextKeys } from '../../protocol/peering.ts';

export class LateStart {
  /** Nobody stands in for a parent before this. */
  patientUntilMs = Number.NEGATIVE_INFINITY;
  /** The keyframe that it begins with; 0: with what is at hand. */
  first = 0;
  #keys: (NextKeys & { atMs: number }) | null = null;

  begin(keys: NextKeys | undefined, nowMs: number): void {
    this.patientUntilMs = nowMs + START_PATIENCE_MS;
    if (keys) this.#keys ??= { ...keys, atMs: nowMs + keys.inMs };
  }

  /**
   * The first unit to ask for: what is made about now, and nothing from before the first keyframe after that later on. So no parent sends
   * a run while it begins to feed others too, and each shows at once that it delivers.
   */
  from(epoch: number, nowMs: number): number {
    if (this.#keys?.epoch !== epoch) return 0;
    const { next, atMs, every, everyMs } = this.#keys;
    const keysPast = (nowMs - atMs) / everyMs;
    if (this.first === 0) this.first = next + Math.max(0, Math.ceil(keysPast)) * every;
    return Math.min(this.first, next + Math.ceil(keysPast * every));
  }

  /** Another epoch counts its units anew. */
  epochBegan(epoch: number): void {
    if (this.#keys?.epoch === epoch) return;
    this.first = 0;
    this.#keys = null;
  }
}
