// Counters of a program that may be killed between any two readings.
import { expect, it } from 'vitest';
import { Lives } from '../../protocol/lives.ts';

it('counts from the first reading on, over every life, and never backwards', () => {
  const lives = new Lives('f1', { sent: 5_000, got: 700 }, 0);
  expect(lives.sums).toEqual({ sent: 0, got: 0 });
  expect(lives.take('f1', { sent: 5_300, got: 800 }, 1_000)).toBe(true);
  expect(lives.sums).toEqual({ sent: 300, got: 100 });
  // Another id, even with more than before: all of it is new.
  expect(lives.take('f2', { sent: 6_000, got: 10 }, 2_000)).toBe(true);
  expect(lives.sums).toEqual({ sent: 6_300, got: 110 });
  // The same name with less in any of them.
  lives.missed(3_000);
  expect(lives.take('f2', { sent: 6_000, got: 9 }, 9_000)).toBe(true);
  expect(lives.sums).toEqual({ sent: 12_300, got: 119 });
  lives.forget();
  expect(lives.take('f2', { sent: 6_001, got: 9 }, 10_000)).toBe(true);
  expect(lives.sums).toEqual({ sent: 1, got: 0 });
});

it('says when a life may have counted much that nobody saw', () => {
  const seen = (missedMs: number | null, nextMs: number, id: string): boolean => {
    const lives = new Lives('f1', { sent: 1 }, 1_000);
    if (missedMs !== null) lives.missed(missedMs);
    return lives.take(id, { sent: 2 }, nextMs);
  };
  expect(seen(null, 4_000, 'f2')).toBe(true);
  expect(seen(null, 4_001, 'f2')).toBe(false);
  // Silent soon: it was dead from then on.
  expect(seen(2_000, 60_000, 'f2')).toBe(true);
  expect(seen(4_001, 5_000, 'f2')).toBe(false);
  expect(seen(null, 60_000, 'f1')).toBe(true);
  // It was silent once and lived on: that silence says nothing about this death.
  const lives = new Lives('f1', { sent: 1 }, 1_000);
  lives.missed(2_000);
  expect(lives.take('f1', { sent: 2 }, 3_000)).toBe(true);
  expect(lives.take('f2', { sent: 2 }, 9_000)).toBe(false);
});
