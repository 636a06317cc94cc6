// An unordered collection with O(1) add, remove and random pick: an array, and each member remembers where in it it stands.

/** Members keep their position in the field named by the bag; -1 = not in it. */
export class Bag<P extends string, T extends Record<P, number>> {
  readonly items: T[] = [];
  readonly #position: P;

  constructor(position: P) {
    this.#position = position;
  }

  get size(): number {
    return this.items.length;
  }

  add(item: T): void {
    (item as Record<P, number>)[this.#position] = this.items.length;
    this.items.push(item);
  }

  remove(item: T): void {
    const at = item[this.#position];
    const last = this.items.pop();
    if (last !== undefined && last !== item) {
      this.items[at] = last;
      (last as Record<P, number>)[this.#position] = at;
    }
    (item as Record<P, number>)[this.#position] = -1;
  }

  /**
   * The first member from a random place on that passes, looking at `most` of them.
   * @param random 0 <= random() < 1
   */
  find(random: () => number, most: number, passes: (item: T) => boolean): T | null {
    const size = this.items.length;
    if (size === 0) return null;
    const start = Math.floor(random() * size);
    for (let i = 0; i < size && i < most; i++) {
      const item = this.items[(start + i) % size];
      if (item !== undefined && passes(item)) return item;
    }
    return null;
  }
}
