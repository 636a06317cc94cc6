// What does trust cost? Sealing a unit once, and verifying it slice by slice, by each implementation a peer may have; microseconds, and the
// share of a core at 15 units a second. `npm run bench -- signing`.
import { createHash, generateKeyPairSync, sign, verify, webcrypto } from 'node:crypto';
import { hashes, verify as nobleVerify } from '@noble/ed25519';
import { sha256 as nobleSha256, sha512 } from '@noble/hashes/sha2.js';
import { FLAG, streamTag } from '../protocol/chunk.ts';
import { merkleTree, proofOf, rootFromSlice, signedBytes } from '../protocol/unit.ts';
import { unitContent } from '../tests/support/units.ts';

const UNITS_PER_SECOND = 15;
/** 66 ms of 1.5 Mbps. */
const UNIT_BYTES = 12_400;
const WARM = 100;
const ROUNDS = 400;
const K = 2;

hashes.sha512 = sha512;

type Hash = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;
type Check = (signature: Uint8Array, message: Uint8Array) => boolean | Promise<boolean>;

async function microseconds(run: () => unknown): Promise<number> {
  for (let i = 0; i < WARM; i++) await run();
  const beganMs = performance.now();
  for (let i = 0; i < ROUNDS; i++) await run();
  return ((performance.now() - beganMs) * 1_000) / ROUNDS;
}

export async function signing(): Promise<unknown> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  const { subtle } = webcrypto;
  const webKey = await subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
  const ways: { name: string; hash: Hash; check: Check }[] = [
    {
      name: 'Node crypto',
      hash: (bytes) => createHash('sha256').update(bytes).digest(),
      check: (signature, message) => verify(null, message, publicKey, signature),
    },
    {
      name: 'WebCrypto',
      hash: async (bytes) => new Uint8Array(await subtle.digest('SHA-256', Uint8Array.from(bytes))),
      check: (signature, message) =>
        subtle.verify('Ed25519', webKey, Uint8Array.from(signature), Uint8Array.from(message)),
    },
    {
      name: 'noble (plain http)',
      hash: (bytes) => nobleSha256(bytes),
      check: (signature, message) => nobleVerify(signature, message, raw),
    },
  ];
  const bytes = unitContent(1, UNIT_BYTES);
  const head = {
    stream: streamTag('live'),
    epoch: 1_000,
    unit: 1,
    flags: FLAG.key,
    unitBytes: bytes.length,
    sourceMs: 1_700_000_000_000,
    durationMs: 66,
  };
  const rows: Record<string, unknown>[] = [];
  for (const { name, hash, check } of ways) {
    const tree = await merkleTree(hash, bytes);
    const message = signedBytes('live', head, tree.root);
    const signature = new Uint8Array(sign(null, message, privateKey));
    const half = {
      k: 0,
      K: K as 2,
      unitBytes: bytes.length,
      proof: proofOf(tree, 0, K),
      bytes: bytes.subarray(0, Math.ceil(bytes.length / 4) * 2),
    };
    if (!(await check(signature, message))) throw new Error(`${name} does not know its own signature`);
    const seal =
      name === 'Node crypto'
        ? await microseconds(async () =>
            sign(null, signedBytes('live', head, (await merkleTree(hash, bytes)).root), privateKey),
          )
        : null;
    const sliceUs = await microseconds(() => rootFromSlice(hash, half));
    const signatureUs = await microseconds(() => check(signature, message));
    // The signature is checked once a unit; its other slices cost hashes only.
    const unitUs = K * sliceUs + signatureUs;
    rows.push({
      with: name,
      'seal a unit, us': seal === null ? null : Math.round(seal),
      'hash a slice of 2, us': Math.round(sliceUs),
      'check a signature, us': Math.round(signatureUs),
      'verify a unit, us': Math.round(unitUs),
      '% of a core at 15 units/s': Math.round((unitUs * UNITS_PER_SECOND) / 100) / 100,
    });
  }
  return rows;
}
