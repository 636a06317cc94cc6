// Viewers that cannot follow, and the bytes that a forward says it has sent.
import { expect, it, onTestFinished } from 'vitest';
import { FLAG } from '../../protocol/chunk.ts';
import { MAX_SOCKET_BUFFER_BYTES } from '../../protocol/limits.ts';
import { until } from '../support/until.ts';
import { ForwardRig, SOURCE_MS } from './rig.ts';

const rigOf = async (): Promise<ForwardRig> => {
  const rig = await ForwardRig.start();
  onTestFinished(() => rig.close());
  return rig;
};

/** Keyframes are the units that the test names. */
const at = (unit: number, keys: readonly number[]) => ({
  sourceMs: SOURCE_MS + unit * 100,
  durationMs: 100,
  flags: keys.includes(unit) ? FLAG.key : 0,
});

it('[P12] who is 2 s behind by its acknowledgements gets nothing until the next keyframe; the others everything', async () => {
  const rig = await rigOf();
  const coordinate = await rig.onAir();
  const keys = [1, 36];
  const [late, prompt] = [await rig.viewer(), await rig.viewer({ id: 'v00002' })];
  prompt.isPrompt = true;
  for (const viewer of [late, prompt]) viewer.ask(0);
  await until('both asked', async () => (await rig.debug()).children === 2);
  for (let unit = 1; unit <= 40; unit++) {
    await coordinate.unit(unit, at(unit, keys));
    // Each before the next: the prompt one's acknowledgements are at most a unit behind.
    await prompt.gets(unit);
    if (unit === 5) {
      late.say({ type: 'ack', epoch: 1_000, unit: 5, bytes: 0 });
      late.say({ type: 'ping', t: 1 });
      await late.hears('pong');
    }
  }
  await late.gets(40);
  const all = Array.from({ length: 41 }, (_, unit) => unit);
  expect(prompt.units()).toEqual(all);
  // Acknowledged 5: 26 is the first that lies more than 2 s after it, 36 the next keyframe.
  expect(late.units()).toEqual(all.filter((unit) => unit <= 26 || unit >= 36));
  const sessions = (await rig.debug()).sessions.map((s) => [s.id, s.skips]);
  expect(new Map(sessions as [string, number][])).toEqual(
    new Map([
      ['v00001', 1],
      ['v00002', 0],
    ]),
  );
});

it('[P12] who was there before the stream is not behind by the age of its init segment', async () => {
  const rig = await rigOf();
  const viewer = await rig.viewer();
  viewer.ask(0);
  await until('it asked', async () => (await rig.debug()).children === 1);
  // As after a restart of the forward: the stream has been going on for 4 s, and begins here with its newest keyframe.
  const coordinate = await rig.onAir();
  for (let unit = 40; unit <= 45; unit++) await coordinate.unit(unit, at(unit, [40]));
  await viewer.gets(45);
  expect(viewer.units()).toEqual([0, 40, 41, 42, 43, 44, 45]);
});

it('[P12] [P16] who has asked for units to come is not behind by those before them', async () => {
  const rig = await rigOf();
  const coordinate = await rig.onAir();
  // As at a change of layout: seconds before it begins. The keyframe before its first unit is the last one for long.
  const [early, usual] = [await rig.viewer(), await rig.viewer({ id: 'v00002' })];
  usual.isPrompt = true;
  early.ask(3, { of: 4, epoch: 1_000, from: 35 });
  usual.ask(0);
  await until('both asked', async () => (await rig.debug()).children === 2);
  for (let unit = 1; unit <= 40; unit++) {
    await coordinate.unit(unit, at(unit, [1]));
    await usual.gets(unit);
  }
  await early.gets(40, 3);
  expect(early.units(3)).toEqual([35, 36, 37, 38, 39, 40]);
  expect((await rig.debug()).sessions.map(({ skips }) => skips)).toEqual([0, 0]);
});

it('[P12] who does not read is closed at 4 MB, and nobody waits for it', async () => {
  const rig = await rigOf();
  const coordinate = await rig.onAir();
  const [stuck, prompt] = [await rig.viewer(), await rig.viewer({ id: 'v00002' })];
  prompt.isPrompt = true;
  for (const viewer of [stuck, prompt]) viewer.ask(0, { of: 1 });
  await until('both asked', async () => (await rig.debug()).children === 2);
  stuck.wire.pause();
  const bytes = new Uint8Array(1_000_000).fill(9);
  const most = (8 * MAX_SOCKET_BUFFER_BYTES) / bytes.length;
  let unit = 0;
  // Source time stands nearly still: it is the memory, not the lag, that ends it.
  while ((await rig.debug()).sessions.length === 2 && unit < most) {
    unit++;
    await coordinate.unit(unit, { bytes, sourceMs: SOURCE_MS + unit, durationMs: 1 });
    await prompt.gets(unit);
  }
  expect(unit * bytes.length).toBeGreaterThan(MAX_SOCKET_BUFFER_BYTES);
  expect(unit).toBeLessThan(most);
  stuck.wire.resume();
  expect((await stuck.ends()).code).toBe(1006);
  expect(prompt.closed).toBeNull();
});

it('[P15] the counters are the bytes on the sockets, by kind', async () => {
  const rig = await rigOf();
  const coordinate = await rig.onAir(20);
  const counted = async () => (await rig.debug()).egressBytes;
  const one = await rig.viewer();
  expect(await counted()).toEqual({ media: 0, bootstrap: 0, repair: 0, control: one.wireBytes });

  one.ask(0, { why: 'bootstrap' });
  await one.gets(20);
  const control = (await counted()).control;
  expect(await counted()).toMatchObject({ media: 0, bootstrap: one.wireBytes - control, repair: 0 });

  const two = await rig.viewer({ id: 'v00002' });
  const before = await counted();
  two.ask(0, { epoch: 1_000, from: 21 });
  // From a header of two bytes (none here) over four to ten: a unit above 64 KiB.
  await until('two asked', async () => (await rig.debug()).children === 2);
  await coordinate.unit(21, { bytes: new Uint8Array(300_000) });
  await one.gets(21);
  await two.gets(21);
  const media = two.wireBytes - (before.control - control);
  expect(await counted()).toEqual({ ...before, media, bootstrap: before.bootstrap + media });

  const wire = two.wireBytes;
  two.say({ type: 'want', epoch: 1_000, unit: 3, slice: 1, of: 2, why: 'hedge' });
  await two.gets(3, 1);
  expect((await counted()).repair).toBe(two.wireBytes - wire);
  two.ask(1, { epoch: 1_000, from: 20, why: 'takeover' });
  await two.gets(21, 1);
  expect((await counted()).repair).toBe(two.wireBytes - wire);

  const { media: m, bootstrap, repair, control: c } = await counted();
  expect(m + bootstrap + repair + c).toBe(one.wireBytes + two.wireBytes);
  const pushed = (await rig.debug()).ingressBytes;
  await coordinate.unit(22);
  await one.gets(22);
  expect((await rig.debug()).ingressBytes - pushed).toBe(48 + 64 + 16 + 4_001);
});
