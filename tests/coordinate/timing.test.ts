// Time stamps to one line, the wall clock of the source, units cut from samples: the pure parts, with made-up clocks.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_UNIT_BYTES } from '../../protocol/limits.ts';
import { Cutter, type Cut } from '../../servers/coordinate/media/cutter.ts';
import type { Sample } from '../../servers/coordinate/media/sample.ts';
import { SourceClock } from '../../servers/coordinate/media/source-clock.ts';
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
      const { sample: at, stepped } = timeline.place(sample);
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

  it('[I8] never lets a track go back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -1e7, max: 1e7 }), fc.boolean()), { maxLength: 60 }),
        (stamps) => {
          const timeline = new Timeline();
          const last: Record<string, number> = {};
          for (const [ms, sound] of stamps) {
            const { sample } = timeline.place(sound ? audio(ms) : video(ms, true));
            const before = last[sample.track];
            if (before !== undefined) expect(sample.dtsUs).toBeGreaterThan(before);
            last[sample.track] = sample.dtsUs;
          }
        },
      ),
    );
  });
});

describe('the clock of the source', () => {
  /** Feeds frames; `late` says how many ms after its time each came. */
  function run(frames: number, late: (i: number) => number, settleFrames = 0): { clock: SourceClock; jumps: number[] } {
    const clock = new SourceClock();
    const jumps: number[] = [];
    for (let i = 0; i < frames; i++) {
      const mediaMs = i * 40;
      if (clock.observe(1_000_000 + mediaMs + late(i), mediaMs, i < settleFrames)) jumps.push(i);
    }
    return { clock, jumps };
  }

  it('[I8] is told by the frames that came earliest, whatever the jitter', () => {
    const { clock } = run(500, (i) => (i * 7) % 25);
    expect(Math.abs(clock.anchorMs - 1_000_000)).toBeLessThan(5);
  });

  it('[I8] is pulled back by the burst at the beginning, by a second at most', () => {
    // The first came 600 ms late, with all that had piled up behind it.
    const { clock } = run(20, (i) => Math.max(0, 600 - i * 40), 20);
    expect(clock.anchorMs).toBeCloseTo(1_000_000, 0);
    const fast = run(200, (i) => -i * 39, 200);
    expect(fast.clock.anchorMs).toBeGreaterThan(1_000_000 - 1_010);
  });

  it('[I8] follows a slower source by two in a hundred at most, once it is sure', () => {
    const step = (i: number): number => (i < 250 ? 0 : 200);
    const before = run(350, step).clock.anchorMs;
    expect(before).toBeCloseTo(1_000_000, 0);
    const after = run(1_200, step).clock.anchorMs;
    expect(after).toBeGreaterThan(1_000_165); // the rest is within what jitter may be
    expect(after).toBeLessThanOrEqual(1_000_200);
    let last = 1_000_000;
    for (let n = 350; n < 1_000; n += 50) {
      const now = run(n, step).clock.anchorMs;
      expect(now - last).toBeLessThanOrEqual(50 * 40 * 0.02 + 0.01);
      last = now;
    }
  });

  it('[I8] jumps, and says so, when the source stood still for more than a second', () => {
    const { clock, jumps } = run(400, (i) => (i < 100 ? 0 : 3_000));
    expect(jumps).toHaveLength(1);
    expect(clock.anchorMs).toBeCloseTo(1_003_000, 0);
  });

  it('[I8] lets a source whose clock runs fast go on without a growing delay', () => {
    const { clock } = run(25 * 600, (i) => -i * 40 * 0.0001);
    const last = 25 * 600 * 40;
    expect(clock.wallMs(last) - (1_000_000 + last * 0.9999)).toBeLessThan(5);
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
          expect(cuts.flatMap((cut) => cut[kind]).map((s) => s.dtsUs)).toEqual(
            samples.filter((s) => s.track === kind).map((s) => s.dtsUs),
          );
        for (const cut of cuts)
          expect([...cut.video, ...cut.audio].reduce((sum, s) => sum + s.data.length, 0)).toBeLessThan(MAX_UNIT_BYTES);
      }),
    );
  });
});
