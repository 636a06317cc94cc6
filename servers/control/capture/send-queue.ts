// What waits to be sent while the network takes no more: bounded in time and bytes. Over the bound everything goes, and sending starts
// anew at the next keyframe, since a later picture is worth more than an old one. Pure: time comes from outside, in milliseconds.
import type { Fragment, Init } from './fragments.ts';

export const QUEUE_LIMITS = { ageMs: 2_000, bytes: 4 * 1024 * 1024 };

export class SendQueue {
  readonly #limits: typeof QUEUE_LIMITS;
  #items: { bytes: Buffer; atMs: number; isInit: boolean }[] = [];
  #bytes = 0;
  #waitsForKey = true;
  /** Fragments that were not sent, since the beginning. */
  dropped = 0;

  constructor(limits = QUEUE_LIMITS) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What follows belongs to another stream and begins with a keyframe. */
  begin(init: Init, nowMs: number): void {
    this.#waitsForKey = true;
    this.#put(init.bytes, nowMs, true);
  }

  add({ bytes, key }: Fragment, nowMs: number): void {
    if (this.#waitsForKey && !key) {
      this.dropped++;
      return;
    }
    this.#waitsForKey = false;
    this.#put(bytes, nowMs, false);
    const oldest = this.#items[0]?.atMs ?? nowMs;
    if (this.#bytes <= this.#limits.bytes && nowMs - oldest <= this.#limits.ageMs) return;
    const keeps = key ? this.#items.length - 1 : this.#items.length;
    const lost = this.#items.slice(0, keeps).filter((item) => !item.isInit);
    this.dropped += lost.length;
    // The newest init is still needed by what follows; it takes the place, and the age, of what went.
    const init = this.#items.findLast((item) => item.isInit);
    this.#items = [...(init ? [{ ...init, atMs: nowMs }] : []), ...this.#items.slice(keeps)];
    this.#bytes = this.#items.reduce((sum, item) => sum + item.bytes.length, 0);
    this.#waitsForKey = !key;
  }

  take(): Buffer | null {
    const item = this.#items.shift();
    if (!item) return null;
    this.#bytes -= item.bytes.length;
    return item.bytes;
  }

  #put(bytes: Buffer, atMs: number, isInit: boolean): void {
    this.#items.push({ bytes, atMs, isInit });
    this.#bytes += bytes.length;
  }
}
