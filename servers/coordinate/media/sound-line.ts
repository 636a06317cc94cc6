// Sound without holes: browsers drop all tracks where one has a gap, and stop where one ends. Silence is written where a source has
// none, frame by frame, so that sound reaches as far as the pictures do. Pure; times in microseconds on the epoch's line.
import type { AudioConfig, Sample } from './sample.ts';
import { silentFrame } from './silent-aac.ts';

const FRAME_SAMPLES = 1_024;
/** Sound comes so much later than its pictures in any stream: muxers pack it. */
const USUAL_LAG_US = 300_000;
/** Nobody packs more than this. */
const MOST_LAG_US = 1_000_000;
/** Of the longest lag seen, this much more is still no absence. */
const LAG_MARGIN = 1.5;
/** No more silence than this is written at once: it then goes on from where the sound is. */
const MOST_SILENCE_US = 60_000_000;

export class SoundLine {
  readonly #frameUs: number;
  readonly #silence: Uint8Array | null;
  #endUs: number | null = null;
  #videoUs = 0;
  #lagUs = USUAL_LAG_US / LAG_MARGIN;
  /** No sound comes: silence keeps step with the pictures. */
  #isMissing = false;

  constructor(config: AudioConfig) {
    this.#frameUs = (FRAME_SAMPLES * 1e6) / config.sampleRate;
    this.#silence = silentFrame(config);
  }

  /** A frame of sound has come. @returns what is to be played: silence up to it, then itself; nothing when it is too late */
  take(sample: Sample): Sample[] {
    if (!this.#isMissing) this.#lagUs = Math.max(this.#lagUs, this.#videoUs - sample.dtsUs);
    this.#isMissing = false;
    const end = this.#endUs ?? sample.dtsUs;
    const gapUs = sample.dtsUs - end;
    if (gapUs < -this.#frameUs) return [];
    const before = gapUs > this.#frameUs / 2 ? this.#silenceUntil(sample.dtsUs - this.#frameUs / 2, end) : [];
    // Without silence to write, the hole stays.
    const at = this.#silence === null && gapUs > this.#frameUs / 2 ? sample.dtsUs : (this.#endUs ?? end);
    this.#endUs = at + this.#frameUs;
    return [...before, { ...sample, dtsUs: at, ptsUs: at }];
  }

  /** The pictures have come to `us`. @returns the silence that is due where sound is missing */
  reach(us: number): Sample[] {
    this.#videoUs = Math.max(this.#videoUs, us);
    const end = this.#endUs ?? us;
    this.#endUs ??= us;
    if (us - end > Math.min(MOST_LAG_US, this.#lagUs * LAG_MARGIN)) this.#isMissing = true;
    return this.#isMissing ? this.#silenceUntil(us, end) : [];
  }

  #silenceUntil(us: number, from: number): Sample[] {
    const data = this.#silence;
    if (data === null) return [];
    let end = us - from > MOST_SILENCE_US ? us : from;
    const made: Sample[] = [];
    for (; end < us; end += this.#frameUs) made.push({ track: 'audio', dtsUs: end, ptsUs: end, key: true, data });
    this.#endUs = end;
    return made;
  }
}
