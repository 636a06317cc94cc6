// Demuxers against what ffmpeg makes, cut at any place, and against bytes that were tampered with.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { demuxerFor, type DirectFormat } from '../../servers/coordinate/media/demuxer.ts';
import { muxFragment, muxInit, timescaleOf, type TimedSample } from '../../servers/coordinate/media/mp4-mux.ts';
import type { MediaSink, Sample, TrackConfig, TrackKind } from '../../servers/coordinate/media/sample.ts';
import { AAC, clip, H264, PICTURE, SOUND } from './harness.ts';

interface Taken {
  kinds: readonly TrackKind[];
  configs: TrackConfig[];
  samples: Sample[];
  refusal: string | null;
}

function take(format: DirectFormat, chunks: readonly Uint8Array[]): Taken {
  const taken: Taken = { kinds: [], configs: [], samples: [], refusal: null };
  const sink: MediaSink = {
    tracks: (kinds) => {
      taken.kinds = kinds;
    },
    config: (config) => void taken.configs.push(config),
    sample: (sample) => void taken.samples.push(sample),
  };
  const demuxer = demuxerFor(format, sink);
  for (const chunk of chunks) {
    const refusal = demuxer.push(chunk);
    if (refusal) {
      taken.refusal = 'handover' in refusal ? `handed over: ${refusal.what}` : refusal.detail;
      break;
    }
  }
  return taken;
}

/** All of it in a line: comparing megabytes element by element takes minutes. */
const gist = (samples: readonly Sample[]): string => {
  const hash = createHash('sha256');
  for (const { track, dtsUs, ptsUs, key, data } of samples)
    hash.update(`${track} ${dtsUs} ${ptsUs} ${key} ${data.length}\n`).update(data);
  return `${samples.length} ${hash.digest('hex')}`;
};

const FORMATS: [DirectFormat, string[]][] = [
  ['flv', ['-f', 'flv']],
  ['mpegts', ['-f', 'mpegts']],
  ['mp4', ['-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov']],
];

describe.each(FORMATS)('%s', (format, output) => {
  let media: Buffer;
  let whole: Taken;
  beforeAll(async () => {
    media = await clip([...PICTURE, ...SOUND, ...H264, ...AAC, '-bf', '2', '-t', '1', ...output]);
    whole = take(format, [media]);
  });

  it('[I1] gives every picture and sound with its times', () => {
    const video = whole.samples.filter((s) => s.track === 'video');
    const audio = whole.samples.filter((s) => s.track === 'audio');
    expect(whole.kinds.toSorted()).toEqual(['audio', 'video']);
    expect(whole.configs).toContainEqual(expect.objectContaining({ kind: 'video', width: 320, height: 180 }));
    expect(whole.configs).toContainEqual(expect.objectContaining({ kind: 'audio', sampleRate: 48_000, channels: 1 }));
    // The last picture of a transport stream is only known to be whole when another begins.
    expect(video.length).toBeGreaterThanOrEqual(format === 'mpegts' ? 29 : 30);
    expect(video[0]?.key).toBe(true);
    expect(video.filter((s) => s.key)).toHaveLength(2);
    expect(audio.length).toBeGreaterThanOrEqual(44);
    for (const track of [video, audio])
      for (const [i, sample] of track.entries()) {
        const gap = sample.dtsUs - (track[i - 1]?.dtsUs ?? sample.dtsUs - 25_000);
        expect(gap).toBeGreaterThan(0);
        expect(gap).toBeLessThan(67_000); // ffmpeg leaves one frame out of the count where it reorders
        expect(sample.ptsUs).toBeGreaterThanOrEqual(sample.dtsUs);
      }
    expect(video.some((s) => s.ptsUs > s.dtsUs)).toBe(true);
  });

  it('[I1] gives the same however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 50 }), (lengths) => {
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < media.length; i++) {
          const length = lengths[i % lengths.length] ?? 1;
          chunks.push(media.subarray(at, at + length));
          at += length;
        }
        expect(gist(take(format, chunks).samples)).toBe(gist(whole.samples));
      }),
      { numRuns: 25 },
    );
  });

  it('[I6] neither throws nor hangs nor grows on bytes that were tampered with', () => {
    const harm = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    });
    fc.assert(
      fc.property(fc.array(harm, { minLength: 1, maxLength: 40 }), fc.boolean(), (harms, early) => {
        const broken = Buffer.from(media);
        for (const { at, bytes } of harms)
          broken.set(bytes.subarray(0, 4), Math.floor(at * (early ? 2_000 : broken.length - 8)));
        const taken = take(format, [broken.subarray(0, 30_000), broken.subarray(30_000)]);
        const size = taken.samples.reduce((sum, s) => sum + s.data.length, 0);
        expect(size).toBeLessThanOrEqual(2 * broken.length);
        if (taken.refusal !== null) expect(taken.refusal).toMatch(/[.:]/);
      }),
      { numRuns: 200 },
    );
  });

  it('[I6] takes pure noise without a word, or refuses it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4_000 }), (noise) => {
        expect(take(format, [noise]).samples).toEqual([]);
      }),
    );
  });
});

const setup = (config: TrackConfig): string =>
  Buffer.from(config.kind === 'video' ? config.avcC : config.asc).toString('hex');

it('[I1] what our muxer writes, our demuxer reads back', async () => {
  const media = await clip([...PICTURE, ...SOUND, ...H264, ...AAC, '-bf', '2', '-t', '0.5', '-f', 'flv']);
  const { configs, samples } = take('flv', [media]);
  const runs = configs.map((config) => {
    const own = samples.filter((s) => s.track === config.kind);
    const timed = own.map((s, i): TimedSample => ({
      ...s,
      durationUs: (own[i + 1]?.dtsUs ?? s.dtsUs + 33_000) - s.dtsUs,
    }));
    return { kind: config.kind, timescale: timescaleOf(config), samples: timed };
  });
  const again = take('mp4', [muxInit(configs), muxFragment(1, runs)]);
  expect(again.configs.map(setup)).toEqual(configs.map(setup));
  expect(again.samples).toHaveLength(samples.length);
  for (const kind of ['video', 'audio'] as const) {
    const before = samples.filter((s) => s.track === kind);
    for (const [i, sample] of again.samples.filter((s) => s.track === kind).entries()) {
      expect(Buffer.compare(sample.data, before[i]?.data ?? new Uint8Array())).toBe(0);
      expect(Math.abs(sample.ptsUs - (before[i]?.ptsUs ?? 0))).toBeLessThan(30);
      expect(sample.key).toBe(before[i]?.key);
    }
  }
});
