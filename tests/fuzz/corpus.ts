// Inputs that are kept for one decoder: real ones, tricky ones, and whatever fuzzing has found. A failure adds itself.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import * as v from 'valibot';

const Kept = v.array(v.object({ why: v.string(), text: v.optional(v.string()), base64: v.optional(v.string()) }));
type Kept = v.InferOutput<typeof Kept>;

const fileOf = (name: string): string => path.join(import.meta.dirname, 'corpus', `${name}.json`);
const read = (name: string): Kept => v.parse(Kept, JSON.parse(readFileSync(fileOf(name), 'utf8')));

export interface Seed {
  why: string;
  bytes: Buffer;
}

export const seedsOf = (name: string): Seed[] =>
  read(name).map(({ why, text, base64 }) => ({
    why,
    bytes: text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text),
  }));

/** Keeps an input that broke the decoder, for every later run. */
export function keep(name: string, bytes: Buffer): void {
  const kept = read(name);
  const isText = Buffer.from(bytes.toString('utf8')).equals(bytes);
  const input = isText ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
  writeFileSync(fileOf(name), `${JSON.stringify([...kept, { why: 'found by fuzzing', ...input }], null, 2)}\n`);
}

/** Places are shares of the length, 0 to 1, so that they fit whatever the changes before have left. */
type Change =
  | { do: 'flip'; at: number; bit: number }
  | { do: 'set'; at: number; value: number }
  | { do: 'cut'; at: number; length: number }
  | { do: 'repeat'; at: number; length: number; times: number }
  | { do: 'insert'; at: number; bytes: Uint8Array }
  | { do: 'splice'; at: number; with: number; from: number };

const place = fc.double({ min: 0, max: 1, noNaN: true });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ do: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
  // Lengths and counts that programs forget about.
  fc.record({
    do: fc.constant('set' as const),
    at: place,
    value: fc.constantFrom(0, 1, 7, 8, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_fff8, 0xffff_ffff),
  }),
  fc.record({ do: fc.constant('cut' as const), at: place, length: fc.integer({ min: 1, max: 200 }) }),
  fc.record({
    do: fc.constant('repeat' as const),
    at: place,
    length: fc.integer({ min: 1, max: 64 }),
    times: fc.nat(40),
  }),
  fc.record({ do: fc.constant('insert' as const), at: place, bytes: fc.uint8Array({ maxLength: 16 }) }),
  fc.record({ do: fc.constant('splice' as const), at: place, with: fc.nat(1_000), from: place }),
);

function changed(bytes: Buffer, how: Change, seeds: readonly Seed[]): Buffer {
  const at = Math.floor(how.at * bytes.length);
  switch (how.do) {
    case 'flip': {
      const other = Buffer.from(bytes);
      if (at < other.length) other[at] = (other[at] ?? 0) ^ (1 << how.bit);
      return other;
    }
    case 'set': {
      const other = Buffer.from(bytes);
      const width = how.value > 0xffff ? 4 : how.value > 0xff ? 2 : 1;
      if (at + width <= other.length) other.writeUIntBE(how.value, at, width);
      return other;
    }
    case 'cut':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + how.length)]);
    case 'repeat': {
      const part = bytes.subarray(at, at + how.length);
      return Buffer.concat([
        bytes.subarray(0, at),
        ...Array.from({ length: how.times }, () => part),
        bytes.subarray(at),
      ]);
    }
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), how.bytes, bytes.subarray(at)]);
    case 'splice': {
      const other = seeds[how.with % seeds.length]?.bytes ?? bytes;
      return Buffer.concat([bytes.subarray(0, at), other.subarray(Math.floor(how.from * other.length))]);
    }
  }
}

/** Inputs made from the kept ones by a few changes each. */
export const inputsFrom = (seeds: readonly Seed[]): fc.Arbitrary<Buffer> =>
  fc
    .record({ seed: fc.nat(seeds.length - 1), changes: fc.array(change, { minLength: 1, maxLength: 8 }) })
    .map(({ seed, changes }) =>
      changes.reduce((bytes, how) => changed(bytes, how, seeds), seeds[seed]?.bytes ?? Buffer.alloc(0)),
    );
