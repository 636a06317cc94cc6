// A machine that is too busy is told by how late its timers come, and not by a single hiccup.
import { expect, it } from 'vitest';
import { Busy } from '../../client/web/busy.ts';

const EVERY_MS = 40;
/** Ticks for so long, each `lateMs` late. @returns the time after */
function run(busy: Busy, fromMs: number, forMs: number, lateMs: number): number {
  let now = fromMs;
  for (; now < fromMs + forMs; now += EVERY_MS + lateMs) busy.tick(now, EVERY_MS);
  return now;
}

it('is busy when its timers come late for much of the time, and calm again when they do not', () => {
  const busy = new Busy();
  let now = run(busy, 1_000, 10_000, 10);
  expect(busy.isBusy).toBe(false);
  now = run(busy, now, 6_000, 120);
  expect(busy.isBusy).toBe(true);
  now = run(busy, now, 10_000, 5);
  expect(busy.isBusy).toBe(false);
});

it('is not busy for one hiccup, its first moments or a sleep', () => {
  const busy = new Busy();
  let now = run(busy, 1_000, 4_000, 300);
  expect(busy.isBusy).toBe(false);
  now = run(new Busy(), now, 1, 0);
  const calm = new Busy();
  now = run(calm, now, 10_000, 5);
  calm.tick(now + 1_200, EVERY_MS);
  now = run(calm, now + 1_240, 2_000, 5);
  expect(calm.isBusy).toBe(false);
  calm.tick(now + 60_000, EVERY_MS);
  run(calm, now + 60_040, 6_000, 5);
  expect(calm.isBusy).toBe(false);
});
