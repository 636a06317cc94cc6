// Seals units: the root over quarters and parities, signed, and the form in which forwards get them. What is signed is protocol/unit.ts;
// how it travels is protocol/chunk.ts.
import { createHash, sign, type KeyObject } from 'node:crypto';
import { encodeFragment, type UnitHead } from '../../protocol/chunk.ts';
import { merkleTree, proofOf, signedBytes } from '../../protocol/unit.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** One sealed unit as it goes to every forward: a single fragment with K = 1 [I2]. */
export async function sealUnit(key: KeyObject, name: string, head: UnitHead, unit: Uint8Array): Promise<Buffer> {
  const tree = await merkleTree(sha256, unit);
  const signature = sign(null, signedBytes(name, head, tree.root), key);
  const wire = encodeFragment({
    ...head,
    layout: 0,
    k: 0,
    K: 1,
    hops: 0,
    offset: 0,
    sliceBytes: unit.length,
    seal: { signature, proof: proofOf(tree, 0, 1) },
    payload: unit,
  });
  return Buffer.from(wire.buffer);
}
