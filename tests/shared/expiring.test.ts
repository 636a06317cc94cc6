// What servers remember until it expires: tickets that were used.
import { expect, it } from 'vitest';
import { Expiring } from '../../servers/shared/expiring.ts';

it('[S3] remembers until it expires, and knows the newest word about a key', () => {
  const used = new Expiring<string>(10);
  expect(used.get('a')).toBeUndefined();
  expect(used.set('a', 'one', 1_000, 0)).toBe(true);
  expect(used.set('a', 'another', 1_000, 0)).toBe(true);
  expect(used.get('a')).toBe('another');
  // Still remembered in the moment in which it expires.
  used.set('b', 'one', 5_000, 1_000);
  expect(used.get('a')).toBe('another');
  used.set('c', 'one', 5_000, 1_001);
  expect([used.get('a'), used.get('b'), used.get('c')]).toEqual([undefined, 'one', 'one']);
});

it('[S3] takes no more than it holds, but for keys that it knows, until older ones have expired', () => {
  const used = new Expiring<number>(3);
  for (const [i, key] of ['a', 'b', 'c'].entries()) expect(used.set(key, i, 1_000 + i, 0)).toBe(true);
  expect(used.set('d', 3, 9_000, 1_000)).toBe(false);
  expect(used.set('b', 7, 9_000, 1_000)).toBe(true);
  expect([used.get('a'), used.get('b'), used.get('d')]).toEqual([0, 7, undefined]);
  expect(used.set('d', 3, 9_000, 1_001)).toBe(true);
  expect(used.set('e', 4, 9_000, 1_001)).toBe(false);
});

it('[S3] each new one makes room of two that have expired, so that a burst is forgotten', () => {
  const used = new Expiring<number>(1_000);
  for (let i = 0; i < 1_000; i++) used.set(`old ${i}`, i, 1_000, 0);
  for (let i = 0; i < 500; i++) expect(used.set(`new ${i}`, i, 9_000, 2_000)).toBe(true);
  expect(used.get('old 999')).toBeUndefined();
  for (let i = 500; i < 1_000; i++) expect(used.set(`new ${i}`, i, 9_000, 2_000)).toBe(true);
  expect(used.set('one too many', 0, 9_000, 2_000)).toBe(false);
});
