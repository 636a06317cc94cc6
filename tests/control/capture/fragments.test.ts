import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { captureArgs } from '../../../servers/control/capture/args.ts';
import { FragmentSplitter } from '../../../servers/control/capture/fragments.ts';
import { PRESETS } from '../../../servers/control/capture/presets.ts';
import { printedBy } from '../../../servers/control/capture/program-output.ts';
import { requireFfmpeg } from '../../../servers/shared/ffmpeg.ts';

function split(parts: Iterable<Uint8Array>) {
  const heard: { bytes: string; key: boolean | null; mime: string | null }[] = [];
  const splitter = new FragmentSplitter({
    init: ({ bytes, mime }) => heard.push({ bytes: bytes.toString('base64'), key: null, mime }),
    fragment: ({ bytes, key }) => heard.push({ bytes: bytes.toString('base64'), key, mime: null }),
  });
  let problem: string | null = null;
  for (const part of parts) problem = splitter.push(part);
  return { heard, problem };
}

function* cut(bytes: Buffer, places: readonly number[]): Generator<Buffer> {
  let from = 0;
  for (const place of [...places, bytes.length].map((at) => at % (bytes.length + 1)).toSorted((a, b) => a - b)) {
    yield Buffer.from(bytes.subarray(from, place));
    from = place;
  }
  yield Buffer.from(bytes.subarray(from));
}

let stream: Buffer;
beforeAll(async () => {
  const args = captureArgs({ kind: 'test', drawsText: false }, PRESETS['360p'], 'libx264');
  const quick = args.filter((word) => word !== '-re');
  quick.splice(-1, 0, '-t', '1.5');
  stream = (await printedBy(requireFfmpeg(), quick, 20_000)).stdout;
});

describe('a stream of fragments', () => {
  it('is one init segment with its MIME type, then every frame, with a key each second', () => {
    const { heard, problem } = split([stream]);
    expect(problem).toBeNull();
    expect(heard[0]?.mime).toMatch(/^video\/mp4; codecs="avc1\.4d40[0-9a-f]{2},mp4a\.40\.2"$/);
    const keys = heard.filter(({ key }) => key === true);
    expect(keys).toHaveLength(2);
    expect(heard.length).toBeGreaterThan(45 + 60); // pictures, and 47 packets of sound a second
    const whole = Buffer.concat(heard.map(({ bytes }) => Buffer.from(bytes, 'base64')));
    expect(stream.subarray(0, whole.length).equals(whole)).toBe(true); // what is left is the index at the end
    expect(stream.toString('latin1', whole.length + 4, whole.length + 8)).toBe('mfra');
  });

  it('is the same however its bytes arrive', () => {
    const whole = split([stream]);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 200 }), (places) => {
        expect(split(cut(stream, places))).toEqual(whole);
      }),
      { numRuns: 40 },
    );
  });

  it('begins anew with another init segment', () => {
    const { heard } = split([stream, stream]);
    expect(heard.filter(({ mime }) => mime !== null)).toHaveLength(2);
  });

  it('refuses garbage and goes on refusing, without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 400 }), fc.uint8Array(), (bytes, more) => {
        const text = Buffer.from(bytes).toString('latin1', 4, 8);
        fc.pre(!/^(ftyp|styp|moov|free|skip|sidx|mfra|moof|mdat|udta|emsg|prft)$/.test(text));
        const { heard, problem } = split([bytes, more]);
        expect(heard).toEqual([]);
        expect(problem).toEqual(expect.any(String));
      }),
    );
  });

  it('survives broken bytes in the middle of it', () => {
    fc.assert(
      fc.property(fc.nat({ max: 4_000 }), fc.nat({ max: 255 }), (at, value) => {
        const broken = Buffer.from(stream.subarray(0, 30_000));
        broken[at] = value;
        expect(() => split([broken])).not.toThrow();
      }),
    );
  });

  it('refuses data without an index, and boxes beyond all measure', () => {
    expect(split([Buffer.from([0, 0, 0, 9, 0x6d, 0x64, 0x61, 0x74, 1])]).problem).toContain('without an index');
    expect(split([Buffer.from([0xff, 0, 0, 9, 0x6d, 0x64, 0x61, 0x74, 1])]).problem).toContain('impossible length');
  });
});
