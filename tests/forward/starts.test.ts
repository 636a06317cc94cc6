// How a forward starts newcomers when its tracker says how many at once, over real sockets; and the arithmetic behind it.
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { PROBE_CHARS, PROBE_MESSAGES, PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { Probe } from '../../servers/forward/probe.ts';
import { Starts } from '../../servers/forward/starts.ts';
import { until } from '../support/until.ts';
import { ForwardRig, type FakeViewer } from './rig.ts';

interface FakeTracker {
  base: string;
  /** Says how many copies newcomers may be given; undefined: left out. */
  starts(copies?: number | null): void;
  close(): void;
}

async function fakeTracker(): Promise<FakeTracker> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  const close = (): void => {
    server.close();
    for (const socket of server.clients) socket.terminate();
  };
  onTestFinished(close);
  server.on('connection', (socket) =>
    socket.once('message', () => socket.send(JSON.stringify({ type: 'welcome', v: PROTOCOL_VERSION, id: 'f' }))),
  );
  await until('the tracker to listen', () => server.address() !== null);
  return {
    base: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    starts: (copies) => {
      for (const socket of server.clients) socket.send(JSON.stringify({ type: 'starts', stream: 'live', copies }));
    },
    close,
  };
}

async function startedWith(trackers: readonly FakeTracker[]): Promise<ForwardRig> {
  const rig = await ForwardRig.start({ trackers: trackers.map(({ base }) => base) });
  onTestFinished(() => rig.close());
  await until('its trackers', async () => (await rig.debug()).trackers.every(({ isUp }) => isUp));
  return rig;
}

const limitBecomes = (rig: ForwardRig, copies: number | null): Promise<unknown> =>
  until(`a limit of ${copies}`, async () => (await rig.debug()).streams[0]?.startLimit === copies);

/** A forward whose tracker has told it how many copies newcomers may be given; keyframes 1, 16, 31, newest 33. */
async function rigWith(copies: number): Promise<ForwardRig> {
  const tracker = await fakeTracker();
  const rig = await startedWith([tracker]);
  await rig.onAir(33);
  tracker.starts(copies);
  await limitBecomes(rig, copies);
  return rig;
}

it('[P20] the numbers of several trackers are added up, and go with their trackers; while one has no limit there is none', async () => {
  const [one, other] = [await fakeTracker(), await fakeTracker()];
  const rig = await startedWith([one, other]);
  one.starts(20);
  await limitBecomes(rig, 20);
  other.starts(5);
  await limitBecomes(rig, 25);
  other.starts(null);
  await limitBecomes(rig, null);
  other.starts();
  await limitBecomes(rig, 20);
  one.starts(30);
  other.starts(7);
  await limitBecomes(rig, 37);
  other.close();
  await limitBecomes(rig, 30);
  one.close();
  await limitBecomes(rig, null);
});

/** What the forward says of itself to a console. */
async function ownRow(rig: ForwardRig): Promise<unknown> {
  const feed = new WebSocket(`${rig.base.replace('http', 'ws')}/debug/feed`);
  onTestFinished(() => feed.terminate());
  let snapshot: { tables: Record<string, Record<string, unknown>> } | null = null;
  feed.once('message', (data: Buffer) => (snapshot = JSON.parse(data.toString())));
  const { tables } = await until('its snapshot', () => snapshot);
  return Object.values(tables['forward'] ?? {})[0];
}

async function newcomer(rig: ForwardRig, id: string): Promise<FakeViewer> {
  const viewer = await rig.viewer({ id });
  viewer.ask(0, { why: 'bootstrap' });
  viewer.ask(1, { why: 'bootstrap' });
  viewer.say({ type: 'ping', t: 1 });
  await viewer.hears('pong');
  return viewer;
}

it('[P20] a crowd of newcomers gets the whole run, then a short one, then the init segment alone; stand-ins are not counted', async () => {
  const rig = await rigWith(2.4);
  const first = await newcomer(rig, 'v00001');
  const second = await newcomer(rig, 'v00002');
  // On a machine that stood still for a second the runs weigh nothing any more, and one more gets a short one.
  await newcomer(rig, 'v00003');
  const last = await newcomer(rig, 'v00004');
  await first.gets(33, 1);
  await second.gets(33, 1);
  expect(first.units(0)[1]).toBe(16);
  expect([16, 31]).toContain(second.units(0)[1]); // short, unless a second has passed
  expect([last.units(0), last.units(1)]).toEqual([[0], [0]]);
  expect([first, second, last].map((viewer) => viewer.of('measure').length)).toEqual([1, 1, 1]);
  const keys = { epoch: 1_000, next: 46, inMs: 858, every: 15, everyMs: 990 };
  expect(last.of('refused')).toMatchObject([
    { what: 'subscribe', why: 'bootstrap', slice: 0, reason: 'crowded', keys },
    { what: 'subscribe', why: 'bootstrap', slice: 1, reason: 'crowded', keys },
  ]);
  const putOff = (await rig.debug()).streams[0]?.putOff;
  expect(putOff).toBeGreaterThan(0);
  expect(await ownRow(rig)).toMatchObject({ starts: [{ stream: 'live', limit: 2.4, newcomers: 4, putOff }] });
  last.ask(0, { why: 'takeover', epoch: 1_000, from: 32 });
  last.ask(1, { epoch: 1_000, from: 32 });
  await last.gets(33, 0);
  await last.gets(33, 1);
});

it('[P20] who has come to its parents, or has gone, makes room for the next', async () => {
  const rig = await rigWith(1.15);
  const first = await newcomer(rig, 'v00001'); // short: the whole run has 1.19 s
  await first.gets(33, 1);
  expect(first.units(0)).toEqual([0, 31, 32, 33]);
  expect((await newcomer(rig, 'v00002')).of('refused')).toHaveLength(2);
  for (const slice of [0, 1]) first.ask(slice, { epoch: 1_000, from: 34 });
  first.say({ type: 'ping', t: 2 });
  await first.hears('pong', (message) => message['t'] === 2);
  const third = await newcomer(rig, 'v00003');
  expect(third.of('refused')).toHaveLength(0);
  expect((await newcomer(rig, 'v00004')).of('refused')).toHaveLength(2);
  third.socket.close();
  await until('the third to be gone', async () => (await rig.debug()).sessions.length === 3);
  expect((await newcomer(rig, 'v00005')).of('refused')).toHaveLength(0);
});

describe('Starts', () => {
  it('[P20] without a limit everybody is started; runs weigh for a second, what flows as long as it flows', () => {
    const starts = new Starts();
    const runs = { whole: 1, short: 0.5 };
    for (let i = 0; i < 50; i++) expect(starts.next(runs, 0)).toBe('whole');
    starts.tell('http://one', 3.5);
    expect(starts.next(runs, 999)).toBe('none');
    expect([1, 2, 3, 4].map(() => starts.next(runs, 1_000))).toEqual(['whole', 'whole', 'whole', 'short']);
    expect(starts.next(runs, 1_000)).toBe('none');
    starts.flowing = 3.1;
    expect(starts.next(runs, 2_000)).toBe('none');
    starts.flowing = 3;
    expect(starts.next(runs, 2_000)).toBe('short');
    expect(starts.putOff).toBe(3);
  });

  it('knows how many newcomers of the last half minute were put off', () => {
    const starts = new Starts();
    starts.tell('http://one', 2);
    const runs = { whole: 1, short: 1 };
    for (const ms of [0, 100, 900, 4_000]) starts.next(runs, ms);
    expect(starts.newcomers.recent(29_999)).toEqual({ newcomers: 4, putOff: 1 });
    expect(starts.newcomers.recent(30_000)).toEqual({ newcomers: 1, putOff: 0 });
    expect(starts.newcomers.recent(34_000)).toEqual({ newcomers: 0, putOff: 0 });
  });
});

describe('[P21] the uplink of a newcomer', () => {
  it('is measured by the later half of what it sends, once', () => {
    const probe = new Probe();
    const said = Array.from({ length: PROBE_MESSAGES }, (_, i) =>
      // The first half in a second, each of the others after 32 ms.
      probe.take(12_000, PROBE_MESSAGES - 1 - i, PROBE_MESSAGES, i < 4 ? i * 333 : 999 + (i - 3) * 32),
    );
    expect(said).toEqual([null, null, null, null, null, null, null, 3_000_000]);
    expect(probe.take(12_000, 0, PROBE_MESSAGES, 5_000)).toBeNull();
  });

  it('is told over its socket', async () => {
    const rig = await ForwardRig.start();
    onTestFinished(() => rig.close());
    await rig.onAir(3);
    const viewer = await rig.viewer();
    const pad = '.'.repeat(PROBE_CHARS);
    for (let left = PROBE_MESSAGES - 1; left >= 0; left--) viewer.say({ type: 'probe', left, pad });
    const { bitsPerSecond } = await viewer.hears('probed');
    expect(bitsPerSecond).toBeGreaterThan(100_000);
    viewer.say({ type: 'probe', left: 0, pad });
    viewer.say({ type: 'ping', t: 2 });
    await viewer.hears('pong');
    expect(viewer.of('probed')).toHaveLength(1);
  });
});
