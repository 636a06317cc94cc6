// One queue for all children: order, fairness, caps, and what is learnt of the line. Lines here are buckets that the test empties.
import { describe, expect, it } from 'vitest';
import type { Link } from '../../client/mesh/link.ts';
import { Uplink } from '../../client/mesh/uplink.ts';
import { HEADER_BYTES } from '../../protocol/chunk.ts';
import type { Slice } from '../../protocol/slice.ts';
import { createSealer } from '../support/units.ts';

const sample = await createSealer().slice(1, 0, 2);
const SLICE_BYTES = 10_000;

interface FakeLine {
  link: Link;
  buffered: number;
  units: number[];
  /** The same, with the slice: unit.k */
  slices: string[];
  /** Its child is gone without a word: nothing leaves the channel any more. */
  isDead?: boolean;
  /** Nothing leaves its channel, and yet it is heard of. */
  isStuck?: boolean;
}

function rig() {
  let nowMs = 1_000;
  const uplink = new Uplink(() => nowMs);
  const lines: FakeLine[] = [];
  const line = (id: string): FakeLine => {
    const one: FakeLine = { link: null as never, buffered: 0, units: [], slices: [] };
    one.link = {
      id,
      state: 'open',
      get heardMs() {
        return one.isDead === true ? 0 : nowMs;
      },
      get bufferedBytes() {
        return one.buffered;
      },
      sendMedia(bytes: Uint8Array) {
        one.buffered += bytes.length;
        const view = new DataView(bytes.buffer);
        if (view.getUint32(32) !== 0) return;
        one.units.push(view.getUint32(16));
        one.slices.push(`${view.getUint32(16)}.${view.getUint8(20)}`);
      },
    } as unknown as Link;
    lines.push(one);
    return one;
  };
  const slice = (unit: number): Slice => ({
    ...sample,
    head: { ...sample.head, unit, unitBytes: 2 * SLICE_BYTES },
    bytes: new Uint8Array(SLICE_BYTES),
  });
  /** Time passes and the whole uplink carries so many bits a second, the first line that holds something first. */
  const pass = (ms: number, bitsPerSecond: number): void => {
    for (let t = 0; t < ms; t += 10) {
      nowMs += 10;
      let left = (bitsPerSecond / 8_000) * 10;
      for (const one of lines) {
        const gone = one.isDead === true || one.isStuck === true ? 0 : Math.min(left, one.buffered);
        one.buffered -= gone;
        left -= gone;
      }
      uplink.pump();
    }
  };
  const push = (to: FakeLine, unit: number): void => uplink.push(to.link, slice(unit), nowMs + 1_500);
  return { uplink, line, push, pass, now: () => nowMs };
}

describe('[P4] the queue of all children', () => {
  it('[P19] parity goes last of its unit, whenever it came, and holds up no later one', () => {
    const { uplink, line, pass, now } = rig();
    const [one, other] = [line('va'), line('vb')];
    const slice = (unit: number, k: number): Slice => ({
      ...sample,
      k,
      head: { ...sample.head, unit, unitBytes: 2 * SLICE_BYTES },
      bytes: new Uint8Array(SLICE_BYTES),
    });
    // The line is full: what follows waits for its turn.
    for (let unit = 1; unit <= 4; unit++) uplink.push(one.link, slice(unit, 0), now() + 1_500);
    const waiting = other.units.length;
    for (const [unit, k] of [
      [5, 2],
      [5, 0],
      [5, 1],
      [6, 2],
      [6, 0],
      [4, 1],
    ] as const)
      uplink.push(other.link, slice(unit, k), now() + 1_500);
    expect(waiting).toBe(0);
    pass(2_000, 1e6);
    expect(other.slices).toEqual(['5.0', '5.1', '5.2', '6.0', '4.1', '6.2']);
  });

  it('keeps little in flight over all of them, and sends in the order in which slices came', () => {
    const { uplink, line, push, pass } = rig();
    const children = [line('va'), line('vb'), line('vc')];
    for (let unit = 1; unit <= 3; unit++) for (const child of children) push(child, unit);
    const inFlight = children.reduce((sum, { buffered }) => sum + buffered, 0);
    expect(inFlight).toBeLessThan(32 * 1024 + SLICE_BYTES + 2 * HEADER_BYTES + 100);
    pass(2_000, 1e6);
    expect(children.map(({ units }) => units)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(uplink.takeGiven().map(({ id, bytes }) => [id, bytes > 3 * SLICE_BYTES])).toEqual([
      ['va', true],
      ['vb', true],
      ['vc', true],
    ]);
  });

  it('one child that moves nothing does not hold up the others', () => {
    const { line, push, pass } = rig();
    const stuck = line('vstuck');
    const well = line('vwell');
    for (let unit = 1; unit <= 6; unit++) push(stuck, unit);
    // The line carries nothing of the first one's.
    stuck.buffered += 1e9;
    for (let unit = 1; unit <= 6; unit++) push(well, unit);
    pass(300, 0);
    for (let i = 0; i < 40; i++) {
      well.buffered = 0;
      pass(20, 0);
    }
    expect(well.units).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('what is late is dropped, and counted', () => {
    const { uplink, line, push, pass } = rig();
    const child = line('va');
    for (let unit = 1; unit <= 40; unit++) push(child, unit);
    pass(3_000, 200_000);
    expect(uplink.dropped).toBeGreaterThan(20);
    expect(child.units.length + uplink.dropped).toBe(40);
  });
});

describe('[T13] what is learnt of the line', () => {
  it('is what it carried while slices waited', () => {
    const { uplink, line, push, pass, now } = rig();
    const child = line('va');
    for (let unit = 1; unit <= 80; unit++) {
      push(child, unit);
      pass(60, 1e6); // 1.33 Mbps are wanted
    }
    expect(uplink.meter.bitsPerSecond(now())).toBeGreaterThan(0.9e6);
    expect(uplink.meter.bitsPerSecond(now())).toBeLessThan(1.1e6);
    expect(uplink.meter.takeLongestWait()).toBeGreaterThan(300);
    expect(uplink.carriesNothing).toBe(false);
  });

  it('a child that is gone without a word says nothing about it, and what waits for it is dropped', () => {
    const { uplink, line, push, pass } = rig();
    const [dead, other] = [line('va'), line('vb')];
    dead.isDead = true;
    for (let unit = 1; unit <= 100; unit++) {
      push(dead, unit);
      push(other, unit);
      pass(60, 3e6);
      if (unit === 20) uplink.meter.takeLongestWait(); // until it is known to be stuck it may hold others up
    }
    expect(other.units).toHaveLength(100);
    expect(uplink.dropped).toBeGreaterThan(50);
    expect(uplink.meter.takeLongestWait()).toBeLessThan(200);
  });

  it('a child that takes nothing while others do says nothing about it, though it is alive', () => {
    const { uplink, line, push, pass } = rig();
    const [stuck, other] = [line('va'), line('vb')];
    stuck.isStuck = true;
    for (let unit = 1; unit <= 100; unit++) {
      push(stuck, unit);
      push(other, unit);
      pass(60, 3e6);
      if (unit === 20) uplink.meter.takeLongestWait();
    }
    expect(uplink.meter.takeLongestWait()).toBeLessThan(200);
  });

  it('one that carries next to nothing is seen for what it is while the children are well', () => {
    const { uplink, line, push, pass, now } = rig();
    const children = [line('va'), line('vb')];
    for (let unit = 1; unit <= 400; unit++) {
      for (const child of children) push(child, unit);
      // 16 kbit/s: a message of 6,000 bytes leaves it every three seconds.
      pass(60, unit % 50 === 0 ? 800_000 : 0);
    }
    expect(uplink.meter.takeLongestWait()).toBeGreaterThan(1_000);
    expect(uplink.meter.bitsPerSecond(now()) ?? Infinity).toBeLessThan(40_000);
    // Also when nothing waits any more.
    for (const child of children) uplink.forget(child.link);
    expect(uplink.carriesNothing).toBe(true);
  });

  it('one that a forward has measured as next to nothing is so before it was ever full, and after', () => {
    const { uplink } = rig();
    expect(uplink.carriesNothing).toBe(false);
    uplink.meter.probe.answered(18_000);
    expect(uplink.carriesNothing).toBe(true);
  });

  it('is nothing while the line has more than enough, even when the program itself was asleep', () => {
    const { uplink, line, push, pass, now } = rig();
    const child = line('va');
    for (let unit = 1; unit <= 80; unit++) {
      // Five come at once after a pause, more than may be in flight; the line is fast, and dry whenever we look.
      for (let i = 0; i < 5; i++) push(child, unit * 10 + i);
      child.buffered = 0;
      pass(60, 1e9);
    }
    expect(uplink.meter.bitsPerSecond(now())).toBeNull();
    expect(uplink.meter.takeLongestWait()).toBeLessThan(60);
  });

  it('the viewer’s own cap is kept, and is what it can carry', () => {
    const { uplink, line, push, pass, now } = rig();
    const child = line('va');
    uplink.setCap(500_000);
    for (let unit = 1; unit <= 120; unit++) {
      push(child, unit);
      pass(60, 1e9);
    }
    expect(uplink.sentBytes * 8).toBeLessThan(1.05 * 500_000 * ((120 * 60) / 1_000) + 8 * 3 * SLICE_BYTES);
    expect(uplink.sentBytes * 8).toBeGreaterThan(0.85 * 500_000 * ((120 * 60) / 1_000));
    expect(uplink.meter.bitsPerSecond(now())).toBeLessThan(600_000);
  });
});
