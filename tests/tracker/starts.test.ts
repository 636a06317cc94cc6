// What trackers tell forwards of newcomers: how many copies of the stream they may be given at once.
import { expect, it, onTestFinished } from 'vitest';
import { startsFor } from '../../servers/tracker/starts.ts';
import { until } from '../support/until.ts';
import { Rig, type FakeForward } from './rig.ts';

const shares = (forward: FakeForward): unknown[] =>
  forward.told.flatMap((message) => (message.type === 'starts' ? [[message.stream, message.copies]] : []));

it('[T18] 8 % of the viewers and at least 20 copies; as many as come up to a hundred viewers, no word without; what is set always', () => {
  expect([0, 1, 50, 100, 101, 1_000, 1_500, 10_000].map((viewers) => startsFor(viewers, undefined))).toEqual([
    undefined,
    null,
    null,
    null,
    20,
    80,
    120,
    800,
  ]);
  expect([1, 5_000].map((viewers) => startsFor(viewers, 7))).toEqual([7, 7]);
});

it('[T18] each forward is told its share, again when there are more forwards, and nothing twice', async () => {
  const rig = await Rig.start({ startCopies: 31 });
  onTestFinished(() => rig.close());
  const first = await rig.forward('f00001');
  await rig.viewer({ stream: 'live' });
  await until('its share', () => shares(first).length > 0);
  const second = await rig.forward('f00002');
  await until('the share of the second', () => shares(second).length > 0);
  expect([shares(first), shares(second)]).toEqual([
    [
      ['live', 31],
      ['live', 16],
    ],
    [['live', 16]],
  ]);
});

it('[T18] a forward hears that there is no limit while viewers are few, and that nobody is left', async () => {
  const rig = await Rig.start();
  onTestFinished(() => rig.close());
  const forward = await rig.forward('f00001');
  const viewer = await rig.viewer({ stream: 'live' });
  await until('its word', () => shares(forward).length > 0);
  viewer.socket.close();
  await until('another word', () => shares(forward).length > 1);
  expect(shares(forward)).toEqual([
    ['live', null],
    ['live', undefined],
  ]);
});
