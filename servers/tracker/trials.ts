// Newcomers serve nobody before they have stayed for a moment [T13]: who leaves at once, or never gets anything, costs no children.
import type { Viewer } from './viewer.ts';

export class Trials {
  readonly #afterMs: number;
  readonly #passed: (newcomers: readonly Viewer[]) => void;
  readonly #timers = new Set<NodeJS.Timeout>();

  /** @param afterMs 0: everybody is trusted at once */
  constructor(afterMs: number, passed: (newcomers: readonly Viewer[]) => void) {
    this.#afterMs = afterMs;
    this.#passed = passed;
  }

  /** Who was here before has proven itself: here, with the tracker before this one, or on an earlier visit. */
  admit(viewer: Viewer): void {
    if (viewer.claims || viewer.proven || this.#afterMs === 0) viewer.isTrusted = true;
  }

  /** One timer for those who came together. */
  begin(newcomers: readonly Viewer[]): void {
    const onTrial = newcomers.filter((viewer) => !viewer.isTrusted);
    if (onTrial.length === 0) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      for (const viewer of onTrial) viewer.isTrusted = true;
      this.#passed(onTrial);
    }, this.#afterMs);
    this.#timers.add(timer);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
