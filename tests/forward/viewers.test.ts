// What viewers get of a forward, and what it does with those who do not keep to the rules.
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Verifier } from '../../client/mesh/verifier.ts';
import { createNodeEnv } from '../../client/node/node-env.ts';
import { FLAG } from '../../protocol/chunk.ts';
import { PEER_BURST, PROTOCOL_VERSION, SUBSCRIBE_BURST } from '../../protocol/limits.ts';
import type { ForwardSettings } from '../../servers/forward/settings.ts';
import { issueTicket, TICKET_MS } from '../../servers/shared/guard.ts';
import { unitContent } from '../support/units.ts';
import { until } from '../support/until.ts';
import { ForwardRig, isPeerMessage } from './rig.ts';

const rigOf = async (settings: Partial<ForwardSettings> = {}): Promise<ForwardRig> => {
  const rig = await ForwardRig.start(settings);
  onTestFinished(() => rig.close());
  return rig;
};

it('[P2] a newcomer gets the init segment and the units from a recent keyframe on at once', async () => {
  const rig = await rigOf();
  const coordinate = await rig.onAir(40); // keyframes 1, 16, 31
  const viewer = await rig.viewer();
  viewer.ask(0, { why: 'bootstrap' });
  viewer.ask(1, { why: 'bootstrap' });
  await viewer.gets(40, 1);
  const run = [0, ...Array.from({ length: 10 }, (_, i) => 31 + i)];
  expect([viewer.units(0), viewer.units(1)]).toEqual([run, run]);
  await coordinate.unit(41);
  await viewer.gets(41, 1);
  const both = viewer.slices.filter((s) => s.unit === 41).sort((a, b) => a.k - b.k);
  expect(both.map((s) => [s.k, s.K, s.hops, s.layout])).toEqual([
    [0, 2, 1, 1],
    [1, 2, 1, 1],
  ]);
  expect(Buffer.concat(both.map((s) => s.payload))).toEqual(Buffer.from(unitContent(41)));
  expect(viewer.heard.filter((message) => !isPeerMessage(message))).toEqual([]);
});

it('the newest keyframe is passed over while it is too young to begin with', async () => {
  const rig = await rigOf();
  await rig.onAir(18); // 16 is a keyframe of two units ago
  const viewer = await rig.viewer();
  viewer.ask(0);
  await viewer.gets(18);
  expect(viewer.units()).toEqual([0, ...Array.from({ length: 18 }, (_, i) => i + 1)]);
});

it('[P3] a tree child that names its unit gets that and what follows, bootstrap becomes tree without a byte twice', async () => {
  const rig = await rigOf();
  const coordinate = await rig.onAir(20);
  const viewer = await rig.viewer();
  viewer.ask(0, { epoch: 1_000, from: 18 });
  viewer.ask(1, { why: 'bootstrap' });
  viewer.ask(1, { epoch: 1_000, from: 3 });
  viewer.ask(1, { of: 4, epoch: 1_000, from: 22 }); // any K at the same time
  await viewer.gets(20, 1);
  await coordinate.units(21, 22);
  await until('everything', () => viewer.slices.some((s) => s.unit === 22 && s.K === 4));
  expect(viewer.units(0)).toEqual([18, 19, 20, 21, 22]);
  expect(viewer.slices.filter((s) => s.k === 1 && s.unit === 22).map((s) => s.K)).toEqual([2, 4]);
  const { sessions, children } = await rig.debug();
  expect(children).toBe(3);
  expect(sessions[0]?.slices).toMatchObject([
    { k: 0, K: 2, why: 'tree' },
    { k: 1, K: 2, why: 'tree' },
    { k: 1, K: 4, why: 'tree' },
  ]);
  viewer.say({ type: 'unsubscribe', slice: 1 });
  viewer.say({ type: 'ping', t: 5 });
  expect(await viewer.hears('pong')).toEqual({ type: 'pong', t: 5 });
  await coordinate.unit(23);
  await viewer.gets(23);
  expect(viewer.units(1)).not.toContain(23);
  expect((await rig.debug()).children).toBe(1);
});

it('who has another epoch gets the init segment first, whatever unit it names', async () => {
  const rig = await rigOf();
  await rig.onAir(5);
  const viewer = await rig.viewer();
  viewer.ask(0, { epoch: 900, from: 4_000 });
  await viewer.gets(5);
  expect(viewer.units()).toEqual([0, 1, 2, 3, 4, 5]);
});

it('[P19] who asks for the parity slice gets it behind the others, and it leads to the same seal', async () => {
  const rig = await rigOf();
  const coordinate = await rig.onAir(3);
  const viewer = await rig.viewer();
  // Asked for first, sent last.
  for (const slice of [2, 0, 1]) viewer.ask(slice, { epoch: 1_000, from: 4 });
  viewer.ask(4, { of: 4, epoch: 1_000, from: 4 });
  await coordinate.unit(4);
  await until('all four', () => viewer.slices.length === 4, { describe: () => viewer.heard });
  expect(viewer.slices.map((s) => [s.k, s.K, s.flags])).toEqual([
    [0, 2, 0],
    [1, 2, 0],
    [2, 2, FLAG.parity],
    [4, 4, FLAG.parity],
  ]);
  const verifier = new Verifier(createNodeEnv(), 'live', coordinate.sealer.publicKey);
  for (const { k, K, seal, payload, ...head } of viewer.slices)
    expect(
      await verifier.isGenuine({
        head,
        layout: 1,
        k,
        K,
        hops: 1,
        retransmit: false,
        seal: seal ?? { signature: new Uint8Array(), proof: new Uint8Array() },
        bytes: payload,
      }),
    ).toBe(true);
  for (const wrong of [
    { slice: 3, of: 2 },
    { slice: 1, of: 1 },
  ]) {
    viewer.heard.length = 0;
    viewer.ask(wrong.slice, wrong);
    expect(await viewer.hears('refused')).toMatchObject({ what: 'subscribe', reason: 'bad-message' });
  }
});

it('[P7] [W10] single slices on request, marked as such; not-here for what it has not; at most 120 a second', async () => {
  const rig = await rigOf();
  await rig.onAir(5);
  const viewer = await rig.viewer();
  const want = (unit: number, more: object = {}): void =>
    viewer.say({ type: 'want', epoch: 1_000, unit, slice: 1, of: 2, why: 'pull', ...more });
  want(4);
  await viewer.gets(4, 1);
  expect(viewer.slices[0]?.flags).toBe(FLAG.retransmit);
  want(0);
  await viewer.gets(0, 1);
  for (const wrong of [{ unit: 6 }, { epoch: 999 }, { slice: 3 }]) {
    viewer.heard.length = 0;
    want(4, wrong);
    expect(await viewer.hears('refused')).toMatchObject({ what: 'want', reason: 'not-here' });
  }
  // Of one that has asked for nothing yet: its second begins with these, and they do not fall into two.
  const greedy = await rig.viewer({ id: 'v00002' });
  for (let i = 0; i < 130; i++) greedy.say({ type: 'want', epoch: 1_000, unit: 3, slice: 1, of: 2, why: 'pull' });
  await greedy.hears('refused', (message) => message['reason'] === 'too-fast');
  expect(greedy.units(1).length).toBeLessThanOrEqual(120);
  expect(greedy.closed).toBeNull();
});

it('a full forward refuses with a reason and serves on those it has', async () => {
  const rig = await rigOf({ maxChildren: 2 });
  const coordinate = await rig.onAir(2);
  const seated = await rig.viewer();
  seated.ask(0);
  seated.ask(1);
  await seated.gets(2, 1);
  const late = await rig.viewer({ id: 'v00002' });
  late.ask(0);
  expect(await late.hears('refused')).toMatchObject({ what: 'subscribe', slice: 0, reason: 'full' });
  expect(await (await fetch(`${rig.base}/load`)).text()).toBe('1\n');
  await coordinate.unit(3);
  await seated.gets(3, 1);
  seated.socket.terminate();
  await until('room again', async () => (await rig.debug()).children === 0);
  late.ask(0);
  await late.gets(3);
});

it('a slice that does not exist is refused, and the connection stays', async () => {
  const rig = await rigOf();
  await rig.onAir(1);
  const viewer = await rig.viewer();
  viewer.ask(3);
  expect(await viewer.hears('refused')).toMatchObject({ what: 'subscribe', slice: 3, reason: 'bad-message' });
  viewer.say({ type: 'unsubscribe', slice: 2 });
  viewer.ask(1);
  await viewer.gets(1, 1);
});

it.each([
  ['garbage', (v: Viewer) => v.say('{]')],
  ['an unknown word', (v: Viewer) => v.say({ type: 'dance' })],
  ['media', (v: Viewer) => v.socket.send(Buffer.alloc(100))],
  ['a value out of bounds', (v: Viewer) => v.ask(9)],
  ['a long message', (v: Viewer) => v.say({ type: 'ping', t: 1, more: 'x'.repeat(20_000) })],
])('[W8] %s of a viewer ends its own connection and no other', async (_name, wrong) => {
  const rig = await rigOf();
  const coordinate = await rig.onAir(1);
  const [guilty, innocent] = [await rig.viewer(), await rig.viewer({ id: 'v00002' })];
  innocent.ask(0);
  wrong(guilty);
  expect(await guilty.hears('refused')).toMatchObject({ detail: expect.stringMatching(/.+\.$|:/) as string });
  expect((await guilty.ends()).code).toBe(1008);
  await coordinate.unit(2);
  await innocent.gets(2);
});

it('[P1] nothing counts before the hello', async () => {
  const rig = await rigOf();
  await rig.onAir(1);
  const viewer = await rig.stranger();
  viewer.ask(0);
  expect(await viewer.hears('refused')).toMatchObject({ what: 'hello', reason: 'bad-message' });
  await viewer.ends();
  expect(viewer.slices).toEqual([]);
});

it('[W7] another version is refused (wrong-version), an unheard-of size ends at once', async () => {
  const rig = await rigOf();
  const other = await rig.stranger();
  other.hello({ v: 7 });
  expect(await other.hears('refused')).toMatchObject({ what: 'hello', reason: 'wrong-version' });
  await other.ends();
  const flood = await rig.stranger();
  flood.socket.send('x'.repeat(2_000_000));
  expect((await flood.ends()).code).toBe(1009);
});

it('[S3] only a ticket of this coordinate, for this stream and not expired, opens a forward with a secret', async () => {
  const rig = await rigOf({ meshSecret: 'hush' });
  await rig.onAir(1, { secret: 'hush' });
  const now = Date.now();
  const good = issueTicket('hush', 'live', 'default', now);
  const wrong = {
    none: undefined,
    expired: issueTicket('hush', 'live', 'default', now - TICKET_MS - 1_000),
    'of a foreign coordinate': issueTicket('other', 'live', 'default', now),
    'for another stream': issueTicket('hush', 'other', 'default', now),
    'with a changed body': `${Buffer.from('{"s":"live","r":"x","e":9e15,"n":"n"}').toString('base64url')}.${good.split('.')[1]}`,
    garbage: '..',
  };
  for (const ticket of Object.values(wrong)) {
    const viewer = await rig.stranger();
    viewer.hello(ticket === undefined ? {} : { ticket });
    expect(await viewer.hears('refused')).toMatchObject({ what: 'hello', reason: 'bad-ticket' });
    await viewer.ends();
  }
  const viewer = await rig.viewer({ ticket: good });
  viewer.ask(0);
  await viewer.gets(1);
});

it('[S3] a ticket opens a forward to one viewer, over one connection', async () => {
  const rig = await rigOf({ meshSecret: 'hush' });
  await rig.onAir(1, { secret: 'hush' });
  const ticket = issueTicket('hush', 'live', 'default', Date.now());
  const viewer = await rig.viewer({ ticket });
  viewer.ask(0);
  await viewer.gets(1);
  const other = await rig.stranger();
  other.hello({ ticket, id: 'v00002' });
  expect(await other.hears('refused')).toMatchObject({ what: 'hello', reason: 'bad-ticket' });
  await other.ends();
  expect(viewer.closed).toBeNull();
  const again = await rig.viewer({ ticket });
  expect(await viewer.ends()).toEqual({ code: 1008, reason: 'bad-ticket' });
  again.ask(0);
  await again.gets(1);
});

it('[P17] who says too much is told so, then put out; runs of units are not given without end', async () => {
  const rig = await rigOf();
  const coordinate = await rig.onAir(30);
  const other = await rig.viewer({ id: 'v00002' });
  other.ask(0);
  await other.gets(30);
  const greedy = await rig.viewer({ id: 'v00003' });
  for (let i = 0; i < 100; i++) {
    greedy.ask(0);
    greedy.say({ type: 'unsubscribe', slice: 0 });
  }
  expect(await greedy.hears('refused')).toMatchObject({ what: 'subscribe', reason: 'too-fast' });
  greedy.say({ type: 'ping', t: 1 });
  await greedy.hears('pong');
  const runs = greedy.units().filter((unit) => unit === 30).length;
  expect(runs).toBeLessThan(SUBSCRIBE_BURST + 20);
  expect(greedy.closed).toBeNull();
  const noisy = await rig.viewer({ id: 'v00004' });
  for (let i = 0; i < PEER_BURST + 50; i++) noisy.say({ type: 'ping', t: i });
  expect(await noisy.hears('refused')).toMatchObject({ reason: 'too-fast' });
  expect(noisy.closed).toBeNull();
  for (let i = 0; i < 400; i++) noisy.say({ type: 'ping', t: i });
  expect(await noisy.ends()).toMatchObject({ code: 1008, reason: 'too-fast' });
  await coordinate.unit(31);
  await other.gets(31);
});

it('half-open connections are found, and those that never speak are ended', async () => {
  const rig = await rigOf();
  await rig.onAir(1);
  const silent = await rig.stranger();
  const { port } = new URL(rig.base);
  // A viewer whose machine went to sleep: the connection stands, nobody answers.
  const gone = connect(Number(port), '127.0.0.1');
  onTestFinished(() => void gone.destroy());
  const closed = new Promise<void>((resolve) => gone.once('close', () => resolve()));
  gone.on('error', () => {}); // reset
  gone.resume();
  gone.write(
    'GET /pull HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const hello = Buffer.from(JSON.stringify({ type: 'hello', v: PROTOCOL_VERSION, stream: 'live', id: 'v00001' }));
  gone.write(Buffer.concat([Buffer.from([0x81, 0x80 | hello.length, 0, 0, 0, 0]), hello]));
  await until('its session', async () => (await rig.debug()).sessions.some((s) => s.stream === 'live'));
  const answers = await rig.viewer({ id: 'v00002' });
  expect((await silent.ends(8_000)).code).toBe(1006);
  await closed;
  expect(answers.closed).toBeNull();
});

type Viewer = Awaited<ReturnType<ForwardRig['stranger']>>;
