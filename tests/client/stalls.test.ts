// What counts as a stall: what a person sees stand although it should move.
import { expect, it } from 'vitest';
import { Stalls } from '../../client/web/stalls.ts';
import { TimeLine } from '../../client/web/time-line.ts';

/** Units each 100 ms, but for a rest of the source of `restS` at 12 s. */
function lineOf(restS = 0): TimeLine {
  const line = new TimeLine();
  for (let i = 0; i < 100; i++) {
    const atS = 10 + i / 10 + (i >= 20 ? restS : 0);
    line.add({ atS, sourceMs: atS * 1_000, capturedMs: 0, isCaptureKnown: false, isKey: i === 0, hasPicture: true });
  }
  return line;
}

class Screen {
  nowMs = 1_000;
  atS = 10;
  frames = 0;
  readonly stalls: Stalls;

  constructor(line = lineOf()) {
    this.stalls = new Stalls(line);
  }

  /** Looks for so long; `plays`: the playhead moves, `shows`: and pictures with it. */
  pass(ms: number, how: { plays?: boolean; shows?: boolean; isLive?: boolean; isPaused?: boolean } = {}): void {
    const { plays = true, isLive = true, isPaused = false } = how;
    const shows = how.shows ?? plays;
    for (const end = this.nowMs + ms; this.nowMs < end; this.nowMs += 40) {
      if (plays) this.atS += 0.04;
      if (shows) this.frames++;
      this.stalls.look({ atS: this.atS, frames: this.frames, isPaused, isLive }, this.nowMs, this.frames > 2);
    }
  }

  get sum(): { count: number; ms: number } {
    return this.stalls.sum(this.nowMs);
  }
}

it('counts a picture that stands, as long as it does, also before it moves again', () => {
  const screen = new Screen();
  screen.pass(1_000);
  screen.pass(600, { plays: false });
  expect(screen.stalls.isOn).toBe(true);
  expect(screen.sum.ms).toBeGreaterThan(500);
  screen.pass(400);
  expect(screen.stalls.isOn).toBe(false);
  expect(screen.sum.count).toBe(1);
  expect(screen.sum.ms).toBeGreaterThanOrEqual(560);
  expect(screen.sum.ms).toBeLessThanOrEqual(680);
});

it('counts a freeze that a jump ends', () => {
  const screen = new Screen();
  screen.pass(500);
  screen.pass(1_000, { plays: false });
  screen.atS += 1.5;
  screen.stalls.jumped(screen.atS, screen.nowMs);
  screen.pass(40, { plays: false });
  expect(screen.stalls.isOn).toBe(true);
  screen.pass(400);
  expect(screen.sum.count).toBe(1);
  expect(screen.sum.ms).toBeGreaterThan(950);
});

it('counts sound that goes on over a picture that stands', () => {
  const screen = new Screen();
  screen.pass(500);
  screen.pass(1_500, { shows: false });
  expect(screen.stalls.isOn).toBe(true);
  screen.pass(200);
  expect(screen.sum.count).toBe(1);
});

it('counts what an interruption ends, and nothing of it or of a pause', () => {
  const screen = new Screen();
  screen.pass(500);
  screen.pass(1_000, { plays: false });
  screen.pass(3_000, { plays: false, isLive: false });
  const { count, ms } = screen.sum;
  expect(count).toBe(1);
  expect(ms).toBeGreaterThan(900);
  expect(ms).toBeLessThan(1_200);
  screen.pass(2_000, { plays: false, isPaused: true });
  expect(screen.sum).toEqual({ count, ms });
});

it('does not count what the source itself rests', () => {
  const screen = new Screen(lineOf(2));
  screen.pass(1_880); // to 11.88: the last picture before the rest
  screen.pass(2_000, { plays: false });
  screen.atS = 14;
  screen.stalls.jumped(14, screen.nowMs);
  screen.pass(400);
  expect(screen.sum).toEqual({ count: 0, ms: 0 });
});
