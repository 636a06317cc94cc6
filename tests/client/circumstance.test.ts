// When a viewer feeds nobody by circumstance, and that its tracker hears of it.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { leafFor } from '../../client/web/circumstance.ts';
import { MeshRig } from '../support/mesh-rig.ts';

const PLAIN = { savesData: false, isCellular: false, isHidden: false, onBattery: false, isBusy: false };
let rig: MeshRig;
beforeEach(() => {
  rig = new MeshRig();
});
afterEach(() => rig.close());

it('data saver, a metered connection, a hidden page on battery, or a machine that is too busy', () => {
  expect(leafFor(PLAIN)).toBeNull();
  expect(leafFor({ ...PLAIN, savesData: true, isCellular: true })).toBe('data-saver');
  expect(leafFor({ ...PLAIN, isCellular: true })).toBe('metered');
  expect(leafFor({ ...PLAIN, isHidden: true })).toBeNull();
  expect(leafFor({ ...PLAIN, onBattery: true })).toBeNull();
  expect(leafFor({ ...PLAIN, isHidden: true, onBattery: true })).toBe('battery');
  expect(leafFor({ ...PLAIN, isBusy: true })).toBe('busy');
});

it('[T13] is told to the tracker once, and again in the next hello', async () => {
  const seat = await rig.join();
  const said = (type: string) => seat.tracker?.messages().filter((message) => message['type'] === type) ?? [];
  seat.peer.peer.setLeaf('metered');
  seat.peer.peer.setLeaf('metered');
  await rig.net.pass(5);
  expect(said('sharing')).toEqual([{ type: 'sharing', shares: true, leaf: 'metered' }]);
  seat.tracker?.send({ type: 'history', token: 'signed.by-the-tracker' });
  await rig.net.pass(5);
  seat.tracker?.close();
  await rig.net.pass(2_000);
  expect(said('hello')).toMatchObject([{ leaf: 'metered', history: 'signed.by-the-tracker' }]);
});
