// Streams that carry no times: live ones are timed by their arrival, files by the rate that is
// assumed for them.
import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TakenUnit } from './fake-forward.ts';
import { AAC, clip, H264, live, PICTURE, post, probe, SOUND, stand, type Stand } from './harness.ts';

const SECONDS = 4;
/** With the frames a second that a file of it has: ffmpeg's assumption, or what the stream says. */
const RAW: [name: string, codec: string[], rate: number][] = [
  ['mjpeg', ['-c:v', 'mjpeg', '-f', 'mjpeg'], 25],
  ['h264', [...H264, '-f', 'h264'], 30],
];

let coordinate: Stand;
beforeAll(async () => {
  coordinate = await stand();
});
afterAll(() => coordinate.close());

const told = (name: string): string =>
  String(coordinate.logs.find((line) => line['stream'] === name && line['msg'] === 'push taken in')?.['how']);
const mediaMs = (units: readonly TakenUnit[]): number => units.reduce((ms, unit) => ms + unit.durationMs, 0);

async function unitsOf(name: string): Promise<TakenUnit[]> {
  const { forward } = coordinate;
  await forward.until(`${name} ended`, () => forward.stateOf(name) === 'ended', 20_000);
  return forward.of(name).filter((unit) => unit.unit > 0);
}

describe('a stream without times', () => {
  it.each(RAW)(
    '[I15] %s from a camera of 30 frames a second lasts as long as it was',
    { timeout: 40_000 },
    async (name, codec) => {
      const { stderr } = await coordinate.push(name, [
        ...live(PICTURE),
        ...codec.slice(0, -2),
        '-t',
        String(SECONDS),
        ...codec.slice(-2),
      ]).ended;
      expect(stderr).toBe('');
      const units = await unitsOf(name);
      expect(told(name)).toMatch(/timed by its arrival/);
      expect((await probe(coordinate.forward.media(name))).frames).toBe(30 * SECONDS);
      // Behind the beginning, which comes at once while it is looked at: media advances as the wall
      // clock does.
      const later = units.filter((unit) => unit.arrivedMs > (units[0]?.arrivedMs ?? 0) + 1_000);
      const passed = (later.at(-1)?.arrivedMs ?? 0) - (later[0]?.arrivedMs ?? 0);
      expect(passed).toBeGreaterThan(1_000);
      expect(Math.abs(mediaMs(later.slice(1)) - passed) / passed).toBeLessThan(0.1); // 25 frames a second would be 0.2
    },
  );

  it.each(RAW)('[I15] %s as a file has the rate that is assumed', { timeout: 40_000 }, async (name, codec, rate) => {
    const own = `${name}-file`;
    await post(
      `${coordinate.url}/stream/${own}`,
      await clip([...PICTURE, ...codec.slice(0, -2), '-t', '4', ...codec.slice(-2)]),
    );
    const units = await unitsOf(own);
    expect(told(own)).not.toMatch(/arrival/);
    expect((await probe(coordinate.forward.media(own))).frames).toBe(120);
    expect(Math.abs(mediaMs(units) - 120_000 / rate)).toBeLessThan(100);
  });

  it.each([
    ['adts', [...AAC, '-f', 'adts']],
    ['mp3', ['-c:a', 'libmp3lame', '-write_xing', '0', '-id3v2_version', '0', '-f', 'mp3']],
  ])('[I15] sound in %s that pauses goes on when it does', { timeout: 40_000 }, async (name, codec) => {
    const bytes = await clip([...SOUND, '-t', '6', ...codec]);
    const perTick = Math.ceil(bytes.length / 120);
    const sent = request(`${coordinate.url}/stream/${name}`, { method: 'POST' });
    // 50 ms of sound every 50 ms, but for one second in the middle.
    let ticks = 0;
    const timer = setInterval(() => {
      ticks++;
      if (ticks > 40 && ticks <= 60) return;
      const at = (ticks <= 40 ? ticks - 1 : ticks - 21) * perTick;
      if (ticks <= 100) sent.write(bytes.subarray(at, at + perTick));
      else {
        clearInterval(timer);
        sent.end();
      }
    }, 50);
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
    response.resume();
    const units = await unitsOf(name);
    expect(told(name)).toMatch(/arrival/);
    const [first, last] = [units[0], units.at(-1)];
    const span = (last?.sourceMs ?? 0) - (first?.sourceMs ?? 0) + (last?.durationMs ?? 0);
    expect(span - 4_000).toBeGreaterThan(500); // four seconds of sound, and the pause
    expect(span - 4_000).toBeLessThan(1_600);
  });
});
