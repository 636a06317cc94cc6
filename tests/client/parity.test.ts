// Parity between real peers on wires in memory: what is missing is made of the others, passed on, and asked of nobody.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeFragment, FLAG } from '../../protocol/chunk.ts';
import { SUSPECT_SILENCE_MS } from '../../protocol/limits.ts';
import { FORWARD, gaps, MeshRig, type Seat } from '../support/mesh-rig.ts';

let rig: MeshRig;
beforeEach(() => {
  rig = new MeshRig();
});
afterEach(() => rig.close());

const PARITY = { parity: true };
const played = (seat: Seat): number[] => rig.played.get(seat.id) ?? [];
const gapsAt = (seat: Seat): number[] => gaps(played(seat));
const asks = ({ peer }: Seat): number => peer.peer.totals().hedges + peer.peer.totals().pulls;
const parityOf = ({ peer }: Seat) => peer.peer.supplies.current?.substreams[2];
/** Whatever this seat still sends to that one is not media any more. */
function swallow(from: Seat, to: Seat, which: (bytes: Uint8Array) => boolean = () => true): void {
  // Both ends of the call: only one of them hears media from the other.
  for (const end of rig.callBetween(from, to)?.ends ?? []) {
    const deliver = end.events.message.bind(end.events);
    end.events.message = (data) => {
      if (typeof data === 'string' || !which(data)) deliver(data);
    };
  }
}
/** Media that this seat sends to that one comes so much later from now on, and as something else. */
function change(
  from: Seat,
  to: Seat,
  laterMs: number,
  how: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
): void {
  for (const end of rig.callBetween(from, to)?.ends ?? []) {
    const deliver = end.events.message.bind(end.events);
    end.events.message = (data) => {
      if (typeof data === 'string') deliver(data);
      else rig.net.after(laterMs, () => deliver(how(data)));
    };
  }
}
const spoilt = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 0x55 : byte));
/** Bytes of this slice that it has said to have from that one. */
const creditedBy = ({ tracker }: Seat, slice: number, to: Seat): number =>
  (tracker?.messages() ?? [])
    .flatMap((message) => (message['receipts'] ?? []) as { slice: number; id: string; bytes: number }[])
    .filter((receipt) => receipt.slice === slice && receipt.id === to.id)
    .reduce((sum, { bytes }) => sum + bytes, 0);
const isParity = (bytes: Uint8Array): boolean => ((bytes[2] ?? 0) & FLAG.parity) !== 0;

/** One below the forward in each of three trees, and one fed by all of them. */
async function fourViewers(): Promise<[Seat, Seat, Seat, Seat]> {
  rig.startUnits();
  const a = await rig.join();
  rig.plan(a, [FORWARD.id, FORWARD.id]);
  await rig.net.pass(300);
  const b = await rig.join();
  rig.plan(b, [a.id, FORWARD.id]);
  await rig.net.pass(500);
  rig.plan(a, [FORWARD.id, b.id]);
  const c = await rig.join();
  rig.plan(c, [a.id, b.id, FORWARD.id], [], PARITY);
  await rig.net.pass(500);
  const d = await rig.join();
  rig.plan(d, [a.id, b.id, c.id], [], PARITY);
  rig.plan(a, [FORWARD.id, b.id, c.id], [], PARITY);
  rig.plan(b, [a.id, FORWARD.id, c.id], [], PARITY);
  await rig.net.pass(2_500);
  return [a, b, c, d];
}

describe('[P19] with parity', () => {
  it('there is one parent more, and nothing is missing, asked for, or here twice', async () => {
    const [a, b, c, d] = await fourViewers();
    expect(d.peer.stats().parents).toEqual([
      { slice: 0, id: a.id, kind: 'peer' },
      { slice: 1, id: b.id, kind: 'peer' },
      { slice: 2, id: c.id, kind: 'peer' },
    ]);
    expect(
      c.peer
        .stats()
        .children.filter((child) => child.slice === 2)
        .map((child) => child.id),
    ).toEqual(expect.arrayContaining([a.id, b.id, d.id]));
    const before = [a, b, c, d].map((seat) => [asks(seat), seat.peer.stats().duplicateBytes]);
    await rig.net.pass(1_000);
    for (const seat of [a, b, c, d]) expect(gapsAt(seat)).toEqual([]);
    expect([a, b, c, d].map((seat) => [asks(seat), seat.peer.stats().duplicateBytes])).toEqual(before);
  });

  it('a parent that falls silent is not missed for a moment, and nobody is asked for what it does not send', async () => {
    const [a, , , d] = await fourViewers();
    const before = asks(d);
    for (const end of rig.callBetween(a, d)?.ends ?? []) end.blocked = true;
    // Not even before its silence is long enough for a suspicion: each unit is whole when it would have been.
    for (let passed = 0; passed < SUSPECT_SILENCE_MS - 20; passed += 5) {
      await rig.net.pass(5);
      expect(played(d).at(-1)).toBeGreaterThanOrEqual(rig.unit - 1);
    }
    await rig.net.pass(1_500);
    expect(gapsAt(d)).toEqual([]);
    expect(asks(d)).toBe(before);
  });

  it('... nor where parity is usually later than a late slice is asked for', async () => {
    const [a, , c, d] = await fourViewers();
    for (const end of rig.callBetween(c, d)?.ends ?? []) {
      const deliver = end.events.message.bind(end.events);
      end.events.message = (data) => void rig.net.after(80, () => deliver(data));
    }
    await rig.net.pass(3_000);
    const before = asks(d);
    for (const end of rig.callBetween(a, d)?.ends ?? []) end.blocked = true;
    await rig.net.pass(SUSPECT_SILENCE_MS - 20);
    expect(asks(d)).toBe(before);
    await rig.net.pass(1_000);
    expect(gapsAt(d)).toEqual([]);
  });

  it('what one makes goes to its own children at once: a loss at the first hop ends there', async () => {
    const [a, b, c, d] = await fourViewers();
    // The forward has forgotten the one viewer that all others have slice 0 from.
    for (const [socket, slices] of rig.subscriptions)
      if (socket.messages().some((message) => message['id'] === a.id)) slices.delete('0/2');
    const before = [a, b, c, d].map(asks);
    for (let passed = 0; passed < 1_000; passed += 10) {
      await rig.net.pass(10);
      for (const seat of [b, d]) expect(played(seat).at(-1)).toBeGreaterThanOrEqual(rig.unit - 1);
    }
    for (const seat of [a, b, c, d]) expect(gapsAt(seat)).toEqual([]);
    expect([a, b, c, d].map(asks)).toEqual(before);
    // They have it from the one that makes it, not each by itself.
    expect(d.peer.peer.supplies.current?.substreams[0]).toMatchObject({ lastFrom: a.id, newest: rig.unit });
  });

  it('[W5] a spoilt parity slice convicts its sender alone, and spoils nothing', async () => {
    const [, , c, d] = await fourViewers();
    for (const end of rig.callBetween(c, d)?.ends ?? []) {
      const deliver = end.events.message.bind(end.events);
      end.events.message = (data) => {
        if (typeof data === 'string' || !isParity(data)) return deliver(data);
        const other = Uint8Array.from(data);
        other[other.length - 1] = (other.at(-1) ?? 0) ^ 0x55;
        deliver(other);
      };
    }
    await rig.net.pass(300);
    const lost = (d.tracker?.messages() ?? []).filter((message) => message['type'] === 'lost');
    expect(lost).toEqual([{ type: 'lost', slice: 2, id: c.id, how: 'bad-slice', layout: 1 }]);
    await rig.net.pass(700);
    expect(gapsAt(d)).toEqual([]);
  });

  it.each([
    ['a data slice that was made before it came', 0],
    ['a parity slice that was not needed', 2],
  ])('[W5] the original of %s is credited to its sender, and convicts it when it is spoilt', async (_what, slice) => {
    const [a, , c, d] = await fourViewers();
    const sender = slice === 0 ? a : c;
    change(sender, d, 30);
    await rig.net.pass(2_000);
    const [before, made] = [creditedBy(d, slice, sender), d.peer.peer.totals().made];
    await rig.net.pass(2_000);
    expect(creditedBy(d, slice, sender) - before).toBeGreaterThan(25 * 2_000);
    if (slice === 0) expect(d.peer.peer.totals().made - made).toBeGreaterThan(25 * 2_000);

    change(sender, d, 0, spoilt);
    await rig.net.pass(300);
    const lost = (d.tracker?.messages() ?? []).filter((message) => message['type'] === 'lost');
    expect(lost).toContainEqual({ type: 'lost', slice, id: sender.id, how: 'bad-slice', layout: 1 });
    await rig.net.pass(2_000);
    const then = creditedBy(d, slice, sender);
    await rig.net.pass(2_000);
    expect(creditedBy(d, slice, sender)).toBe(then);
    expect(gapsAt(d)).toEqual([]);
  });

  it('a lost parity parent is waited for: nobody stands in, the forward is not dialled', async () => {
    const [a, b, c, d] = await fourViewers();
    const said = rig.notesOf(d);
    const sockets = rig.net.sockets.length;
    const before = asks(d);
    c.peer.close();
    await rig.net.pass(1_000);
    expect(said().filter((text) => text.includes('asks'))).toEqual([]);
    expect([rig.net.sockets.length, asks(d)]).toEqual([sockets, before]);
    expect(d.tracker?.messages()).toContainEqual({ type: 'lost', slice: 2, id: c.id, how: 'bye', layout: 1 });
    rig.plan(d, [a.id, b.id, b.id], [], PARITY);
    await rig.net.pass(1_500);
    expect(parityOf(d)?.serving).toBe(b.id);
    expect(gapsAt(d)).toEqual([]);
  });

  it('who has whole units gives parity to its children, though it has none itself', async () => {
    const [a, b, c, d] = await fourViewers();
    // c has its own from nobody any more.
    rig.plan(c, [a.id, b.id], [], PARITY);
    await rig.net.pass(500);
    expect(parityOf(c)).toMatchObject({ serving: null, standIn: null });
    const heard: number[] = [];
    swallow(c, d, (bytes) => {
      const decoded = decodeFragment(bytes);
      if (decoded.ok && decoded.value.k === 2) heard.push(decoded.value.unit);
      return false;
    });
    await rig.net.pass(500);
    expect(heard.length).toBeGreaterThanOrEqual(6);
    expect(parityOf(d)).toMatchObject({
      serving: c.id,
      newest: expect.toSatisfy((unit: number) => unit >= rig.unit - 1),
    });
  });

  it('comes and goes with the plan, and no other edge changes for it', async () => {
    const [a, b, c, d] = await fourViewers();
    const said = rig.notesOf(d);
    rig.plan(d, [a.id, b.id]);
    await rig.net.pass(300);
    expect(d.peer.stats().parents.map((parent) => parent.slice)).toEqual([0, 1]);
    expect(c.peer.stats().children).not.toContainEqual({ slice: 2, id: d.id });
    rig.plan(d, [a.id, b.id, c.id], [], PARITY);
    await rig.net.pass(1_500);
    expect(d.peer.stats().parents).toContainEqual({ slice: 2, id: c.id, kind: 'peer' });
    expect(said().filter((text) => /^slice [01]/.test(text))).toEqual([]);
    expect(gapsAt(d)).toEqual([]);
  });

  it('the original of a slice that was made first is counted as one that came twice, parity that was not needed is not', async () => {
    const [a, , , d] = await fourViewers();
    // Everything of a's comes 30 ms later from now on: made before it is here.
    for (const end of rig.callBetween(a, d)?.ends ?? []) {
      const deliver = end.events.message.bind(end.events);
      end.events.message = (data) => void rig.net.after(30, () => deliver(data));
    }
    const before = d.peer.stats();
    await rig.net.pass(2_000);
    const after = d.peer.stats();
    const [twice, all] = [
      after.duplicateBytes - before.duplicateBytes,
      after.receivedBytes.peers - before.receivedBytes.peers,
    ];
    expect(twice / all).toBeGreaterThan(0.2);
    expect(twice / all).toBeLessThan(0.4);
    // It is its regular supplier all the same, and nobody is asked to help.
    expect(d.peer.peer.supplies.current?.substreams[0]).toMatchObject({ serving: a.id, standIn: null, lastFrom: a.id });
    expect(asks(d)).toBe(0);
    expect(gapsAt(d)).toEqual([]);
  });
});
