// Strangers at the doors of a running system, each with one trick: each is refused with a reason or cut off, costs its own connection
// only, and real peers play on.
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { gapsOf, NodeSwarm } from '../support/node-swarm.ts';
import { startLiveStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

const UNIT_MS = 66;

let stack: Stack;
let swarm: NodeSwarm;
beforeAll(async () => {
  stack = await startLiveStack();
  swarm = new NodeSwarm(stack);
  for (let i = 0; i < 3; i++) {
    const member = swarm.join();
    await until('its first unit', () => member.played.length > 0, { withinMs: 20_000 });
  }
});
afterAll(async () => {
  swarm?.close();
  await stack?.stop();
});

const resource = (): string => `${stack.ready.tracker.replace('http', 'ws')}/resource`;

/** What a page that was sent here would say first. */
async function hello(more: object = {}): Promise<object> {
  const answer = await fetch(`${stack.ready.coordinate}/tracker?stream=live`);
  const { ticket } = (await answer.json()) as { ticket: string };
  return { type: 'hello', v: PROTOCOL_VERSION, stream: 'live', shares: true, ticket, ...more };
}

interface Stranger {
  socket: WebSocket;
  told: Record<string, unknown>[];
  say(message: object): void;
  /** Fails with what it was told when it is not ended in time. */
  ends(): Promise<{ code: number; reason: string }>;
}

/** Connected to a door, and nothing said yet. */
async function stranger(url: string): Promise<Stranger> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  onTestFinished(() => socket.terminate());
  const told: Record<string, unknown>[] = [];
  socket.on('message', (data: Buffer, isBinary) => isBinary || told.push(JSON.parse(data.toString())));
  let ended: { code: number; reason: string } | null = null;
  socket.once('close', (code, reason) => (ended = { code, reason: reason.toString() }));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const ends = () => until(`${url} to end a stranger`, () => ended, { withinMs: 15_000, describe: () => told });
  return { socket, told, say: (message) => socket.send(JSON.stringify(message)), ends };
}

const refusals = (one: Stranger) => one.told.filter((message) => message['type'] === 'refused');

/** While `act` goes on, and for a second after it: nobody loses more than what a machine that stands still costs, the way to a keyframe. */
async function othersPlayOn(act: () => Promise<void>): Promise<void> {
  const from = swarm.members.map(({ played }) => played.length);
  await act();
  const then = swarm.members.map(({ played }) => played.length);
  await until(
    'a second more',
    () => swarm.members.every(({ played }, i) => played.length >= Math.max(then[i] ?? 0, (from[i] ?? 0) + 1) + 15),
    { withinMs: 10_000, describe: () => swarm.describe() },
  );
  for (const [i, { played }] of swarm.members.entries())
    expect(gapsOf(played, from[i]).missed * UNIT_MS).toBeLessThan(1_000);
  expect(swarm.members.map(({ peer }) => peer.peer.tracker.state)).toEqual(swarm.members.map(() => 'joined'));
}

it('heads and hellos that come a byte at a time, or never, are cut off', async () => {
  const { coordinate, tracker, forwards, push } = stack.ready;
  const [forward] = forwards;
  const doors = { coordinate, tracker, pull: forward?.pull ?? '', push: forward?.push ?? '' };
  const slow: { door: string; socket: Socket; drips: boolean }[] = [];
  for (const [door, url] of Object.entries(doors))
    for (let i = 0; i < 20; i++) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.resume();
      const drips = i % 2 === 0;
      if (drips) socket.write('GET / HTTP/1.1\r\nx-long: ');
      slow.push({ door, socket, drips });
    }
  // A publisher whose body never says what it is.
  const dull = connect(Number(new URL(push).port), '127.0.0.1');
  dull.on('error', () => undefined);
  dull.write('POST /stream/other HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n');
  const drip = setInterval(() => {
    for (const { socket, drips } of slow) if (drips && !socket.destroyed) socket.write('x');
  }, 1_000);
  onTestFinished(() => {
    clearInterval(drip);
    dull.destroy();
    for (const { socket } of slow) socket.destroy();
  });
  const [atTracker, atForward] = [await stranger(resource()), await stranger(forward?.pull ?? '')];
  await othersPlayOn(async () => {
    await until('all of them to be cut off', () => slow.every(({ socket }) => socket.closed), {
      withinMs: 30_000,
      describe: () => [
        ...new Set(
          slow.flatMap(({ door, drips, socket }) => (socket.closed ? [] : `${door}: ${drips ? 'drips' : 'silent'}`)),
        ),
      ],
    });
    await atForward.ends();
    // Told why, so it was for the missing hello and not for its long silence.
    expect((await atTracker.ends()).code).toBe(1008);
    expect(refusals(atTracker)).toMatchObject([{ detail: 'Say hello first.' }]);
  });
}, 60_000);

it('huge descriptions, messages above the cap and bytes that are no text end their sender with a reason', async () => {
  const offer = (chars: number) => ({
    type: 'signal',
    to: swarm.members[0]?.peer.stats().id,
    data: { kind: 'offer', call: 'c', sdp: 'x'.repeat(chars) },
  });
  await othersPlayOn(async () => {
    for (const [huge, reason] of [
      [offer(32_001), 'bad-message'],
      [offer(70_000), 'too-large'],
      [Buffer.from([0xff, 0xfe]), 'bad-message'],
    ] as const) {
      const one = await stranger(resource());
      one.say(await hello());
      await until('a welcome', () => one.told.some((message) => message['type'] === 'welcome'));
      if (huge instanceof Buffer) one.socket.send(huge);
      else one.say(huge);
      expect((await one.ends()).code).toBe(1008);
      expect(refusals(one)).toMatchObject([{ reason, detail: expect.stringMatching(/./) }]);
    }
    for (const door of [resource(), stack.ready.forwards[0]?.pull ?? '']) {
      const giant = await stranger(door);
      giant.socket.send('x'.repeat(1_000_000));
      // Not read to its end: told by the socket, not by who decodes.
      expect((await giant.ends()).code).toBe(1009);
    }
  });
});

it('forged ids, words about others and offers to strangers change nothing', async () => {
  const ids = swarm.members.map(({ peer }) => peer.stats().id ?? '');
  const before = (await swarm.tracker()).map(({ id, parents }) => ({ id, parents }));
  await othersPlayOn(async () => {
    const one = await stranger(resource());
    // Receive only: it sits beside the trees, so that whatever changes in them is by its words.
    one.say(await hello({ shares: false, again: { id: ids[0], secret: 'guess', parents: [], children: [] } }));
    const welcome = await until('a welcome', () => one.told.find((message) => message['type'] === 'welcome'));
    expect(ids).not.toContain(welcome['id']);
    for (const id of ids) {
      for (const slice of [0, 1])
        for (const how of ['bad-slice', 'silent', 'unreachable', 'bye']) one.say({ type: 'lost', slice, id, how });
      one.say({ type: 'seated', slice: 0, id });
      one.say({ type: 'signal', to: id, data: { kind: 'offer', call: 'c', sdp: 'v=0' } });
    }
    await until('its offers to be refused', () => refusals(one).length >= ids.length);
    expect(refusals(one).every((message) => message['reason'] === 'not-here')).toBe(true);
    one.socket.close();
    await one.ends();
  });
  const after = await swarm.tracker();
  for (const { id, parents } of before) expect(after.find((row) => row.id === id)?.parents).toEqual(parents);
  expect(after.every((row) => row['trust'] === 'good')).toBe(true);
});

it('a ticket that was used is not good for anybody else, here or at the forward', async () => {
  const words = await hello();
  await othersPlayOn(async () => {
    const first = await stranger(resource());
    first.say(words);
    await until('a welcome', () => first.told.some((message) => message['type'] === 'welcome'));
    const second = await stranger(resource());
    second.say(words);
    expect((await second.ends()).code).toBe(1008);
    expect(refusals(second)).toMatchObject([{ reason: 'bad-ticket' }]);
    const pull = stack.ready.forwards[0]?.pull ?? '';
    const [mine, stolen] = [await stranger(pull), await stranger(pull)];
    mine.say({ ...words, id: 'vfirst' });
    await until('a hello', () => mine.told.some((message) => message['type'] === 'hello'));
    stolen.say({ ...words, id: 'vsecond' });
    expect((await stolen.ends()).code).toBe(1008);
    expect(refusals(stolen)).toMatchObject([{ reason: 'bad-ticket' }]);
    expect([first, mine].map(({ socket }) => socket.readyState)).toEqual([WebSocket.OPEN, WebSocket.OPEN]);
  });
});

it('a liar about delays and clocks does not move the picture of others', async () => {
  const ids = swarm.members.map(({ peer }) => peer.stats().id);
  /** The target, and what the slowest of the honest has said of itself. */
  const look = async (): Promise<{ target: number; slowest: number }> => {
    const answer = await fetch(`${stack.ready.tracker}/debug`, { headers: { accept: 'application/json' } });
    const { streams } = (await answer.json()) as {
      streams: { targetDelayMs: number; viewers: { id: string; arrivalMs: number | null }[] }[];
    };
    const honest = (streams[0]?.viewers ?? []).filter(({ id }) => ids.includes(id));
    return {
      target: streams[0]?.targetDelayMs ?? Number.NaN,
      slowest: Math.max(0, ...honest.map(({ arrivalMs }) => arrivalMs ?? 0)),
    };
  };
  const { target: before } = await look();
  expect(before).toBeLessThan(1_500);
  let [worst, slowest] = [0, 600];
  await othersPlayOn(async () => {
    const one = await stranger(resource());
    one.say(await hello());
    await until('a welcome', () => one.told.some((message) => message['type'] === 'welcome'));
    for (const t of [-1e300, 0, 1e300]) one.say({ type: 'ping', t });
    await until('three pongs', () => one.told.filter((message) => message['type'] === 'pong').length === 3);
    const words = {
      type: 'report',
      state: 'playing',
      arrivalMs: 1e12,
      newest: 0xffff_ffff,
      received: { forward: 1e15, peers: 1e15 },
      sent: 1e15,
      stalls: { count: 1e9, ms: 1e12 },
      receipts: [{ slice: 0, id: swarm.members[0]?.peer.stats().id, bytes: 1e15 }],
      gave: [{ slice: 0, id: swarm.members[1]?.peer.stats().id, bytes: 1e15 }],
    };
    // Until it counts like everybody else, and the target has been found anew more than once.
    const from = swarm.members.map(({ played }) => played.length);
    const hasGoneOn = (): boolean =>
      swarm.members.every(({ played }, i) => played.length > (from[i] ?? 0) + 8_000 / UNIT_MS);
    await until(
      'eight seconds of its words',
      async () => {
        one.say(words);
        const seen = one.told.length;
        one.say({ type: 'ping', t: 1 });
        await until('it to be taken in', () => one.told.length > seen);
        const now = await look();
        [worst, slowest] = [Math.max(worst, now.target), Math.max(slowest, now.slowest)];
        return hasGoneOn();
      },
      { withinMs: 20_000 },
    );
    expect(one.socket.readyState).toBe(WebSocket.OPEN);
    one.say({ ...words, arrivalMs: 'soon' });
    expect((await one.ends()).code).toBe(1008);
  });
  // On a busy machine the honest come late by themselves.
  expect(worst).toBeLessThan(Math.max(before, slowest) + 200);
});
