// How a unit is sealed and how one slice of it is proved: a Merkle tree over its four quarters and, beside it, the hashes of its two parity
// slices; the root of both is signed by the coordinate, before anybody knows how the unit will be cut. Hashing and Ed25519 come from
// outside, so that browsers (WebCrypto or a library) and Node use their own.
import { isParity, NODE_BYTES, SIGNED_FLAGS, sliceRange, type UnitHead } from './chunk.ts';
import type { SliceCount } from './fields.ts';
import { parityOf } from './parity.ts';

/** SHA-256, 32 bytes out. */
export type Sha256 = (bytes: Uint8Array) => Promise<Uint8Array> | Uint8Array;

/** Everything that a slice can be proved with; each node NODE_BYTES long. */
export interface MerkleTree {
  leaves: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  halves: readonly [Uint8Array, Uint8Array];
  /** The node above the halves. */
  quarters: Uint8Array;
  /** Of the parity of two halves and of four quarters. */
  parities: readonly [Uint8Array, Uint8Array];
  /** The node above the parities. */
  parity: Uint8Array;
  /** The node above `quarters` and `parity`: what is signed. */
  root: Uint8Array;
}

/** What a hash is of comes first in it: no leaf passes for a node, nor a quarter for a parity slice. */
const OF = { quarter: 0, node: 1, parity: 2 } as const;

async function leaf(sha256: Sha256, bytes: Uint8Array, of: number = OF.quarter): Promise<Uint8Array> {
  const input = new Uint8Array(1 + bytes.length);
  input[0] = of;
  input.set(bytes, 1);
  return (await sha256(input)).subarray(0, NODE_BYTES);
}

async function node(sha256: Sha256, left: Uint8Array, right: Uint8Array): Promise<Uint8Array> {
  const input = new Uint8Array(1 + 2 * NODE_BYTES);
  input[0] = OF.node;
  input.set(left, 1);
  input.set(right, 1 + NODE_BYTES);
  return (await sha256(input)).subarray(0, NODE_BYTES);
}

async function quartersOf(
  sha256: Sha256,
  unit: Uint8Array,
): Promise<Pick<MerkleTree, 'leaves' | 'halves' | 'quarters'>> {
  const quarter = (q: number) => {
    const { start, end } = sliceRange(unit.length, q, 4);
    return leaf(sha256, unit.subarray(start, end));
  };
  const leaves = await Promise.all([quarter(0), quarter(1), quarter(2), quarter(3)]);
  const halves = await Promise.all([node(sha256, leaves[0], leaves[1]), node(sha256, leaves[2], leaves[3])]);
  return { leaves, halves, quarters: await node(sha256, halves[0], halves[1]) };
}

export async function merkleTree(sha256: Sha256, unit: Uint8Array): Promise<MerkleTree> {
  const parities = await Promise.all([
    leaf(sha256, parityOf(unit, 2), OF.parity),
    leaf(sha256, parityOf(unit, 4), OF.parity),
  ]);
  const parity = await node(sha256, parities[0], parities[1]);
  const own = await quartersOf(sha256, unit);
  return { ...own, parities, parity, root: await node(sha256, own.quarters, parity) };
}

/** The hashes that lead from slice k of K to the root, nearest first; of the parity slice: the other parity's and that of the quarters [W4]. */
export function proofOf(tree: MerkleTree, k: number, K: SliceCount): Uint8Array {
  if (isParity(k, K)) return joined(tree.parities[K === 2 ? 1 : 0], tree.quarters);
  if (K === 1) return tree.parity;
  if (K === 2) return joined(tree.halves[k === 0 ? 1 : 0], tree.parity);
  return joined(tree.leaves[(k ^ 1) as 0 | 1 | 2 | 3], tree.halves[k < 2 ? 1 : 0], tree.parity);
}

/** The root that a slice and its proof lead to; right only if the signature over it holds. */
export async function rootFromSlice(
  sha256: Sha256,
  slice: { k: number; K: SliceCount; unitBytes: number; proof: Uint8Array; bytes: Uint8Array },
): Promise<Uint8Array> {
  const { k, K, proof, bytes } = slice;
  if (isParity(k, K)) {
    const own = await leaf(sha256, bytes, OF.parity);
    const other = proof.subarray(0, NODE_BYTES);
    const parity = K === 2 ? await node(sha256, own, other) : await node(sha256, other, own);
    return node(sha256, proof.subarray(NODE_BYTES), parity);
  }
  const at = proof.length - NODE_BYTES;
  return node(sha256, await quartersFromSlice(sha256, slice, proof.subarray(0, at)), proof.subarray(at));
}

async function quartersFromSlice(
  sha256: Sha256,
  slice: { k: number; K: SliceCount; unitBytes: number; bytes: Uint8Array },
  siblings: Uint8Array,
): Promise<Uint8Array> {
  const { k, K, unitBytes, bytes } = slice;
  if (K === 1) return (await quartersOf(sha256, bytes)).quarters;
  if (K === 2) {
    const quarter = Math.ceil(unitBytes / 4);
    const cut = Math.min(bytes.length, quarter);
    const [a, b] = await Promise.all([leaf(sha256, bytes.subarray(0, cut)), leaf(sha256, bytes.subarray(cut))]);
    const own = await node(sha256, a, b);
    return k === 0 ? node(sha256, own, siblings) : node(sha256, siblings, own);
  }
  const own = await leaf(sha256, bytes);
  const sibling = siblings.subarray(0, NODE_BYTES);
  const half = k % 2 === 0 ? await node(sha256, own, sibling) : await node(sha256, sibling, own);
  const other = siblings.subarray(NODE_BYTES);
  return k < 2 ? node(sha256, half, other) : node(sha256, other, half);
}

function joined(...nodes: readonly Uint8Array[]): Uint8Array {
  const proof = new Uint8Array(nodes.length * NODE_BYTES);
  for (const [i, each] of nodes.entries()) proof.set(each, i * NODE_BYTES);
  return proof;
}

const DOMAIN = 'p2plive unit 2';

/** The bytes the coordinate signs for a unit [W5]. */
export function signedBytes(streamName: string, head: UnitHead, root: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = `${DOMAIN}|${streamName}|${head.epoch}|${head.unit}|${head.sourceMs}|${head.durationMs}|${head.unitBytes}|${head.flags & SIGNED_FLAGS}|`;
  const bytes = new Uint8Array(text.length + NODE_BYTES);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i); // ASCII by construction
  bytes.set(root, text.length);
  return bytes;
}
