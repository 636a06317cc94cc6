// What is remembered until it expires, with a bound: tickets that were used.

export class Expiring<V> {
  readonly #most: number;
  readonly #items = new Map<string, { value: V; expiresMs: number }>();

  /** @param most more is not taken */
  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): V | undefined {
    return this.#items.get(key)?.value;
  }

  /** @returns false when there is no room for one more */
  set(key: string, value: V, expiresMs: number, nowMs: number): boolean {
    // They expire about in the order in which they came: each new one makes room of two old ones.
    for (let i = 0; i < 2; i++) {
      const oldest = this.#items.entries().next().value;
      if (oldest && oldest[1].expiresMs < nowMs) this.#items.delete(oldest[0]);
    }
    if (!this.#items.has(key) && this.#items.size >= this.#most) return false;
    this.#items.set(key, { value, expiresMs });
    return true;
  }
}
