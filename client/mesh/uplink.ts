// What this peer still has to send: one queue for all children, one slice after the other (sharing the uplink between children
// delays all of them), nothing later than it is worth, nothing above the viewer's own cap. What it learns of the uplink while slices
// wait is kept in uplink-meter.ts.
import { FLAG, isParity } from '../../protocol/chunk.ts';
import { MAX_FRAGMENT_BYTES } from '../../protocol/limits.ts';
import { fragmentsOf, type Slice } from '../../protocol/slice.ts';
import type { Link } from './link.ts';
import { UplinkMeter } from './uplink-meter.ts';

/** Handed to the system and not gone yet, over all children: enough to keep the line busy between two wake-ups, too little to queue there. */
const IN_FLIGHT_BYTES = 32 * 1024;
/** Channels with less than this together have run dry. */
const DRY_BYTES = 2 * 1024;
/** A child whose channel moves nothing for so long is waited for alone: it does not hold up the others. */
const STUCK_MS = 200;
/** No channel moves for so long, and a child that waits was heard this recently: it is the uplink that carries next to nothing. */
const ALL_STUCK_MS = 500;
const HEARD_MS = 300;
/** Longest queue: a second of a 5 Mbps stream for some children. */
const MAX_JOBS = 512;
/** The viewer's cap may be exceeded for this long and is made good afterwards: a keyframe is larger than its neighbours. */
const CAP_BURST_MS = 250;
const MAX_RECEIPTS = 64;
/** Not even sound. */
const NEXT_TO_NOTHING_BITS_PER_SECOND = 100_000;

interface Job {
  link: Link;
  slice: Slice;
  sinceMs: number;
  /** Monotonic ms after which it is dropped: late is worse than lost. */
  deadlineMs: number;
  retransmit: boolean;
}

/** One child's channel: how much waits in it, and when that last became less. */
interface Line {
  buffered: number;
  movedMs: number;
}

export interface Given {
  slice: number;
  id: string;
  bytes: number;
}

export class Uplink {
  readonly meter = new UplinkMeter();
  readonly #now: () => number;
  readonly #lines = new Map<Link, Line>();
  readonly #given = new Map<string, Given>();
  #jobs: Job[] = [];
  /** Something was left over the last time. */
  #isWaiting = false;
  /** When anything last left a channel, or was put into empty ones. */
  #movedMs = Number.NEGATIVE_INFINITY;
  /** Nothing moves, and the children are well. */
  #isStuck = false;
  /** Bits a second that the viewer allows; null: no cap of its own. */
  #cap: number | null = null;
  #credit = 0;
  #creditMs: number;
  /** Slices dropped because they were late or too many. */
  dropped = 0;
  sentBytes = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#creditMs = now();
  }

  /** Age of the oldest job in ms, as it stands in keep-alives; 0 when nothing waits. */
  get backlogMs(): number {
    const oldest = this.#jobs[0];
    return oldest ? this.#now() - oldest.sinceMs : 0;
  }

  /** It was full or measured, and next to nothing left it: what is asked of this peer never comes. */
  get carriesNothing(): boolean {
    const known = this.meter.known(this.#now());
    return known !== null && known < NEXT_TO_NOTHING_BITS_PER_SECOND;
  }

  setCap(bitsPerSecond: number | null): void {
    this.#cap = bitsPerSecond;
    this.#credit = 0;
  }

  push(link: Link, slice: Slice, deadlineMs: number, retransmit = false): void {
    if (this.#jobs.length >= MAX_JOBS) {
      this.dropped++;
      return;
    }
    this.#jobs.splice(this.#placeOf(slice), 0, { link, slice, sinceMs: this.#now(), deadlineMs, retransmit });
    this.pump();
  }

  /** Last, but before parity slices of this unit and later ones: those are worth something only where one of the others is late. */
  #placeOf({ k, K, head }: Slice): number {
    let at = this.#jobs.length;
    if (isParity(k, K)) return at;
    for (let last = this.#jobs[at - 1]; last && isParity(last.slice.k, last.slice.K); last = this.#jobs[at - 1]) {
      if (last.slice.head.unit < head.unit) break;
      at--;
    }
    return at;
  }

  /** Forgets what waits for a link: all of it, one slice, or one slice's units from `from` on. */
  forget(link: Link, slice?: { k: number; K: number; from?: number | undefined }): void {
    this.#jobs = this.#jobs.filter((job) => {
      if (job.link !== link) return true;
      if (!slice) return false;
      const { k, K, head } = job.slice;
      return k !== slice.k || K !== slice.K || (slice.from !== undefined && head.unit < slice.from);
    });
    if (!slice) this.#lines.delete(link);
  }

  /** Sends what can go now. Called when something is queued, when a channel has drained, and regularly. */
  pump(): void {
    const nowMs = this.#now();
    if (this.#jobs.length === 0) return this.meter.observe(nowMs, this.sentBytes, false, false);
    // Asking a channel what it holds is dear where it means a word with another thread: only when something must wait.
    let moving = this.#known();
    let isFull = false;
    if (this.#isWaiting || moving >= IN_FLIGHT_BYTES) {
      const seen = this.#look(nowMs);
      moving = seen.moving;
      // Channels that have run dry were not held up by the line, but by a program that was busy elsewhere: that is no measure of it.
      isFull = moving > DRY_BYTES || this.#credit < 0;
      this.meter.observe(nowMs, this.sentBytes - seen.all, isFull, true);
    }
    this.#earn(nowMs);
    this.#jobs = this.#jobs.filter((job) => {
      if (job.link.state === 'closed') return false;
      const isLate = job.deadlineMs < nowMs;
      const own = this.#lines.get(job.link)?.buffered ?? 0;
      const isOver = moving >= IN_FLIGHT_BYTES || own >= IN_FLIGHT_BYTES || this.#credit < 0;
      if (!isLate && (job.link.state !== 'open' || isOver)) return true;
      if (isFull && !this.#isHeldByChild(job, nowMs)) this.meter.waited(nowMs - job.sinceMs);
      if (isLate) this.dropped++;
      else moving += this.#send(job, nowMs);
      return false;
    });
    this.#isWaiting = this.#jobs.length > 0;
    const oldest = isFull ? this.#jobs.find((job) => !this.#isHeldByChild(job, nowMs)) : undefined;
    if (oldest) this.meter.waited(nowMs - oldest.sinceMs);
  }

  /** It waits for its child, gone without a word perhaps, and not for the uplink. */
  #isHeldByChild({ link }: Job, nowMs: number): boolean {
    const line = this.#lines.get(link);
    if (link.state !== 'open') return true;
    return !this.#isStuck && line !== undefined && line.buffered > 0 && nowMs - line.movedMs >= STUCK_MS;
  }

  /** Bytes given to each child since the last call. */
  takeGiven(): Given[] {
    const given = [...this.#given.values()];
    this.#given.clear();
    return given;
  }

  /** Bytes that may still wait in the channels: what was there when we looked last, and all that was sent since. */
  #known(): number {
    let sum = 0;
    for (const line of this.#lines.values()) sum += line.buffered;
    return sum;
  }

  /** Bytes that wait in the channels: of all, and of those that move. */
  #look(nowMs: number): { all: number; moving: number } {
    let [all, moving] = [0, 0];
    let isHeard = false;
    for (const [link, line] of this.#lines) {
      if (link.state === 'closed') {
        this.#lines.delete(link);
        continue;
      }
      const buffered = line.buffered === 0 ? 0 : link.bufferedBytes;
      if (buffered < line.buffered) this.#movedMs = nowMs;
      if (buffered < line.buffered || buffered === 0) line.movedMs = nowMs;
      line.buffered = buffered;
      all += buffered;
      if (nowMs - line.movedMs < STUCK_MS) moving += buffered;
      isHeard ||= buffered > 0 && nowMs - link.heardMs < HEARD_MS;
    }
    this.#isStuck = all > 0 && isHeard && nowMs - this.#movedMs >= ALL_STUCK_MS;
    return { all, moving: this.#isStuck ? all : moving };
  }

  #earn(nowMs: number): void {
    if (this.#cap === null) {
      this.#credit = 0;
      return;
    }
    const perMs = this.#cap / 8_000;
    this.#credit = Math.min(perMs * CAP_BURST_MS, this.#credit + perMs * (nowMs - this.#creditMs));
    this.#creditMs = nowMs;
  }

  /** @returns bytes */
  #send({ link, slice, retransmit }: Job, nowMs: number): number {
    let bytes = 0;
    for (const message of fragmentsOf(slice, slice.hops + 1, MAX_FRAGMENT_BYTES, retransmit ? FLAG.retransmit : 0)) {
      link.sendMedia(message);
      bytes += message.length;
    }
    this.sentBytes += bytes;
    if (this.#cap !== null) this.#credit -= bytes;
    const line = this.#lines.get(link);
    if (this.#known() === 0) this.#movedMs = nowMs;
    if (line) {
      if (line.buffered === 0) line.movedMs = nowMs;
      line.buffered += bytes;
    } else this.#lines.set(link, { buffered: bytes, movedMs: nowMs });
    const key = `${slice.k}.${link.id}`;
    const given = this.#given.get(key);
    if (given) given.bytes += bytes;
    else if (this.#given.size < MAX_RECEIPTS) this.#given.set(key, { slice: slice.k, id: link.id, bytes });
    return bytes;
  }
}
