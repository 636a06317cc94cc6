// Has a newcomer's uplink measured: some messages to a forward, which answers how fast they came [P21].
import { PROBE_CHARS, PROBE_MESSAGES } from '../../protocol/limits.ts';
import type { Link } from './link.ts';

const BITS = 8 * PROBE_MESSAGES * PROBE_CHARS;
/** Without an answer for so long the uplink is slow, and how slow is known by the second. */
const SLOW_MS = 2_000;
/** Not for longer: what is missing then is more likely the forward. */
const LOST_MS = 6_000;

export class Probe {
  #sent: { link: Link; atMs: number } | null = null;
  #answer: number | null = null;

  /** Once for each visit. */
  send(link: Link, nowMs: number): void {
    if (this.#sent) return;
    this.#sent = { link, atMs: nowMs };
    const pad = '.'.repeat(PROBE_CHARS);
    for (let left = PROBE_MESSAGES - 1; left >= 0; left--) link.send({ type: 'probe', left, pad });
  }

  answered(bitsPerSecond: number): void {
    this.#answer = bitsPerSecond;
  }

  /** What the uplink carries, bits a second; while the answer is late, what it carries at most; null: it was not measured, or may be fast. */
  bitsPerSecond(nowMs: number): number | null {
    if (this.#answer !== null || !this.#sent || this.#sent.link.state !== 'open') return this.#answer;
    const ms = nowMs - this.#sent.atMs;
    return ms < SLOW_MS || ms > LOST_MS ? null : Math.round((BITS * 1_000) / ms);
  }
}
