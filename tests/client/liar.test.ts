// A real peer that boasts of what it gave: what the tracker's ledger says of it and of its neighbours. False accusers, and liars about
// everything else, are in tests/abuse/evil-peers.test.ts.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
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

const joined = async (member: Member): Promise<Member> => {
  await until('its first unit', () => member.played.length > 0, { withinMs: 20_000, describe: () => swarm.describe() });
  return member;
};

const live = async () => {
  const stream = (await swarm.debug()).streams.find(({ name }) => name === 'live');
  if (!stream) throw new Error('the tracker knows no such stream');
  return stream;
};

it('[S15] who boasts of what it gave is shown, link by link, its neighbours are not, and its children say what it contributed', async () => {
  swarm = new NodeSwarm(stack);
  const honest = [await joined(swarm.join())];
  const boaster = await joined(swarm.join({ evil: 'boast' }));
  for (let i = 0; i < 4; i++) honest.push(await joined(swarm.join()));
  const { id } = boaster.peer.stats();
  const rowOf = async () => (await live()).viewers.find((row) => row.id === id);
  await until('it to have children', async () => {
    const children = (await rowOf())?.children.length ?? 0;
    if (children === 0 && honest.length < 9) honest.push(await joined(swarm.join()));
    return children > 0;
  });
  const from = honest.map(({ played }) => played.length);
  /** Viewers other than it whose account was compared with their children's. */
  const compared = async () =>
    (await live()).viewers.filter((row) => row.id !== id && row['ledgerGap'] !== null && row.children.length > 0);
  await until(
    'it to be shown, and an honest one to be compared',
    async () => (await live()).ledger.mismatches.length > 0 && (await compared()).length > 0,
    { withinMs: 40_000, describe: live },
  );

  // Another window of the ledger, so that each edge has been looked at.
  await swarm.plays(10_000 / UNIT_MS, 40_000);
  const { ledger, viewers } = await live();
  expect(ledger.mismatches.length).toBeGreaterThan(0);
  const ids = honest.map(({ peer }) => peer.stats().id);
  for (const { from: giver, to, gave, got } of ledger.mismatches) {
    expect(giver).toBe(id);
    expect(ids).toContain(to);
    expect(gave).toBeGreaterThan(20 * got);
  }
  const children = viewers.find((row) => row.id === id)?.children.map((child) => child.id) ?? [];
  expect(ledger.mismatches.some(({ to }) => children.includes(to))).toBe(true);
  for (const row of viewers) {
    if (row.id === id) expect(row['ledgerGap']).toBeGreaterThan(0.9);
    else expect(Number(row['ledgerGap'])).toBeLessThan(0.5);
  }

  // By its own word it sent a hundred times as much; what counts is what arrived.
  const sent = boaster.peer.stats().sentBytes;
  const row = await rowOf();
  console.log(
    `boasts of ${String(row?.['sentBytes'])} bytes, sent ${sent}, has contributed ${String(row?.['contributedBytes'])}`,
  );
  expect(Number(row?.['sentBytes'])).toBeGreaterThan(20 * sent);
  expect(Number(row?.['contributedBytes'])).toBeGreaterThan(0.5 * sent);
  expect(Number(row?.['contributedBytes'])).toBeLessThan(1.1 * sent);
  expect(ledger.peerReceivedBytes).toBeLessThan(ledger.peerGivenBytes / 2);

  // A word that is not true is no reason to take anything from anybody [S10].
  expect((await live()).viewers.map((viewer) => viewer['trust'])).toEqual(viewers.map(() => 'good'));
  for (const [i, { played }] of honest.entries()) expect(gapsOf(played, from[i]).missed * UNIT_MS).toBeLessThan(1_000);
});
