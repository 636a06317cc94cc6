// How many slices, by the uplinks that there are, and when it is changed.
import { describe, expect, it } from 'vitest';
import { AutoK } from '../../servers/tracker/auto-k.ts';
import { chooseK } from '../../servers/tracker/choose-k.ts';

const audience = (...shares: [count: number, copies: number][]): number[] =>
  shares.flatMap(([count, copies]) => Array.from({ length: count }, () => copies));
/** A fifth cannot upload, half carry one copy with headroom taken off, the others three. */
const ORDINARY = audience([8, 0], [20, 0.85], [12, 2.55]);
const RICH = audience([8, 0], [32, 3]);

describe('[T14] the number of slices', () => {
  it('quarters where halves waste what is left of an uplink', () => {
    expect(chooseK(ORDINARY, 2)).toMatchObject({ k: 4, why: expect.stringContaining('1.00 copies in halves') });
  });

  it('halves where they suffice, and where quarters would bring nothing', () => {
    expect(chooseK(RICH, 2).k).toBe(2);
    expect(chooseK(audience([50, 0], [50, 1]), 2).k).toBe(2);
    expect(chooseK([], 4).k).toBe(4);
  });

  it('quarters for a large audience that can pass them on, until it is a small one again', () => {
    const rich = (count: number): number[] => Array.from({ length: count }, () => 3);
    expect(chooseK(rich(100), 2)).toMatchObject({ k: 4, why: expect.stringContaining('a large audience') });
    expect([chooseK(rich(99), 2).k, chooseK(rich(50), 4).k, chooseK(rich(49), 4).k]).toEqual([2, 4, 2]);
    expect(chooseK(audience([600, 0], [400, 1]), 2).k).toBe(2);
  });

  it('does not swing: back to halves only where there is plenty', () => {
    const between = audience([8, 0], [32, 1.5]);
    expect([chooseK(between, 2).k, chooseK(between, 4).k]).toEqual([2, 2]);
    const justEnough = audience([10, 0], [30, 1.75]);
    expect([chooseK(justEnough, 2).k, chooseK(justEnough, 4).k]).toEqual([2, 4]);
  });

  it('changes after five seconds of the same mind, at most once a minute, never for a handful', () => {
    const auto = new AutoK(0);
    const changes: number[] = [];
    let k: 1 | 2 | 4 = 2;
    for (let s = 1; s <= 200; s++) {
      // Every ten seconds the audience is another one.
      const choice = auto.step(s % 100 < 50 ? ORDINARY : RICH, k, s * 1_000);
      if (choice && choice.k !== k) {
        k = choice.k;
        changes.push(s);
      }
    }
    expect(changes[0]).toBe(15);
    for (const [i, at] of changes.entries()) expect(at - (changes[i - 1] ?? -60)).toBeGreaterThanOrEqual(60);
    expect(new AutoK(0).step(ORDINARY.slice(5, 12), 2, 1e6)).toBeNull();
  });
});
