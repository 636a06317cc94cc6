// How a unit is sealed and how one slice of it is proved: a Merkle tree over its four quarters, its root signed by the coordinate.
// Hashing and Ed25519 come from outside, so that browsers (WebCrypto or a library) and Node use their own.
import { NODE_BYTES, SIGNED_FLAGS, sliceRange, type UnitHead } from './chunk.ts';
import type { SliceCount } from './fields.ts';

/** SHA-256, 32 bytes out. */
export type Sha256 = (bytes: Uint8Array) => Promise<Uint8Array> | Uint8Array;

/** The four leaves of a unit and the nodes above them, each NODE_BYTES long. */
export interface MerkleTree {
  leaves: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  halves: readonly [Uint8Array, Uint8Array];
  root: Uint8Array;
}

async function leaf(sha256: Sha256, quarter: Uint8Array): Promise<Uint8Array> {
  const input = new Uint8Array(1 + quarter.length); // prefix 0: a leaf can never pass for a node
  input.set(quarter, 1);
  return (await sha256(input)).subarray(0, NODE_BYTES);
}

async function node(sha256: Sha256, left: Uint8Array, right: Uint8Array): Promise<Uint8Array> {
  const input = new Uint8Array(1 + 2 * NODE_BYTES);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 1 + NODE_BYTES);
  return (await sha256(input)).subarray(0, NODE_BYTES);
}

export async function merkleTree(sha256: Sha256, unit: Uint8Array): Promise<MerkleTree> {
  const quarter = (q: number) => {
    const { start, end } = sliceRange(unit.length, q, 4);
    return leaf(sha256, unit.subarray(start, end));
  };
  const leaves = await Promise.all([quarter(0), quarter(1), quarter(2), quarter(3)]);
  const halves = await Promise.all([node(sha256, leaves[0], leaves[1]), node(sha256, leaves[2], leaves[3])]);
  return { leaves, halves, root: await node(sha256, halves[0], halves[1]) };
}

/** The siblings that lead from slice k of K to the root, nearest first. */
export function proofOf(tree: MerkleTree, k: number, K: SliceCount): Uint8Array {
  if (K === 1) return new Uint8Array(0);
  if (K === 2) return tree.halves[k === 0 ? 1 : 0];
  const proof = new Uint8Array(2 * NODE_BYTES);
  proof.set(tree.leaves[(k ^ 1) as 0 | 1 | 2 | 3], 0);
  proof.set(tree.halves[k < 2 ? 1 : 0], NODE_BYTES);
  return proof;
}

/** The root that a slice and its proof lead to; right only if the signature over it holds. */
export async function rootFromSlice(
  sha256: Sha256,
  slice: { k: number; K: SliceCount; unitBytes: number; proof: Uint8Array; bytes: Uint8Array },
): Promise<Uint8Array> {
  const { k, K, unitBytes, proof, bytes } = slice;
  if (K === 1) return (await merkleTree(sha256, bytes)).root;
  if (K === 2) {
    const quarter = Math.ceil(unitBytes / 4);
    const cut = Math.min(bytes.length, quarter);
    const [a, b] = await Promise.all([leaf(sha256, bytes.subarray(0, cut)), leaf(sha256, bytes.subarray(cut))]);
    const own = await node(sha256, a, b);
    return k === 0 ? node(sha256, own, proof) : node(sha256, proof, own);
  }
  const own = await leaf(sha256, bytes);
  const sibling = proof.subarray(0, NODE_BYTES);
  const half = k % 2 === 0 ? await node(sha256, own, sibling) : await node(sha256, sibling, own);
  const other = proof.subarray(NODE_BYTES);
  return k < 2 ? node(sha256, half, other) : node(sha256, other, half);
}

const DOMAIN = 'p2plive unit 1';

/** The bytes the coordinate signs for a unit [W5]. */
export function signedBytes(streamName: string, head: UnitHead, root: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = `${DOMAIN}|${streamName}|${head.epoch}|${head.unit}|${head.sourceMs}|${head.durationMs}|${head.unitBytes}|${head.flags & SIGNED_FLAGS}|`;
  const bytes = new Uint8Array(text.length + NODE_BYTES);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i); // ASCII by construction
  bytes.set(root, text.length);
  return bytes;
}
