import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { captureArgs, drawTextProbeArgs, encoderProbeArgs } from '../../../servers/control/capture/args.ts';
import { encodersIn, versionIn } from '../../../servers/control/capture/ffmpeg-facts.ts';
import { cameraSize, PRESETS } from '../../../servers/control/capture/presets.ts';
import { ProgressReader } from '../../../servers/control/capture/progress.ts';
import { requireFfmpeg } from '../../../servers/shared/ffmpeg.ts';

const packaged = (createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path: string }).path;
const valueOf = (args: string[], flag: string): string | undefined => args[args.indexOf(flag) + 1];
const TEST = { kind: 'test', drawsText: false } as const;

describe('the arguments', () => {
  it.each([
    ['360p', '800000', '400000'],
    ['480p', '1200000', '600000'],
    ['720p', '2500000', '1250000'],
    ['1080p', '4500000', '2250000'],
  ] as const)('of %s make a flat rate and a keyframe each second', (name, rate, buffer) => {
    const args = captureArgs(TEST, PRESETS[name], 'libx264');
    expect([valueOf(args, '-b:v'), valueOf(args, '-maxrate'), valueOf(args, '-bufsize')]).toEqual([rate, rate, buffer]);
    expect([valueOf(args, '-g'), valueOf(args, '-bf'), valueOf(args, '-b:a')]).toEqual(['30', '0', '96000']);
    expect(args.at(-1)).toBe('pipe:1');
    expect(PRESETS[name].width % 2).toBe(0);
  });

  it('add no silent track', () => {
    const screen = { kind: 'devices', picture: ['-i', 'x'], sound: null, soundIsInPicture: false } as const;
    const args = captureArgs({ ...screen, picture: [...screen.picture] }, PRESETS['720p'], 'libx264');
    expect(args.filter((word) => word === '-map')).toHaveLength(1);
    const both = captureArgs({ ...screen, picture: [], sound: ['-i', 'y'] }, PRESETS['720p'], 'libx264');
    expect(both.filter((word) => word === '-map')).toHaveLength(2);
  });

  it('play a file in a loop and follow nothing in it', () => {
    const args = captureArgs({ kind: 'file', path: '/media/a b.mp4' }, PRESETS['360p'], 'libx264');
    expect(args.join(' ')).toContain('-stream_loop -1 -re -protocol_whitelist file -format_whitelist mov,');
    expect(args).toContain('file:/media/a b.mp4');
    expect(valueOf(args, '-format_whitelist')).not.toMatch(/hls|concat/);
  });

  it('ask a camera for a size that cameras have', () => {
    expect(cameraSize(PRESETS['480p'])).toBe('1280x720');
    expect(cameraSize(PRESETS['1080p'])).toBe('1920x1080');
  });

  it.each([
    ['the ffmpeg found here', requireFfmpeg()],
    ['the old one in the npm package', packaged],
  ])('are understood by %s', (_name, ffmpeg) => {
    expect(spawnSync(ffmpeg, encoderProbeArgs('libx264', PRESETS['360p'])).status).toBe(0);
    if (spawnSync(ffmpeg, drawTextProbeArgs()).status !== 0) return;
    const args = captureArgs({ kind: 'test', drawsText: true }, PRESETS['360p'], 'libx264');
    const quick = args.filter((word) => word !== '-re');
    quick.splice(-1, 0, '-t', '0.2');
    expect(spawnSync(ffmpeg, quick).status).toBe(0);
  });
});

it('reads version and encoders', () => {
  expect(versionIn('ffmpeg version n7.1-3-g1 Copyright (c) 2000-2024')).toBe('n7.1-3-g1');
  expect(versionIn('something else')).toBeNull();
  const text = 'Encoders:\n V..... = Video\n V....D libx264   libx264 H.264\n A....D aac   AAC\n V..... h264_mf  MF\n';
  expect(encodersIn(text)).toEqual(expect.arrayContaining(['libx264', 'h264_mf']));
  expect(encodersIn(text)).not.toContain('aac');
});

describe('the numbers', () => {
  it('are told once a second, and loudness with them', () => {
    const reader = new ProgressReader();
    expect(reader.line('progress=continue')).toBe(true);
    expect(reader.take(0)).toBeNull(); // the first only begins the count
    for (const line of ['frame=30', 'drop_frames=2', 'speed=0.99x', 'bitrate=N/A'])
      expect(reader.line(line)).toBe(true);
    expect(reader.line('[Parsed_ametadata_1 @ 0x5612] [info] lavfi.astats.Overall.RMS_level=-21.07')).toBe(true);
    reader.bytes(100_000);
    expect(reader.line('progress=continue')).toBe(true);
    expect(reader.take(1_000)).toEqual({
      framesPerSecond: 30,
      bitsPerSecond: 800_000,
      droppedFrames: 2,
      speed: 0.99,
      soundDb: -21.1,
    });
    reader.line('progress=continue');
    expect(reader.take(1_500)).toBeNull();
  });

  it('leave what is said to people, and take silence as the lowest', () => {
    const reader = new ProgressReader();
    expect(reader.line('/dev/video0: Device or resource busy')).toBe(false);
    reader.line('progress=continue');
    reader.take(0);
    reader.line('lavfi.astats.Overall.RMS_level=-inf');
    reader.line('progress=continue');
    expect(reader.take(1_000)?.soundDb).toBe(-100);
  });
});
