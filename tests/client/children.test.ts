// Whom a peer gives to, and whom it refuses, decided alone: a real store and uplink, lines that only remember what was said.
import { expect, it } from 'vitest';
import { Children } from '../../client/mesh/children.ts';
import type { Link } from '../../client/mesh/link.ts';
import { UnitStore } from '../../client/mesh/store.ts';
import { newSubstream } from '../../client/mesh/substream.ts';
import { Uplink } from '../../client/mesh/uplink.ts';
import { TAKEOVER_MS } from '../../protocol/limits.ts';
import { createSealer } from '../support/units.ts';
import type { PeerMessage } from '../../protocol/peering.ts';

function rig() {
  let nowMs = 10_000;
  const sub = { ...newSubstream(0), serving: 'v0above' as string | null, lastFrom: 'v0above', lastMs: nowMs };
  const path = ['v0self', 'v0above', 'f00001'];
  const [store, uplink] = [new UnitStore(), new Uplink(() => nowMs)];
  const children = new Children({
    now: () => nowMs,
    store,
    uplink,
    K: () => 2,
    shares: () => true,
    supplied: (K) => (K === 2 ? { substreams: [sub], path: () => path } : undefined),
  });
  const line = (id: string): { link: Link; said: PeerMessage[] } => {
    const said: PeerMessage[] = [];
    const send = (message: PeerMessage): void => void said.push(message);
    const [heardMs, bufferedBytes] = [nowMs, 0];
    const link = { id, state: 'open', send, heardMs, bufferedBytes, sendMedia: () => {} } as unknown as Link;
    return { link, said };
  };
  const ask = (who: { link: Link }, why: 'tree' | 'takeover'): void =>
    children.subscribe(who.link, { type: 'subscribe', slice: 0, of: 2, why });
  return { children, sub, line, ask, store, uplink, pass: (ms: number) => (nowMs += ms) };
}

it('[P6] a stand-in is refused to who is above in the tree', () => {
  const { children, line, ask } = rig();
  const above = line('v0above');
  ask(above, 'takeover');
  expect(above.said).toMatchObject([{ type: 'refused', why: 'takeover', reason: 'would-loop' }]);
  expect(children.list()).toEqual([]);
});

it('[P6] and by who has lost its own parent, has had nothing lately, or has it from the asker', () => {
  for (const spoil of [{ serving: null }, { lastMs: 0 }, { lastFrom: 'v0child' }]) {
    const { sub, line, ask } = rig();
    Object.assign(sub, spoil);
    const child = line('v0child');
    ask(child, 'takeover');
    expect(child.said, JSON.stringify(spoil)).toMatchObject([{ type: 'refused', reason: 'starving' }]);
  }
});

it('[P6] [P7] and by whose uplink carries nothing, whether a stand-in is asked for or a slice that it holds', async () => {
  const { children, sub, store, uplink, line, ask, pass } = rig();
  const slice = await createSealer().slice(1, 0, 2);
  store.add(slice, 0);
  const asker = line('v0asker');
  const want = (): void =>
    children.want(asker.link, { type: 'want', epoch: slice.head.epoch, unit: 1, slice: 0, of: 2, why: 'hedge' });
  want();
  ask(asker, 'takeover');
  expect([asker.said, children.list()]).toEqual([[], [{ slice: 0, id: 'v0asker' }]]);
  children.gone(asker.link);
  // A byte leaves its channel now and then, and more and more waits.
  const child = line('v0child');
  const large = { ...slice, bytes: new Uint8Array(30_000), head: { ...slice.head, unitBytes: 60_000 } };
  for (let ms = 0; ms < 3_000; ms += 50) {
    uplink.push(child.link, large, 1e9);
    Object.assign(child.link, { bufferedBytes: 60_000 - ms / 50 });
    pass(50);
    uplink.pump();
  }
  sub.lastMs += 3_000;
  want();
  ask(asker, 'takeover');
  const detail = 'My uplink carries next to nothing.';
  expect(asker.said).toMatchObject([
    { type: 'refused', what: 'want', unit: 1, reason: 'full', detail },
    { type: 'refused', what: 'subscribe', reason: 'full', detail },
  ]);
  expect(children.list()).toEqual([]);
});

it('[P5] two stand-ins at a time, ended after their time; one that the tracker confirms stays', () => {
  const { children, sub, line, ask, pass } = rig();
  const [first, second, third] = [line('v0one'), line('v0two'), line('v0three')];
  for (const child of [first, second, third]) ask(child, 'takeover');
  expect(children.list().map(({ id }) => id)).toEqual(['v0one', 'v0two']);
  expect(third.said).toMatchObject([{ type: 'refused', reason: 'full' }]);
  pass(TAKEOVER_MS - 1);
  children.sweep();
  expect(children.list()).toHaveLength(2);
  pass(1);
  children.sweep();
  expect(children.list()).toEqual([]);
  expect(first.said).toMatchObject([{ type: 'refused', why: 'takeover' }]);
  sub.lastMs += TAKEOVER_MS; // the slice has gone on coming
  ask(first, 'takeover');
  children.expect(0, 'v0one', true);
  pass(TAKEOVER_MS * 2);
  children.sweep();
  expect(children.list()).toEqual([{ slice: 0, id: 'v0one' }]);
});

it('[P6] an edge that the tracker has planned stands against the path of the moment', () => {
  const { children, line, ask } = rig();
  children.expect(0, 'v0above', true);
  const above = line('v0above');
  ask(above, 'tree');
  expect(above.said).toEqual([]);
  expect(children.list()).toEqual([{ slice: 0, id: 'v0above' }]);
});

it('[P5] a child by the plan stays one when it asks for a stand-in: it suspects us, and finds nobody else', () => {
  const { children, sub, line, ask, pass } = rig();
  const [child, other, another] = [line('v0child'), line('v0other'), line('v0another')];
  children.expect(0, 'v0child', true);
  ask(child, 'tree');
  for (const orphan of [other, another]) ask(orphan, 'takeover'); // we stand in for as many as we may
  ask(child, 'takeover');
  expect(child.said).toEqual([]);
  pass(TAKEOVER_MS * 2);
  sub.lastMs += TAKEOVER_MS * 2;
  children.sweep();
  expect(children.list()).toEqual([{ slice: 0, id: 'v0child' }]);
});
