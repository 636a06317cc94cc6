// Seals and proofs, slices and their reassembly.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFragment, FLAG, isParity, sliceRange, type Fragment } from '../../protocol/chunk.ts';
import { MAX_OPEN_SLICES } from '../../protocol/limits.ts';
import { parityOf, xorOf } from '../../protocol/parity.ts';
import { fragmentsOf, Reassembly } from '../../protocol/slice.ts';
import { merkleTree, proofOf, rootFromSlice } from '../../protocol/unit.ts';
import { Verifier } from '../../client/mesh/verifier.ts';
import { createNodeEnv } from '../../client/node/node-env.ts';
import { createSealer, sha256, unitContent } from '../support/units.ts';

const fragmentOf = (message: Uint8Array): Fragment => {
  const decoded = decodeFragment(message);
  if (!decoded.ok) throw new Error(decoded.refusal.detail);
  return decoded.value;
};

/** What slice k of K is, told anew: the test's own words for it. */
function sliceOf(whole: Uint8Array, k: number, K: 1 | 2 | 4): Uint8Array {
  if (k === K) {
    const sum = new Uint8Array(sliceOf(whole, 0, K).length);
    for (let other = 0; other < K; other++)
      for (const [i, byte] of sliceOf(whole, other, K).entries()) sum[i] = (sum[i] ?? 0) ^ byte;
    return sum;
  }
  const at = (edge: number): number => Math.min(whole.length, (edge * 4 * Math.ceil(whole.length / 4)) / K);
  return whole.subarray(at(k), at(k + 1));
}

describe('seals', () => {
  it('[W5] every slice of every K, parity included, leads to the same root', async () => {
    for (const length of [1, 3, 4, 5, 4_001, 20_000]) {
      const whole = unitContent(9, length);
      const tree = await merkleTree(sha256, whole);
      for (const K of [1, 2, 4] as const)
        for (let k = 0; k < (K === 1 ? 1 : K + 1); k++) {
          const bytes = sliceOf(whole, k, K);
          const root = await rootFromSlice(sha256, { k, K, unitBytes: length, proof: proofOf(tree, k, K), bytes });
          expect(Buffer.from(root).equals(tree.root), `${length} bytes, slice ${k} of ${K}`).toBe(true);
        }
    }
  });

  it('[W5] a genuine slice passes; a changed byte, head, signature or key does not', async () => {
    const sealer = createSealer();
    const env = createNodeEnv();
    const fresh = (key = sealer.publicKey): Verifier => new Verifier(env, 'live', key);
    const slice = await sealer.slice(7, 1, 2);
    expect(await fresh().isGenuine(slice)).toBe(true);
    const wrong = slice.bytes.slice();
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    expect(await fresh().isGenuine({ ...slice, bytes: wrong })).toBe(false);
    expect(await fresh().isGenuine({ ...slice, head: { ...slice.head, sourceMs: slice.head.sourceMs + 1 } })).toBe(
      false,
    );
    expect(await fresh().isGenuine({ ...slice, head: { ...slice.head, flags: FLAG.key } })).toBe(false);
    expect(await fresh().isGenuine({ ...slice, seal: { ...slice.seal, signature: new Uint8Array(64) } })).toBe(false);
    expect(await fresh(createSealer().publicKey).isGenuine(slice)).toBe(false);
    expect(await new Verifier(env, 'other', sealer.publicKey).isGenuine(slice)).toBe(false);
    // A verified unit is remembered: its damaged second slice must still fail.
    const verifier = fresh();
    await verifier.isGenuine(slice);
    const other = await sealer.slice(7, 0, 2);
    expect(await verifier.isGenuine({ ...other, bytes: wrong.slice(0, other.bytes.length) })).toBe(false);
    expect(await verifier.isGenuine(other)).toBe(true);
  });
});

describe('parity', () => {
  it('[W3] any K of the K + 1 slices give the one that is missing, whatever the length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.constantFrom(2 as const, 4 as const),
        fc.nat(4),
        (whole, K, roll) => {
          const missing = roll % (K + 1);
          const slices = Array.from({ length: K + 1 }, (_, k) => sliceOf(whole, k, K));
          expect(Buffer.from(parityOf(whole, K)).equals(slices[K] ?? new Uint8Array())).toBe(true);
          const rest = slices.filter((_, k) => k !== missing);
          const { start, end } = sliceRange(whole.length, isParity(missing, K) ? 0 : missing, K);
          expect(Buffer.from(xorOf(rest, end - start)).equals(slices[missing] ?? new Uint8Array())).toBe(true);
        },
      ),
    );
  });

  it('[W5] a parity slice is checked alone; one with a changed byte or proof, or in the place of another, does not pass', async () => {
    const sealer = createSealer();
    const fresh = (): Verifier => new Verifier(createNodeEnv(), 'live', sealer.publicKey);
    for (const K of [2, 4] as const) {
      const slice = await sealer.slice(7, K, K);
      expect(await fresh().isGenuine(slice)).toBe(true);
      const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
        const other = bytes.slice();
        other[at] = (other[at] ?? 0) ^ 1;
        return other;
      };
      const verifier = fresh();
      await verifier.isGenuine(slice); // the unit is known: the rest costs hashes only, and must fail all the same
      expect(await verifier.isGenuine({ ...slice, bytes: flipped(slice.bytes, slice.bytes.length - 1) })).toBe(false);
      for (const at of [0, 20])
        expect(
          await verifier.isGenuine({ ...slice, seal: { ...slice.seal, proof: flipped(slice.seal.proof, at) } }),
        ).toBe(false);
      // The first slice is as long as the parity slice: neither passes for the other.
      const first = await sealer.slice(7, 0, K);
      expect(await verifier.isGenuine({ ...first, k: K, seal: slice.seal })).toBe(false);
      expect(await verifier.isGenuine({ ...slice, k: 0, seal: first.seal })).toBe(false);
    }
  });
});

describe('reassembly', () => {
  it('[W6] fragments in any order, some twice, give the slice back once', async () => {
    const slice = await createSealer().slice(3, 0, 2, { bytes: unitContent(3, 90_001) });
    const fragments = fragmentsOf(slice, 2, 7_000).map(fragmentOf);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(fragments, { minLength: fragments.length }),
        fc.nat(),
        async (order, again) => {
          const assembly = new Reassembly(1_000);
          const repeated = order[again % order.length];
          const whole = [
            ...order.slice(0, -1),
            ...(repeated === order.at(-1) || !repeated ? [] : [repeated]),
            ...order.slice(-1),
          ]
            .map((f) => assembly.take(f, 0))
            .filter((s) => s !== null);
          expect(whole).toHaveLength(1);
          const [got] = whole;
          expect(got !== 'bad' && Buffer.from(got?.bytes ?? []).equals(slice.bytes)).toBe(true);
          expect(assembly.size).toBe(0);
        },
      ),
    );
  });

  it('[W6] what is open is bounded, what contradicts is bad', async () => {
    const sealer = createSealer();
    const assembly = new Reassembly(1_000);
    for (let unit = 1; unit <= 40; unit++) {
      const [first] = fragmentsOf(await sealer.slice(unit, 0, 2), 1, 500);
      if (first) expect(assembly.take(fragmentOf(first), unit)).toBeNull();
      expect(assembly.size).toBeLessThanOrEqual(MAX_OPEN_SLICES);
    }
    const parts = fragmentsOf(await sealer.slice(99, 0, 2), 1, 500).map(fragmentOf);
    const [first, second] = parts;
    if (!first || !second) throw new Error('two fragments expected');
    assembly.take(first, 100);
    expect(assembly.take({ ...second, offset: second.offset - 10 }, 100)).toBe('bad');
    expect(assembly.take({ ...second, sourceMs: second.sourceMs + 1 }, 100)).toBe('bad');
  });

  it('[W10] the retransmit flag is known to the receiver and not passed on', async () => {
    const slice = await createSealer().slice(5, 0, 1);
    const [asked] = fragmentsOf(slice, 2, 1e6, FLAG.retransmit);
    const got = asked && new Reassembly(1_000).take(fragmentOf(asked), 0);
    if (!got || got === 'bad') throw new Error('a whole slice expected');
    expect(got.retransmit).toBe(true);
    const [onward] = fragmentsOf(got, 3, 1e6);
    expect(onward && fragmentOf(onward).flags & FLAG.retransmit).toBe(0);
  });
});
