// When media was captured travels with it: by the source's own word where it gives one, otherwise by its best arrivals.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { timeOfUnit, timescalesOf } from '../../client/web/mp4.ts';
import { H264, live, PICTURE, stand, type Stand } from './harness.ts';

let coordinate: Stand;
beforeAll(async () => {
  coordinate = await stand();
});
afterAll(async () => {
  await coordinate.close();
});

const MP4 = ['-movflags', 'empty_moov+default_base_moof+frag_every_frame'];

it.each([
  { name: 'told', output: [...MP4, '-write_prft', 'wallclock', '-f', 'mp4'], isKnown: true },
  { name: 'counted', output: ['-f', 'flv'], isKnown: false },
])('[I2] the time of capture is $name', async ({ name, output, isKnown }) => {
  const { forward } = coordinate;
  await coordinate.push(name, [...live(PICTURE), ...H264, '-t', '3', ...output]).ended;
  await forward.until('it ended', () => forward.stateOf(name) === 'ended');
  const units = forward.of(name);
  const init = units.find(({ unit }) => unit === 0);
  if (!init) throw new Error('there is no init segment');
  const scales = timescalesOf(init.payload);
  const late = units.filter(({ unit }) => unit > 20);
  expect(late.length).toBeGreaterThan(10);
  for (const unit of late) {
    const time = timeOfUnit(unit.payload, scales);
    expect(time?.isCaptureKnown).toBe(isKnown);
    // It was due when it was captured, or a moment after.
    const behindMs = unit.sourceMs - (time?.capturedMs ?? 0);
    expect(behindMs).toBeGreaterThan(-400);
    expect(behindMs).toBeLessThan(1_500);
  }
});
