// Parity over real WebRTC, with the real servers: a parent is gone without a word and nobody notices; parity comes and goes while all play.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { gapsOf, NodeSwarm, type Member } from '../support/node-swarm.ts';
import { startLiveStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

const VIEWERS = 9;
/** A stand-still of this process that units may be late for. */
const HELD_MS = 100;
const SECRET = 'only-these-tests-know-this-secret';

let stack: Stack;
let swarm: NodeSwarm;
beforeAll(async () => {
  const shape = ['--slices', '2', '--parity', 'on', '--upload-cap', '4'];
  stack = await startLiveStack(['--mesh-secret', SECRET, ...shape]);
});
afterEach(() => swarm?.close());
afterAll(() => stack?.stop());

const parentsOf = ({ peer }: Member) => peer.stats().parents;
const hasParity = (member: Member): boolean => parentsOf(member).some((parent) => parent.slice === 2);
const wants = (members: readonly Member[]): number =>
  members.reduce((sum, { peer }) => sum + peer.peer.totals().hedges + peer.peer.totals().pulls, 0);

async function audience(): Promise<Member[]> {
  swarm = new NodeSwarm(stack);
  const describeIt = { withinMs: 15_000, describe: () => swarm.describe() };
  for (let i = 0; i < VIEWERS; i++) {
    const member = swarm.join();
    await until('its first unit', () => member.played.length > 0, describeIt);
  }
  return swarm.members;
}

/** Waits until each of them has played so many units more. */
async function plays(members: readonly Member[], more: number): Promise<void> {
  const from = members.map(({ played }) => played.length);
  await until(
    `${more} units for everybody`,
    () => members.every(({ played }, i) => played.length >= (from[i] ?? 0) + more),
    {
      withinMs: 20_000,
      describe: () => swarm.describe(),
    },
  );
}

/** Everybody has parity of somebody, and nothing has had to be asked for in the last two seconds. */
async function settled(members: readonly Member[]): Promise<void> {
  let [before, sinceMs] = [-1, performance.now()];
  await until(
    'parity for everybody, and calm',
    () => {
      const now = members.every(hasParity) ? wants(members) : -1;
      if (now !== before || now < 0) [before, sinceMs] = [now, performance.now()];
      return performance.now() - sinceMs > 2_000;
    },
    { withinMs: 60_000, describe: () => swarm.describe() },
  );
}

/** Who feeds most is gone. @returns the units missed by each of the others, what they asked for, and how many it fed */
async function lose(members: readonly Member[], how: 'cut' | 'freeze') {
  const feeds = ({ peer }: Member): number => peer.stats().children.filter((child) => child.slice < 2).length;
  const victim = members.toSorted((a, b) => feeds(b) - feeds(a))[0];
  if (!victim || feeds(victim) === 0) throw new Error('somebody feeds others');
  const others = members.filter((member) => member !== victim);
  const before = wants(others);
  const from = others.map(({ played }) => played.length);
  const children = feeds(victim);
  victim[how]();
  // Until now nobody has connected to anybody else for it: what is late from here on is late for want of processor time.
  await plays(others, 5);
  const asked = wants(others) - before;
  await plays(others, 45);
  const missed = others.map(({ played }, i) => gapsOf(played, from[i]).missed);
  swarm.members.splice(swarm.members.indexOf(victim), 1);
  return { missed, asked, children };
}

describe('nine peers with parity', () => {
  it.each([
    ['is cut off', 'cut'],
    ['falls silent', 'freeze'],
  ] as const)(
    '[P19] a parent of data slices %s without a word: nobody misses a unit or asks for one',
    async (_name, how) => {
      // All nine live in this one process: where it stood still itself, what was missed says nothing about a parent, and it is done again.
      for (let tries = 1; ; tries++) {
        const members = await audience();
        await settled(members);
        const held = monitorEventLoopDelay({ resolution: 10 });
        held.enable();
        const { missed, asked, children } = await lose(members, how);
        held.disable();
        const heldMs = held.max / 1e6;
        const isWell = missed.every((count) => count === 0) && (how === 'cut' || asked < 3 * children);
        if (!isWell && heldMs > HELD_MS && tries < 3) {
          swarm.close();
          continue;
        }
        expect(missed, `held up for ${heldMs.toFixed(0)} ms`).toEqual(missed.map(() => 0));
        // With it silent five runs asked for none or one; without parity two asked for 49 and 64. Cut off, a stand-in is there at once in any case, and
        // closing the victim's wires may hold up all of this process for a moment.
        if (how === 'freeze') expect(asked, `held up for ${heldMs.toFixed(0)} ms`).toBeLessThan(3 * children);
        return;
      }
    },
  );

  it('[T17] it goes and comes while they play, and it costs nobody a unit', async () => {
    const members = await audience();
    await settled(members);
    const from = members.map(({ played }) => played.length);
    for (const parity of ['off', 'on']) {
      const answer = await fetch(`${stack.ready.tracker}/streams/live/slices?parity=${parity}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${SECRET}` },
      });
      expect(await answer.text()).toBe('changed\n');
      await until(`parity ${parity}`, () => members.every((member) => hasParity(member) === (parity === 'on')), {
        withinMs: 30_000,
        describe: () => swarm.describe(),
      });
      await plays(members, 20);
    }
    expect(members.map(({ played }, i) => gapsOf(played, from[i]).missed)).toEqual(members.map(() => 0));
  });
});
