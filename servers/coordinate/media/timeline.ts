// The source's time stamps made into one timeline without steps: encoders restart, files are joined, stamps jump.
import type { Sample, TrackKind } from './sample.ts';

/** More than this away from where the stream was is a step, not jitter. */
const STEP_US = 1_000_000;
/** So far ahead is a pause in any case: some programs send the first frame after one before they wait. */
const PAUSE_US = 5_000_000;
/** A camera that paused this long at most shows its last picture for so long; after a longer pause the line is closed up. */
const LONGEST_PAUSE_US = 30_000_000;
/** What follows a step starts this far after what was before. */
const AFTER_STEP_US = 33_000;
/** AAC frames whose stamps are rounded to milliseconds are put back in line when they are this near. */
const AUDIO_SNAP_US = 10_000;
const AAC_FRAME_SAMPLES = 1_024;

export interface Placed {
  /** Times in microseconds on the timeline; continuous, any zero. */
  sample: Sample;
  /** The source stepped just before this sample. */
  stepped: boolean;
}

export class Timeline {
  #shiftUs = 0;
  /** For the other track's last samples from before the step. */
  #oldShiftUs = 0;
  readonly #lastUs: Partial<Record<TrackKind, number>> = {};
  #lastArrivalMs = 0;
  #audioFrameUs = 0;

  set audioSampleRate(hz: number) {
    this.#audioFrameUs = (AAC_FRAME_SAMPLES * 1e6) / hz;
  }

  /** @param arrivalMs when it came: stamps that jump as far as nothing came for are no step but a pause */
  place(sample: Sample, arrivalMs: number): Placed {
    const silentUs = Math.max(0, arrivalMs - this.#lastArrivalMs) * 1_000;
    const stepped = this.#step(sample.track, sample.dtsUs, silentUs);
    this.#lastArrivalMs = arrivalMs;
    const shift = this.#shiftFor(sample.track, sample.dtsUs);
    let at = sample.dtsUs + shift;
    const last = this.#lastUs[sample.track];
    if (last !== undefined) {
      const due = last + this.#audioFrameUs;
      if (sample.track === 'audio' && this.#audioFrameUs > 0 && Math.abs(at - due) < AUDIO_SNAP_US) at = due;
      else if (at <= last) at = last + 1; // decoding order never goes back
    }
    this.#lastUs[sample.track] = at;
    const ptsUs = sample.track === 'video' ? Math.max(at, sample.ptsUs + shift) : at;
    return { sample: { ...sample, dtsUs: at, ptsUs }, stepped };
  }

  /** Where a time of the source's lies on the line now. */
  placed(us: number): number {
    return us + this.#shiftUs;
  }

  #near(us: number): boolean {
    const known = [this.#lastUs.video, this.#lastUs.audio].filter((last) => last !== undefined);
    return known.length === 0 || known.some((last) => Math.abs(us - last) <= STEP_US);
  }

  #shiftFor(track: TrackKind, dts: number): number {
    if (this.#near(dts + this.#shiftUs)) return this.#shiftUs;
    // A track that begins late, far from the other one, keeps its own offset.
    return this.#lastUs[track] !== undefined && this.#near(dts + this.#oldShiftUs) ? this.#oldShiftUs : this.#shiftUs;
  }

  #step(track: TrackKind, dts: number, silentUs: number): boolean {
    const own = this.#lastUs[track];
    if (own === undefined || this.#near(dts + this.#shiftUs) || this.#near(dts + this.#oldShiftUs)) return false;
    const newest = Math.max(this.#lastUs.video ?? own, this.#lastUs.audio ?? own);
    const aheadUs = dts + this.#shiftUs - newest;
    if (aheadUs > 0 && aheadUs <= Math.max(PAUSE_US, Math.min(LONGEST_PAUSE_US, silentUs + STEP_US))) return false;
    this.#oldShiftUs = this.#shiftUs;
    this.#shiftUs = newest + AFTER_STEP_US - dts;
    return true;
  }
}
