// A viewer whose machine has slept, and one whose servers stand still with all connections open:
// what it knows, and what it says.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FORWARD, MeshRig, type Seat } from '../support/mesh-rig.ts';

let rig: MeshRig;
beforeEach(() => {
  rig = new MeshRig();
});
afterEach(() => rig.close());

async function viewer(): Promise<Seat> {
  rig.startUnits();
  const seat = await rig.join();
  rig.plan(seat, [FORWARD.id, FORWARD.id]);
  await rig.net.pass(1_500);
  return seat;
}

it('[S17] a viewer that has slept knows no clock until it has asked, and the right one then', async () => {
  const { peer } = await viewer();
  const before = peer.peer.coordinateMs() ?? Number.NaN;
  const sleptMs = 38_000;
  rig.net.sleptMs += sleptMs;
  // From its next tick on, at most 30 ms later, it is not wrong any more.
  const offs: (number | null)[] = [];
  for (let ms = 1; ms <= 1_000; ms++) {
    await rig.net.pass(1);
    const knownMs = peer.peer.coordinateMs();
    if (ms > 30) offs.push(knownMs && Math.round(knownMs - before - sleptMs - ms));
    else if (knownMs === null) offs.push(null);
  }
  expect(offs[0]).toBeNull();
  const wrong = offs.filter((off) => off !== null && Math.abs(off) > 3);
  expect(wrong).toEqual([]);
  expect(offs.at(-1)).not.toBeNull();
  expect(peer.peer.journal.entries().some(({ text }) => text.includes('has slept'))).toBe(true);
});

it('[S18] servers that stand still are noticed when nothing comes, and joined again when they go on', async () => {
  const { peer, tracker } = await viewer();
  expect([peer.peer.serversAnswer, peer.stats().state]).toEqual([true, 'playing']);
  rig.stopUnits();
  rig.isMute = true;
  await rig.net.pass(6_500);
  expect([peer.peer.serversAnswer, peer.peer.tracker.state, tracker?.isClosed]).toEqual([false, 'joined', false]);
  await rig.net.pass(7_500, 5);
  expect([peer.peer.serversAnswer, peer.peer.tracker.state, tracker?.isClosed]).toEqual([false, 'connecting', true]);
  expect(peer.stats().state).toBe('starving');
  rig.isMute = false;
  rig.startUnits();
  await rig.net.pass(20_000, 5);
  expect([peer.peer.serversAnswer, peer.peer.tracker.state]).toEqual([true, 'joined']);
  const units = rig.played.get('v00001')?.length ?? 0;
  await rig.net.pass(1_000);
  expect(rig.played.get('v00001')?.length).toBeGreaterThan(units + 10);
});

it('[S18] a tracker that is there and silent only because nothing is new is not given up', async () => {
  const { peer, tracker } = await viewer();
  rig.stopUnits();
  await rig.net.pass(60_000, 5);
  expect([peer.peer.tracker.state, tracker?.isClosed]).toEqual(['joined', false]);
});

it('[S18] the tracker hears of a picture that stands, whatever has come', async () => {
  const { peer, tracker } = await viewer();
  const said = (): unknown => tracker?.messages().findLast(({ type }) => type === 'report')?.['state'];
  expect(said()).toBe('playing');
  peer.peer.player = () => ({ stalls: { count: 1, ms: 500 }, hidden: false, isStanding: true });
  await rig.net.pass(1_100);
  expect(said()).toBe('starving');
});
