// Seals and proofs, slices and their reassembly.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFragment, FLAG, type Fragment } from '../../protocol/chunk.ts';
import { MAX_OPEN_SLICES } from '../../protocol/limits.ts';
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

describe('seals', () => {
  it('[W5] every slice of every K leads to the same root', async () => {
    for (const length of [1, 3, 4, 5, 4_001, 20_000]) {
      const whole = unitContent(9, length);
      const tree = await merkleTree(sha256, whole);
      for (const K of [1, 2, 4] as const)
        for (let k = 0; k < K; k++) {
          const quarter = Math.ceil(length / 4);
          const bytes = whole.subarray(
            Math.min(length, (k * 4 * quarter) / K),
            Math.min(length, ((k + 1) * 4 * quarter) / K),
          );
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
