// Peers without a browser, over real WebRTC, with the real servers: a small audience, sudden losses, a poisoner, and the program.
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { gapsOf, missedShare, NodeSwarm } from '../support/node-swarm.ts';
import { descendantsOf, isAlive, start } from '../support/processes.ts';
import { eventIn, OUT, startCli, startLiveStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

/** Units are about this long. */
const UNIT_MS = 66;
const SECRET = 'only-these-tests-know-this-secret';

let stack: Stack;
let swarm: NodeSwarm;
beforeAll(async () => {
  stack = await startLiveStack(['--mesh-secret', SECRET]);
});
afterEach(() => swarm?.close());
afterAll(() => stack?.stop());

/** So many viewers, one after the other, all playing. */
async function audience(count: number): Promise<NodeSwarm> {
  swarm = new NodeSwarm(stack);
  for (let i = 0; i < count; i++) {
    const member = swarm.join();
    await until('its first unit', () => member.played.length > 0, {
      withinMs: 15_000,
      describe: () => swarm.describe(),
    });
  }
  return swarm;
}

describe('twelve peers', () => {
  it('[P2] [P3] [P4] all play, mostly from two others, and the forward sends less than three copies', async () => {
    const { members } = await audience(12);
    await until(
      'most to have two different parents',
      () =>
        members.filter(({ peer }) => {
          const { parents } = peer.stats();
          return parents.every((p) => p.kind === 'peer') && new Set(parents.map((p) => p.id)).size === 2;
        }).length >= 9,
      { withinMs: 30_000, describe: () => swarm.describe() },
    );
    await swarm.plays(15);
    const before = await swarm.forward();
    const from = members.map(({ played }) => played.length);
    await swarm.plays(5_000 / UNIT_MS);
    const after = await swarm.forward();
    expect((after.out - before.out) / (after.in - before.in)).toBeLessThan(3);
    // Connecting only when the layout begins would cost each of ten at least five units, twice; a machine that stands still, one peer a few.
    const missed = members.map(({ played }, i) => gapsOf(played, from[i]).missed);
    expect(missed.reduce((sum, units) => sum + units, 0)).toBeLessThan(15);
  });

  it('[P16] [T14] are given four slices, then two again, while they play, and it costs nobody the picture', async () => {
    const { members } = await audience(10);
    await swarm.plays(60);
    const from = members.map(({ played }) => played.length);
    for (const k of [4, 2]) {
      const answer = await fetch(`${stack.ready.tracker}/streams/live/slices?k=${k}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${SECRET}` },
      });
      expect(await answer.text()).toBe('changed\n');
      await until(
        `everybody to have ${k} parents by the new layout`,
        () => members.every(({ peer }) => peer.peer.supplies.all().length === 1 && peer.stats().parents.length === k),
        { withinMs: 15_000, describe: () => swarm.describe() },
      );
      await swarm.plays(30);
    }
    // Nobody on a machine that has time; one that stands still for a moment holds up one or two of ten. Connecting only when the layout
    // begins would cost each of them some units.
    const missed = members.map(({ played }, i) => gapsOf(played, from[i]).missed);
    console.log(`four slices, then two again: missed units by viewer ${missed.join(' ')}`);
    expect(missed.filter((units) => units === 0).length).toBeGreaterThanOrEqual(8);
    expect(Math.max(...missed)).toBeLessThan(30);
    const { duplicateBytes, receivedBytes } = members
      .map(({ peer }) => peer.stats())
      .reduce((a, b) => ({
        ...b,
        duplicateBytes: a.duplicateBytes + b.duplicateBytes,
        receivedBytes: {
          forward: a.receivedBytes.forward + b.receivedBytes.forward,
          peers: a.receivedBytes.peers + b.receivedBytes.peers,
        },
      }));
    expect(duplicateBytes / (receivedBytes.forward + receivedBytes.peers)).toBeLessThan(0.06);
  });

  it.each([
    ['[T7] [P8] four lose their wires', 'cut'],
    ['[P9] [S13] four fall silent', 'freeze'],
  ] as const)('%s without a word, and nobody misses more than a second', async (name, how) => {
    const { members } = await audience(12);
    await swarm.plays(60);
    // Those who carry most are the worst to lose.
    const byWeight = members.toSorted((a, b) => b.peer.stats().children.length - a.peer.stats().children.length);
    const gone = byWeight.slice(0, 4);
    expect(gone.every(({ peer }) => peer.stats().children.length > 0)).toBe(true);
    for (const member of gone) {
      member[how]();
      members.splice(members.indexOf(member), 1);
    }
    const from = members.map(({ played }) => played.length);
    await swarm.plays(90);
    // The gate is 1 % on a machine that has nothing else to do; six times as much work as it can do has made it 4 %, a mesh that does not
    // mend itself 65.
    const share = missedShare(members, from, 1_000);
    console.log(`${name}: ${(100 * share).toFixed(2)} % missed with a buffer of a second (gate 1)`);
    expect(share).toBeLessThan(0.15);
    for (const [i, { played }] of members.entries()) {
      const { missed, longestMs } = gapsOf(played, from[i]);
      expect(missed * UNIT_MS).toBeLessThan(1_000);
      expect(longestMs).toBeLessThan(2_000);
    }
    const ids = new Set(gone.map(({ peer }) => peer.stats().id ?? ''));
    await until('nobody to name them', () =>
      members.every(({ peer }) => peer.stats().parents.every((parent) => !ids.has(parent.id))),
    );
    // Who is silent still answers pings below what a page can see: that alone keeps no seat.
    await until('the tracker to forget them', async () => (await swarm.tracker()).every(({ id }) => !ids.has(id)), {
      withinMs: 30_000,
    });
  });

  it('[W5] [T9] a poisoner is convicted by its children, and nobody plays what it has spoilt', async () => {
    swarm = new NodeSwarm(stack);
    const witness = swarm.join({ shares: false }); // has everything from the forward
    const first = swarm.join();
    await until('the first to play', () => first.played.length > 0);
    const poisoner = swarm.join({ isPoisoner: true });
    await until('the poisoner to play', () => poisoner.played.length > 0);
    for (let i = 0; i < 5; i++) {
      const member = swarm.join();
      await until('its first unit', () => member.played.length > 0, {
        withinMs: 15_000,
        describe: () => swarm.describe(),
      });
    }
    await until('a spoilt slice', () => poisoner.spoilt > 0, { withinMs: 20_000, describe: () => swarm.describe() });
    const hasChildren = async (): Promise<boolean> => {
      const viewers = await swarm.tracker();
      const { id } = poisoner.peer.stats();
      return viewers.some((v) => (v.id === id ? v.children.length > 0 : v.parents.some((p) => p.id === id)));
    };
    await until('nobody to be seated below it', async () => !(await hasChildren()), { withinMs: 30_000 });
    let seated = 0;
    const from = swarm.members.map(({ played }) => played.length);
    await until(
      'five seconds more for everybody',
      async () => {
        if (await hasChildren()) seated++;
        return swarm.members.every(({ played }, i) => played.length >= (from[i] ?? 0) + 75);
      },
      { withinMs: 20_000, describe: () => swarm.describe() },
    );
    expect(seated).toBe(0);
    const truth = new Map(witness.played.map((unit) => [`${unit.epoch}.${unit.number}`, unit.hash]));
    const compared = swarm.members
      .filter((member) => member !== witness)
      .flatMap(({ played }) => played.filter((unit) => truth.has(`${unit.epoch}.${unit.number}`)));
    expect(compared.length).toBeGreaterThan(500);
    expect(compared.filter((unit) => truth.get(`${unit.epoch}.${unit.number}`) !== unit.hash)).toEqual([]);
    for (const { played } of swarm.members) expect(gapsOf(played).missed * UNIT_MS).toBeLessThan(1_000);
  });
});

describe('p2plive peer', () => {
  const flags = (count: number): string[] => ['--coordinate', stack.ready.coordinate, '--count', String(count)];

  it('[C4] prints ready and a line for each peer, and ends when told to', async () => {
    const program = startCli(['peer', ...flags(2)]);
    onTestFinished(async () => void (await program.stop('SIGKILL')));
    const ready = await until('ready', () => eventIn(program, 'ready'), { describe: () => program.stderr() });
    expect(ready).toMatchObject({ coordinate: stack.ready.coordinate, stream: 'live', count: 2 });
    const stats = (): Record<string, unknown>[] =>
      program
        .stdout()
        .split('\n')
        .filter((line) => line.includes('"event":"stats"') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    await until('both play', () => stats().filter((line) => line['state'] === 'playing').length >= 2, {
      withinMs: 20_000,
      describe: () => program.stdout(),
    });
    const playing = stats().filter((line) => line['state'] === 'playing');
    expect(new Set(playing.map((line) => line['id'])).size).toBe(2);
    expect(playing.every((line) => Number(line['units']) > 0)).toBe(true);
    expect(await program.stop()).toMatchObject({ code: 0, stderr: '' });
    swarm = new NodeSwarm(stack);
    await until('its bye', async () => (await swarm.tracker()).length === 0);
  });

  it('[C6] does not outlive the one that started it', async () => {
    const words = JSON.stringify([path.join(OUT, 'peer.js'), ...flags(1)]);
    const parent = start(process.execPath, [
      '-e',
      `const child = require('node:child_process').spawn(process.execPath, ${words},
        { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, P2PLIVE_PARENT: 'stdin' } });
       child.stdout.pipe(process.stdout);`,
    ]);
    onTestFinished(async () => void (await parent.stop('SIGKILL')));
    await until('ready', () => eventIn(parent, 'ready'), { describe: () => parent.stderr() });
    const [peer] = descendantsOf(parent.pid);
    expect(peer?.command).toContain('peer.js');
    process.kill(parent.pid, 'SIGKILL');
    await until('the end of the peer', () => !isAlive(peer?.pid ?? 0));
  });

  it('[C4] a coordinate that is not there is waited for', async () => {
    const program = startCli(['peer', '--coordinate', 'http://127.0.0.1:1']);
    await until('ready', () => eventIn(program, 'ready'));
    expect(await program.stop()).toMatchObject({ code: 0 });
  });
});
