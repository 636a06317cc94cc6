// The console's view of servers that come and go.
import { expect, it, onTestFinished } from 'vitest';
import type { Row } from '../../protocol/mesh-view.ts';
import { Mesh } from '../../servers/control/mesh.ts';
import { FakeFeed } from '../support/fake-feed.ts';
import { until } from '../support/until.ts';

const row = (base: string, state = 'here'): Row => ({
  state,
  region: 'default',
  base,
  viewers: 2,
  load: 0,
  forwards: [],
});

async function watching() {
  const [coordinate, tracker] = [await new FakeFeed().open(), await new FakeFeed().open()];
  const mesh = new Mesh(() => null, { changed: () => {}, usage: () => {} });
  onTestFinished(async () => {
    mesh.close();
    await Promise.all([coordinate.close(), tracker.close()]);
  });
  coordinate.put('trackers', 't-one', row(tracker.base));
  tracker.put('viewers', 'v-one', { stream: 'live' });
  mesh.show([{ coordinate: coordinate.base, token: undefined }]);
  const seen = () =>
    Object.entries(mesh.view.tables['trackers'] ?? {}).map(([id, one]) => `${id} ${String(one['state'])}`);
  const ownerOf = (viewer: string) => mesh.view.tables['viewers']?.[viewer]?.['tracker'];
  await until('the viewer', () => ownerOf('v-one') === 't-one');
  return { coordinate, tracker, mesh, seen, ownerOf };
}

it('a tracker is shown as lost as soon as its feed breaks, whatever its coordinate still believes', async () => {
  const { tracker, seen } = await watching();
  expect(seen()).toEqual(['t-one here']);
  await tracker.close();
  await until('it to be shown as lost', () => seen().join() === 't-one lost', { withinMs: 1_500 });
});

it('a tracker that was started again has its place to itself, with all its viewers', async () => {
  const { coordinate, tracker, seen, ownerOf } = await watching();
  const { base, port } = tracker;
  await tracker.close();
  const again = await new FakeFeed().open(port);
  onTestFinished(() => again.close());
  again.put('viewers', 'v-two', { stream: 'live' });
  coordinate.put('trackers', 't-two', row(base));
  await until('its viewer', () => ownerOf('v-two') === 't-two');
  expect(seen()).toEqual(['t-two here']);
  // The coordinate finds out only now, and remembers for long.
  coordinate.put('trackers', 't-one', row(base, 'lost'));
  again.put('viewers', 'v-three', { stream: 'live' });
  await until('the next viewer', () => ownerOf('v-three') !== undefined);
  expect([ownerOf('v-two'), ownerOf('v-three')]).toEqual(['t-two', 't-two']);
  expect(seen()).toEqual(['t-two here']);
});
