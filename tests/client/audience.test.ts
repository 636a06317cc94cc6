// The parts of a synthetic audience that can be looked at alone: what it is told, its narrow uplinks, its verdict.
import { describe, expect, it } from 'vitest';
import { tooFewFiles } from '../../client/node/audience/open-files.ts';
import { readOptions } from '../../client/node/audience/options.ts';
import { Audience } from '../../client/audience/audience.ts';
import { farEnv } from '../../client/audience/far-env.ts';
import { shapedEnv } from '../../client/audience/shaped-env.ts';
import { judge, type Sums } from '../../client/audience/verdict.ts';
import type { PeerWire, PeerWireEvents, Wire } from '../../client/mesh/env.ts';
import { MemoryNet } from '../support/memory-net.ts';

describe('what it is told', () => {
  it('reads shares as per cent or as numbers, and a churn by the minute', () => {
    const options = readOptions(['20', '--churn', '15%/min', '--loss=0.02', '--evil', '5%', '--uplink', 'ordinary']);
    expect(options).toMatchObject({ viewers: 20, churnPerMinute: 0.15, loss: 0.02, evil: 0.05, uplink: 'ordinary' });
    expect(readOptions(['5', '--rtt', '20-150']).rttMs).toEqual([20, 150]);
    expect(readOptions(['5', '--rtt', '80']).rttMs).toEqual([80, 80]);
    expect(readOptions(['5']).rttMs).toEqual([0, 0]);
  });

  it.each([
    [[], 'Say how many viewers'],
    [['none'], 'a whole number from 1 to 200'],
    [['5', '--uplink', 'fast'], '--uplink is one of'],
    [['5', '--churn', 'often'], '--churn is a share'],
    [['5', '--loss', '90%'], '--loss is a share'],
    [['5', '--rtt=-20'], '--rtt is a number of milliseconds'],
    [['5', '--rtt', '150-20'], '--rtt is a number of milliseconds'],
    [['5', '--rtt', '20-'], '--rtt is a number of milliseconds'],
    [['5', '--coordinate', 'here'], '--coordinate is an address'],
    [['5', '6'], 'a word too many'],
    [['5', '--stream', 'a b'], '--stream is a name'],
    [['-3'], "Unknown option '-3'. p2plive audience --help"],
    [['5', '--seed', '-1'], "Option '--seed'"],
  ])('refuses %j with a sentence', (words, sentence) => {
    expect(() => readOptions(words)).toThrow(sentence);
  });
});

it('a shaped uplink is one bucket for all links: it carries its rate and no more, and what waits is seen', async () => {
  const net = new MemoryNet();
  const sent: { atMs: number; bytes: number; to: string }[] = [];
  const wires = new Map<string, PeerWireEvents>();
  const real = {
    ...net.env(),
    peer: ({ call }: { call: string }, events: PeerWireEvents): PeerWire => {
      wires.set(call, events);
      return {
        signal: () => {},
        bufferedBytes: 0,
        send: (data) => void sent.push({ atMs: net.nowMs, bytes: data.length, to: call }),
        close: () => {},
      };
    },
  };
  const { env } = shapedEnv(real, { bitsPerSecond: () => 800_000, loss: 0, random: () => 0.5 });
  const events = { open() {}, message() {}, closed() {}, signal() {}, drained() {} };
  const [a, b] = ['a', 'b'].map((call) => env.peer({ initiator: true, call, iceServers: [] }, events));
  for (let i = 0; i < 50; i++) {
    a?.send(new Uint8Array(2_000));
    b?.send(new Uint8Array(2_000));
  }
  a?.send('words pass at once');
  expect(sent.map(({ bytes }) => bytes)).toEqual(['words pass at once'.length]);
  expect(a?.bufferedBytes).toBe(100_000);
  await net.pass(15, 5);
  expect(sent).toHaveLength(1); // 2,000 bytes take this line 20 ms, and are there when the last of them is
  await net.pass(985, 5);
  const carried = sent.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(carried).toBeGreaterThan(90_000);
  expect(carried).toBeLessThan(101_000);
  expect(new Set(sent.slice(1).map(({ to }) => to)).size).toBe(2);
});

it('what measures a shaped uplink takes its turn on it; shorter words to servers pass', async () => {
  const net = new MemoryNet();
  const sent: { atMs: number; chars: number }[] = [];
  const real = {
    ...net.env(),
    socket: (): Wire => ({
      bufferedBytes: 0,
      send: (data) => void sent.push({ atMs: net.nowMs, chars: data.length }),
      close: () => {},
    }),
  };
  const { env } = shapedEnv(real, { bitsPerSecond: () => 800_000, loss: 0, random: () => 0.5 });
  const wire = env.socket('ws://forward', { open() {}, message() {}, closed() {} });
  const began = net.nowMs;
  wire.send('.'.repeat(20_000));
  wire.send('.'.repeat(20_000));
  wire.send('a word');
  expect(sent.map(({ chars }) => chars)).toEqual([6]);
  expect(wire.bufferedBytes).toBe(40_000);
  await net.pass(500, 5);
  expect(sent.map(({ chars, atMs }) => [chars, Math.round((atMs - began) / 50) * 50])).toEqual([
    [6, 0],
    [20_000, 200],
    [20_000, 400],
  ]);
});

it('a shaped uplink that has something to send sends all the time, however late its program looks at it', async () => {
  const net = new MemoryNet();
  let carried = 0;
  const real = {
    ...net.env(),
    peer: (): PeerWire => ({
      signal: () => {},
      bufferedBytes: 0,
      send: (data) => void (carried += data.length),
      close: () => {},
    }),
  };
  const { env } = shapedEnv(real, { bitsPerSecond: () => 800_000, loss: 0, random: () => 0.5 });
  const events = { open() {}, message() {}, closed() {}, signal() {}, drained() {} };
  const wire = env.peer({ initiator: true, call: 'a', iceServers: [] }, events);
  for (let i = 0; i < 100; i++) wire.send(new Uint8Array(2_000));
  await net.pass(1_000, 200); // its timers come 200 ms late
  expect(carried).toBeGreaterThan(75_000);
  expect(carried).toBeLessThan(108_000);
});

it('a second is told once, though timers may come a hair early or be slept through', async () => {
  let nowMs = 0;
  const timers = new Set<{ atMs: number; call: () => void }>();
  const env = {
    ...new MemoryNet().env(),
    now: () => nowMs,
    after: (ms: number, call: () => void) => {
      const timer = { atMs: nowMs + Math.max(0, ms) - 0.4, call };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const options = { ...readOptions(['1']), viewers: 0, churnPerMinute: 0 };
  const heardMs: number[] = [];
  const audience = new Audience(
    env,
    options,
    () => 0.5,
    () => Promise.reject(new Error('no servers')),
    () => void heardMs.push(Math.round(nowMs)),
  );
  void audience.begin(() => true);
  const fireDue = (): void => {
    const due = [...timers].filter(({ atMs }) => atMs <= nowMs);
    for (const timer of due) if (timers.delete(timer)) timer.call();
  };
  for (; nowMs < 3_400; nowMs += 0.1) fireDue();
  nowMs = 6_500;
  fireDue();
  for (; nowMs < 8_400; nowMs += 0.1) fireDue();
  audience.close();
  expect(heardMs).toEqual([1_000, 2_000, 3_000, 6_500, 7_000, 8_000]);
});

describe('offload by the forwards’ counters', () => {
  const UNIT_BYTES = 1_000;
  /** Four viewers of whom nobody gets anything, and a forward whose counters grow as if it fed half of one of them, in its next life two. */
  async function watched(answers: (nowMs: number) => { id: string; bornMs: number } | 'refused' | 'silent') {
    const net = new MemoryNet();
    const readJson = async (url: string): Promise<unknown> => {
      if (url === 'http://c/debug') return { trackers: { t: { base: 'http://t/' } } };
      if (url === 'http://t/debug') return { forwards: [{ debug: 'http://f/debug' }] };
      const life = answers(net.nowMs);
      if (life === 'silent') await new Promise<void>((resolve) => void net.after(3_000, resolve));
      if (typeof life === 'string') throw new Error(life);
      const bytes = ((net.nowMs - life.bornMs) / 100) * UNIT_BYTES;
      return {
        id: life.id,
        egressBytes: { media: bytes * (life.id === 'f1' ? 0.5 : 2), bootstrap: 0, repair: 0 },
        ingressBytes: bytes,
      };
    };
    const options = { ...readOptions(['4', '--settle', '1', '--coordinate', 'http://c']) };
    const audience = new Audience(
      net.env(),
      options,
      () => 0.5,
      readJson,
      () => {},
    );
    void audience.begin(() => false);
    await net.pass(22_000, 10);
    const result = await audience.finish();
    audience.close();
    return result;
  }

  it('is right over the death of a forward, to within the second in which it died', async () => {
    const steady = await watched(() => ({ id: 'f1', bornMs: 0 }));
    expect(steady.offload).toBeCloseTo(1 - 0.5 / 4, 3);
    for (const diedMs of [6_000, 18_000]) {
      const { offload } = await watched((nowMs) =>
        nowMs < diedMs
          ? { id: 'f1', bornMs: 0 }
          : nowMs < diedMs + 1_500
            ? 'refused'
            : { id: 'f2', bornMs: diedMs + 1_500 },
      );
      // It counts from about 2.5 s on, and ends at 23 s.
      const [before, after] = [diedMs - 2_500, 23_000 - diedMs - 1_500];
      expect(offload).toBeCloseTo(1 - (0.5 * before + 2 * after) / (before + after) / 4, 1);
    }
  });

  it('is no number, but a reason, where it cannot be known', async () => {
    const closed = await watched(() => 'refused');
    expect(closed).toMatchObject({ offload: null, noOffload: expect.stringContaining('cannot be read') });
    expect(judge({ ...closed, units: 1_000 }).sentences).toContain(closed.noOffload);
    const unseen = (next: string) =>
      watched((nowMs) => {
        if (nowMs > 8_000 && nowMs < 14_000) return 'silent';
        return { id: nowMs < 10_000 ? 'f1' : next, bornMs: 0 };
      });
    expect((await unseen('f1')).offload).toBeCloseTo(1 - 0.5 / 4, 2);
    expect(await unseen('f2')).toMatchObject({ offload: null, noOffload: expect.stringContaining('began anew') });
  });
});

it('says beforehand when a process may not open as many files as its viewers need', () => {
  const limits = (soft: string): string =>
    `Limit                     Soft Limit           Hard Limit           Units     \nMax open files            ${soft}                20000                files     \n`;
  expect(tooFewFiles(200, limits('1024'))).toBe(
    '200 viewers may need 40000 open files and this process may have 1024: raise it (ulimit -n 40000) or spread them over several audiences.',
  );
  expect(tooFewFiles(50, limits('20000'))).toBeNull();
  expect(tooFewFiles(200, limits('unlimited'))).toBeNull();
  expect(tooFewFiles(200, null)).toBeNull();
});

describe('the verdict', () => {
  const well: Sums = {
    viewers: 20,
    units: 10_000,
    late: 10,
    missing: 2,
    longestGapMs: 300,
    delayMs: { p50: 120, p95: 260 },
    offload: 0.95,
    noOffload: null,
    duplicates: 0.004,
    uploadCopies: 1.01,
    joins: 20,
    departures: 0,
    evil: 0,
  };

  it('passes within every bound, and says each', () => {
    const { verdict, sentences } = judge(well);
    expect(verdict).toBe('passed');
    expect(sentences).toHaveLength(7);
  });

  it('says of nothing that it was nothing, and no shares of it', () => {
    expect(judge({ ...well, units: 0 })).toEqual({ verdict: 'failed', sentences: ['No viewer has seen anything.'] });
  });

  it.each([
    [{ late: 60 }, 'missed their moment'],
    [{ missing: 11 }, 'buffer of a second'],
    [{ delayMs: { p50: 900, p95: 1_000 } }, 'arrive after'],
    [{ offload: 0.5 }, 'Viewers carried'],
    [{ duplicates: 0.05 }, 'came twice'],
    [{ uploadCopies: 1.2 }, 'uploaded'],
  ])('fails on %j, with that first', (more, sentence) => {
    const { verdict, sentences } = judge({ ...well, ...more });
    expect(verdict).toBe('failed');
    expect(sentences[0]).toContain(sentence);
  });
});

describe('a peer that is some way off', () => {
  const pair = (net: MemoryNet, ...accessMs: readonly [number, number]) => {
    const ends = accessMs.map((ms, index) => {
      const heard: { what: string; atMs: number }[] = [];
      const note = (what: string): void => void heard.push({ what, atMs: net.nowMs });
      const wire: PeerWire = farEnv(net.env(), ms).peer(
        { initiator: index === 0, call: 'call', iceServers: [] },
        {
          open: () => note('open'),
          message: (data) => note(String(data)),
          closed: note,
          signal: (data) => ends[1 - index]?.wire.signal(data),
          drained() {},
        },
      );
      return { wire, heard };
    });
    const [a, b] = ends;
    if (!a || !b) throw new Error('two ends');
    return [a, b] as const;
  };

  it('hears and is heard later by both ways together, in order, and never before it knows that it is connected', async () => {
    const net = new MemoryNet();
    const [near, far] = pair(net, 10, 30);
    await net.pass(200);
    near.wire.send('one');
    near.wire.send('two');
    const sentMs = net.nowMs;
    await net.pass(800);
    expect(far.heard.map(({ what }) => what)).toEqual(['open', 'one', 'two']);
    expect(far.heard[0]?.atMs).toBeGreaterThan(sentMs); // it opens after 14 ways of 30 ms
    far.wire.send('answer');
    const answeredMs = net.nowMs;
    await net.pass(200);
    const answer = near.heard.find(({ what }) => what === 'answer');
    expect((answer?.atMs ?? 0) - answeredMs).toBeGreaterThanOrEqual(40);
    expect((answer?.atMs ?? 0) - answeredMs).toBeLessThan(60);
  });

  it('says what it has said before it closes, and hears nothing after', async () => {
    const net = new MemoryNet();
    const [near, far] = pair(net, 0, 20);
    await net.pass(500);
    near.wire.send('too late');
    far.wire.send('bye');
    far.wire.close();
    await net.pass(200);
    expect(near.heard.map(({ what }) => what)).toContain('bye');
    expect(far.heard.map(({ what }) => what)).toEqual(['open']);
  });
});
