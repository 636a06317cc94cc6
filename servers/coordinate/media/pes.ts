// Packets of one elementary stream joined to whole PES packets, and what a PES header says. Source:
// ISO/IEC 13818-1, 2.4.3.6.

const WRAP = 2 ** 33;

export interface Pes {
  /** 90 kHz, as they stand in the stream (33 bits); null where the packet has no times. */
  pts: number | null;
  dts: number | null;
  /** The transport stream says that decoding can start here. */
  random: boolean;
  /** As long as a PES packet with a length can be: what follows without times may belong to it. */
  full: boolean;
  payload: Uint8Array;
}

/**
 * Multiplexers that give lengths to pictures cut the large ones up near the field's limit of
 * 65,535.
 */
const FULL_BYTES = 60_000;

/**
 * Unwraps 33-bit times and gives microseconds: one for all tracks, or a stream that begins at a
 * wrap would fall apart.
 */
export class PesClock {
  #last: number | null = null;

  /** The last time that was given. */
  get lastUs(): number {
    return ((this.#last ?? 0) * 100) / 9;
  }

  us(ticks: number): number {
    if (this.#last === null) this.#last = ticks;
    else {
      const delta = (((ticks - this.#last) % WRAP) + WRAP) % WRAP;
      this.#last += delta > WRAP / 2 ? delta - WRAP : delta;
    }
    return (this.#last * 100) / 9;
  }
}

export function parsePes(bytes: Uint8Array, random: boolean): Pes | null {
  if (bytes.length < 9 || bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 1) return null;
  const flags = (bytes[7] ?? 0) >> 6;
  const headerBytes = 9 + (bytes[8] ?? 0);
  if (headerBytes > bytes.length) return null;
  const pts = (flags & 2) !== 0 && headerBytes >= 14 ? stamp(bytes, 9) : null;
  const dts = flags === 3 && headerBytes >= 19 ? stamp(bytes, 14) : pts;
  const full = (((bytes[4] ?? 0) << 8) | (bytes[5] ?? 0)) >= FULL_BYTES;
  return { pts, dts, random, full, payload: bytes.subarray(headerBytes) };
}

const stamp = (b: Uint8Array, at: number): number =>
  (((b[at] ?? 0) >> 1) & 7) * 2 ** 30 +
  (((b[at + 1] ?? 0) << 22) | (((b[at + 2] ?? 0) >> 1) << 15) | ((b[at + 3] ?? 0) << 7) | ((b[at + 4] ?? 0) >> 1));

/**
 * So many PES packets must end with a stuffed packet, and none have one within, before stuffing is
 * taken as the end.
 */
const TRUST_AFTER = 4;

/**
 * Joins the packets of one PID. A video PES has no length: it would only be known as whole when the
 * next one begins, a frame too late. But multiplexers fill up its last packet with stuffing; where
 * that has held, the stuffed packet is the end.
 */
export class PesJoiner {
  #parts: Uint8Array[] = [];
  #length = 0;
  /** Total length from the header; 0 = unbounded. */
  #wanted = 0;
  #random = false;
  #open = false;
  #stuffedEnds = 0;
  #stuffingMeansNothing = false;
  #lastStuffed = false;

  get bytes(): number {
    return this.#length;
  }

  /**
   * @returns the PES that this packet ends or, by beginning another, shows to be whole; at most two
   */
  add(payload: Uint8Array, about: { starts: boolean; stuffed: boolean; random: boolean }): Pes[] {
    const done: Pes[] = [];
    if (about.starts) {
      if (this.#open && this.#lastStuffed) this.#stuffedEnds++;
      done.push(...this.flush());
      this.#open = true;
      this.#random = about.random;
      this.#wanted = payload.length >= 6 ? ((payload[4] ?? 0) << 8) | (payload[5] ?? 0) : 0;
      if (this.#wanted > 0) this.#wanted += 6;
    } else if (this.#lastStuffed && this.#wanted === 0) {
      // More came after a stuffed packet: this multiplexer stuffs anywhere.
      this.#stuffingMeansNothing = true;
    }
    this.#lastStuffed = about.stuffed;
    if (!this.#open) return done;
    this.#parts.push(payload);
    this.#length += payload.length;
    const trusted = !this.#stuffingMeansNothing && this.#stuffedEnds >= TRUST_AFTER;
    const whole = this.#wanted > 0 ? this.#length >= this.#wanted : about.stuffed && trusted;
    if (whole) done.push(...this.flush());
    return done;
  }

  /** Packets are missing: what has been gathered is not whole. */
  drop(): void {
    this.#parts = [];
    this.#length = 0;
    this.#open = false;
    this.#lastStuffed = false;
  }

  /** What there is, as a PES. */
  flush(): Pes[] {
    if (!this.#open || this.#length === 0) return [];
    const joined = new Uint8Array(this.#wanted > 0 ? Math.min(this.#wanted, this.#length) : this.#length);
    let at = 0;
    for (const part of this.#parts) {
      const fits = part.subarray(0, joined.length - at);
      joined.set(fits, at);
      at += fits.length;
    }
    this.#parts = [];
    this.#length = 0;
    this.#open = false;
    const pes = parsePes(joined, this.#random);
    return pes ? [pes] : [];
  }
}
