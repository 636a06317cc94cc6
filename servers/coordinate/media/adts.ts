// AAC frames out of ADTS, which may be cut anywhere. Source: ISO/IEC 14496-3, 1.A.2.
import { ascOfAdts, audioConfig } from './avc.ts';
import type { MediaSink } from './sample.ts';

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

  constructor(sink: MediaSink) {
    this.#sink = sink;
  }

  /** @param us time of the first frame that begins in `bytes` */
  take(bytes: Uint8Array, us: number): void {
    const begun = this.#left.length;
    const joined = begun === 0 ? bytes : Buffer.concat([this.#left, bytes]);
    if (begun === 0) this.#nextUs = us;
    let timed = begun === 0;
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
        this.#nextUs = us;
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
      if (!config) return;
      this.#header = header;
      this.#frameUs = (FRAME_SAMPLES * 1e6) / config.sampleRate;
      this.#sink.config(config);
    }
    const dtsUs = this.#nextUs;
    this.#nextUs += this.#frameUs;
    const severalBlocks = ((frame[6] ?? 0) & 3) !== 0;
    if (frame.length <= headerBytes || severalBlocks) return;
    this.#sink.sample({ track: 'audio', dtsUs, ptsUs: dtsUs, key: true, data: frame.slice(headerBytes) });
  }
}
