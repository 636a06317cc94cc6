// The slice of a unit that nobody has sent, made of the others: a lost one where parity is here, the parity slice itself where somebody
// below waits for it [P19]. Pure but for the hashing.
import { sliceLength } from '../../protocol/chunk.ts';
import { xorOf } from '../../protocol/parity.ts';
import type { Slice } from '../../protocol/slice.ts';
import { merkleTree, proofOf, type Sha256 } from '../../protocol/unit.ts';
import type { HeldUnit } from './store.ts';

/** The one data slice that is missing where all others and the parity slice are here; null: none is, or too many are. */
export function makeable({ K, slices, wholeMs }: HeldUnit): number | null {
  if (wholeMs !== null || !slices[K]) return null;
  const missing = slices.indexOf(null);
  return missing >= 0 && missing === slices.lastIndexOf(null) ? missing : null;
}

/** Slice k of a unit of which all others are here, with its proof. Whether it is genuine is the verifier's word. */
export async function madeSlice(sha256: Sha256, held: HeldUnit, k: number): Promise<Slice> {
  const { head, K, slices } = held;
  const others = slices.filter((slice): slice is Slice => slice !== null && slice.k !== k);
  const [any] = others;
  if (!any || K === 1 || others.length < K) throw new Error('too little of the unit is here');
  const bytes = xorOf(
    others.map((slice) => slice.bytes),
    sliceLength(head.unitBytes, k, K),
  );
  const data = Array.from({ length: K }, (_, at) => (at === k ? bytes : (slices[at]?.bytes ?? new Uint8Array(0))));
  const tree = await merkleTree(sha256, joined(data, head.unitBytes));
  return {
    head,
    layout: any.layout,
    k,
    K,
    hops: Math.max(...others.map((slice) => slice.hops)),
    retransmit: false,
    seal: { signature: any.seal.signature, proof: proofOf(tree, k, K) },
    bytes,
  };
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
