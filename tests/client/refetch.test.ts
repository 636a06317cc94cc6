// What is asked for again, of whom, and what is left alone.
import { describe, expect, it } from 'vitest';
import { planRefetch, worthAsking, type Missing, type Supplier } from '../../client/mesh/refetch.ts';
import { newSubstream, observeArrival, type Substream } from '../../client/mesh/substream.ts';

const NOW = 100_000;
/** Regular delay of the tests' substreams, and how late a slice may be by it: max(30, 3 x deviation). */
const DELAY_MS = 200;
const GRACE_MS = 30;

const sub = (k: number, serving: string | null = `p${k}`): Substream => ({
  ...newSubstream(k),
  serving,
  delayMs: DELAY_MS,
  jitterMs: 5,
});
const subs = (): Substream[] => [sub(0), sub(1)];
/** A hole that is overdue by so much. */
const hole = (overdueMs: number, more: Partial<Missing> = {}): Missing => ({
  unit: 50,
  k: 0,
  sourceMs: NOW - DELAY_MS - GRACE_MS - overdueMs,
  begun: true,
  heldUpMs: 0,
  playedMs: null,
  askedMs: null,
  asked: 0,
  ...more,
});
const peer = (id: string, newest: Supplier['newest'] = [60, 60], recentWants = 0): Supplier => ({
  id,
  kind: 'peer',
  newest,
  recentWants,
});
const FORWARD: Supplier = { id: 'f0', kind: 'forward', newest: [], recentWants: 0 };
const plan = (missing: Missing[], suppliers: Supplier[], of = subs()) => planRefetch(missing, of, suppliers, NOW);
const asked = (missing: Missing[], suppliers: Supplier[], of = subs()): string[] =>
  plan(missing, suppliers, of).map((want) => want.to);

describe('[P10] a slice that is late', () => {
  it('is asked for not a moment before it is due', () => {
    expect(plan([hole(-1)], [peer('p0'), peer('p1')])).toEqual([]);
    expect(plan([hole(0)], [peer('p0'), peer('p1')])).toEqual([{ to: 'p1', unit: 50, k: 0, why: 'hedge' }]);
  });

  it('is waited for a little longer where only this viewer waits, and not so long that the answer would be too late', () => {
    const inTime = { playedMs: NOW + 400 };
    expect(plan([hole(100, inTime)], [peer('p1')])).toEqual([]); // its retransmission is on its way, more likely than not
    expect(plan([hole(200, inTime)], [peer('p1')])).toHaveLength(1);
    expect(plan([hole(100, { playedMs: NOW + 150 })], [peer('p1')])).toHaveLength(1); // an answer takes 150 ms
    expect(plan([hole(-1, { playedMs: NOW + 150 })], [peer('p1')])).toEqual([]);
    // Once asked, patience is over.
    expect(plan([hole(100, { ...inTime, asked: 1, askedMs: NOW - 130 })], [peer('p1')])).toHaveLength(1);
  });

  it('is not asked for soon by a machine that comes late with everything: it may be here, not yet looked at', () => {
    const busy = (overdueMs: number) => planRefetch([hole(overdueMs)], subs(), [peer('p1')], NOW, true);
    expect(busy(450)).toEqual([]);
    expect(busy(550)).toHaveLength(1);
  });

  it('may be as late as its supply is irregular', () => {
    const irregular = [{ ...sub(0), jitterMs: 40 }, sub(1)];
    expect(plan([hole(89)], [peer('p1')], irregular)).toEqual([]); // 120 instead of 30
    expect(plan([hole(90)], [peer('p1')], irregular)).toHaveLength(1);
  });

  it('is asked of one that holds it rather than of one that does not, of the late parent last', () => {
    expect(asked([hole(10)], [peer('p0'), peer('px', [40, 60]), peer('py', [50, 0])])).toEqual(['py']);
    expect(asked([hole(10)], [peer('p0'), peer('px', [])])).toEqual(['px']);
    expect(asked([hole(10)], [peer('p0')])).toEqual(['p0']);
    expect(asked([hole(10)], [])).toEqual([]);
  });

  it('nothing is asked while no regular delay is known, or for a slice that the layout has not', () => {
    expect(plan([hole(500)], [peer('p1')], [{ ...sub(0), delayMs: null }, sub(1)])).toEqual([]);
    expect(plan([hole(500, { k: 3 })], [peer('p1')])).toEqual([]);
  });

  it('a parent that lacks it too is given time to repair, unless the unit has begun', () => {
    const behind = [peer('p0', [49, 60]), peer('p1')];
    expect(plan([hole(59, { begun: false })], behind)).toEqual([]);
    expect(plan([hole(60, { begun: false })], behind)).toHaveLength(1);
    expect(plan([hole(1)], behind)).toHaveLength(1);
    expect(plan([hole(1, { begun: false })], [peer('p0', [50, 60]), peer('p1')])).toHaveLength(1);
  });
});

describe('[P11] a hole that survives', () => {
  it('is asked for again every 120 ms, of the next supplier each time', () => {
    const suppliers = [peer('p1'), peer('p2'), peer('p0')];
    expect(plan([hole(100, { asked: 1, askedMs: NOW - 119 })], suppliers)).toEqual([]);
    expect(plan([hole(100, { asked: 1, askedMs: NOW - 120 })], suppliers)).toEqual([
      { to: 'p2', unit: 50, k: 0, why: 'pull' },
    ]);
    expect(asked([hole(100, { asked: 2, askedMs: NOW - 120 })], suppliers)).toEqual(['p0']);
    expect(asked([hole(100, { asked: 5, askedMs: NOW - 120 })], suppliers)).toEqual(['p0']);
    expect(plan([hole(9_000, { asked: 6, askedMs: NOW - 1_000 })], suppliers)).toEqual([]);
  });

  it('goes to the forward only when 150 ms overdue or asked for twice', () => {
    expect(asked([hole(150)], [FORWARD])).toEqual([]);
    expect(asked([hole(151)], [FORWARD])).toEqual(['f0']);
    expect(asked([hole(10, { asked: 2, askedMs: NOW - 130 })], [FORWARD])).toEqual(['f0']);
    expect(asked([hole(151)], [FORWARD, peer('p1')])).toEqual(['p1']);
    expect(asked([hole(151)], [FORWARD, peer('p0')])).toEqual(['f0']); // before the late parent
  });
});

describe('a storm', () => {
  const many = (count: number, more: Partial<Missing> = {}): Missing[] =>
    Array.from({ length: count }, (_, i) => hole(10, { unit: 50 + i, ...more }));

  it('is held to 30 requests a second of one peer, 60 of the forward', () => {
    const full = [90, 90];
    expect(asked(many(40), [peer('p1', full)])).toHaveLength(30);
    expect(asked(many(40), [peer('p1', full, 25)])).toHaveLength(5);
    expect(asked(many(40), [peer('p1', full, 30)])).toEqual([]);
    const late = many(100).map((one) => ({ ...one, sourceMs: one.sourceMs - 200 }));
    expect(asked(late, [FORWARD])).toHaveLength(60);
    const both = asked(late, [FORWARD, peer('p1', full)]);
    expect([both.filter((id) => id === 'p1').length, both.filter((id) => id === 'f0').length]).toEqual([30, 60]);
  });
});

describe('how regularly a slice comes', () => {
  it('an outage does not pass for jitter', () => {
    const one = newSubstream(0);
    for (let unit = 0; unit < 100; unit++) observeArrival(one, unit * 66 + DELAY_MS, unit * 66);
    expect(one.delayMs).toBe(DELAY_MS);
    expect(one.jitterMs).toBeLessThan(0.1);
    observeArrival(one, 100 * 66 + DELAY_MS + 60_000, 100 * 66);
    expect(one.jitterMs).toBeLessThanOrEqual(50.1);
    expect(one.delayMs).toBeLessThanOrEqual(DELAY_MS + 25);
  });

  it('follows a delay that has changed for good', () => {
    const one = newSubstream(0);
    observeArrival(one, 100, 0);
    for (let unit = 1; unit < 200; unit++) observeArrival(one, unit * 66 + 400, unit * 66);
    expect(one.delayMs).toBeCloseTo(400, 0);
    expect(one.jitterMs).toBeLessThan(5);
  });
});

describe('[P19] of the late slices of a unit', () => {
  const late = [hole(10, { k: 0 }), hole(10, { k: 1, asked: 2 }), hole(10, { k: 3, asked: 6 })];

  it('all are worth asking for where nothing else is to come', () => {
    expect(worthAsking(late, 3)).toEqual(late);
    expect(worthAsking(late, 5)).toEqual(late);
  });

  it('as many as are lacking where parity is here or to come, those asked for before first, none in vain', () => {
    expect(worthAsking(late, 0)).toEqual([]);
    expect(worthAsking(late, 1).map((one) => one.k)).toEqual([1]);
    expect(worthAsking(late, 2).map((one) => one.k)).toEqual([1, 0]);
  });
});
