// Cuts one epoch's samples into units: about `unitMs` long, at frame boundaries, a new one at each keyframe, never above the limit.
// A unit is complete as soon as its last frame is there: nothing waits for the next frame. Pure.
import { MAX_UNIT_BYTES } from '../../../protocol/limits.ts';
import type { Sample } from './sample.ts';
import type { TimedSample } from './mp4-mux.ts';

const DEFAULT_FRAME_US = 33_333;
const MIN_FRAME_US = 1_000;
const MAX_FRAME_US = 10_000_000;
const AAC_FRAME_SAMPLES = 1_024;
/** The usual distance of two frames is the median of so many: cameras' stamps jitter, and one odd gap must not hold a frame back. */
const MEDIAN_OF = 9;
/** Room for the boxes around the samples. */
const BOX_BYTES = 512;
const PER_SAMPLE_BYTES = 16;
/** Sound goes with the pictures. ffmpeg's transport streams bring it in pieces of up to 370 ms. */
const LONE_AUDIO_US = 400_000;
/** Pictures that are this many units apart are not waited for. */
const SLOW_UNITS = 1.5;
/** Without pictures, decoding can begin anywhere; newcomers are given at most this much of the past. */
const AUDIO_KEY_US = 1_000_000;

export interface Cut {
  video: TimedSample[];
  audio: TimedSample[];
  /** Of the first picture, or of the first sound where there is none. */
  startUs: number;
  /** When that one is shown. */
  shownUs: number;
  durationUs: number;
  key: boolean;
}

export class Cutter {
  readonly #unitUs: number;
  readonly #audioFrameUs: number;
  readonly #hasVideo: boolean;
  #video: Sample[] = [];
  #audio: Sample[] = [];
  #bytes = 0;
  #frameUs = DEFAULT_FRAME_US;
  /** The last distances of two frames. */
  readonly #gapsUs: number[] = [];
  #lastVideoUs: number | null = null;
  /** The last unit's last picture, as it was written. */
  #lastPicture: TimedSample | null = null;
  #nextAudioKeyUs = -Infinity;

  constructor(unitMs: number, tracks: { video: boolean; audioSampleRate: number | null }) {
    this.#unitUs = unitMs * 1_000;
    this.#hasVideo = tracks.video;
    this.#audioFrameUs = (AAC_FRAME_SAMPLES * 1e6) / (tracks.audioSampleRate ?? 48_000);
  }

  get empty(): boolean {
    return this.#video.length === 0 && this.#audio.length === 0;
  }

  /** A picture waits for others to go with. */
  get hasPictures(): boolean {
    return this.#video.length > 0;
  }

  /** Takes a sample; returns the units that it completes (the one before a keyframe, and its own). */
  add(sample: Sample): Cut[] {
    const cuts: Cut[] = [];
    const before = (): void => {
      const cut = this.flush();
      if (cut) cuts.push(cut);
    };
    const grown = this.#bytes + sample.data.length + PER_SAMPLE_BYTES;
    if (grown + BOX_BYTES > MAX_UNIT_BYTES) before();
    if (sample.track === 'video') {
      if (sample.key && this.#video.length > 0) before();
      if (this.#lastVideoUs !== null) this.#measure(sample.dtsUs - this.#lastVideoUs);
      this.#lastVideoUs = sample.dtsUs;
      this.#video.push(sample);
    } else this.#audio.push(sample);
    this.#bytes += sample.data.length + PER_SAMPLE_BYTES;
    if (this.#full()) before();
    return cuts;
  }

  /** What there is, as a unit. */
  flush(): Cut | null {
    if (this.empty) return null;
    const video = joined(timed(this.#video, this.#frameUs), this.#lastPicture);
    const audio = timed(this.#audio, this.#audioFrameUs);
    const lead = this.#video.length > 0 ? this.#video : this.#audio;
    const first = lead[0];
    const last = lead.at(-1);
    if (!first || !last) return null;
    this.#lastPicture = video.at(-1) ?? this.#lastPicture;
    const cut: Cut = {
      video,
      audio,
      startUs: first.dtsUs,
      shownUs: first.ptsUs,
      durationUs: last.dtsUs - first.dtsUs + (this.#video.length > 0 ? this.#frameUs : this.#audioFrameUs),
      key: this.#hasVideo ? video[0]?.key === true : first.dtsUs >= this.#nextAudioKeyUs,
    };
    if (!this.#hasVideo && cut.key) this.#nextAudioKeyUs = first.dtsUs + AUDIO_KEY_US;
    this.#video = [];
    this.#audio = [];
    this.#bytes = 0;
    return cut;
  }

  #full(): boolean {
    const [video, audio] = [span(this.#video, this.#frameUs), span(this.#audio, this.#audioFrameUs)];
    if (video > 0) return video >= this.#unitUs - this.#frameUs / 2;
    // Sound alone in a stream with pictures goes with the next one, unless none comes soon.
    const isSlow = this.#frameUs > SLOW_UNITS * this.#unitUs;
    return audio >= (this.#hasVideo && !isSlow ? LONE_AUDIO_US : this.#unitUs - this.#audioFrameUs / 2);
  }

  #measure(deltaUs: number): void {
    if (deltaUs < MIN_FRAME_US || deltaUs > MAX_FRAME_US) return;
    this.#gapsUs.push(deltaUs);
    if (this.#gapsUs.length > MEDIAN_OF) this.#gapsUs.shift();
    const sorted = this.#gapsUs.toSorted((x, y) => x - y);
    this.#frameUs = sorted[Math.floor(sorted.length / 2)] ?? deltaUs;
  }
}

function span(samples: readonly Sample[], frameUs: number): number {
  const first = samples[0];
  const last = samples.at(-1);
  return first && last ? last.dtsUs - first.dtsUs + frameUs : 0;
}

const timed = (samples: readonly Sample[], frameUs: number): TimedSample[] =>
  samples.map((s, i) => ({
    dtsUs: s.dtsUs,
    ptsUs: s.ptsUs,
    durationUs: (samples[i + 1]?.dtsUs ?? s.dtsUs + frameUs) - s.dtsUs,
    key: s.key,
    data: s.data,
  }));

/**
 * The unit before was written when nobody knew how long its last picture lasts. Where that was more than was guessed, the first one
 * here is decoded right after it and shown in its time: a player that finds a gap in decoding time drops everything up to the next
 * keyframe (MSE, coded frame processing, step 6). Where it lags, the last one lasts longer, so that decoding catches up.
 */
function joined(video: TimedSample[], before: TimedSample | null): TimedSample[] {
  const [first, ...rest] = video;
  if (!first || before === null) return video;
  const endUs = before.dtsUs + before.durationUs;
  const lagUs = first.dtsUs - endUs;
  if (lagUs < before.durationUs / 2) return video;
  const alone = first.durationUs + Math.min(lagUs, first.durationUs);
  return [{ ...first, dtsUs: endUs, durationUs: rest.length > 0 ? first.durationUs + lagUs : alone }, ...rest];
}
