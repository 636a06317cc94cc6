import { describe, expect, it } from 'vitest';
import { carriedFfmpeg } from '../../electron/carried-ffmpeg.mjs';

const said = (options: string): string =>
  `ffmpeg version N-92718-g092cb17983 Copyright (c) 2000-2018 the FFmpeg developers\nbuilt with clang\n  configuration: ${options}\nlibavutil 56\n`;

describe('an ffmpeg goes into the package', () => {
  it.each([
    ['--enable-gpl --enable-libx264 --enable-version3', /version 3 or later/],
    ['--cc=gcc --enable-gpl --enable-libx264', /version 2 or later/],
  ])('with its licence: %s', (options, licence) => {
    expect(carriedFfmpeg(said(options))).toMatchObject({
      version: 'N-92718-g092cb17983',
      configuration: options,
      licence: expect.stringMatching(licence) as string,
    });
  });

  it.each([
    // As the npm package's build for macOS on arm64 says.
    ['parts that nobody may pass on', said('--enable-gpl --enable-version3 --enable-nonfree --enable-neon')],
    ['no GPL build', said('--enable-shared')],
    ['does not tell', 'ffmpeg version 7\n'],
    ['does not tell', ''],
  ])('never when it has %s', (why, text) => {
    expect(carriedFfmpeg(text)).toEqual({ why: expect.stringContaining(why) as string });
  });
});
