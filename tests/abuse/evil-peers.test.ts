// Peers that misbehave in each way, over real WebRTC and with the real servers: what becomes of them, and that the others play on.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EvilWay } from '../../client/audience/evil.ts';
import { gapsOf, NodeSwarm, type Member } from '../support/node-swarm.ts';
import { startLiveStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

const UNIT_MS = 66;

let stack: Stack;
let swarm: NodeSwarm;
beforeAll(async () => {
  stack = await startLiveStack();
});
afterEach(() => swarm?.close());
afterAll(() => stack?.stop());

/** A witness that has everything from the forward, one evil viewer among six, all playing. */
async function among(way: EvilWay): Promise<{ witness: Member; evil: Member; honest: Member[] }> {
  swarm = new NodeSwarm(stack);
  const joined = async (member: Member): Promise<Member> => {
    await until('its first unit', () => member.played.length > 0, {
      withinMs: 20_000,
      describe: () => swarm.describe(),
    });
    return member;
  };
  const witness = await joined(swarm.join({ shares: false }));
  const honest = [await joined(swarm.join())];
  const evil = await joined(swarm.join({ evil: way }));
  for (let i = 0; i < 4; i++) honest.push(await joined(swarm.join()));
  return { witness, evil, honest };
}

const rowOf = async ({ peer }: Member) => (await swarm.tracker()).find((row) => row.id === peer.stats().id);

/** So many units more for each of them, none spoilt, and no second lost. */
async function playOn(witness: Member, members: readonly Member[], more = 75): Promise<void> {
  const from = members.map(({ played }) => played.length);
  await until(`${more} units more`, () => members.every(({ played }, i) => played.length >= (from[i] ?? 0) + more), {
    withinMs: 30_000,
    describe: () => swarm.describe(),
  });
  const truth = new Map(witness.played.map((unit) => [`${unit.epoch}.${unit.number}`, unit.hash]));
  for (const { played } of members) {
    const spoilt = played.filter(({ epoch, number, hash }) => (truth.get(`${epoch}.${number}`) ?? hash) !== hash);
    expect(spoilt).toEqual([]);
    expect(gapsOf(played).missed * UNIT_MS).toBeLessThan(1_500);
  }
}

describe('one evil peer among six', () => {
  it('[T15] [W5] a poisoner is convicted; nobody plays or relays a bad slice; it is fed by forwards and feeds nobody', async () => {
    const { witness, evil, honest } = await among('corrupt');
    await until(
      'a conviction',
      async () => {
        // The only child's word waits for the next child.
        if ((await rowOf(evil))?.['trust'] === 'accused' && honest.length < 9) {
          const next = swarm.join();
          honest.push(next);
          await until('its first unit', () => next.played.length > 0, { withinMs: 20_000 });
        }
        return (await rowOf(evil))?.['trust'] === 'convicted';
      },
      { withinMs: 60_000, describe: () => swarm.tracker() },
    );
    expect(await rowOf(evil)).toMatchObject({ slots: 0, children: [], direct: true });
    await playOn(witness, [...honest, evil]);
    // A bad slice that had been relayed would have convicted an honest peer too.
    const trusts = (await swarm.tracker()).filter((row) => row.id !== evil.peer.stats().id).map((row) => row['trust']);
    expect(trusts).toEqual(trusts.map(() => 'good'));
  });

  it('[T15] a false accuser convicts nobody and plays on, by the forward', async () => {
    const { witness, evil, honest } = await among('accuse');
    await until(
      'only the forward to feed it',
      () => evil.peer.stats().parents.every(({ kind }) => kind === 'forward'),
      {
        withinMs: 30_000,
        describe: () => swarm.tracker(),
      },
    );
    await playOn(witness, [...honest, evil]);
    expect((await swarm.tracker()).filter((row) => row['trust'] === 'convicted')).toEqual([]);
  });

  it.each(['mute', 'liar'] as const)('[P9] [S10] %s: the others play on', async (way) => {
    const { witness, honest } = await among(way);
    await playOn(witness, honest);
  });

  it('[S4] who floods is put out, and the others play on', async () => {
    const { witness, evil, honest } = await among('flood');
    await until('it to be put out', () => evil.peer.peer.tracker.state !== 'joined', { withinMs: 20_000 });
    await playOn(witness, honest);
    const trackers = await swarm.tracker();
    for (const { peer } of honest) expect(trackers.some((row) => row.id === peer.stats().id)).toBe(true);
  });
});
