// Has a newcomer's uplink measured where slots are short: some messages to a forward, which answers how fast they came [P21].
import { PROBE_CHARS, PROBE_MESSAGES } from '../../protocol/limits.ts';
import type { Link } from './link.ts';

export class Probe {
  #isSent = false;

  /** Once for each visit. */
  send(link: Link): void {
    if (this.#isSent) return;
    this.#isSent = true;
    const pad = '.'.repeat(PROBE_CHARS);
    for (let left = PROBE_MESSAGES - 1; left >= 0; left--) link.send({ type: 'probe', left, pad });
  }
}
