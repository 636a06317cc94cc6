// What is captured, given to the real coordinate: taken as it is, from the middle of the stream, over a switch.
import { expect, it, onTestFinished } from 'vitest';
import { probe, stand } from '../../coordinate/harness.ts';
import { until } from '../../support/until.ts';
import { rig, TEST, watch } from './rig.ts';

it('takes the stream as it is, and viewers stay over a switch', async () => {
  const coordinate = await stand();
  onTestFinished(() => coordinate.close());
  const { forward } = coordinate;
  const { capture, is } = rig(`${coordinate.url}/stream/live`);
  const seen = watch(capture);
  await capture.setSource(TEST);
  await until('the middle of the stream', () => seen.fragments > 120);
  capture.goLive();
  await forward.until('a second of units', () => forward.of('live').length > 15);
  const first = forward.of('live')[0]?.epoch ?? 0;
  expect(await capture.setSource({ ...TEST, preset: '480p' })).toMatchObject({ ok: true });
  await forward.until('units of the other size', () => forward.of('live').filter((u) => u.epoch > first).length > 15);
  expect(forward.stateOf('live')).toBe('live');
  await capture.stopLive();
  expect(is()).toBe('previewing');
  await forward.until('a clean end', () => forward.stateOf('live') === 'ended');
  expect(await forward.faults('live')).toEqual([]);
  const [before, after] = [await probe(forward.media('live', first)), await probe(forward.media('live'))];
  expect(before).toMatchObject({ size: '640x360', audio: true, errors: '' });
  expect(after).toMatchObject({ size: '854x480', audio: true, errors: '' });
  expect(before.frames).toBeGreaterThan(20);
  const pushes = coordinate.logs.filter((line) => /^push (begins|ended|interrupted|refused)/.test(String(line['msg'])));
  expect(pushes).toMatchObject([{ msg: 'push begins' }, { msg: 'push ended', how: 'mp4, as it is' }]);
});

it('ends and begins again at once, and the name is free by then', async () => {
  const coordinate = await stand();
  onTestFinished(() => coordinate.close());
  const { capture, is, states } = rig(`${coordinate.url}/stream/live`);
  await capture.setSource(TEST);
  capture.goLive();
  const { forward } = coordinate;
  await forward.until('units', () => forward.of('live').length > 5);
  const first = forward.of('live')[0]?.epoch ?? 0;
  await capture.stopLive();
  capture.goLive();
  await forward.until('the next stream', () => forward.of('live').some((u) => u.epoch > first));
  expect(is()).toBe('live');
  expect(states.map((state) => state.is)).not.toContain('reconnecting');
  expect(coordinate.logs.map((line) => line['msg'])).not.toContain('push refused');
});
