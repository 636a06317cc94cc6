// Bytes that have come and not been used: joined only when something whole is taken out, so that a large item in many small
// chunks is copied once.

export class ByteQueue {
  #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that are used up. */
  #used = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The next `count` bytes without taking them; the caller has checked `length`. */
  peek(count: number): Uint8Array {
    const first = this.#chunks[0];
    if (!first || count > this.#length) throw new RangeError('fewer bytes than asked for');
    if (first.length - this.#used >= count) return first.subarray(this.#used, this.#used + count);
    const joined = new Uint8Array(count);
    let at = 0;
    let skip = this.#used;
    for (const chunk of this.#chunks) {
      const part = chunk.subarray(skip, skip + count - at);
      joined.set(part, at);
      at += part.length;
      skip = 0;
      if (at === count) break;
    }
    return joined;
  }

  take(count: number): Uint8Array {
    if (count === 0) return new Uint8Array(0);
    const bytes = this.peek(count);
    this.skip(count);
    return bytes;
  }

  skip(count: number): void {
    let left = Math.min(count, this.#length);
    this.#length -= left;
    let done = 0;
    while (left > 0) {
      const first = this.#chunks[done];
      if (!first) break;
      const here = first.length - this.#used;
      if (here > left) {
        this.#used += left;
        break;
      }
      left -= here;
      this.#used = 0;
      done++;
    }
    if (done > 0) this.#chunks.splice(0, done);
  }
}
