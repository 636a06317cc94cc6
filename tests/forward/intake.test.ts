// What a forward takes in: from whom, in which order, and whose word counts when there are two.
import { expect, it, onTestFinished } from 'vitest';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import type { ForwardSettings } from '../../servers/forward/settings.ts';
import { createSealer } from '../support/units.ts';
import { until } from '../support/until.ts';
import { ForwardRig } from './rig.ts';

const rigOf = async (settings: Partial<ForwardSettings> = {}): Promise<ForwardRig> => {
  const rig = await ForwardRig.start(settings);
  onTestFinished(() => rig.close());
  return rig;
};

it('only who knows the secret may push', async () => {
  const rig = await rigOf({ meshSecret: 'hush' });
  for (const secret of ['wrong', undefined]) {
    const stranger = await rig.coordinate(secret === undefined ? {} : { secret });
    expect(stranger.failed).toContain('401');
  }
  const known = await rig.coordinate({ secret: 'hush' });
  expect(await known.hears('hello')).toMatchObject({ v: PROTOCOL_VERSION, id: rig.ready['id'] });
});

it('[W7] a coordinate of another version is refused with a sentence', async () => {
  const rig = await rigOf();
  const coordinate = await rig.coordinate();
  coordinate.hello(PROTOCOL_VERSION + 1);
  expect(await coordinate.hears('refused')).toMatchObject({ reason: 'wrong-version' });
  expect(await coordinate.ends()).toEqual({ code: 1008, reason: 'wrong-version' });
});

it.each([
  ['units before the hello', (c: Coordinate) => c.unit(1)],
  ['a stream that was not named', (c: Coordinate) => (c.hello(), c.unit(1))],
  [
    'a key that is none',
    async (c: Coordinate) => c.say({ type: 'hello', v: PROTOCOL_VERSION, publicKey: 'AAAA', coordinateMs: 1 }),
  ],
  ['words that are none', async (c: Coordinate) => c.say('{"type":"stream"')],
  ['bytes that are no unit', async (c: Coordinate) => c.socket.send(Buffer.alloc(60, 7))],
  [
    'a part of a unit',
    async (c: Coordinate) => {
      c.hello();
      c.state('live');
      await c.unit(1, {}, (bytes) => bytes.writeUInt32BE(4_002, 24));
    },
  ],
])('%s: refused with a sentence, and the connection ends', async (_name, wrong) => {
  const rig = await rigOf();
  const coordinate = await rig.coordinate();
  await wrong(coordinate);
  expect(await coordinate.hears('refused')).toMatchObject({ detail: expect.stringMatching(/\w+ \w+.*\.$/) as string });
  expect((await coordinate.ends()).code).toBe(1008);
});

it('[W5] a unit whose seal does not hold is neither kept nor sent, and convicts the coordinate', async () => {
  const rig = await rigOf();
  const good = await rig.onAir(3);
  const viewer = await rig.viewer();
  viewer.ask(0);
  await viewer.gets(3);
  await good.unit(4, {}, (bytes) => bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1));
  expect(await good.hears('refused')).toMatchObject({ reason: 'bad-message' });
  await good.ends();
  await viewer.hears('stream', (message) => message['state'] === 'interrupted');
  expect(viewer.units()).toEqual([0, 1, 2, 3]);
  expect((await rig.debug()).streams[0]).toMatchObject({ newest: 3 });
});

it('[R8] acknowledges the newest unit it has', async () => {
  const rig = await rigOf();
  const coordinate = await rig.onAir(5);
  await coordinate.hears('ack', (m) => m['unit'] === 5 && m['epoch'] === 1_000 && m['name'] === 'live');
});

it('[W9] of two coordinates the newer epoch counts, and the older one changes nothing any more', async () => {
  const rig = await rigOf();
  const first = await rig.onAir(4);
  const viewer = await rig.viewer();
  viewer.ask(0);
  await viewer.gets(4);
  const second = await rig.coordinate({ sealer: createSealer('live', 2_000) });
  second.hello();
  second.state('live', 2_000);
  await second.units(0, 2);
  await until('the newer epoch', () => viewer.slices.some((s) => s.epoch === 2_000 && s.unit === 2));
  await first.units(5, 8);
  first.state('ended');
  await first.hears('ack', (m) => m['unit'] === 8); // all of it was heard
  await second.unit(3);
  await until('the next unit', () => viewer.slices.some((s) => s.epoch === 2_000 && s.unit === 3));
  expect(viewer.slices.filter((s) => s.epoch === 1_000).map((s) => s.unit)).toEqual([0, 1, 2, 3, 4]);
  expect((await rig.debug()).streams).toMatchObject([{ state: 'live', epoch: 2_000, newest: 3 }]);

  // The one that is on air goes; the other is still connected, but has nothing that counts.
  second.socket.terminate();
  await viewer.hears('stream', (message) => message['state'] === 'interrupted');
});

it('a coordinate that goes is told to viewers as interrupted; one that comes back is live', async () => {
  const rig = await rigOf();
  const sealer = createSealer();
  const coordinate = await rig.onAir(4, { sealer });
  const other = await rig.onAir(2, { name: 'other', sealer: createSealer('other') });
  const viewer = await rig.viewer();
  const watcher = await rig.viewer({ stream: 'other', id: 'v00002' });
  expect(await viewer.hears('stream')).toMatchObject({ state: 'live', epoch: 1_000 });
  coordinate.socket.terminate();
  await viewer.hears('stream', (message) => message['state'] === 'interrupted');
  await rig.onAir(6, { sealer });
  await until('live again', () => viewer.of('stream').at(-1)?.['state'] === 'live');
  expect(watcher.of('stream').map((m) => m['state'])).toEqual(['live']);
  other.state('ended');
  await watcher.hears('stream', (message) => message['state'] === 'ended');
  other.socket.terminate(); // an end stays an end
  await until('both gone', async () => (await rig.debug()).coordinates === 1);
  expect(watcher.of('stream').map((m) => m['state'])).toEqual(['live', 'ended']);
});

it('names that only viewers ask for never take the place of a stream', async () => {
  const rig = await rigOf();
  const crowd = await Promise.all(
    Array.from({ length: 80 }, async (_, i) => {
      const viewer = await rig.stranger();
      viewer.hello({ stream: `made-up-${i}`, id: `v000${i}` });
      await until('an answer', () => viewer.of('hello').length + viewer.of('refused').length > 0);
      return viewer;
    }),
  );
  expect(crowd.filter((v) => v.of('refused').some((m) => m['reason'] === 'full')).length).toBeGreaterThan(0);
  await rig.onAir(2, { name: 'real', sealer: createSealer('real') });
  const viewer = await rig.viewer({ stream: 'real' });
  viewer.ask(0);
  await viewer.gets(2);
  // Who has gone makes room for the next name.
  for (const one of crowd) one.socket.terminate();
  await until('all gone', async () => (await rig.debug()).sessions.length === 1);
  await rig.viewer({ stream: 'one-more' });
});

type Coordinate = Awaited<ReturnType<ForwardRig['coordinate']>>;
