// The arithmetic of the parity slice: the XOR of a unit's K slices, of which any K of the K + 1 give the one that is missing.
import { sliceLength, sliceRange } from './chunk.ts';
import type { SliceCount } from './fields.ts';

/** XOR of these bytes, each as if zeros followed it, cut to `length`. */
export function xorOf(parts: Iterable<Uint8Array>, length: number): Uint8Array<ArrayBuffer> {
  const sum = new Uint8Array(length);
  for (const part of parts) {
    const end = Math.min(length, part.length);
    for (let i = 0; i < end; i++) sum[i] = (sum[i] ?? 0) ^ (part[i] ?? 0);
  }
  return sum;
}

/** The parity slice of a unit that is cut into K. */
export function parityOf(unit: Uint8Array, K: 2 | 4): Uint8Array<ArrayBuffer> {
  return xorOf(slicesOf(unit, K), sliceLength(unit.length, K, K));
}

function* slicesOf(unit: Uint8Array, K: SliceCount): Generator<Uint8Array> {
  for (let k = 0; k < K; k++) {
    const { start, end } = sliceRange(unit.length, k, K);
    yield unit.subarray(start, end);
  }
}
