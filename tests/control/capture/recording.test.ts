import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Recent } from '../../../servers/control/capture/recent.ts';
import { Recording, recordingName, recordingProblem } from '../../../servers/control/capture/recording.ts';
import { requireFfmpeg } from '../../../servers/shared/ffmpeg.ts';
import { descendantsOf, isAlive, start } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { ffmpegs, rig, sink, TEST, watch } from './rig.ts';

/** How many pictures can be decoded of a file. */
function framesIn(file: string): number {
  const args = ['-hide_banner', '-i', file, '-map', '0:v:0', '-f', 'null', '-'];
  const { stderr } = spawnSync(requireFfmpeg(), args, { encoding: 'utf8' });
  return Number([...stderr.matchAll(/frame=\s*(\d+)/g)].at(-1)?.[1] ?? 0);
}

const filesIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];

/** A program that records the test source until it is killed. @returns its path */
async function recordingProgram(folder: string, recordings: string): Promise<string> {
  const capture = path.resolve(import.meta.dirname, '../../../servers/control/capture/capture.ts');
  const entry = path.join(folder, 'program.ts');
  writeFileSync(
    entry,
    `import { Capture } from ${JSON.stringify(capture)};
const folder = ${JSON.stringify(recordings)};
const log = { error() {}, warn() {}, info() {}, debug() {} } as never;
const capture = new Capture({ target: () => null, recordingsFolder: folder, mediaFolder: folder, log });
await capture.setSource({ source: { kind: 'test' }, preset: '360p' });
await capture.setRecording({ on: true });
`,
  );
  const bundle = await rolldown({ input: entry, platform: 'node' });
  const file = path.join(folder, 'program.mjs');
  await bundle.write({ file, format: 'esm' });
  await bundle.close();
  return file;
}

describe('the recording', () => {
  it('goes on over reconnects and begins a new file at a switch', async () => {
    const { url, pushes } = await sink();
    const { capture, is, recordings } = rig(url);
    expect(await capture.setRecording({ on: true })).toMatchObject({ ok: false, detail: 'Choose a source first.' });
    await capture.setSource(TEST);
    await until('the preview', () => is() === 'previewing');
    expect(await capture.setRecording({ on: true })).toMatchObject({ ok: true });
    capture.goLive();
    await until('it to be live', () => is() === 'live');
    capture.reconnectNow();
    await until('another push', () => (pushes[1]?.fragments ?? 0) > 30);
    const [first = '', ...others] = filesIn(recordings);
    expect(others).toEqual([]);
    expect(capture.view.recording).toMatchObject({ file: first, problem: null });
    await until('pictures in it', () => framesIn(first) > 15);
    await capture.setSource({ ...TEST, preset: '480p' });
    await until('the second file', () => filesIn(recordings).length === 2);
    await until('pictures in it', () => filesIn(recordings).every((file) => framesIn(file) > 15));
    expect(await capture.setRecording({ on: false })).toMatchObject({ ok: true });
    expect(capture.view.recording).toBeNull();
    expect(is()).toBe('live');
    for (const file of filesIn(recordings)) expect(framesIn(file)).toBeGreaterThan(15);
  });

  it('plays after a kill -9, and no ffmpeg is left behind', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-recording-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const recordings = path.join(folder, 'recordings');
    const program = start(process.execPath, [await recordingProgram(folder, recordings)], {
      P2PLIVE_FFMPEG: requireFfmpeg(),
    });
    onTestFinished(async () => {
      await program.stop('SIGKILL');
    });
    const file = await until(
      'more than a second of it',
      () => filesIn(recordings).find((found) => framesIn(found) > 40),
      { describe: () => program.stderr() },
    );
    const encoder = descendantsOf(program.pid).find((one) => one.command.includes('frag_every_frame'));
    expect(encoder).toBeDefined();
    process.kill(program.pid, 'SIGKILL');
    expect(framesIn(file)).toBeGreaterThan(40);
    await until('the encoder to end', () => !isAlive(encoder?.pid ?? 0), { withinMs: 3_000 });
  });

  it('says that the disk is full, and the stream goes on', async () => {
    const told: unknown[] = [];
    const recording = new Recording(
      '/somewhere/live.mp4',
      () => told.push(1),
      () => open('/dev/full', 'a'),
    );
    const recent = new Recent();
    recording.start(recent);
    recording.add({ bytes: Buffer.alloc(1_000), key: true });
    await until('the sentence', () => told.length > 0);
    expect(recording.view.problem).toBe('The disk is full, and the recording has ended: make room in /somewhere.');
    recording.add({ bytes: Buffer.alloc(1_000), key: true });
    await recording.close();
    await recording.close();
    expect(told).toHaveLength(1);
  });

  it('names its files by date and time, and its problems by their cause', () => {
    expect(recordingName(new Date(2026, 10, 24, 9, 5, 7), 1)).toBe('live 2026-11-24 09-05-07.mp4');
    expect(recordingName(new Date(2026, 10, 24, 9, 5, 7), 2)).toBe('live 2026-11-24 09-05-07 (2).mp4');
    const because = (code: string): string => recordingProblem(Object.assign(new Error('x'), { code }), '/a/b.mp4');
    expect(because('EROFS')).toContain('can not be written');
    expect(because('ENOENT')).toContain('check /a');
    expect(because('EMFILE')).toBe('The recording has ended: x');
  });
});

describe('a file of the media folder', () => {
  it('plays in a loop, and only plain files are in the list', async () => {
    const { capture, is, folder } = rig(null);
    const media = path.join(folder, 'media');
    mkdirSync(media);
    const clip = path.join(media, 'clip one.mp4');
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=15', '-t', '0.6', '-pix_fmt', 'yuv420p'];
    expect(spawnSync(requireFfmpeg(), ['-nostdin', '-v', 'error', ...picture, clip]).status).toBe(0);
    symlinkSync('/etc/hostname', path.join(media, 'link.mp4'));
    writeFileSync(path.join(media, 'notes.txt'), '');
    writeFileSync(path.join(media, 'list.ts'), `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${clip}\n`);
    cpSync(clip, path.join(folder, 'outside.mp4'));
    expect(await capture.listDevices()).toMatchObject({
      files: [
        { id: 'clip one.mp4', name: 'clip one.mp4' },
        { id: 'list.ts', name: 'list.ts' },
      ],
      mediaFolder: media,
    });
    for (const file of ['link.mp4', '../outside.mp4', 'notes.txt', 'nothing.mp4', clip])
      expect(await capture.setSource({ source: { kind: 'file', file }, preset: '360p' })).toMatchObject({ ok: false });
    const seen = watch(capture);
    await capture.setSource({ source: { kind: 'file', file: 'clip one.mp4' }, preset: '360p' });
    await until('it to come round again', () => seen.fragments > 50, { describe: () => capture.view });
    expect(seen.mimes).toEqual([expect.stringMatching(/^video\/mp4; codecs="avc1\.4d40[0-9a-f]{2}"$/)]); // no sound
    expect(capture.view.progress?.soundDb ?? null).toBeNull();
    await capture.stopPreview();
    // A playlist, which would lead to other files, is not followed.
    await capture.setSource({ source: { kind: 'file', file: 'list.ts' }, preset: '360p' });
    await until('it to fail', () => is() === 'failed', { describe: () => capture.view });
    expect(ffmpegs()).toEqual([]);
  });
});
