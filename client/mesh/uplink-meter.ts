// What is known of this peer's uplink: how fast it carried bytes away while more of them waited. Without anything waiting nothing is
// learnt but that it is fast enough (MESH.md section 3).
import type { UplinkWord } from '../../protocol/signalling.ts';
import { Probe } from './probe.ts';

/** Busy time that makes one sample. */
const SAMPLE_MS = 500;
const KEPT_MS = 60_000;
const MOST_SAMPLES = 128;
/** Fewer say more about one moment of a busy machine than about the line. */
const FEWEST_SAMPLES = 4;
/** Longer between two looks, and the program itself stood still: that says nothing about the line. */
const OWN_PAUSE_MS = 120;

interface Sample {
  atMs: number;
  bitsPerSecond: number;
}

export class UplinkMeter {
  /** [P21] What a forward has measured holds until it is known better. */
  readonly probe = new Probe();
  #samples: Sample[] = [];
  #lookedMs = 0;
  #goneBytes = 0;
  #wasBusy = false;
  #busy = { ms: 0, bytes: 0 };
  #longestWaitMs = 0;

  /**
   * @param goneBytes all bytes that have left the channels so far
   * @param isFull the channels still hold something from before
   * @param isBusy slices wait for their turn
   */
  observe(nowMs: number, goneBytes: number, isFull: boolean, isBusy: boolean): void {
    const ms = nowMs - this.#lookedMs;
    // A closed channel takes its unsent bytes with it: they count as gone, once, and in no sample.
    const bytes = goneBytes - this.#goneBytes;
    if (this.#wasBusy && isFull && ms <= OWN_PAUSE_MS && bytes >= 0) {
      this.#busy.ms += ms;
      this.#busy.bytes += bytes;
      if (this.#busy.ms >= SAMPLE_MS) this.#sample(nowMs);
    }
    this.#lookedMs = nowMs;
    this.#goneBytes = goneBytes;
    this.#wasBusy = isBusy;
  }

  /** A slice had to wait so long for its turn. */
  waited(ms: number): void {
    this.#longestWaitMs = Math.max(this.#longestWaitMs, ms);
  }

  /** The 20th percentile of the last minute, in bits a second; null when slices hardly ever had to wait. */
  bitsPerSecond(nowMs: number): number | null {
    const recent = this.#samples.filter(({ atMs }) => nowMs - atMs < KEPT_MS).map((s) => s.bitsPerSecond);
    if (recent.length < FEWEST_SAMPLES) return null;
    recent.sort((a, b) => a - b);
    return recent[Math.floor(recent.length * 0.2)] ?? null;
  }

  /** The longest wait since the last call, ms. */
  takeLongestWait(): number {
    const ms = this.#longestWaitMs;
    this.#longestWaitMs = 0;
    return ms;
  }

  /** By its own samples, or by what a forward has measured. */
  known(nowMs: number): number | null {
    return this.bitsPerSecond(nowMs) ?? this.probe.bitsPerSecond(nowMs);
  }

  /** What the tracker is told: the longest wait is that since the last call. */
  word(nowMs: number): UplinkWord {
    const oldestMs = this.takeLongestWait();
    const bitsPerSecond = this.bitsPerSecond(nowMs);
    const probed = bitsPerSecond === null ? this.probe.bitsPerSecond(nowMs) : null;
    return probed === null ? { bitsPerSecond, oldestMs } : { bitsPerSecond: probed, oldestMs, probed: true };
  }

  #sample(nowMs: number): void {
    this.#samples.push({ atMs: nowMs, bitsPerSecond: Math.round((this.#busy.bytes * 8_000) / this.#busy.ms) });
    if (this.#samples.length > MOST_SAMPLES) this.#samples.shift();
    this.#busy = { ms: 0, bytes: 0 };
  }
}
