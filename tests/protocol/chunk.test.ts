// The binary codec against a table of bytes, against itself, and against noise.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeFragment,
  encodeFragment,
  FLAG,
  HEADER_BYTES,
  isParity,
  proofBytes,
  sliceLength,
  sliceRange,
  streamTag,
  type Fragment,
} from '../../protocol/chunk.ts';

const base: Fragment = {
  stream: streamTag('live'),
  epoch: 0x65000001,
  layout: 3,
  unit: 0x0102,
  flags: FLAG.key,
  hops: 2,
  k: 1,
  K: 2,
  durationMs: 66,
  unitBytes: 10,
  sliceBytes: 4,
  offset: 0,
  sourceMs: 0x18c_0000_0005,
  seal: { signature: new Uint8Array(64).fill(0xaa), proof: new Uint8Array(32).fill(0xbb) },
  payload: Uint8Array.of(1, 2, 3, 4),
};
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Each row: a fragment and its bytes on the wire. The same rows feed decoding and fuzzing. */
const TABLE: { name: string; fragment: Fragment; bytes: string }[] = [
  {
    name: 'first fragment, slice 1 of 2',
    fragment: base,
    bytes:
      '02010102' +
      '07f017af' +
      '65000001' +
      '00000003' +
      '00000102' +
      '01020042' +
      '0000000a' +
      '00000004' +
      '00000000' +
      '0000018c' +
      '00000005' +
      '00000000' +
      'aa'.repeat(64) +
      'bb'.repeat(32) +
      '01020304',
  },
  {
    name: 'later fragment, no seal',
    fragment: { ...base, offset: 2, seal: null, payload: Uint8Array.of(3, 4), flags: FLAG.retransmit },
    bytes:
      '02010802' +
      '07f017af' +
      '65000001' +
      '00000003' +
      '00000102' +
      '01020042' +
      '0000000a' +
      '00000004' +
      '00000002' +
      '0000018c' +
      '00000005' +
      '00000000' +
      '0304',
  },
  {
    name: 'first fragment of the parity slice of 2',
    fragment: { ...base, k: 2, flags: FLAG.key | FLAG.parity, sliceBytes: 6, payload: Uint8Array.of(1, 2, 3, 4, 5, 6) },
    bytes:
      '02010502' +
      '07f017af' +
      '65000001' +
      '00000003' +
      '00000102' +
      '02020042' +
      '0000000a' +
      '00000006' +
      '00000000' +
      '0000018c' +
      '00000005' +
      '00000000' +
      'aa'.repeat(64) +
      'bb'.repeat(32) +
      '010203040506',
  },
];

describe('fragments', () => {
  for (const { name, fragment, bytes } of TABLE) {
    it(`[W2] [W4] ${name}: these bytes, both ways`, () => {
      expect(hex(encodeFragment(fragment))).toBe(bytes);
      expect(decodeFragment(Uint8Array.from(Buffer.from(bytes, 'hex')))).toMatchObject({
        ok: true,
        value: { ...fragment, seal: fragment.seal && {} },
      });
    });
  }

  it('[W2] any fragment survives the way there and back', () => {
    const anyFragment = fc
      .record({
        unitBytes: fc.integer({ min: 1, max: 60_000 }),
        K: fc.constantFrom(1 as const, 2 as const, 4 as const),
        k: fc.nat(4),
        at: fc.double({ min: 0, max: 0.99, noNaN: true }),
        u: fc.nat(0xffffffff),
        sourceMs: fc.nat(Number.MAX_SAFE_INTEGER),
        flags: fc.nat(31),
        hops: fc.nat(255),
      })
      .map(({ unitBytes, K, at, u, sourceMs, hops, ...roll }): Fragment => {
        const k = roll.k % (K === 1 ? 1 : K + 1);
        const flags = isParity(k, K) ? roll.flags | FLAG.parity : roll.flags & ~FLAG.parity;
        const sliceBytes = sliceLength(unitBytes, k, K);
        const offset = Math.floor(at * sliceBytes);
        const seal = { signature: new Uint8Array(64).fill(u & 255), proof: new Uint8Array(proofBytes(k, K)).fill(7) };
        const payload = new Uint8Array(Math.min(16_000, sliceBytes - offset)).fill(u & 127);
        return {
          stream: u,
          epoch: u,
          layout: u,
          unit: u,
          flags,
          hops,
          k,
          K,
          durationMs: u & 0xffff,
          unitBytes,
          sliceBytes,
          offset,
          sourceMs,
          seal: offset === 0 ? seal : null,
          payload,
        };
      });
    fc.assert(
      fc.property(anyFragment, (fragment) => {
        const decoded = decodeFragment(encodeFragment(fragment));
        if (!decoded.ok) throw new Error(decoded.refusal.detail);
        expect(hex(encodeFragment(decoded.value))).toBe(hex(encodeFragment(fragment)));
      }),
    );
  });

  it('[W1] noise and damaged fragments are refused or decoded, never thrown at', () => {
    const whole = Buffer.from(TABLE[0]?.bytes ?? '', 'hex');
    const damaged = fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length)).map(([at, value, length]) => {
      const copy = Uint8Array.from(whole.subarray(0, length));
      if (at < copy.length) copy[at] = value;
      return copy;
    });
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 400 }), damaged),
        (bytes) => typeof decodeFragment(bytes).ok === 'boolean',
      ),
      { numRuns: 3_000 },
    );
  });

  it('[W3] the slices of a unit cover it exactly, and a wrong slice length is refused', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.constantFrom(1 as const, 2 as const, 4 as const),
        (unitBytes, K) => {
          let at = 0;
          for (let k = 0; k < K; k++) {
            const { start, end } = sliceRange(unitBytes, k, K);
            expect(start).toBe(at);
            at = end;
          }
          expect(at).toBe(unitBytes);
        },
      ),
    );
    const bytes = encodeFragment(base);
    new DataView(bytes.buffer).setUint32(28, 5);
    expect(decodeFragment(bytes)).toMatchObject({ ok: false, refusal: { reason: 'bad-message' } });
  });

  it('[W3] the parity slice is as long as the first, says that it is one, and a stream in one slice has none', () => {
    for (const K of [2, 4] as const)
      for (const unitBytes of [1, 2, 3, 4, 5, 4_001])
        expect(sliceLength(unitBytes, K, K)).toBe(sliceRange(unitBytes, 0, K).end);
    const parity = { ...base, k: 2, flags: FLAG.parity, sliceBytes: 6, payload: new Uint8Array(6) };
    const reason = (fragment: Fragment): string => {
      const decoded = decodeFragment(encodeFragment(fragment));
      return decoded.ok ? 'taken' : decoded.refusal.reason;
    };
    expect(reason(parity)).toBe('taken');
    for (const wrong of [{ flags: 0 }, { k: 1 }, { k: 3 }, { sliceBytes: 4, payload: new Uint8Array(4) }])
      expect(reason({ ...parity, ...wrong }), JSON.stringify(wrong)).toBe('bad-message');
    const seal = { signature: new Uint8Array(64), proof: new Uint8Array(16) };
    expect(reason({ ...parity, k: 1, K: 1, sliceBytes: 10, seal, payload: new Uint8Array(10) })).toBe('bad-message');
  });

  it('[W7] another version is refused by name', () => {
    const bytes = encodeFragment(base);
    bytes[0] = 1;
    expect(decodeFragment(bytes)).toMatchObject({ ok: false, refusal: { reason: 'wrong-version' } });
  });

  it('[W4] a first fragment too short for its seal is refused', () => {
    expect(decodeFragment(encodeFragment(base).subarray(0, HEADER_BYTES + 70))).toMatchObject({ ok: false });
  });
});
