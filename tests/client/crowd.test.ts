// What a newcomer does when its forward starts too many at once, with real peers on wires in memory.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PROBE_CHARS, PROBE_MESSAGES, START_PATIENCE_MS } from '../../protocol/limits.ts';
import { FORWARD, MeshRig, type Seat } from '../support/mesh-rig.ts';
import type { ServerEnd } from '../support/memory-net.ts';

let rig: MeshRig;
beforeEach(() => {
  rig = new MeshRig();
});
afterEach(() => rig.close());

const lineOf = (seat: Seat): ServerEnd | undefined =>
  rig.net.sockets.findLast(
    (s) => s.url === FORWARD.url && s.messages().some((m) => m['type'] === 'hello' && m['id'] === seat.id),
  );
const whysOf = (seat: Seat): unknown[] =>
  (lineOf(seat)?.messages() ?? []).filter((m) => m['type'] === 'subscribe').map((m) => m['why']);

/** Two that play, and a forward that starts nobody any more. */
async function crowd(): Promise<[Seat, Seat]> {
  rig.startUnits();
  const a = await rig.join();
  rig.plan(a, [FORWARD.id, FORWARD.id]);
  await rig.net.pass(300);
  const b = await rig.join();
  rig.plan(b, [FORWARD.id, FORWARD.id]);
  await rig.net.pass(1_000);
  rig.isCrowded = true;
  return [a, b];
}

it('[P20] a newcomer that is put off begins at the keyframe that is made next, from its parents alone and without waiting', async () => {
  const [a, b] = await crowd();
  const c = await rig.join();
  rig.plan(c, [a.id, b.id]);
  await rig.net.pass(250); // a slice that flows would wait for 350 ms at least
  expect(c.peer.stats().parents).toMatchObject([{ id: a.id }, { id: b.id }]);
  const key = rig.unit - ((rig.unit - 1) % 15) + 15;
  await rig.net.pass(1_600);
  expect(rig.played.get(c.id)?.slice(0, 3)).toEqual([key, key + 1, key + 2]);
  expect(c.peer.stats()).toMatchObject({ state: 'playing', parents: [{ id: a.id }, { id: b.id }] });
  expect(whysOf(c)).toEqual(['bootstrap', 'bootstrap']);
});

it('[P20] it asks the forward again when its parents have not delivered in time, and is not put off then', async () => {
  await crowd();
  const c = await rig.join();
  await rig.net.pass(START_PATIENCE_MS - 200);
  expect(whysOf(c)).toEqual(['bootstrap', 'bootstrap']);
  await rig.net.pass(300);
  expect(whysOf(c)).toEqual(['bootstrap', 'bootstrap', 'takeover', 'takeover']);
  await rig.net.pass(1_200);
  expect(c.peer.stats().state).toBe('playing');
});

it('[P21] it has its uplink measured, once, and tells the tracker at once; who feeds nobody sends nothing for that', async () => {
  await crowd();
  const c = await rig.join();
  await rig.net.pass(100);
  const probes = (seat: Seat): unknown[] =>
    (lineOf(seat)?.messages() ?? []).filter((m) => m['type'] === 'probe').map((m) => m['left']);
  expect(probes(c)).toEqual(Array.from({ length: PROBE_MESSAGES }, (_, i) => PROBE_MESSAGES - 1 - i));
  lineOf(c)?.send({ type: 'probed', bitsPerSecond: 4_500_000 });
  await rig.net.pass(10);
  const reports = (c.tracker?.messages() ?? []).filter((m) => m['type'] === 'report');
  expect(reports.map((m) => m['uplink'])).toEqual([{ bitsPerSecond: 4_500_000, oldestMs: 0, probed: true }]);
  const d = await rig.join(false);
  await rig.net.pass(100);
  expect(whysOf(d)).toEqual(['bootstrap', 'bootstrap']);
  expect(probes(d)).toEqual([]);
});

it('[P21] while the answer is late the uplink is known to carry no more than what has had time to arrive; for some seconds', async () => {
  await crowd();
  const c = await rig.join();
  const words = (): { bitsPerSecond: number | null; probed?: boolean }[] =>
    (c.tracker?.messages() ?? []).filter((m) => m['type'] === 'report').map((m) => m['uplink'] as never);
  await rig.net.pass(1_900);
  expect(words().every(({ bitsPerSecond }) => bitsPerSecond === null)).toBe(true);
  await rig.net.pass(3_000);
  const bounds = words().flatMap(({ bitsPerSecond, probed }) => (probed === true ? (bitsPerSecond ?? []) : []));
  const bits = 8 * PROBE_MESSAGES * PROBE_CHARS;
  expect(bounds.length).toBeGreaterThanOrEqual(2);
  // Each says for how long it has waited: in seconds, one more every time.
  const seconds = bounds.map((bound) => bits / bound);
  for (const [i, waited] of seconds.entries()) expect(waited - (seconds[0] ?? 0)).toBeCloseTo(i, 1);
  expect(seconds[0]).toBeGreaterThanOrEqual(2);
  expect(seconds[0]).toBeLessThan(3.1);
  await rig.net.pass(3_000);
  expect(words().at(-1)).toEqual({ bitsPerSecond: null, oldestMs: 0 });
});

it('[P21] who has set a cap for its uplink sends nothing to have it measured', async () => {
  await crowd();
  const c = await rig.join(true, 500_000);
  await rig.net.pass(100);
  expect(whysOf(c)).toEqual(['bootstrap', 'bootstrap']);
  expect((lineOf(c)?.messages() ?? []).filter((m) => m['type'] === 'probe')).toEqual([]);
});
