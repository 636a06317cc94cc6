import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { SMALL, startClockSource } from '../../bench/support/clock-source.ts';
import { findFfmpeg } from '../../servers/shared/ffmpeg.ts';
import { until } from '../support/until.ts';

/** The longest step of media time, in seconds, around a second without pictures. */
async function longestStepS(stamps: 'wall' | 'count'): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'packets');
  const output = ['-f', 'framecrc', '-flush_packets', '1', file];
  const source = startClockSource(findFfmpeg() ?? 'ffmpeg', output, { picture: SMALL, stamps });
  onTestFinished(() => source.close());
  const lines = (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []);
  const times = (): number[] => lines().flatMap((line) => (line.startsWith('#') ? [] : Number(line.split(',')[2])));
  await until('pictures', () => times().length > 20, { describe: () => source.failure() });
  source.hold(1_000);
  const before = times().length;
  await until('more pictures', () => times().length > before + 20, { describe: () => source.failure() });
  const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)/m.exec(lines().join('\n')) ?? [];
  const all = times();
  const steps = all.slice(1).map((time, i) => time - (all[i] ?? 0));
  return (Math.max(...steps) * Number(numerator)) / Number(denominator);
}

it('a camera that stamps its frames tells of the second in which it had none', async () => {
  expect(await longestStepS('wall')).toBeGreaterThan(0.5);
});

it('a camera that counts its frames does not', async () => {
  expect(await longestStepS('count')).toBeLessThan(0.05);
});
