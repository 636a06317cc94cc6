// What is made of a unit's other slices is what the coordinate sealed, to the byte and with its proof.
import { describe, expect, it } from 'vitest';
import { makeable, madeSlice } from '../../client/mesh/making.ts';
import { UnitStore, type HeldUnit } from '../../client/mesh/store.ts';
import { Verifier } from '../../client/mesh/verifier.ts';
import { createNodeEnv } from '../../client/node/node-env.ts';
import { createSealer, sha256, unitContent } from '../support/units.ts';

const sealer = createSealer();

/** A unit of which all slices but one are here. */
async function without(missing: number, K: 2 | 4, length: number): Promise<HeldUnit> {
  const store = new UnitStore();
  for (let k = 0; k <= K; k++)
    if (k !== missing) store.add(await sealer.slice(3, k, K, { bytes: unitContent(3, length) }), 5);
  const held = store.get(3);
  if (!held) throw new Error('the unit is here');
  return held;
}

describe('[P19] a slice that is made of the others', () => {
  it('is the one that was sealed, whichever it is and however long the unit', async () => {
    for (const K of [2, 4] as const)
      for (const length of [1, 2, 3, 5, 4_001])
        for (let k = 0; k <= K; k++) {
          const made = await madeSlice(sha256, await without(k, K, length), k);
          const sealed = await sealer.slice(3, k, K, { bytes: unitContent(3, length) });
          expect(Buffer.from(made.bytes).equals(sealed.bytes), `${k} of ${K}, ${length} bytes`).toBe(true);
          expect(Buffer.from(made.seal.proof).equals(sealed.seal.proof)).toBe(true);
          expect(made).toMatchObject({ k, K, head: sealed.head, retransmit: false });
          expect(await new Verifier(createNodeEnv(), 'live', sealer.publicKey).isGenuine(made)).toBe(true);
        }
  });

  it('is not genuine when one of the others is not', async () => {
    const held = await without(1, 2, 4_001);
    const parity = held.slices[2];
    if (!parity) throw new Error('parity is here');
    held.slices[2] = { ...parity, bytes: parity.bytes.map((byte, i) => (i === 7 ? byte ^ 1 : byte)) };
    const made = await madeSlice(sha256, held, 1);
    expect(await new Verifier(createNodeEnv(), 'live', sealer.publicKey).isGenuine(made)).toBe(false);
  });

  it('can be made where one data slice is missing and parity is here, and not of less', async () => {
    expect(makeable(await without(0, 2, 9))).toBe(0);
    expect(makeable(await without(3, 4, 9))).toBe(3);
    expect(makeable(await without(4, 4, 9))).toBeNull(); // whole
    const two = await without(0, 4, 9);
    two.slices[2] = null;
    expect(makeable(two)).toBeNull();
    await expect(madeSlice(sha256, two, 0)).rejects.toThrow('too little');
    const none = await without(1, 2, 9);
    none.slices[2] = null;
    expect(makeable(none)).toBeNull();
  });
});
