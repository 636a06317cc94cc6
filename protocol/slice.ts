// A whole slice, as it is verified, kept and passed on, and its fragments on the wire.
import { encodeFragment, FLAG, isParity, SIGNED_FLAGS, type Fragment, type UnitHead } from './chunk.ts';
import type { SliceCount } from './fields.ts';
import { MAX_OPEN_SLICES, MAX_SLICE_BYTES } from './limits.ts';

export interface Slice {
  head: UnitHead;
  layout: number;
  /** K itself for the parity slice. */
  k: number;
  K: SliceCount;
  /** Hops that this copy had passed when it came here; whoever passes it on adds one. */
  hops: number;
  /** This copy answers a request: it says nothing about who supplies the slice regularly. */
  retransmit: boolean;
  seal: { signature: Uint8Array; proof: Uint8Array };
  bytes: Uint8Array;
}

/**
 * The slice as messages of at most `mostBytes` payload each.
 * @param hopFlags flags that belong to this hop alone (FLAG.retransmit)
 */
export function fragmentsOf(slice: Slice, hops: number, mostBytes: number, hopFlags = 0): Uint8Array<ArrayBuffer>[] {
  const { head, layout, k, K, seal, bytes } = slice;
  const messages: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  do {
    const payload = bytes.subarray(offset, offset + mostBytes);
    const common = {
      ...head,
      flags: (head.flags & SIGNED_FLAGS) | (isParity(k, K) ? FLAG.parity : 0) | hopFlags,
      layout,
      k,
      K,
      hops,
      sliceBytes: bytes.length,
    };
    messages.push(encodeFragment({ ...common, offset, seal: offset === 0 ? seal : null, payload }));
    offset += payload.length;
  } while (offset < bytes.length);
  return messages;
}

interface OpenSlice {
  first: Fragment;
  seal: Fragment['seal'];
  bytes: Uint8Array;
  /** Offsets taken so far with their ends. */
  taken: Map<number, number>;
  got: number;
  sinceMs: number;
}

/** Puts one link's fragments together in any order, within bounds [W6]. */
export class Reassembly {
  readonly #open = new Map<string, OpenSlice>();
  readonly #lifetimeMs: number;

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  /** Slices begun and not finished. */
  get size(): number {
    return this.#open.size;
  }

  /** @returns the slice that this fragment completes, or null; 'bad' when it contradicts an earlier one */
  take(fragment: Fragment, nowMs: number): Slice | null | 'bad' {
    if (fragment.seal && fragment.payload.length === fragment.sliceBytes)
      return toSlice(fragment, fragment.seal, fragment.payload);
    if (fragment.sliceBytes > MAX_SLICE_BYTES) return 'bad';
    const key = `${fragment.epoch}.${fragment.unit}.${fragment.k}.${fragment.K}`;
    let open = this.#open.get(key);
    if (!open) {
      this.#makeRoom(nowMs);
      open = {
        first: fragment,
        seal: null,
        bytes: new Uint8Array(fragment.sliceBytes),
        taken: new Map(),
        got: 0,
        sinceMs: nowMs,
      };
      this.#open.set(key, open);
    }
    if (open.first.unitBytes !== fragment.unitBytes || open.first.sourceMs !== fragment.sourceMs) return 'bad';
    if (open.taken.has(fragment.offset)) return null;
    const end = fragment.offset + fragment.payload.length;
    for (const [from, to] of open.taken) if (fragment.offset < to && from < end) return 'bad';
    open.bytes.set(fragment.payload, fragment.offset);
    open.taken.set(fragment.offset, end);
    open.got += fragment.payload.length;
    open.seal ??= fragment.seal;
    if (open.got < fragment.sliceBytes || !open.seal) return null;
    this.#open.delete(key);
    return toSlice(open.first, open.seal, open.bytes);
  }

  #makeRoom(nowMs: number): void {
    for (const [key, open] of this.#open) {
      // Insertion order is age order: the first that is young enough ends the search.
      if (this.#open.size < MAX_OPEN_SLICES && nowMs - open.sinceMs < this.#lifetimeMs) return;
      this.#open.delete(key);
    }
  }
}

function toSlice(f: Fragment, seal: NonNullable<Fragment['seal']>, bytes: Uint8Array): Slice {
  const { stream, epoch, unit, flags, unitBytes, sourceMs, durationMs, layout, k, K, hops } = f;
  return {
    head: { stream, epoch, unit, flags: flags & SIGNED_FLAGS, unitBytes, sourceMs, durationMs },
    layout,
    k,
    K,
    hops,
    retransmit: (flags & FLAG.retransmit) !== 0,
    seal,
    bytes,
  };
}
