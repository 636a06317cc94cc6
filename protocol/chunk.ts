// The binary form of one fragment of a slice: the only codec for media between coordinate, forward and peers (SPEC.md, W rules).
// Hashes and signatures are carried here and checked in unit.ts.
import { MAX_SLICE_BYTES, MAX_UNIT_BYTES, PROTOCOL_VERSION } from './limits.ts';
import { accept, refuse, type Result } from './refusal.ts';
import type { SliceCount } from './fields.ts';

export const HEADER_BYTES = 48;
export const SIGNATURE_BYTES = 64;
/** A Merkle node: SHA-256 cut to 16 bytes. */
export const NODE_BYTES = 16;
const KIND_SLICE = 1;

export const FLAG = { key: 1, discontinuity: 2, parity: 4, retransmit: 8, init: 16 } as const;
/** The flags that the coordinate signs; the others belong to the hop. */
export const SIGNED_FLAGS = FLAG.key | FLAG.discontinuity | FLAG.init;

/** What identifies a unit and is the same at every hop. */
export interface UnitHead {
  /** `streamTag(name)`: a check that the bytes belong to the stream this link is for. */
  stream: number;
  epoch: number;
  /** 0 is the init segment; media units count from 1. */
  unit: number;
  /** Bit set of FLAG. */
  flags: number;
  unitBytes: number;
  /** Coordinate's clock, whole milliseconds since 1970, at which the unit's first frame is due at the source. */
  sourceMs: number;
  durationMs: number;
}

export interface Fragment extends UnitHead {
  layout: number;
  /** Slice index and count: slice k of K is 4/K adjacent quarters of the unit; k = K is the parity slice, the XOR of all K. */
  k: number;
  K: SliceCount;
  sliceBytes: number;
  /** Offset of `payload` in the slice. */
  offset: number;
  /** Peers and forwards this copy has passed. */
  hops: number;
  /** On the first fragment (offset 0) only: Ed25519 signature and the hashes that lead from the slice up to the root. */
  seal: { signature: Uint8Array; proof: Uint8Array } | null;
  payload: Uint8Array;
}

/** Is slice k of K the parity slice? A stream that is cut into one has none. */
export const isParity = (k: number, K: SliceCount): boolean => k === K && K > 1;

/** Bytes of proof that the first fragment of slice k of K carries: log2(K) siblings and the parity node, or two for the parity slice [W4]. */
export const proofBytes = (k: number, K: SliceCount): number =>
  (isParity(k, K) ? 2 : K === 4 ? 3 : K === 2 ? 2 : 1) * NODE_BYTES;

/** FNV-1a over the name's UTF-16 code units: names are ASCII. */
export function streamTag(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Where slice k of K lies in a unit of `unitBytes`: quarters are ceil(unitBytes / 4) long, the last ones shorter or empty [W3]. */
export function sliceRange(unitBytes: number, k: number, K: SliceCount): { start: number; end: number } {
  const quarter = Math.ceil(unitBytes / 4);
  const per = 4 / K;
  return { start: Math.min(unitBytes, k * per * quarter), end: Math.min(unitBytes, (k + 1) * per * quarter) };
}

/** Bytes of slice k of K; the parity slice is as long as the longest of the others, which is the first. */
export function sliceLength(unitBytes: number, k: number, K: SliceCount): number {
  const { start, end } = sliceRange(unitBytes, isParity(k, K) ? 0 : k, K);
  return end - start;
}

export function encodeFragment(f: Fragment): Uint8Array<ArrayBuffer> {
  const sealed = f.offset === 0 ? SIGNATURE_BYTES + proofBytes(f.k, f.K) : 0;
  const bytes = new Uint8Array(HEADER_BYTES + sealed + f.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, PROTOCOL_VERSION);
  view.setUint8(1, KIND_SLICE);
  view.setUint8(2, f.flags);
  view.setUint8(3, Math.min(255, f.hops));
  view.setUint32(4, f.stream);
  view.setUint32(8, f.epoch);
  view.setUint32(12, f.layout);
  view.setUint32(16, f.unit);
  view.setUint8(20, f.k);
  view.setUint8(21, f.K);
  view.setUint16(22, f.durationMs);
  view.setUint32(24, f.unitBytes);
  view.setUint32(28, f.sliceBytes);
  view.setUint32(32, f.offset);
  view.setUint32(36, Math.floor(f.sourceMs / 0x1_0000_0000));
  view.setUint32(40, f.sourceMs % 0x1_0000_0000);
  // 44..47 reserved, zero
  if (f.offset === 0) {
    if (!f.seal) throw new Error('the first fragment of a slice carries its seal');
    bytes.set(f.seal.signature, HEADER_BYTES);
    bytes.set(f.seal.proof, HEADER_BYTES + SIGNATURE_BYTES);
  }
  bytes.set(f.payload, HEADER_BYTES + sealed);
  return bytes;
}

/** Decodes one fragment; `seal` and `payload` are views of `bytes`. Never throws [W1]. */
export function decodeFragment(bytes: Uint8Array): Result<Fragment> {
  if (bytes.length < HEADER_BYTES) return refuse('bad-message', 'A fragment has at least its header.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== PROTOCOL_VERSION)
    return refuse('wrong-version', `This side speaks version ${PROTOCOL_VERSION}.`);
  if (view.getUint8(1) !== KIND_SLICE) return refuse('bad-message', 'Unknown kind of binary message.');
  const K = view.getUint8(21);
  if (K !== 1 && K !== 2 && K !== 4) return refuse('bad-message', 'K is 1, 2 or 4.');
  const k = view.getUint8(20);
  const flags = view.getUint8(2);
  if (k >= K && !isParity(k, K))
    return refuse('bad-message', 'The slice index is below K, or K where there is parity.');
  if (((flags & FLAG.parity) !== 0) !== isParity(k, K))
    return refuse('bad-message', 'The parity slice is the one with index K, and says so.');
  const unitBytes = view.getUint32(24);
  if (unitBytes === 0 || unitBytes > MAX_UNIT_BYTES)
    return refuse('too-large', `A unit has 1 to ${MAX_UNIT_BYTES} bytes.`);
  const sliceBytes = view.getUint32(28);
  if (sliceBytes !== sliceLength(unitBytes, k, K))
    return refuse('bad-message', 'The slice length does not follow from the unit.');
  if (K > 1 && sliceBytes > MAX_SLICE_BYTES)
    return refuse('too-large', `A slice has at most ${MAX_SLICE_BYTES} bytes.`);
  const offset = view.getUint32(32);
  const sealed = offset === 0 ? SIGNATURE_BYTES + proofBytes(k, K) : 0;
  const payloadAt = HEADER_BYTES + sealed;
  if (bytes.length < payloadAt) return refuse('bad-message', 'The first fragment carries signature and proof.');
  const payload = bytes.subarray(payloadAt);
  if (offset + payload.length > sliceBytes) return refuse('bad-message', 'A fragment ends within its slice.');
  if (payload.length === 0 && sliceBytes > 0) return refuse('bad-message', 'A fragment is not empty.');
  return accept({
    stream: view.getUint32(4),
    epoch: view.getUint32(8),
    layout: view.getUint32(12),
    unit: view.getUint32(16),
    flags,
    hops: view.getUint8(3),
    k,
    K,
    durationMs: view.getUint16(22),
    unitBytes,
    sliceBytes,
    offset,
    sourceMs: view.getUint32(36) * 0x1_0000_0000 + view.getUint32(40),
    seal:
      offset === 0
        ? {
            signature: bytes.subarray(HEADER_BYTES, HEADER_BYTES + SIGNATURE_BYTES),
            proof: bytes.subarray(HEADER_BYTES + SIGNATURE_BYTES, payloadAt),
          }
        : null,
    payload,
  });
}
