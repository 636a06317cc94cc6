// Is this machine too busy for more than its own picture? Told by the page's own timers: what comes late to them, all else comes late
// to as well. Pure; times in milliseconds.

/** Over so much time: one hiccup, of a tab that opens or a page that loads, is none. */
const WINDOW_MS = 5_000;
/** A timer may be so late on any machine. */
const TOLERATED_MS = 30;
/** Late for so much of the time: busy; for less than that: not any more. Between them it stays what it was. */
const SHARE = { busy: 0.3, calm: 0.1 };

export class Busy {
  #late: { atMs: number; ms: number }[] = [];
  #sinceMs: number | null = null;
  #lastMs: number | null = null;
  isBusy = false;

  /** A timer of `everyMs` has come at `nowMs`. */
  tick(nowMs: number, everyMs: number): void {
    this.#sinceMs ??= nowMs;
    const lateMs = this.#lastMs === null ? 0 : nowMs - this.#lastMs - everyMs - TOLERATED_MS;
    this.#lastMs = nowMs;
    // A machine that slept was not busy.
    if (lateMs > WINDOW_MS) return this.#forget(nowMs);
    if (lateMs > 0) this.#late.push({ atMs: nowMs, ms: lateMs });
    this.#late = this.#late.filter(({ atMs }) => nowMs - atMs < WINDOW_MS);
    if (nowMs - this.#sinceMs < WINDOW_MS) return;
    const share = this.#late.reduce((sum, { ms }) => sum + ms, 0) / WINDOW_MS;
    if (share > SHARE.busy) this.isBusy = true;
    else if (share < SHARE.calm) this.isBusy = false;
  }

  #forget(nowMs: number): void {
    this.#late = [];
    this.#sinceMs = nowMs;
  }
}
