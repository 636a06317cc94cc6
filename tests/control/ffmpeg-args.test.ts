import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { drawTextProbeArgs, TEST_PRESET, testSourceArgs } from '../../servers/control/ffmpeg-args.ts';
import { requireFfmpeg } from '../../servers/shared/ffmpeg.ts';

const packaged = (createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path: string }).path;
const valueOf = (args: string[], flag: string): string | undefined => args[args.indexOf(flag) + 1];

it('makes a keyframe each second and no frame that waits for a later one', () => {
  const args = testSourceArgs({ ...TEST_PRESET, framesPerSecond: 25 }, false);
  expect(valueOf(args, '-g')).toBe('25');
  expect(valueOf(args, '-bf')).toBe('0');
  expect(valueOf(args, '-tune')).toBe('zerolatency');
  expect(args.at(-1)).toBe('pipe:1');
  expect(args.filter((word) => word === '-re')).toHaveLength(2);
});

it('draws a clock only where text can be drawn', () => {
  expect(testSourceArgs(TEST_PRESET, true).join(' ')).toContain('drawtext');
  expect(testSourceArgs(TEST_PRESET, false).join(' ')).not.toContain('drawtext');
});

it.each([
  ['the ffmpeg found here', requireFfmpeg()],
  ['the old one in the npm package', packaged],
])('is understood by %s', (_name, ffmpeg) => {
  const canDraw = spawnSync(ffmpeg, drawTextProbeArgs()).status === 0;
  for (const draw of canDraw ? [true, false] : [false]) {
    // The same arguments, ended after half a second of stream and at full speed.
    const args = testSourceArgs(TEST_PRESET, draw).filter((word) => word !== '-re');
    args.splice(args.indexOf('-f', args.indexOf('-flvflags')), 0, '-t', '0.5');
    const run = spawnSync(ffmpeg, args, { maxBuffer: 1e8 });
    expect(run.status).toBe(0);
    expect(run.stdout.subarray(0, 5)).toEqual(Buffer.from('FLV\x01\x05', 'latin1')); // audio and video
  }
});
