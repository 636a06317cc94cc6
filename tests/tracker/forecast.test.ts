// How large an audience holds, and whether it is the cap on uploads that makes forwards carry what viewers would.
import { describe, expect, it } from 'vitest';
import { Capacities, type Uploader } from '../../servers/tracker/capacities.ts';
import { forecast } from '../../servers/tracker/forecast.ts';

const STREAM = 1_000_000;
const rates = { forwardBitsPerSecond: 0, peersBitsPerSecond: STREAM, sentBitsPerSecond: 0 };

/** Viewers whose uplinks were measured as so many copies; 0: it does not share; null: its uplink has never been full. */
function audience(uplinks: readonly (number | null)[], uploadCap: number, k: 2 | 4 = 4) {
  const viewers: Uploader[] = uplinks.map((copies, i) => ({
    id: `v${i}`,
    shares: copies !== 0,
    sinceMs: 0,
    leaf: null,
    capBitsPerSecond: null,
    rates,
    reportedMs: 10_000,
  }));
  const capacities = new Capacities({ k, viewers: () => viewers, uploadCap });
  capacities.tick(10_000);
  const stream = capacities.bitsPerSecond ?? 0;
  for (const [i, viewer] of viewers.entries()) {
    const copies = uplinks[i] ?? null;
    capacities.welcome(viewer, copies === null ? null : copies * stream, 10_000);
  }
  capacities.tick(10_000);
  const { copiesPerViewer } = capacities;
  return forecast({
    copiesPerViewer,
    forwardSlices: 400,
    k,
    mostViewers: 10_000,
    uploadCap,
    copiesAt: (cap) => capacities.copies(cap),
  });
}

const ORDINARY = [0, 0, 1, 1, 1, 1, 1, 3, 3, 3];

it('is an estimate, told with two digits', () => {
  const held = (copiesPerViewer: number): number =>
    forecast({ copiesPerViewer, forwardSlices: 1_000, k: 2, mostViewers: 10_000, uploadCap: 1.5, copiesAt: () => [] })
      .viewers;
  expect([1, 0.5, 0, 1.07].map(held)).toEqual([6_200, 860, 460, 10_000]);
});

it.each([
  ['one copy in halves', 2, 1.5, 1, 6_200],
  ['three quarters of one in quarters', 4, 1.5, 0.75, 750],
  ['no more than the cap', 4, 0.5, 0.5, 430],
] as const)(
  'of an empty audience trusts a newcomer with what it will be given: %s',
  (_what, k, uploadCap, copies, held) => {
    const { viewers, why } = forecast({
      copiesPerViewer: null,
      forwardSlices: 1_000,
      k,
      mostViewers: 10_000,
      uploadCap,
      copiesAt: () => [],
    });
    expect(why).toContain(`a newcomer is trusted with passing on ${copies.toFixed(2)} copies`);
    expect(viewers).toBe(held);
    // The same viewer once it is there.
    const capacities = new Capacities({ k, viewers: () => [], uploadCap });
    const newcomer = { id: 'v', shares: true, sinceMs: 0, leaf: null, capBitsPerSecond: null, rates, reportedMs: 0 };
    capacities.welcome(newcomer, null, 0);
    expect(capacities.slots(newcomer) / k).toBe(copies);
  },
);

it('does not take a console’s monitor for an audience', () => {
  const viewers: Uploader[] = [];
  const capacities = new Capacities({ k: 2, viewers: () => viewers, uploadCap: 1.5 });
  const join = (id: string, role: 'viewer' | 'monitor'): void => {
    const shares = role === 'viewer';
    viewers.push({ id, role, shares, sinceMs: 0, leaf: null, capBitsPerSecond: null, rates, reportedMs: 10_000 });
    for (const one of viewers) if (one.id === id) capacities.welcome(one, null, 10_000);
    capacities.tick(10_000);
  };
  join('vm', 'monitor');
  const held = (): { viewers: number; why: string } =>
    forecast({
      copiesPerViewer: capacities.copiesPerViewer,
      forwardSlices: 1_000,
      k: 2,
      mostViewers: 10_000,
      uploadCap: 1.5,
      copiesAt: (cap) => capacities.copies(cap),
    });
  expect(held()).toMatchObject({ viewers: 6_200, why: expect.stringContaining('Nothing is known of any viewer yet') });
  expect(capacities.bitsPerSecond).toBeGreaterThan(0);
  join('v1', 'viewer');
  expect(held().why).toContain('The average viewer is trusted with passing on 1.00 copies');
  expect(capacities.copies()).toHaveLength(1);
});

describe('the cap on uploads', () => {
  it('is named where it keeps the audience from feeding itself, with the least that would do', () => {
    const { capShortage, viewers } = audience(ORDINARY, 1.5);
    expect(viewers).toBeLessThan(1_000);
    expect(capShortage).toMatchObject({ cap: 1.5, betterCap: 2.5, isEnough: true });
    expect(capShortage?.copies).toBeCloseTo(0.825, 3);
    expect(capShortage?.betterCopies).toBeCloseTo(0.375 + 0.3 * 2.5, 3);
  });

  it('is not named where it is high enough, or where the uplinks are what lacks', () => {
    expect(audience(ORDINARY, 3).capShortage).toBeNull();
    expect(audience([0, 0, 0, 1, 1, 1, 1, 1, 1, 1], 1.5).capShortage).toBeNull();
    expect(audience([2, 2, 2, 2], 1.5).capShortage).toBeNull();
  });

  it('is named with what it would bring where no cap is enough', () => {
    const { capShortage } = audience([0, 0, 0, 0, 0, 0, 1, 1, 3, 3], 1.5);
    expect(capShortage).toMatchObject({ betterCap: 2.5, isEnough: false });
    expect(capShortage?.copies).toBeCloseTo(0.45, 3);
    expect(capShortage?.betterCopies).toBeCloseTo(0.65, 3);
  });

  it('is taken to be what holds back an uplink that was never full', () => {
    expect(audience([0, 0, 0, 0, 0, null, null, null, null, null], 1.5).capShortage).toMatchObject({
      betterCap: 2.5,
      isEnough: true,
    });
  });
});
