// Sealed units as a coordinate makes them, for tests that need media without ffmpeg.
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { FLAG, isParity, sliceRange, streamTag, type UnitHead } from '../../protocol/chunk.ts';
import type { SliceCount } from '../../protocol/fields.ts';
import { parityOf } from '../../protocol/parity.ts';
import type { Slice } from '../../protocol/slice.ts';
import { merkleTree, proofOf, signedBytes } from '../../protocol/unit.ts';

export const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

export interface Sealer {
  publicKey: Uint8Array;
  /** Slice k of K of a unit whose bytes follow from its number; k = K is the parity slice. */
  slice(unit: number, k: number, K: SliceCount, more?: Partial<UnitHead> & { bytes?: Uint8Array }): Promise<Slice>;
}

export const unitContent = (unit: number, length = 4_001): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (unit * 31 + i) & 0xff);

export function createSealer(stream = 'live', epoch = 1_000): Sealer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519') as { privateKey: KeyObject; publicKey: KeyObject };
  return {
    publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
    async slice(unit, k, K, more = {}) {
      const { bytes: whole = unitContent(unit), ...head } = more;
      const full: UnitHead = {
        stream: streamTag(stream),
        epoch,
        unit,
        flags: unit === 0 ? FLAG.init : unit % 15 === 1 ? FLAG.key : 0,
        unitBytes: whole.length,
        sourceMs: 1_700_000_000_000 + unit * 66,
        durationMs: unit === 0 ? 0 : 66,
        ...head,
      };
      const tree = await merkleTree(sha256, whole);
      const { start, end } = sliceRange(whole.length, k, K);
      const signature = sign(null, signedBytes(stream, full, tree.root), privateKey);
      return {
        head: full,
        layout: 1,
        k,
        K,
        hops: 1,
        retransmit: false,
        seal: { signature: new Uint8Array(signature), proof: proofOf(tree, k, K) },
        bytes: K !== 1 && isParity(k, K) ? parityOf(whole, K) : whole.subarray(start, end),
      };
    },
  };
}
