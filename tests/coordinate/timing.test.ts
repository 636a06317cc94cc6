// Time stamps to one line, units cut from samples: the pure parts. The clock of the source has source-clock.test.ts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_UNIT_BYTES } from '../../protocol/limits.ts';
import { Cutter, type Cut } from '../../servers/coordinate/media/cutter.ts';
import type { Sample } from '../../servers/coordinate/media/sample.ts';
import { Timeline } from '../../servers/coordinate/media/timeline.ts';

const video = (ms: number, key = false, bytes = 100): Sample => ({
  track: 'video',
  dtsUs: ms * 1_000,
  ptsUs: ms * 1_000,
  key,
  data: new Uint8Array(bytes),
});
const audio = (ms: number): Sample => ({ ...video(ms, true, 20), track: 'audio' });

describe('the timeline', () => {
  const placed = (samples: readonly Sample[]): { ms: number; stepped: boolean }[] => {
    const timeline = new Timeline();
    return samples.map((sample) => {
      const { sample: at, stepped } = timeline.place(sample, 0);
      return { ms: Math.round(at.dtsUs / 1_000), stepped };
    });
  };

  it('[I8] leaves a steady source as it is', () => {
    expect(placed([video(5_000, true), video(5_033), audio(5_010), video(5_066)]).map((p) => p.ms)).toEqual([
      5_000, 5_033, 5_010, 5_066,
    ]);
  });

  it('[I8] closes a jump, forwards or back, and says so once; sound keeps its distance to the pictures', () => {
    for (const jump of [-4_000, 90_000]) {
      const told = placed([
        video(5_000, true),
        audio(5_020),
        video(5_033),
        video(5_066 + jump),
        audio(5_080 + jump),
        video(5_099 + jump),
      ]);
      expect(told.map((p) => p.stepped)).toEqual([false, false, false, true, false, false]);
      expect(told.map((p) => p.ms)).toEqual([5_000, 5_020, 5_033, 5_066, 5_080, 5_099]);
    }
  });

  it('[I8] takes the old line for what the other track still has from before the jump', () => {
    const told = placed([video(0, true), audio(10), video(33), video(70_000), audio(43), video(70_033), audio(70_010)]);
    expect(told.filter((p) => p.stepped)).toHaveLength(1);
    expect(told[4]?.ms).toBe(43);
  });

  it('[I8] leaves a pause as it is: stamps that go on by as much as nothing came for are no step', () => {
    const timeline = new Timeline();
    timeline.place(video(5_000, true), 1_000);
    timeline.place(audio(5_010), 1_000);
    const after = timeline.place(video(17_000), 13_000);
    expect(after.stepped).toBe(false);
    expect(after.sample.dtsUs).toBe(17_000_000);
    expect(timeline.place(audio(17_010), 13_000).sample.dtsUs).toBe(17_010_000);
    // Two minutes are no pause: nobody waits for them to pass.
    expect(timeline.place(video(137_000), 133_000).stepped).toBe(true);
  });

  it('[I8] never lets a track go back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -1e7, max: 1e7 }), fc.boolean()), { maxLength: 60 }),
        (stamps) => {
          const timeline = new Timeline();
          const last: Record<string, number> = {};
          for (const [ms, sound] of stamps) {
            const { sample } = timeline.place(sound ? audio(ms) : video(ms, true), 0);
            const before = last[sample.track];
            if (before !== undefined) expect(sample.dtsUs).toBeGreaterThan(before);
            last[sample.track] = sample.dtsUs;
          }
        },
      ),
    );
  });
});

describe('the cutter', () => {
  const cutAll = (samples: readonly Sample[], unitMs = 66, sound: number | null = null, pictures = true): Cut[] => {
    const cutter = new Cutter(unitMs, { video: pictures, audioSampleRate: sound });
    const cuts = samples.flatMap((sample) => cutter.add(sample));
    const last = cutter.flush();
    return last ? [...cuts, last] : cuts;
  };

  it('[I2] cuts at frames, near the asked length, without waiting for the next frame', () => {
    const cutter = new Cutter(66, { video: true, audioSampleRate: null });
    const done = Array.from({ length: 9 }, (_, i) => cutter.add(video((i * 100) / 3, i === 0)).length);
    expect(done).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0]);
  });

  it.each([
    [66, 30, 2],
    [66, 60, 4],
    [100, 25, 2],
    [66, 10, 1],
    [40, 30, 1],
  ])('[I2] %i ms at %i frames a second are %i frames', (unitMs, rate, frames) => {
    const cuts = cutAll(
      Array.from({ length: 40 }, (_, i) => video((i * 1_000) / rate, i === 0)),
      unitMs,
    );
    expect(cuts.slice(1, -1).every((cut) => cut.video.length === frames)).toBe(true);
  });

  it('[I2] does not hold a frame back because the stamps of a camera jitter', () => {
    // Each tenth frame is stamped 25 ms early: the next gap is short, the one after it long.
    const cutter = new Cutter(40, { video: true, audioSampleRate: null });
    const done = Array.from({ length: 60 }, (_, i) => {
      const ms = (i * 100) / 3 - (i % 10 === 9 ? 25 : 0);
      return cutter.add(video(ms, i === 0)).length;
    });
    expect(done).toEqual(Array.from({ length: 60 }, () => 1));
  });

  it('[I2] begins a unit at each keyframe', () => {
    const cuts = cutAll(Array.from({ length: 21 }, (_, i) => video((i * 100) / 3, i % 7 === 0)));
    expect(cuts.filter((cut) => cut.key).map((cut) => Math.round(cut.startUs / 1_000))).toEqual([0, 233, 467]);
    for (const cut of cuts) expect(cut.video.slice(1).some((s) => s.key)).toBe(false);
  });

  it('[I2] gives newcomers of a stream without pictures a beginning every second', () => {
    const cuts = cutAll(
      Array.from({ length: 200 }, (_, i) => audio((i * 64) / 3)),
      66,
      48_000,
      false,
    );
    const keys = cuts.filter((cut) => cut.key);
    expect(keys.length).toBeGreaterThanOrEqual(4);
    expect(keys.length).toBeLessThanOrEqual(5);
    expect(cuts.slice(0, -1).every((cut) => cut.audio.length === 3)).toBe(true);
  });

  it('[I2] loses no sample, keeps their order, and never exceeds the limit of a unit', () => {
    const sample = fc.record({
      gap: fc.integer({ min: 0, max: 80 }),
      kind: fc.constantFrom('key', 'delta', 'audio'),
      size: fc.integer({ min: 1, max: 900_000 }),
    });
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 60 }), fc.integer({ min: 40, max: 120 }), (given, unitMs) => {
        let ms = 0;
        const samples = given.map(({ gap, kind, size }) => {
          ms += gap;
          return kind === 'audio' ? audio(ms) : video(ms, kind === 'key', size);
        });
        const cuts = cutAll(samples, unitMs, 48_000);
        for (const kind of ['video', 'audio'] as const)
          expect(cuts.flatMap((cut) => cut[kind]).map((s) => s.ptsUs)).toEqual(
            samples.filter((s) => s.track === kind).map((s) => s.ptsUs),
          );
        for (const cut of cuts)
          expect([...cut.video, ...cut.audio].reduce((sum, s) => sum + s.data.length, 0)).toBeLessThan(MAX_UNIT_BYTES);
      }),
    );
  });
});
