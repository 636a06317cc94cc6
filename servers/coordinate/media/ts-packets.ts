// The packets of a transport stream out of any bytes: found behind junk, found again after damage,
// with the 4 bytes before each that Blu-ray and cameras write (192) or the 16 after each that
// broadcasters do (204). Source: ISO/IEC 13818-1, 2.4.3.2.
import { ByteQueue } from './byte-queue.ts';

export const TS_PACKET_BYTES = 188;
const SYNC = 0x47;
/** From the start of one packet to the next. */
const STRIDES = [188, 192, 204] as const;
/** So many more packets must follow at that stride before one is believed to be one. */
const CONFIRMED_BY = 3;
const LOOK_BYTES = 16 * 1024;

export class TsPackets {
  readonly #queue = new ByteQueue();
  #stride: number | null = null;
  /**
   * Bytes of the last packet's suffix, or of the next one's prefix, that are still to be skipped.
   */
  #between = 0;
  /** Bytes thrown away since the last packet. */
  lost = 0;

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /** The next packet of 188 bytes, or null when more bytes are needed. */
  next(): Uint8Array | null {
    for (;;) {
      if (this.#stride === null && !this.#search()) return null;
      const stride = this.#stride ?? TS_PACKET_BYTES;
      if (this.#queue.length < this.#between + TS_PACKET_BYTES) return null;
      this.#queue.skip(this.#between);
      this.#between = 0;
      if (this.#queue.peek(1)[0] !== SYNC) {
        this.#stride = null;
        continue;
      }
      this.lost = 0;
      this.#between = stride - TS_PACKET_BYTES;
      return this.#queue.take(TS_PACKET_BYTES);
    }
  }

  /** What has come and not been given out. */
  rest(): Uint8Array {
    const bytes = this.#queue.take(this.#queue.length);
    return bytes.subarray(Math.min(this.#between, bytes.length));
  }

  /** Skips to where packets begin. @returns false when that is not known yet */
  #search(): boolean {
    while (this.#queue.length > 0) {
      const bytes = this.#queue.peek(Math.min(this.#queue.length, LOOK_BYTES));
      const { at, stride } = syncIn(bytes);
      this.#queue.skip(at);
      this.lost += at;
      if (stride !== null) {
        this.#stride = stride;
        return true;
      }
      if (at === 0) return false; // a candidate that needs more bytes
    }
    return false;
  }
}

/** Where the first packet begins, or (stride null) up to where there is none. */
export function syncIn(bytes: Uint8Array): { at: number; stride: number | null } {
  for (let at = bytes.indexOf(SYNC); at >= 0; at = bytes.indexOf(SYNC, at + 1)) {
    let open = false;
    for (const stride of STRIDES) {
      const known = Math.min(CONFIRMED_BY, Math.floor((bytes.length - 1 - at) / stride));
      let fits = 0;
      while (fits < known && bytes[at + (fits + 1) * stride] === SYNC) fits++;
      if (fits === CONFIRMED_BY) return { at, stride };
      if (fits === known) open = true;
    }
    if (open) return { at, stride: null };
  }
  return { at: bytes.length, stride: null };
}
