// Is this slice what the coordinate sealed? Every slice is checked alone, before it is relayed or played [W5].
import { SIGNED_FLAGS, type UnitHead } from '../../protocol/chunk.ts';
import type { Slice } from '../../protocol/slice.ts';
import { rootFromSlice, signedBytes } from '../../protocol/unit.ts';
import type { PeerEnv } from './env.ts';

/** Units whose signature is remembered, so that their other slices cost hashes only. */
const REMEMBERED_UNITS = 256;

interface Sealed {
  root: Uint8Array;
  head: UnitHead;
}

export class Verifier {
  readonly #env: Pick<PeerEnv, 'sha256' | 'verify'>;
  readonly #stream: string;
  #publicKey: Uint8Array;
  readonly #sealed = new Map<string, Sealed>();

  constructor(env: Pick<PeerEnv, 'sha256' | 'verify'>, stream: string, publicKey: Uint8Array) {
    this.#env = env;
    this.#stream = stream;
    this.#publicKey = publicKey;
  }

  /** A restarted coordinate may have another key. */
  setKey(publicKey: Uint8Array): void {
    if (same(publicKey, this.#publicKey)) return;
    this.#publicKey = publicKey;
    this.#sealed.clear();
  }

  async isGenuine(slice: Slice): Promise<boolean> {
    const { head, seal } = slice;
    const root = await rootFromSlice((bytes) => this.#env.sha256(bytes), {
      k: slice.k,
      K: slice.K,
      unitBytes: head.unitBytes,
      proof: seal.proof,
      bytes: slice.bytes,
    });
    const key = `${head.epoch}.${head.unit}`;
    const known = this.#sealed.get(key);
    if (known && same(known.root, root) && sameHead(known.head, head)) return true;
    const genuine = await this.#env.verify(this.#publicKey, seal.signature, signedBytes(this.#stream, head, root));
    if (!genuine) return false;
    this.#sealed.set(key, { root, head });
    if (this.#sealed.size > REMEMBERED_UNITS) {
      const oldest = this.#sealed.keys().next().value;
      if (oldest !== undefined) this.#sealed.delete(oldest);
    }
    return true;
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const sameHead = (a: UnitHead, b: UnitHead): boolean =>
  a.epoch === b.epoch &&
  a.unit === b.unit &&
  a.sourceMs === b.sourceMs &&
  a.durationMs === b.durationMs &&
  a.unitBytes === b.unitBytes &&
  (a.flags & SIGNED_FLAGS) === (b.flags & SIGNED_FLAGS);
