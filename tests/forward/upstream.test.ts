// A forward that nobody can dial: it dials a real coordinate, which sends it what ffmpeg pushes, and viewers play.
import { expect, it, onTestFinished } from 'vitest';
import { HeadlessPeer } from '../../client/audience/headless-peer.ts';
import { createNodeEnv } from '../../client/node/node-env.ts';
import { startTracker } from '../../servers/tracker/tracker.ts';
import { H264, live, PICTURE, stand } from '../coordinate/harness.ts';
import { quietLog } from '../support/quiet-log.ts';
import { until } from '../support/until.ts';
import { ForwardRig } from './rig.ts';

it('[R8] a forward that dials out gets the stream, is given to viewers, and they play', async () => {
  const meshSecret = 'hush';
  const coordinate = await stand({ meshSecret });
  onTestFinished(() => coordinate.close());
  const address = { host: '127.0.0.1', port: 0, stunPort: null, coordinate: coordinate.url, meshSecret };
  const plan = {
    region: 'default',
    k: 2 as const,
    uploadCap: 1.5,
    parity: 'off' as const,
    trustAfterMs: 0,
    iceServers: [],
    stun: false,
  };
  const tracker = await startTracker({ ...address, ...plan }, quietLog());
  onTestFinished(() => tracker.close());
  const trackers = [`http://127.0.0.1:${Number(tracker.ready['port'])}`];
  const shut = await ForwardRig.start({ upstream: coordinate.url, meshSecret: 'wrong' });
  onTestFinished(() => shut.close());
  const forward = await ForwardRig.start({ upstream: coordinate.url, meshSecret, trackers });
  onTestFinished(() => forward.close());
  await until('the coordinate is dialled', async () => (await forward.debug()).coordinates === 1);

  const push = coordinate.push('live', [...live(PICTURE), ...H264, '-f', 'flv']);
  onTestFinished(() => void push.child.kill('SIGKILL'));
  const units: number[] = [];
  const options = { coordinate: coordinate.url, stream: 'live', shares: false, role: 'viewer' as const };
  const viewer = new HeadlessPeer(createNodeEnv(), options, { unit: ({ held }) => void units.push(held.head.unit) });
  onTestFinished(() => viewer.close());
  viewer.start();
  await until('two seconds of units', () => units.length > 30, { withinMs: 20_000, describe: () => viewer.stats() });
  expect(units).toEqual(units.map((_, i) => (units[0] ?? 0) + i));
  expect(viewer.stats().parents.map((p) => p.id)).toEqual([forward.ready['id'], forward.ready['id']]);
  expect((await shut.debug()).coordinates).toBe(0);
  const debug = (await (
    await fetch(`${coordinate.url}/debug`, { headers: { accept: 'application/json' } })
  ).json()) as { forwards: Record<string, unknown> };
  expect(JSON.stringify(debug.forwards)).toContain('it dialled in');

  push.child.kill('SIGKILL');
  await until('the word of the interruption', () => viewer.peer.streamState === 'interrupted');
});
