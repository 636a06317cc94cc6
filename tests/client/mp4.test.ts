// What the player reads in MP4, against what the coordinate writes, and against bytes that are none.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecsOf, timeOfUnit, timescalesOf } from '../../client/web/mp4.ts';
import { muxFragment, muxInit, timescaleOf, type TimedSample } from '../../servers/coordinate/media/mp4-mux.ts';
import type { AudioConfig, VideoConfig } from '../../servers/coordinate/media/sample.ts';

const VIDEO: VideoConfig = {
  kind: 'video',
  avcC: Uint8Array.from([1, 0x64, 0x00, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 2, 0x68, 0xee]),
  width: 640,
  height: 360,
};
const AUDIO: AudioConfig = { kind: 'audio', asc: Uint8Array.from([0x12, 0x10]), sampleRate: 44_100, channels: 2 };

const sampleAt = (ms: number): TimedSample => ({
  dtsUs: ms * 1_000,
  ptsUs: ms * 1_000 + 40_000,
  durationUs: 20_000,
  key: true,
  data: new Uint8Array(100),
});
const video = (ms: number) => ({ kind: 'video' as const, timescale: timescaleOf(VIDEO), samples: [sampleAt(ms)] });
const audio = (ms: number) => ({ kind: 'audio' as const, timescale: timescaleOf(AUDIO), samples: [sampleAt(ms)] });

describe('an init segment', () => {
  it('names its codecs as the browser wants them', () => {
    expect(codecsOf(muxInit([VIDEO, AUDIO]))).toBe('avc1.64001f,mp4a.40.2');
    expect(codecsOf(muxInit([VIDEO]))).toBe('avc1.64001f');
    expect(codecsOf(muxInit([AUDIO]))).toBe('mp4a.40.2');
  });

  it('gives the time scale of each track', () => {
    expect(timescalesOf(muxInit([VIDEO, AUDIO]))).toEqual(
      new Map([
        [1, 90_000],
        [2, 44_100],
      ]),
    );
  });
});

describe('a unit', () => {
  const scales = timescalesOf(muxInit([VIDEO, AUDIO]));

  it('begins with its picture, however old the sound beside it', () => {
    expect(timeOfUnit(muxFragment(1, [video(5_000), audio(4_760)]), scales)?.mediaMs).toBe(5_000);
    expect(timeOfUnit(muxFragment(1, [video(5_000), audio(5_020)]), scales)?.mediaMs).toBe(5_000);
  });

  it('of several fragments begins with the first of them', () => {
    const both = new Uint8Array([...muxFragment(1, [video(7_000)]), ...muxFragment(2, [video(7_033)])]);
    expect(timeOfUnit(both, scales)?.mediaMs).toBe(7_000);
  });

  it('has its time also after days, where 32 bits are not enough', () => {
    const ms = 20 * 86_400_000;
    expect((ms / 1_000) * 90_000).toBeGreaterThan(2 ** 32);
    expect(timeOfUnit(muxFragment(1, [video(ms)]), scales)?.mediaMs).toBe(ms);
  });

  it('says when it was captured, to the millisecond, and whether the source knew', () => {
    const capturedMs = 1_795_000_000_123.4;
    for (const isKnown of [true, false]) {
      const told = timeOfUnit(muxFragment(1, [video(5_000)], { capturedMs, isKnown, mediaUs: 5_040_000 }), scales);
      expect(told?.mediaMs).toBe(5_040);
      expect(told?.capturedMs).toBeCloseTo(capturedMs, 2);
      expect(told?.isCaptureKnown).toBe(isKnown);
      expect(told?.hasPicture).toBe(true);
    }
  });

  it('of tracks that the init segment does not know has no time', () => {
    expect(timeOfUnit(muxFragment(1, [audio(10)]), timescalesOf(muxInit([VIDEO])))).toBeNull();
    expect(timeOfUnit(new Uint8Array(0), scales)).toBeNull();
  });
});

it('never throws: not for what is cut off, not for what is spoilt', () => {
  const init = muxInit([VIDEO, AUDIO]);
  const unit = muxFragment(1, [video(5_000), audio(5_000)]);
  const scales = timescalesOf(init);
  const readAll = (bytes: Uint8Array): void => {
    codecsOf(bytes);
    timescalesOf(bytes);
    timeOfUnit(bytes, scales);
  };
  for (const whole of [init, unit]) for (let end = 0; end <= whole.length; end++) readAll(whole.slice(0, end));
  const spoilt = fc.tuple(
    fc.constantFrom(init, unit),
    fc.array(fc.tuple(fc.nat(2_000), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 }),
  );
  fc.assert(
    fc.property(spoilt, ([whole, changes]) => {
      const bytes = whole.slice();
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      readAll(bytes);
    }),
    { numRuns: 5_000 },
  );
  // A box that ends before the fields it must have.
  const short = (type: string): Uint8Array => Uint8Array.from([0, 0, 0, 9, ...Buffer.from(type), 1]);
  const inside = (type: string, ...parts: Uint8Array[]): Uint8Array => {
    const body = Buffer.concat(parts);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(8 + body.length);
    return new Uint8Array(Buffer.concat([size, Buffer.from(type), body]));
  };
  expect(timescalesOf(inside('moov', inside('trak', inside('mdia', short('mdhd')), short('tkhd'))))).toEqual(new Map());
  expect(timeOfUnit(inside('moof', inside('traf', short('tfdt'), short('tfhd'))), scales)).toBeNull();
});
