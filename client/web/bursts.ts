// How the end of what can be played moves: in steps, as units come, and where an encoder packs its sound together (MPEG-TS: a fifth of a
// second and more) in long ones. Just before a step there is least in hand.

const STEPS_KEPT = 8;

export class Bursts {
  #steps: number[] = [];
  #atMs = Number.NEGATIVE_INFINITY;

  /** The end has moved. */
  add(stepS: number, nowMs: number): void {
    this.#steps = [...this.#steps, stepS].slice(-STEPS_KEPT);
    this.#atMs = nowMs;
  }

  /** Seconds until it moves again, if it goes on as it did; 0 when it is overdue. One long step is a hold-up, two are how it comes. */
  nextInS(nowMs: number): number {
    const usual = this.#steps.toSorted((a, b) => b - a)[1] ?? 0;
    return Math.max(0, usual - (nowMs - this.#atMs) / 1_000);
  }
}
