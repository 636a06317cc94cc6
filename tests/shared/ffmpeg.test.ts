// Finding ffmpeg, and its last words turned into a sentence.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { EXIT } from '../../servers/shared/exit-codes.ts';
import { explainFfmpeg, findFfmpeg } from '../../servers/shared/ffmpeg.ts';

describe('ffmpeg', () => {
  const { PATH, P2PLIVE_FFMPEG } = process.env;
  let dir: string;
  const program = (name: string): string => {
    const path = join(dir, name);
    writeFileSync(path, '#!/bin/sh\n');
    chmodSync(path, 0o755);
    return path;
  };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ffmpeg-'));
    process.env['PATH'] = dir;
    delete process.env['P2PLIVE_FFMPEG'];
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
    process.env['PATH'] = PATH;
    if (P2PLIVE_FFMPEG !== undefined) process.env['P2PLIVE_FFMPEG'] = P2PLIVE_FFMPEG;
    else delete process.env['P2PLIVE_FFMPEG'];
  });

  it('is taken from the setting, then the variable, then the PATH, then the package', () => {
    const packaged = findFfmpeg();
    expect(packaged === null || packaged.includes('@ffmpeg-installer')).toBe(true);
    const inPath = program('ffmpeg');
    expect(findFfmpeg()).toBe(inPath);
    const named = program('other');
    process.env['P2PLIVE_FFMPEG'] = named;
    expect(findFfmpeg()).toBe(named);
    const set = program('third');
    expect(findFfmpeg(set)).toBe(set);
  });

  it('of the package comes before the system’s, and after what a person named', () => {
    const { resourcesPath } = process as { resourcesPath?: string };
    onTestFinished(() => void Object.assign(process, { resourcesPath }));
    Object.assign(process, { resourcesPath: join(dir, 'resources') });
    const name = process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';
    const inPath = program(name);
    expect(findFfmpeg()).toBe(inPath);
    mkdirSync(join(dir, 'resources/ffmpeg'), { recursive: true });
    const carried = program(join('resources/ffmpeg', name));
    expect(findFfmpeg()).toBe(carried);
    const set = program('other');
    expect(findFfmpeg(set)).toBe(set);
  });

  it('that was named and can not be run is not replaced by another', () => {
    program('ffmpeg');
    expect(() => findFfmpeg(join(dir, 'missing'))).toThrow(expect.objectContaining({ code: EXIT.ffmpegMissing }));
    writeFileSync(join(dir, 'data'), 'x', { mode: 0o644 });
    process.env['P2PLIVE_FFMPEG'] = join(dir, 'data');
    expect(() => findFfmpeg()).toThrow(/P2PLIVE_FFMPEG names .*data/);
  });
});

describe('the last words of ffmpeg', () => {
  it.each([
    ['[video4linux2,v4l2 @ 0x1] ioctl(VIDIOC_STREAMON): Device or resource busy', /in use by another program/],
    ['[dshow @ 0x1] Could not run graph (sometimes caused by a device already in use)', /in use by another program/],
    ['[avfoundation @ 0x1] Failed to open: not authorized to capture', /may not use the camera/],
    ['/dev/video0: Permission denied', /may not use the camera/],
    ['/dev/video7: No such file or directory', /not there: plug it in/],
    ['[dshow @ 0x1] Could not find video device with name [Cam]', /not there: plug it in/],
    ['[avfoundation @ 0x1] Selected framerate (60.0) is not supported by the device.', /size or frame rate/],
    ['[h264_nvenc @ 0x1] Cannot load libcuda.so.1', /hardware encoder/],
    ["Unknown encoder 'libx265'", /lacks the encoder/],
    ["Unknown input format: 'dshow'", /lacks the input format/],
    ['[http @ 0x1] HTTP error 401 Unauthorized', /stream key/],
    ['[http @ 0x1] HTTP error 409 Conflict', /Somebody else publishes/],
    ['[tcp @ 0x1] Connection to tcp://127.0.0.1:8080 failed: Connection refused', /Nothing listens/],
    ['[tcp @ 0x1] Failed to resolve hostname nowhere.example: Name or service not known', /name of that address/],
    ['av_interleaved_write_frame(): Broken pipe', /closed the connection/],
    ['show.mp4: No such file or directory', /file is not there/],
    ['[hls @ 0x1] Protocol http not on whitelist pipe!', /points to another file or address/],
    [
      '[mpegvideo @ 0x1] Could not find codec parameters for stream 0 (Video: mpeg1video): unspecified size',
      /could not read that/,
    ],
    ['pipe:0: Invalid data found when processing input', /could not read that/],
    ['av_write_trailer: No space left on device', /disk is full/],
  ])('%s', (tail, sentence) => {
    expect(explainFfmpeg(tail)).toMatch(sentence);
  });

  it('are given as they are where nothing better is known, and are always a sentence', () => {
    expect(explainFfmpeg('[x @ 0x1] something odd happened\nframe=  10 fps=1')).toBe(
      'ffmpeg stopped: something odd happened',
    );
    expect(explainFfmpeg('')).toBe('ffmpeg stopped without saying why.');
    fc.assert(
      fc.property(fc.string(), (tail) => {
        const said = explainFfmpeg(tail);
        expect(said.length).toBeGreaterThan(10);
        expect(said.length).toBeLessThan(300);
      }),
    );
  });
});
