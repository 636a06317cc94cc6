// ffmpeg's own numbers, from the lines of `-progress` and of the loudness filter, gathered into one report a second. Pure: time comes
// from outside, in milliseconds.

export interface Numbers {
  framesPerSecond: number;
  bitsPerSecond: number;
  droppedFrames: number;
  speed: number;
  soundDb: number | null;
}

/** ffmpeg reports each half second or second; a little early is still the same one. */
const EVERY_MS = 900;
/** Silence is minus infinity: this is as low as a meter goes. */
const LEAST_DB = -100;
const KEYS =
  /^(frame|fps|stream_\d+_\d+_q|bitrate|total_size|out_time(_us|_ms)?|dup_frames|drop_frames|speed|progress)=\s*(.*)$/;

export class ProgressReader {
  #frames = 0;
  #dropped = 0;
  #speed = 0;
  #soundDb: number | null = null;
  #bytes = 0;
  #isWhole = false;
  #before: { atMs: number; frames: number } | null = null;

  /** @returns whether the line was one of these and not something that ffmpeg says to people */
  line(given: string): boolean {
    const line = given.replace(/^\[Parsed_ametadata\S* @ \w+\] \[info\] /, '');
    const level = /^lavfi\.astats\.Overall\.RMS_level=\s*(\S+)/.exec(line);
    if (level) {
      const value = Number(level[1]);
      this.#soundDb = Number.isFinite(value) ? Math.max(LEAST_DB, Math.min(0, value)) : LEAST_DB;
      return true;
    }
    if (/^frame:\d+\s+pts:/.test(line)) return true;
    const [, key, , text] = KEYS.exec(line) ?? [];
    if (key === undefined) return false;
    const value = Number.parseFloat(text ?? '');
    if (key === 'progress') this.#isWhole = true;
    else if (Number.isFinite(value) && value >= 0) {
      if (key === 'frame') this.#frames = value;
      else if (key === 'drop_frames') this.#dropped = value;
      else if (key === 'speed') this.#speed = value;
    }
    return true;
  }

  /** What ffmpeg wrote, for the rate. */
  bytes(count: number): void {
    this.#bytes += count;
  }

  /** @returns a report when the last one is a second old; null before that */
  take(nowMs: number): Numbers | null {
    if (!this.#isWhole) return null;
    this.#isWhole = false; // counted when it was said, or not at all
    const before = this.#before;
    if (before && nowMs - before.atMs < EVERY_MS) return null;
    const seconds = before ? (nowMs - before.atMs) / 1_000 : 0;
    const numbers: Numbers | null = before
      ? {
          framesPerSecond: round(Math.max(0, this.#frames - before.frames) / seconds, 10),
          bitsPerSecond: Math.round((this.#bytes * 8) / seconds),
          droppedFrames: this.#dropped,
          speed: this.#speed,
          soundDb: this.#soundDb === null ? null : round(this.#soundDb, 10),
        }
      : null;
    this.#before = { atMs: nowMs, frames: this.#frames };
    this.#bytes = 0;
    return numbers;
  }
}

const round = (value: number, steps: number): number => Math.round(value * steps) / steps;
