// What is due when, judged from arrivals: whole schedules of them in simulated time, through the very clock of the coordinate and a
// pacer that is reduced to what it does with it. Seeds are printed by fast-check.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourceClock, VISIBLE_LATENESS_MS } from '../../servers/coordinate/media/source-clock.ts';

interface Frame {
  /** When it was captured, in true time. */
  trueMs: number;
  mediaMs: number;
  arrivalMs: number;
}

interface Passed extends Frame {
  passedMs: number;
  stampMs: number;
  toldMs: number;
}

const FRAME_MS = 40;
const BEGIN_MS = 1_000_000;
/** What the pacer takes for a file (pacer.ts). */
const MOST_AHEAD_MS = 20_000;

/** Frames each 40 ms that leave the encoder when `leaves` says, over a link that keeps their order. */
function schedule(seconds: number, leaves: (trueMs: number, i: number) => number, media = (ms: number) => ms): Frame[] {
  let last = 0;
  return Array.from({ length: (seconds * 1_000) / FRAME_MS }, (_, i) => {
    const trueMs = BEGIN_MS + i * FRAME_MS;
    last = Math.max(last, leaves(trueMs, i));
    return { trueMs, mediaMs: media(i * FRAME_MS), arrivalMs: last };
  });
}

/** A link that carries `share` of the rate between two moments, with all that it did not carry queued. */
function narrow(share: number, from: number, to: number): (trueMs: number) => number {
  let freeMs = 0;
  return (trueMs) => {
    const at = Math.max(trueMs, freeMs);
    const isNarrow = at >= BEGIN_MS + from && at < BEGIN_MS + to;
    freeMs = at + (isNarrow ? FRAME_MS / share : 1);
    return freeMs;
  };
}

/** Passes frames when they are due, as the pacer does; file: nothing comes before there is room for it. */
function play(frames: readonly Frame[], isUnpaced = false): { passed: Passed[]; isFile: boolean } {
  const clock = new SourceClock();
  const passed: Passed[] = [];
  const queue: Frame[] = [];
  let i = 0;
  const end = (frames.at(-1)?.arrivalMs ?? 0) + 60_000 + (isUnpaced ? frames.length * FRAME_MS : 0);
  for (let now = frames[0]?.arrivalMs ?? 0; now < end && (i < frames.length || queue.length > 0); now += 5) {
    for (let frame = frames[i]; frame && frame.arrivalMs <= now; frame = frames[++i]) {
      const ahead = (queue.at(-1)?.mediaMs ?? 0) - (queue[0]?.mediaMs ?? 0);
      if (ahead > MOST_AHEAD_MS) {
        clock.becomeFile(now);
        break;
      }
      clock.observe(Math.max(frame.arrivalMs, isUnpaced ? now : 0), frame.mediaMs);
      queue.push(frame);
    }
    if (i >= frames.length && isUnpaced) clock.becomeFile(now);
    if (clock.isOpening && !clock.settle(now)) continue;
    while (queue[0] && clock.dueMs(queue[0].mediaMs) <= now) {
      const frame = queue.shift() as Frame;
      passed.push({
        ...frame,
        passedMs: now,
        stampMs: clock.stampMs(frame.mediaMs, now),
        toldMs: now - clock.capturedMs(frame.mediaMs),
      });
    }
  }
  return { passed, isFile: clock.isFile };
}

const worst = (passed: readonly Passed[], from: number, to: number, of: (p: Passed) => number): number =>
  passed.reduce(
    (most, p) => (p.passedMs >= BEGIN_MS + from && p.passedMs < BEGIN_MS + to ? Math.max(most, of(p)) : most),
    Number.NEGATIVE_INFINITY,
  );
const lateness = (p: Passed): number => p.passedMs - p.trueMs;
const stampLag = (p: Passed): number => p.passedMs - p.stampMs;

describe('a live source', () => {
  it('[I8] is passed on as it comes, and its delay told, whatever the jitter', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 20, maxLength: 50 }), (jitter) => {
        const { passed } = play(schedule(30, (ms, i) => ms + 30 + (jitter[i % jitter.length] ?? 0)));
        expect(worst(passed, 1_000, 30_000, (p) => p.passedMs - p.arrivalMs)).toBeLessThanOrEqual(45);
        expect(worst(passed, 5_000, 30_000, (p) => Math.abs(p.toldMs - (p.passedMs - p.trueMs)))).toBeLessThan(80);
      }),
      { numRuns: 20 },
    );
  });

  it('[I8] that comes late comes late once: what a narrow uplink cost is gone when it is wide again', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.2, max: 0.9, noNaN: true }),
        fc.integer({ min: 1_000, max: 15_000 }),
        (share, forMs) => {
          const { passed } = play(schedule(60, narrow(share, 20_000, 20_000 + forMs)));
          const after = worst(passed, 20_000 + forMs + 6_000, 60_000, lateness);
          expect(after).toBeLessThan(60);
          // Told truly all along, also while it is late.
          expect(worst(passed, 5_000, 60_000, (p) => Math.abs(p.toldMs - lateness(p)))).toBeLessThan(60);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('[I8] adds nothing up over a hundred hiccups', () => {
    const hiccups = (ms: number): number => {
      const at = (ms - BEGIN_MS) % 5_000;
      return at < 1_500 && ms > BEGIN_MS + 2_000 ? ms + 1_500 - at : ms;
    };
    const { passed } = play(schedule(500, hiccups));
    const between = passed.filter((p) => (p.trueMs - BEGIN_MS) % 5_000 > 2_000);
    expect(Math.max(...between.map(lateness))).toBeLessThan(60);
    expect(Math.max(...passed.map(stampLag))).toBeLessThanOrEqual(VISIBLE_LATENESS_MS + 5);
  });

  it('[I8] that begins with a burst is live from its newest frame on', () => {
    for (const burstMs of [500, 3_000, 9_000]) {
      const { passed, isFile } = play(schedule(30, (ms) => Math.max(ms, BEGIN_MS + burstMs)));
      expect(isFile).toBe(false);
      expect(worst(passed, burstMs + 1_000, 30_000, lateness)).toBeLessThan(45);
    }
  });

  it('[I8] that was starved when it began is live as soon as it has caught up', () => {
    // Half of real time for four seconds, twice real time until it is where it should be.
    const { passed, isFile } = play(
      schedule(40, (ms) => {
        const t = ms - BEGIN_MS;
        return BEGIN_MS + Math.max(t, t < 2_000 ? t * 2 : 4_000 + (t - 2_000) / 2);
      }),
    );
    expect(isFile).toBe(false);
    expect(worst(passed, 16_000, 40_000, lateness)).toBeLessThan(60);
  });

  it('[I8] that was late from its first frame on is live as soon as it is not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 8_000 }), fc.integer({ min: 1_500, max: 10_000 }), (lateMs, forMs) => {
        // Late by as much for a while, then twice real time until it is where it should be.
        const leaves = (ms: number): number => Math.max(ms, ms + lateMs - Math.max(0, ms - BEGIN_MS - forMs) / 2);
        const { passed, isFile } = play(schedule(60, leaves));
        expect(isFile).toBe(false);
        expect(worst(passed, forMs + 2 * lateMs + 5_000, 60_000, lateness)).toBeLessThan(60);
      }),
      { numRuns: 20 },
    );
  });

  it('[I8] that was late for long is where it was at once when it has caught up', () => {
    // Two seconds more in four, level for ten, and back within one.
    const leaves = (ms: number): number => {
      const t = ms - BEGIN_MS - 20_000;
      return ms + (t < 0 || t > 15_000 ? 0 : t < 4_000 ? t / 2 : t < 14_000 ? 2_000 : 2_000 - (t - 14_000) * 2);
    };
    const { passed } = play(schedule(60, leaves));
    expect(worst(passed, 36_500, 60_000, lateness)).toBeLessThan(60);
    expect(worst(passed, 1_000, 60_000, (p) => Math.abs(p.toldMs - lateness(p)))).toBeLessThan(60);
  });

  it('[I8] whose frame counter lost time is live again within seconds, and is told so', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 8_000 }), (lostMs) => {
        // Nothing comes while the time is lost, and the count goes on where it was.
        const frames = schedule(60, (ms) => ms)
          .filter((f) => f.trueMs < BEGIN_MS + 20_000 || f.trueMs >= BEGIN_MS + 20_000 + lostMs)
          .map((f, i) => ({ ...f, mediaMs: i * FRAME_MS }));
        const { passed } = play(frames);
        const from = 20_000 + lostMs + 5_000;
        expect(worst(passed, from, 60_000, stampLag)).toBeLessThan(50);
        expect(worst(passed, from, 60_000, (p) => Math.abs(p.toldMs - lateness(p)))).toBeLessThan(60);
      }),
      { numRuns: 20 },
    );
  });

  it('[I8] may have a clock that runs 300 ppm fast or slow for a quarter of an hour', () => {
    for (const ppm of [-300, 300]) {
      const { passed } = play(
        schedule(
          3_600,
          (ms) => ms,
          (ms) => ms * (1 + ppm / 1e6),
        ),
      );
      expect(worst(passed, 10_000, 900_000, (p) => p.passedMs - p.arrivalMs)).toBeLessThan(45);
      expect(worst(passed, 10_000, 900_000, stampLag)).toBeLessThan(60);
      expect(worst(passed, 10_000, 900_000, (p) => Math.abs(p.toldMs - lateness(p)))).toBeLessThan(60);
    }
  });

  it('[I8] that sends the first picture after each pause too early is shown in its time', () => {
    // A screen that moves for a second and rests for two: the picture that ends the rest is sent when it begins.
    const media = (ms: number): number => Math.floor(ms / 1_000) * 3_000 + (ms % 1_000);
    const frames = schedule(30, (ms) => ms, media).map((f, i) => {
      const at = BEGIN_MS + f.mediaMs;
      return { ...f, trueMs: at, arrivalMs: i > 0 && f.mediaMs % 3_000 === 0 ? at - 2_000 : at };
    });
    const { passed } = play(frames);
    expect(worst(passed, 5_000, 90_000, (p) => Math.abs(lateness(p)))).toBeLessThan(60);
  });

  it('[I8] never gives viewers a time that goes back, or a lateness they would plan for', () => {
    const hold = fc.record({ at: fc.integer({ min: 0, max: 50_000 }), forMs: fc.integer({ min: 0, max: 9_000 }) });
    fc.assert(
      fc.property(fc.array(hold, { maxLength: 8 }), (holds) => {
        const leaves = (ms: number): number =>
          Math.max(
            ms,
            ...holds.map(({ at, forMs }) => (ms >= BEGIN_MS + at ? Math.min(BEGIN_MS + at + forMs, ms + forMs) : ms)),
          );
        const { passed } = play(schedule(60, leaves));
        const stamps = passed.map((p) => p.stampMs);
        expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
        expect(Math.max(...passed.map(stampLag))).toBeLessThanOrEqual(VISIBLE_LATENESS_MS + 5);
        expect(passed).toHaveLength(60_000 / FRAME_MS);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a source in bursts', () => {
  const inBursts = (everyMs: number) => (ms: number) => BEGIN_MS + Math.ceil((ms - BEGIN_MS + 1) / everyMs) * everyMs;

  it.each([1_000, 2_000, 4_000, 6_000])('[I8] of %i ms is passed on steadily after the first two', (everyMs) => {
    const { passed } = play(schedule(80, inBursts(everyMs)));
    const after = passed.filter((p) => p.passedMs >= BEGIN_MS + 2.1 * everyMs);
    const steps = after.slice(1).map((p, i) => p.passedMs - (after[i]?.passedMs ?? 0));
    expect(Math.max(...steps)).toBeLessThan(100);
    expect(Math.max(...after.map(lateness))).toBeLessThan(everyMs + 300);
    expect(Math.max(...after.map((p) => Math.abs(p.toldMs - lateness(p))))).toBeLessThan(60);
  });

  it('[I8] downloaded hardly faster than real time are bursts too', () => {
    // Each segment of four seconds takes three to come.
    const slowly = (ms: number): number => {
      const t = ms - BEGIN_MS;
      return BEGIN_MS + (Math.floor(t / 4_000) + 1) * 4_000 + ((t % 4_000) * 3) / 4;
    };
    const { passed } = play(schedule(80, slowly));
    const after = passed.filter((p) => p.passedMs >= BEGIN_MS + 20_000);
    const steps = after.slice(1).map((p, i) => p.passedMs - (after[i]?.passedMs ?? 0));
    expect(Math.max(...steps)).toBeLessThan(100);
  });

  it('[I8] loses the delay again when it comes steadily', () => {
    const { passed } = play(schedule(120, (ms) => (ms < BEGIN_MS + 40_000 ? inBursts(4_000)(ms) : ms)));
    expect(worst(passed, 46_000, 120_000, lateness)).toBeLessThan(60);
  });
});

describe('a file', () => {
  it('[I8] that was a live source with thirty seconds in hand is live again when they are used up', () => {
    // Thirty seconds at once, then nothing until they have been, and real time from there on.
    const { passed, isFile } = play(schedule(120, (ms) => (ms < BEGIN_MS + 30_000 ? BEGIN_MS + 10 : ms + 2_000)));
    expect(isFile).toBe(false);
    expect(worst(passed, 60_000, 120_000, (p) => p.passedMs - p.arrivalMs)).toBeLessThan(60);
  });

  it.each([1.03, 1.1, 1.5, 4, 50])('[I8] that comes %f times as fast as it plays is played as it is', (speed) => {
    const { passed } = play(
      schedule(60, (ms) => BEGIN_MS + (ms - BEGIN_MS) / speed),
      true,
    );
    expect(passed).toHaveLength(60_000 / FRAME_MS);
    const after = passed.slice(100);
    const steps = after.slice(1).map((p, i) => p.passedMs - (after[i]?.passedMs ?? 0));
    expect(Math.max(...steps)).toBeLessThanOrEqual(FRAME_MS + 10);
    const [first, last] = [passed[0], passed.at(-1)];
    expect((last?.passedMs ?? 0) - (first?.passedMs ?? 0)).toBeGreaterThan(58_500);
  });
});
