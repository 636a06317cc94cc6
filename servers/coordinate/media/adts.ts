// AAC frames out of ADTS, which may be cut anywhere, and a bare stream of them. Source: ISO/IEC
// 14496-3, 1.A.2.
import { ascOfAdts, audioConfig, unplayableAac } from './aac.ts';
import { FIRST_OF_EACH, type Demuxer, type Halt, type MediaSink } from './sample.ts';

const FRAME_SAMPLES = 1_024;
const HEADER_BYTES = 7;
/** A frame has 13 bits for its length. */
const MAX_LEFT_BYTES = 8_192;

export class AdtsReader {
  readonly #sink: MediaSink;
  #left: Uint8Array = new Uint8Array(0);
  #nextUs = 0;
  #frameUs = 0;
  #header = -1;
  /** What browsers can not play, once it has been seen. */
  unplayable: string | null = null;

  constructor(sink: MediaSink) {
    this.#sink = sink;
  }

  /** When the next frame begins, as far as is known. */
  get nextUs(): number {
    return this.#nextUs;
  }

  /** Bytes are missing before the next ones. */
  drop(): void {
    this.#left = new Uint8Array(0);
  }

  /**
   * @param us time of the first frame that begins in `bytes`; null where none is told: it follows
   * the one before
   */
  take(bytes: Uint8Array, us: number | null): void {
    const begun = this.#left.length;
    const joined = begun === 0 ? bytes : Buffer.concat([this.#left, bytes]);
    if (begun === 0 && us !== null) this.#nextUs = us;
    let timed = begun === 0 || us === null;
    let at = 0;
    while (at + HEADER_BYTES <= joined.length) {
      if (joined[at] !== 0xff || ((joined[at + 1] ?? 0) & 0xf6) !== 0xf0) {
        at++; // out of step: look for the next header
        continue;
      }
      const length = (((joined[at + 3] ?? 0) & 3) << 11) | ((joined[at + 4] ?? 0) << 3) | ((joined[at + 5] ?? 0) >> 5);
      if (length < HEADER_BYTES) {
        at++;
        continue;
      }
      if (at + length > joined.length) break;
      if (!timed && at >= begun) {
        this.#nextUs = us ?? this.#nextUs;
        timed = true;
      }
      this.#frame(joined.subarray(at, at + length));
      at += length;
    }
    this.#left = joined.slice(Math.max(at, joined.length - MAX_LEFT_BYTES));
  }

  #frame(frame: Uint8Array): void {
    const headerBytes = ((frame[1] ?? 0) & 1) === 1 ? HEADER_BYTES : HEADER_BYTES + 2;
    // Profile, rate and channels: the bits that make the configuration.
    const header = ((frame[2] ?? 0) << 8) | ((frame[3] ?? 0) & 0xc0);
    if (header !== this.#header) {
      const asc = ascOfAdts(frame);
      const config = asc ? audioConfig(asc) : null;
      if (!asc || !config) return;
      this.unplayable = unplayableAac(asc);
      this.#header = header;
      this.#frameUs = (FRAME_SAMPLES * 1e6) / config.sampleRate;
      if (this.unplayable === null) this.#sink.config(config);
    }
    const severalBlocks = ((frame[6] ?? 0) & 3) !== 0;
    if (severalBlocks) this.unplayable ??= 'AAC with several blocks a frame';
    if (this.unplayable !== null || frame.length <= headerBytes) return;
    const dtsUs = this.#nextUs;
    this.#nextUs += this.#frameUs;
    this.#sink.sample({ track: 'audio', dtsUs, ptsUs: dtsUs, key: true, data: frame.slice(headerBytes) });
  }
}

/** Live sound that comes this much later than its frames add up to had a hole. */
const HOLE_US = 300_000;

/**
 * A bare stream of ADTS frames: its times are the count of its samples, and where it is live, the
 * time of arrival after a hole.
 */
export class AdtsDemuxer implements Demuxer {
  readonly #reader: AdtsReader;
  readonly #sink: MediaSink;
  readonly #arrivalUs: (() => number) | null;
  #beganUs: number | null = null;
  #halted = false;

  /** @param arrivalUs a clock, where the stream is live */
  constructor(sink: MediaSink, arrivalUs: (() => number) | null = null) {
    this.#sink = sink;
    this.#reader = new AdtsReader(sink);
    this.#arrivalUs = arrivalUs;
  }

  push(bytes: Uint8Array): Halt | null {
    if (this.#halted) return null;
    if (this.#beganUs === null) {
      this.#sink.tracks(['audio']);
      this.#beganUs = this.#arrivalUs?.() ?? 0;
    }
    const sinceUs = (this.#arrivalUs?.() ?? 0) - this.#beganUs;
    this.#reader.take(bytes, sinceUs > this.#reader.nextUs + HOLE_US ? sinceUs : null);
    const what = this.#reader.unplayable;
    if (what === null) return null;
    this.#halted = true;
    return { handover: 'audio', what, interlaced: false, specifiers: FIRST_OF_EACH, replay: [bytes] };
  }
}
