// What this peer still has to send: one queue for all children, one slice after the other (sharing the uplink between children
// delays all of them), and nothing later than it is worth.
import { FLAG } from '../../protocol/chunk.ts';
import { MAX_FRAGMENT_BYTES } from '../../protocol/limits.ts';
import { fragmentsOf, type Slice } from '../../protocol/slice.ts';
import type { Link } from './link.ts';

/** A child whose channel holds more than this is waited for; the others go on. */
const HIGH_WATER_BYTES = 64 * 1024;
/** Longest queue: a second of a 5 Mbps stream for some children. */
const MAX_JOBS = 512;

interface Job {
  link: Link;
  slice: Slice;
  /** Monotonic ms after which it is dropped: late is worse than lost. */
  deadlineMs: number;
  retransmit: boolean;
}

export class Uplink {
  readonly #now: () => number;
  #jobs: Job[] = [];
  /** Slices dropped because they were late or too many. */
  dropped = 0;
  sentBytes = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Age of the oldest job, as it stands in keep-alives; 0 when nothing waits. */
  get length(): number {
    return this.#jobs.length;
  }

  push(link: Link, slice: Slice, deadlineMs: number, retransmit = false): void {
    if (this.#jobs.length >= MAX_JOBS) {
      this.dropped++;
      return;
    }
    this.#jobs.push({ link, slice, deadlineMs, retransmit });
    this.pump();
  }

  forget(link: Link, k?: number): void {
    this.#jobs = this.#jobs.filter((job) => job.link !== link || (k !== undefined && job.slice.k !== k));
  }

  /** Sends what can go now. Called when something is queued and when a channel has drained. */
  pump(): void {
    if (this.#jobs.length === 0) return;
    const nowMs = this.#now();
    this.#jobs = this.#jobs.filter((job) => {
      if (job.link.state === 'closed') return false;
      if (job.deadlineMs < nowMs) {
        this.dropped++;
        return false;
      }
      if (job.link.state !== 'open' || job.link.bufferedBytes > HIGH_WATER_BYTES) return true;
      this.#send(job);
      return false;
    });
  }

  #send({ link, slice, retransmit }: Job): void {
    for (const message of fragmentsOf(slice, slice.hops + 1, MAX_FRAGMENT_BYTES, retransmit ? FLAG.retransmit : 0)) {
      link.sendMedia(message);
      this.sentBytes += message.length;
    }
  }
}
