// The rules between parents and children, with real peers on wires in memory.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CHILD_SILENCE_MS,
  DEAD_SILENCE_MS,
  PROTOCOL_VERSION,
  SUSPECT_SILENCE_MS,
  TAKEOVER_MS,
} from '../../protocol/limits.ts';
import { FORWARD, gaps, MeshRig, type Seat } from '../support/mesh-rig.ts';

let rig: MeshRig;
beforeEach(() => {
  rig = new MeshRig();
});
afterEach(() => rig.close());

const kindsAt = (rigOf: MeshRig, seat: Seat): string[] => {
  const socket = rigOf.net.sockets.findLast(
    (s) => s.url === FORWARD.url && s.messages().some((m) => m['type'] === 'hello' && m['id'] === seat.id),
  );
  return [...(rigOf.subscriptions.get(socket as never)?.values() ?? [])];
};

/** Three seated viewers: one holds slice 0 of the forward, the second slice 1, the third is fed by both. */
async function threeViewers(): Promise<[Seat, Seat, Seat]> {
  rig.startUnits();
  const a = await rig.join();
  rig.plan(a, [FORWARD.id, FORWARD.id]);
  await rig.net.pass(300);
  const b = await rig.join();
  rig.plan(b, [a.id, FORWARD.id]);
  await rig.net.pass(500);
  rig.plan(a, [FORWARD.id, b.id]);
  await rig.net.pass(500);
  const c = await rig.join();
  rig.plan(c, [a.id, b.id]);
  await rig.net.pass(1_500);
  return [a, b, c];
}

describe('start', () => {
  it('[P1] text before the hello closes the link', async () => {
    await rig.join();
    const socket = rig.net.socketTo('forward');
    socket.heard = () => {}; // this forward says no hello
    const seat = await rig.join();
    const mine = rig.net.socketTo('forward');
    mine.send({ type: 'alive', epoch: 1, newest: [], path: [], backlogMs: 0 });
    await rig.net.pass(5);
    expect(mine.messages()[0]).toMatchObject({ type: 'hello', v: PROTOCOL_VERSION, stream: 'live', id: seat.id });
    expect(seat.peer.stats().state).not.toBe('playing');
  });

  it('[P2] [W9] a newcomer asks the forward for every slice at once and begins at a keyframe', async () => {
    rig.startUnits();
    await rig.net.pass(66 * 20);
    const seat = await rig.join();
    expect(kindsAt(rig, seat)).toEqual(['bootstrap', 'bootstrap']);
    await rig.net.pass(100);
    expect(rig.played.get(seat.id)?.[0]).toBe(16);
    expect(seat.peer.stats().state).toBe('playing');
  });
});

describe('parents', () => {
  it('[P3] [P4] are changed make-before-break: nothing missing, the forward relieved', async () => {
    const [a, b, c] = await threeViewers();
    for (const seat of [a, b, c]) expect(gaps(rig.played.get(seat.id) ?? [])).toEqual([]);
    expect(c.peer.stats().parents).toEqual([
      { slice: 0, id: a.id, kind: 'peer' },
      { slice: 1, id: b.id, kind: 'peer' },
    ]);
    expect(kindsAt(rig, a)).toEqual(['tree']);
    expect(kindsAt(rig, b)).toEqual(['tree']);
    expect(kindsAt(rig, c)).toEqual([]);
    const { duplicateBytes, receivedBytes } = c.peer.stats();
    expect(duplicateBytes / (receivedBytes.forward + receivedBytes.peers)).toBeLessThan(0.1);
  });

  it('[P8] [P14] a parent that says bye is replaced by a neighbour at once', async () => {
    const [a, b, c] = await threeViewers();
    rig.plan(b, [a.id, FORWARD.id]);
    rig.plan(a, [FORWARD.id, FORWARD.id]);
    rig.plan(c, [b.id, a.id]); // slice 0 two hops down, through b
    await rig.net.pass(1_500);
    b.peer.close();
    await rig.net.pass(30);
    expect(c.peer.stats().parents.find((p) => p.slice === 0)).toEqual({ slice: 0, id: a.id, kind: 'peer' });
    await rig.net.pass(1_000);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
    expect(c.tracker?.messages()).toContainEqual({ type: 'lost', slice: 0, id: b.id, how: 'bye', layout: 1 });
  });

  it('[P8] when the lost parent was next to the forward, everybody below lacks the slice: the forward is asked at once', async () => {
    const [a, , c] = await threeViewers();
    a.peer.close();
    await rig.net.pass(30);
    expect(c.peer.stats().parents.find((p) => p.slice === 0)?.kind).toBe('forward');
    await rig.net.pass(1_000);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });

  it('[P8] ... and nobody else is asked first', async () => {
    const [a, , c] = await threeViewers();
    const said = rig.notesOf(c);
    a.peer.close();
    await rig.net.pass(30);
    expect(said().filter((text) => text.includes('asks'))).toEqual(['slice 0: asks the forward (takeover)']);
  });

  it('[P3] the old parent is kept until the new one delivers, however long that takes', async () => {
    const [a, , c] = await threeViewers();
    const d = await rig.join();
    rig.plan(d, [a.id, FORWARD.id]);
    await rig.net.pass(1_500);
    const before = c.peer.peer.totals();
    const said = rig.notesOf(c);
    d.peer.close(); // the tracker errs: nobody answers there any more
    rig.plan(c, [d.id, rig.seats[1]?.id ?? '']);
    for (let passed = 0; passed < 2_000; passed += 100) {
      await rig.net.pass(100);
      expect(c.peer.stats().parents).toContainEqual({ slice: 0, id: a.id, kind: 'peer' });
    }
    expect(said()).toEqual([`slice 0: planned from ${d.id} (the test says so)`]);
    expect(c.peer.peer.totals()).toMatchObject({ hedges: before.hedges, pulls: before.pulls });
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });

  it('[P3] a slice that flows changes its parent in a moment; one that does not, at once', async () => {
    const [a, b, c] = await threeViewers();
    const d = await rig.join();
    rig.plan(d, [a.id, FORWARD.id]);
    await rig.net.pass(1_500);
    rig.plan(c, [d.id, b.id]);
    await rig.net.pass(300);
    expect(rig.callBetween(d, c)).toBeUndefined();
    await rig.net.pass(1_000);
    expect(c.peer.stats().parents).toContainEqual({ slice: 0, id: d.id, kind: 'peer' });
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });

  it('[P9] what holds everybody up at once is no parent’s fault: nobody is asked to stand in', async () => {
    const [, , c] = await threeViewers();
    const said = rig.notesOf(c);
    const calls = [...rig.net.calls.values()];
    const release = calls.flatMap((call) => call.ends.map((end) => holdUp(end)));
    await rig.net.pass(SUSPECT_SILENCE_MS + 120);
    // One neighbour is heard a moment before the other.
    for (const go of release) {
      go();
      await rig.net.pass(35);
    }
    await rig.net.pass(300);
    expect(said().filter((text) => text.includes('asks'))).toEqual([]);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });

  it('[P9] a silent parent is suspected, then given up, and its slice goes on coming', async () => {
    const [a, b, c] = await threeViewers();
    const linkToA = [...rig.net.calls.values()].find(
      (call) => call.ends.some((e) => e.isOpen) && call === rig.callBetween(a, c),
    );
    for (const end of linkToA?.ends ?? []) end.blocked = true;
    await rig.net.pass(SUSPECT_SILENCE_MS + 120);
    expect(c.tracker?.messages().filter((m) => m['type'] === 'lost')).toEqual([]);
    await rig.net.pass(DEAD_SILENCE_MS);
    expect(c.tracker?.messages()).toContainEqual({ type: 'lost', slice: 0, id: a.id, how: 'silent', layout: 1 });
    await rig.net.pass(1_000);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
    expect(b.peer.stats().children).toContainEqual({ slice: 0, id: c.id });
  });

  it('[P4] a child that is gone without a word takes nothing of the uplink after two seconds; one that is heard again is fed again', async () => {
    const [a, b, c] = await threeViewers();
    const sentIn = async (ms: number): Promise<number> => {
      const before = a.peer.stats().sentBytes;
      await rig.net.pass(ms);
      return a.peer.stats().sentBytes - before;
    };
    const both = await sentIn(1_000); // b is a child of it too
    const ends = rig.callBetween(a, c)?.ends ?? [];
    for (const end of ends) end.blocked = true;
    await rig.net.pass(CHILD_SILENCE_MS + 100);
    expect((await sentIn(1_000)) / both).toBeCloseTo(0.5, 1);
    for (const end of ends) end.blocked = false;
    rig.plan(c, [a.id, b.id]);
    await rig.net.pass(2_500);
    expect(c.peer.stats().parents).toContainEqual({ slice: 0, id: a.id, kind: 'peer' });
    expect((await sentIn(1_000)) / both).toBeCloseTo(1, 1);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });

  it('[P9] nobody is suspected while its slice is not overdue: what is late for everybody, as a keyframe may be, is nobody’s fault', async () => {
    const [a, , c] = await threeViewers();
    const said = rig.notesOf(c);
    rig.stopUnits();
    await rig.net.pass(30);
    const ends = rig.callBetween(a, c)?.ends ?? [];
    for (const end of ends) end.blocked = true;
    await rig.net.pass(DEAD_SILENCE_MS - 100);
    for (const end of ends) end.blocked = false;
    rig.startUnits();
    await rig.net.pass(1_000);
    expect(said()).toEqual([]);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });

  it('[P9] who has left the tracker is not waited for; when it speaks all the same, nothing is lost', async () => {
    const [a, b, c] = await threeViewers();
    const said = rig.notesOf(c);
    rig.plan(c, [FORWARD.id, b.id], [], { gone: [a.id] });
    await rig.net.pass(20);
    // It was next to the forward: nobody else below it has the slice.
    expect(said()).toEqual(
      expect.arrayContaining([`slice 0: ${a.id} has left the tracker`, 'slice 0: asks the forward (takeover)']),
    );
    await rig.net.pass(2_000);
    expect(c.peer.stats().parents).toContainEqual({ slice: 0, id: FORWARD.id, kind: 'forward' });
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });

  it('[P5] a stand-in ends after its time; the forward takes over', async () => {
    const [a, b, c] = await threeViewers();
    rig.plan(a, [FORWARD.id, FORWARD.id]);
    rig.plan(c, [b.id, a.id]);
    await rig.net.pass(1_500);
    b.peer.close();
    await rig.net.pass(500);
    expect(a.peer.stats().children).toContainEqual({ slice: 0, id: c.id });
    await rig.net.pass(TAKEOVER_MS + 300);
    expect(a.peer.stats().children).not.toContainEqual({ slice: 0, id: c.id });
    expect(c.peer.stats().parents.find((p) => p.slice === 0)?.kind).toBe('forward');
    expect(kindsAt(rig, c)).toEqual(['takeover']);
    await rig.net.pass(500);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });

  it('[P6] who is above the asker, or lacks the slice, refuses to stand in', async () => {
    const [a, b] = await threeViewers();
    // b gets slice 0 from a: a may not be fed slice 0 by b, or two would feed each other nothing.
    expect(b.peer.peer.supplies.current?.path(0)).toContain(a.id);
    for (const socket of rig.net.sockets) if (socket.url === FORWARD.url) socket.close();
    await rig.net.pass(400);
    expect(b.peer.stats().children.filter((child) => child.slice === 0 && child.id === a.id)).toEqual([]);
  });

  it('[P10] [P11] slices that a parent swallowed are asked of another and nothing is missing', async () => {
    const [a, b, c] = await threeViewers();
    // From now on every fourth of a's slices to c gets lost.
    const call = rig.callBetween(a, c);
    let slices = 0;
    for (const end of call?.ends ?? []) {
      const deliver = end.events.message.bind(end.events);
      end.events.message = (data) => {
        if (typeof data === 'string' || slices++ % 4 > 0) deliver(data);
      };
    }
    const before = c.peer.peer.totals();
    await rig.net.pass(600);
    const after = c.peer.peer.totals();
    expect(after.hedges).toBeGreaterThan(before.hedges);
    expect(b.peer.stats().sentBytes).toBeGreaterThan(0);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
    expect((rig.played.get(c.id) ?? []).at(-1)).toBeGreaterThan(rig.unit - 8);
  });
});

describe('children', () => {
  it('[P7] asking for what is not held, or too often, is refused and harms nobody', async () => {
    const [a, , c] = await threeViewers();
    const [child, parent] = rig.callBetween(a, c)?.ends ?? []; // c has called
    const answers: Record<string, unknown>[] = [];
    if (child) {
      const deliver = child.events.message.bind(child.events);
      child.events.message = (data) => {
        if (typeof data === 'string') answers.push(JSON.parse(data) as Record<string, unknown>);
        deliver(data);
      };
    }
    const want = { type: 'want', epoch: 1_000, slice: 0, of: 2, why: 'pull' };
    for (let i = 0; i < 200; i++) parent?.events.message(JSON.stringify({ ...want, unit: 100_000 + i }));
    await rig.net.pass(300);
    const refusals = answers.filter((m) => m['type'] === 'refused' && m['what'] === 'want').map((m) => m['reason']);
    expect(refusals.filter((reason) => reason === 'not-here')).toHaveLength(60);
    expect(refusals.filter((reason) => reason === 'too-fast')).toHaveLength(140);
    expect(c.peer.stats().parents).toContainEqual({ slice: 0, id: a.id, kind: 'peer' });
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });

  it('[W1] [W5] a slice that was tampered with is not played, not relayed, and ends the link it came on', async () => {
    const [a, , c] = await threeViewers();
    const call = rig.callBetween(a, c);
    for (const end of call?.ends ?? []) {
      const deliver = end.events.message.bind(end.events);
      end.events.message = (data) => {
        if (typeof data === 'string') return deliver(data);
        const spoilt = data.slice();
        spoilt[spoilt.length - 1] = (spoilt[spoilt.length - 1] ?? 0) ^ 1;
        deliver(spoilt);
      };
    }
    await rig.net.pass(500);
    expect(c.tracker?.messages()).toContainEqual({ type: 'lost', slice: 0, id: a.id, how: 'bad-slice', layout: 1 });
    await rig.net.pass(500);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
  });
});

describe('sharing', () => {
  it('[P13] who receives only opens, offers and answers no peer connection', async () => {
    rig.startUnits();
    const a = await rig.join(false);
    rig.plan(a, [FORWARD.id, FORWARD.id]);
    const b = await rig.join();
    rig.plan(b, [a.id, FORWARD.id]); // a tracker that errs
    await rig.net.pass(500);
    expect(rig.net.calls.size).toBe(1); // b's own attempt; nobody answered
    expect([...rig.net.calls.values()][0]?.ends).toHaveLength(1);
    expect(gaps(rig.played.get(b.id) ?? [])).toEqual([]);
  });
});

/** What a peer notes about its supply from now on. */
/** Keeps what would be heard at this end until the answer is called. */
function holdUp(end: { events: { message(data: string | Uint8Array): void } }): () => void {
  const deliver = end.events.message.bind(end.events);
  const kept: (string | Uint8Array)[] = [];
  end.events.message = (data) => void kept.push(data);
  return () => {
    end.events.message = deliver;
    for (const data of kept) deliver(data);
  };
}

describe('a change of layout', () => {
  it('[P16] begins at its unit with parents that were asked before, and nothing is missing, twice or slower', async () => {
    const [a, b, c] = await threeViewers();
    const from = rig.unit + 30;
    const k = 4;
    // Each slice of the new layout has another way: through a, through b, or from the forward.
    const shape = { k, layout: 2, from } as const;
    rig.plan(a, [FORWARD.id, b.id, FORWARD.id, b.id], [], shape);
    rig.plan(b, [a.id, FORWARD.id, a.id, FORWARD.id], [], shape);
    rig.plan(c, [a.id, b.id, a.id, b.id], [], shape);
    const before = [a, b, c].map((seat) => seat.peer.stats().duplicateBytes);
    await rig.net.pass(66 * 25);
    expect(c.peer.peer.supplies.current?.K).toBe(2);
    await rig.net.pass(66 * 60);
    for (const seat of [a, b, c]) {
      expect(gaps(rig.played.get(seat.id) ?? [])).toEqual([]);
      expect(seat.peer.peer.supplies.all()).toHaveLength(1);
      expect(seat.peer.peer.supplies.current).toMatchObject({ K: 4, layout: 2, from });
    }
    expect(c.peer.stats().parents.map(({ id }) => id)).toEqual([a.id, b.id, a.id, b.id]);
    expect(kindsAt(rig, c)).toEqual([]);
    expect(
      a.peer
        .stats()
        .children.map(({ slice }) => slice)
        .toSorted((x, y) => x - y),
    ).toEqual([0, 0, 2, 2]);
    const bytes = c.peer.stats().receivedBytes;
    for (const [i, seat] of [a, b, c].entries())
      expect((seat.peer.stats().duplicateBytes - (before[i] ?? 0)) / (bytes.forward + bytes.peers)).toBeLessThan(0.02);
  });

  it('[P16] goes on when the new parents never deliver: somebody at hand stands in, at last the forward', async () => {
    const [a, b, c] = await threeViewers();
    const shape = { k: 4, layout: 2, from: rig.unit + 20 } as const;
    // a and b are told nothing: they have no such layout and refuse.
    rig.plan(c, [a.id, b.id, a.id, b.id], [], shape);
    await rig.net.pass(66 * 80);
    expect(gaps(rig.played.get(c.id) ?? [])).toEqual([]);
    expect(c.peer.peer.supplies.current?.K).toBe(4);
    expect(gaps(rig.played.get(a.id) ?? [])).toEqual([]);
    expect(gaps(rig.played.get(b.id) ?? [])).toEqual([]);
  });
});
