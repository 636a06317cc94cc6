import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import { ffmpegs, rig, sink, TEST, watch } from './rig.ts';

const packaged = (createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path: string }).path;
/** What the console promises a person, with room for two busy cores. */
const LIVE_WITHIN_MS = 300;

describe('the preview', () => {
  it.each([
    ['the ffmpeg found here', undefined],
    ['the old one in the npm package', packaged],
  ])('runs by %s and tells its numbers', async (_name, ffmpeg) => {
    const { capture, is } = rig(null, { ffmpeg });
    const seen = watch(capture);
    expect(is()).toBe('idle');
    expect(await capture.setSource(TEST)).toEqual({ ok: true, value: null });
    await until('two seconds of picture', () => seen.fragments > 120, { describe: () => capture.view });
    expect(is()).toBe('previewing');
    expect(seen.mimes).toEqual([expect.stringMatching(/^video\/mp4; codecs="avc1\.4d40[0-9a-f]{2},mp4a\.40\.2"$/)]);
    // The first numbers are of the time in which it began, and a busy machine encodes fewer pictures for a while.
    const isUsual = (): boolean => {
      const { framesPerSecond = 0, bitsPerSecond = 0, speed = 0 } = capture.view.progress ?? {};
      return framesPerSecond > 20 && bitsPerSecond > 400_000 && speed > 0.7;
    };
    await until('numbers of a running encoder', isUsual, { withinMs: 15_000, describe: () => capture.view.progress });
    expect(capture.view.progress).toMatchObject({ droppedFrames: 0, encoder: 'libx264' });
    expect(capture.view.progress?.soundDb).toBeCloseTo(-21, 0); // a tone at an eighth of full scale
    await capture.stopPreview();
    expect(is()).toBe('idle');
    expect(capture.view.progress).toBeNull();
    expect(ffmpegs()).toEqual([]);
  });

  it('shows a newcomer the picture at once', async () => {
    const { capture } = rig(null);
    await capture.setSource(TEST);
    const first = watch(capture);
    await until('a second', () => first.fragments > 80);
    const second = watch(capture);
    expect(second.mimes).toHaveLength(1);
    expect(second.fragments).toBeGreaterThan(0);
  });

  it('is none for an encoder of somebody else', async () => {
    const { capture, is } = rig(null);
    await capture.setSource(TEST);
    await capture.setSource({ source: { kind: 'external' }, preset: '360p' });
    expect(is()).toBe('external');
    expect(ffmpegs()).toEqual([]);
    expect(capture.goLive()).toEqual({ ok: true, value: null });
    expect(is()).toBe('external');
    await capture.stopPreview();
    expect(is()).toBe('idle');
  });
});

describe('going live', () => {
  it(`connects the running preview within ${LIVE_WITHIN_MS} ms and begins with a keyframe`, async () => {
    const { url, pushes } = await sink();
    const { capture, is } = rig(null, { target: () => ({ url, key: 'the-stream-key' }) });
    const seen = watch(capture);
    await capture.setSource(TEST);
    await until('more than a group of pictures', () => seen.fragments > 90);
    const beganMs = performance.now();
    expect(capture.goLive()).toEqual({ ok: true, value: null });
    const push = await until('the first fragments', () => pushes.find(({ fragments }) => fragments > 0));
    expect(performance.now() - beganMs).toBeLessThan(LIVE_WITHIN_MS);
    expect(is()).toBe('live');
    expect(push).toMatchObject({ inits: 1, beginsWithKey: true, problem: null });
    expect(push.request.headers).toMatchObject({
      'content-type': 'video/mp4',
      authorization: 'Bearer the-stream-key',
    });
    await capture.stopLive();
    expect(is()).toBe('previewing');
    await until('a clean end', () => push.ended === 'clean');
    const before = seen.fragments;
    await until('the preview to go on', () => seen.fragments > before + 30);
  });

  it('begins as soon as the source runs', async () => {
    const { url, pushes } = await sink();
    const { capture, is } = rig(url);
    void capture.setSource(TEST).then(() => capture.goLive());
    await until('it to be live', () => is() === 'live' && (pushes[0]?.fragments ?? 0) > 10);
    expect(pushes).toHaveLength(1);
  });

  it('is refused in words without a source', () => {
    const { capture } = rig(null);
    expect(capture.goLive()).toMatchObject({ ok: false, reason: 'not-now', detail: 'Choose a source first.' });
    expect(capture.reconnectNow()).toMatchObject({ ok: false });
  });

  it('can end and begin again at once', async () => {
    const { url, pushes } = await sink();
    const { capture, is } = rig(url);
    await capture.setSource(TEST);
    capture.goLive();
    await until('it to be live', () => is() === 'live');
    await capture.stopLive();
    capture.goLive();
    await until('it to be live again', () => is() === 'live' && (pushes[1]?.fragments ?? 0) > 10);
    expect(pushes.map(({ ended }) => ended)).toEqual(['clean', 'no']);
  });
});

describe('while live', () => {
  it('changes over to another preset on the same connection', async () => {
    const { url, pushes } = await sink();
    const { capture, is, states } = rig(url);
    const seen = watch(capture);
    await capture.setSource(TEST);
    capture.goLive();
    await until('it to be live', () => is() === 'live' && (pushes[0]?.fragments ?? 0) > 30);
    expect(await capture.setSource({ ...TEST, preset: '480p' })).toMatchObject({ ok: true });
    expect(capture.view.state).toMatchObject({ is: 'live', preset: '480p' });
    const atSwitch = pushes[0]?.fragments ?? 0;
    await until('the stream to go on', () => (pushes[0]?.fragments ?? 0) > atSwitch + 30);
    expect(pushes).toHaveLength(1);
    expect(pushes[0]).toMatchObject({ inits: 2, problem: null, ended: 'no' });
    expect(seen.mimes).toHaveLength(2);
    expect(ffmpegs()).toHaveLength(1);
    expect(states.map((state) => state.is)).not.toContain('reconnecting');
  });

  it('stays with the source there is when the next one can not be had', async () => {
    const { url, pushes } = await sink();
    const { capture, is } = rig(url);
    await capture.setSource(TEST);
    capture.goLive();
    await until('it to be live', () => is() === 'live');
    const camera = { kind: 'camera', camera: '/dev/video99; rm -rf /', microphone: null } as const;
    expect(await capture.setSource({ source: camera, preset: '360p' })).toMatchObject({
      ok: false,
      detail: 'That camera is not there any more: choose another.',
    });
    const file = { kind: 'file', file: '../../etc/passwd' } as const;
    expect(await capture.setSource({ source: file, preset: '360p' })).toMatchObject({ ok: false });
    expect(capture.view.state).toMatchObject({ is: 'live', source: { kind: 'test' } });
    expect(pushes).toHaveLength(1);
  });

  it('runs ffmpeg again when it dies, on the same connection', async () => {
    const { url, pushes } = await sink();
    const { capture, is, states } = rig(url);
    await capture.setSource(TEST);
    capture.goLive();
    await until('it to be live', () => is() === 'live');
    const [first] = ffmpegs();
    process.kill(first?.pid ?? 0, 'SIGKILL');
    await until('another beginning', () => pushes[0]?.inits === 2 && is() === 'live');
    expect(states.map((state) => state.is)).toContain('reconnecting');
    expect(pushes).toHaveLength(1);
    expect(ffmpegs()).toHaveLength(1);
  });
});

describe('ffmpeg', () => {
  it('fails in words when it is none, and when it is not there', async () => {
    const broken = rig(null, { ffmpeg: '/bin/false' });
    expect(await broken.capture.setSource(TEST)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('no H.264 encoder') as string,
    });
    const missing = rig(null, { ffmpeg: '/nowhere/ffmpeg' });
    expect(await missing.capture.setSource(TEST)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('/nowhere/ffmpeg') as string,
    });
    expect(missing.is()).toBe('idle');
    expect(await missing.capture.ffmpegFacts()).toMatchObject({ path: null, problem: expect.any(String) as string });
  });

  it('tells its path, version and the encoder that works', async () => {
    const { capture } = rig(null);
    expect(await capture.ffmpegFacts()).toEqual({
      path: expect.stringContaining('ffmpeg') as string,
      version: expect.stringMatching(/\d/) as string,
      encoder: expect.stringMatching(/264/) as string,
      problem: null,
    });
  });

  it('is gone after close, whatever was going on', async () => {
    const { url } = await sink();
    const { capture, is } = rig(url);
    await capture.setSource(TEST);
    capture.goLive();
    await until('it to be live', () => is() === 'live');
    void capture.setSource({ ...TEST, preset: '480p' });
    await until('both', () => ffmpegs().length === 2);
    await capture.close();
    expect(ffmpegs()).toEqual([]);
    await capture.close();
    expect(await capture.setSource(TEST)).toMatchObject({ ok: false });
  });
});
