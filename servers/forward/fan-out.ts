// Hands a unit to every session without holding the event loop: a loop of a thousand sends blocks it for tens of milliseconds
// (measured), so they go in batches.

const BATCH = 100;
/** Units that may wait for their batches; beyond it the machine is overloaded and the oldest is dropped. */
const MAX_WAITING = 64;

export class FanOut<Target, Item> {
  readonly #send: (target: Target, item: Item) => void;
  readonly #queue: { item: Item; targets: readonly Target[]; at: number }[] = [];
  #scheduled = false;
  dropped = 0;

  constructor(send: (target: Target, item: Item) => void) {
    this.#send = send;
  }

  push(item: Item, targets: readonly Target[]): void {
    if (this.#queue.length >= MAX_WAITING) {
      this.#queue.shift();
      this.dropped++;
    }
    this.#queue.push({ item, targets, at: 0 });
    if (!this.#scheduled) this.#run();
  }

  #run(): void {
    this.#scheduled = false;
    const job = this.#queue[0];
    if (!job) return;
    const end = Math.min(job.targets.length, job.at + BATCH);
    for (; job.at < end; job.at++) {
      const target = job.targets[job.at];
      if (target !== undefined) this.#send(target, job.item);
    }
    if (job.at >= job.targets.length) this.#queue.shift();
    if (this.#queue.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  }
}
