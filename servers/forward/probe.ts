// How fast a newcomer's uplink is, by some messages that it sends for nothing else [P21]: the later half counts, when the connection has
// found its pace.

const MOST_BITS_PER_SECOND = 1e9;

export class Probe {
  #chars = 0;
  #countedFrom = { chars: 0, atMs: 0 };
  state: 'idle' | 'running' | 'done' = 'idle';

  /** @param left messages that follow @returns bits a second after the last one, else null */
  take(chars: number, left: number, of: number, nowMs: number): number | null {
    if (this.state === 'done') return null;
    this.state = left === 0 ? 'done' : 'running';
    this.#chars += chars;
    if (left >= of / 2) this.#countedFrom = { chars: this.#chars, atMs: nowMs };
    if (left > 0) return null;
    const ms = nowMs - this.#countedFrom.atMs;
    const bits = 8 * (this.#chars - this.#countedFrom.chars);
    return Math.min(MOST_BITS_PER_SECOND, Math.round((bits * 1_000) / Math.max(1, ms)));
  }
}
