// A viewer must not be left with the forward because a parent went in an unusual way: each case here once was, for as long as it lasted.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEAD_SILENCE_MS, TAKEOVER_MS } from '../../protocol/limits.ts';
import type { Call } from '../support/memory-net.ts';
import { FORWARD, gaps, MeshRig, type Seat } from '../support/mesh-rig.ts';

let rig: MeshRig;
beforeEach(() => {
  rig = new MeshRig();
});
afterEach(() => rig.close());

const parentOf = (seat: Seat, slice: number): string | undefined =>
  seat.peer.stats().parents.find((parent) => parent.slice === slice)?.id;

/** a and b hold a slice of the forward each; c is fed by both, and below it, by d, is the way for what the test says. */
async function fourViewers(): Promise<[Seat, Seat, Seat, Seat]> {
  rig.startUnits();
  const [a, b, c, d] = [await rig.join(), await rig.join(), await rig.join(), await rig.join()];
  rig.plan(a, [FORWARD.id, FORWARD.id]);
  rig.plan(b, [FORWARD.id, FORWARD.id]);
  await rig.net.pass(500);
  rig.plan(c, [a.id, b.id]);
  rig.plan(d, [a.id, b.id]);
  await rig.net.pass(1_500);
  return [a, b, c, d];
}

/** From now on both ends of this call are told words only, and the last of them again and again: slices do not come through. */
function wordsOnly(call: Call | undefined): void {
  for (const end of call?.ends ?? []) {
    const deliver = end.events.message.bind(end.events);
    let last: string | null = null;
    end.events.message = (data) => {
      if (typeof data !== 'string') return;
      if (data.includes('"alive"')) last = data;
      deliver(data);
    };
    const again = (): void => {
      if (last !== null) deliver(last);
      rig.net.after(100, again);
    };
    again();
  }
}

describe('a parent that went without a word', () => {
  it('[P3] the tracker has named another before its silence is long enough: that one is joined, and no alternative', async () => {
    const [a, b, c, d] = await fourViewers();
    const e = await rig.join();
    rig.plan(e, [d.id, b.id]);
    rig.plan(c, [d.id, b.id]); // not next to the forward any more
    await rig.net.pass(2_000);
    expect(parentOf(c, 0)).toBe(d.id);
    const said = rig.notesOf(c);
    for (const end of rig.callBetween(c, d)?.ends ?? []) end.blocked = true;
    // e is the parent by the plan; a would be at hand, and knows nothing of c.
    rig.plan(c, [e.id, b.id], [a.id, b.id], { gone: [d.id] });
    rig.plan(e, [a.id, b.id]);
    await rig.net.pass(DEAD_SILENCE_MS + 400);
    expect(said().filter((text) => text.includes('lost'))).toEqual([`slice 0: lost ${d.id} (silent)`]);
    await rig.net.pass(2_500);
    expect(parentOf(c, 0)).toBe(e.id);
    await rig.net.pass(TAKEOVER_MS + 500);
    expect(parentOf(c, 0)).toBe(e.id);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });

  it('[P3] the plan came to nothing and the tracker says no more: it is tried again', async () => {
    const [, b, c, d] = await fourViewers();
    rig.plan(c, [d.id, b.id]);
    await rig.net.pass(1_500);
    const call = rig.callBetween(c, d);
    expect(parentOf(c, 0)).toBe(d.id);
    for (const end of call?.ends ?? []) end.blocked = true;
    await rig.net.pass(DEAD_SILENCE_MS + 500);
    expect(parentOf(c, 0)).not.toBe(d.id);
    for (const end of call?.ends ?? []) end.blocked = false;
    await rig.net.pass(7_000);
    expect(parentOf(c, 0)).toBe(d.id);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });
});

describe('a parent that is there and delivers nothing', () => {
  it('[P8] is not asked to stand in for itself', async () => {
    const [, b, , d] = await fourViewers();
    const c = await rig.join(); // it knows b and d alone
    rig.plan(c, [d.id, b.id]);
    await rig.net.pass(1_500);
    rig.plan(b, [c.id, FORWARD.id]); // b has slice 0 from c: it cannot help
    await rig.net.pass(2_000);
    const said = rig.notesOf(c);
    const call = rig.callBetween(c, d);
    for (const end of call?.ends ?? []) end.blocked = true;
    await rig.net.pass(DEAD_SILENCE_MS - 100);
    const asked = said().filter((text) => text.includes('asks'));
    expect(asked.length).toBeGreaterThan(0);
    expect(asked).not.toContain(`slice 0: asks ${d.id} to stand in`);
  });

  it('[P9] is left after some seconds, and the tracker hears why', async () => {
    const [a, , c] = await fourViewers();
    wordsOnly(rig.callBetween(c, a));
    await rig.net.pass(2_000);
    const lost = (): unknown[] => c.tracker?.messages().filter((m) => m['type'] === 'lost') ?? [];
    expect(lost()).toEqual([]);
    await rig.net.pass(3_500);
    expect(lost()).toEqual([{ type: 'lost', slice: 0, id: a.id, how: 'late', layout: 1 }]);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });

  it('[P9] ... but a source that pauses is no parent’s fault', async () => {
    const [, , c] = await fourViewers();
    rig.stopUnits();
    await rig.net.pass(6_000);
    rig.startUnits();
    await rig.net.pass(1_000);
    expect(c.tracker?.messages().filter((m) => m['type'] === 'lost')).toEqual([]);
  });
});
