// What one coordinate takes on: transcodes at once, bytes on disk; and what a publisher is answered
// whose media is none.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Spool } from '../../servers/coordinate/spool.ts';
import { AAC, clip, file, H264, live, PICTURE, post, SOUND, stand, type Stand } from './harness.ts';

let coordinate: Stand;
beforeAll(async () => {
  coordinate = await stand({ maxTranscodes: 1 });
});
afterAll(() => coordinate.close());

const MPEG2 = ['-c:v', 'mpeg2video', '-f', 'mpegts'];

describe('transcodes', () => {
  it(
    '[I16] are as many at once as is set; what is passed through is never refused for that',
    { timeout: 60_000 },
    async () => {
      const { forward, url } = coordinate;
      const first = coordinate.push('first', [...live(PICTURE), ...MPEG2]);
      onTestFinished(() => void first.child.kill('SIGKILL'));
      await forward.until('the first is live', () => forward.stateOf('first') === 'live');
      const media = await clip([...PICTURE, '-t', '1', ...MPEG2]);
      const { status, text } = await post(`${url}/stream/second`, media);
      expect(status).toBe(503);
      expect(text).toMatch(/transcodes one push at once .*: push H\.264/);
      const direct = await clip([...PICTURE, ...SOUND, ...H264, ...AAC, '-t', '1', '-f', 'mpegts']);
      expect((await post(`${url}/stream/third`, direct)).status).toBe(200);
      const soundOnly = await clip([...PICTURE, ...SOUND, ...H264, '-c:a', 'mp2', '-t', '1', '-f', 'mpegts']);
      expect((await post(`${url}/stream/fourth`, soundOnly)).status).toBe(200);
      first.child.kill('SIGKILL');
      await forward.until('the first is gone', () => forward.stateOf('first') === 'interrupted');
      expect((await post(`${url}/stream/second`, media)).status).toBe(200);
    },
  );
});

describe('a film', () => {
  it('[I14] ends when its sender hangs up, and leaves nothing behind', { timeout: 60_000 }, async () => {
    const { forward, url, dataDir, logs } = coordinate;
    const film = await file([...PICTURE, ...SOUND, ...H264, ...AAC, '-t', '30'], 'film.mp4');
    const sender = request(`${url}/stream/film`, { method: 'POST' });
    sender.on('error', () => {}); // it is cut off below
    sender.end(film);
    await forward.until('it plays', () => forward.of('film').length > 20);
    expect(readdirSync(path.join(dataDir, 'spool'))).toHaveLength(1);
    sender.destroy();
    await forward.until('it is over', () => forward.stateOf('film') === 'interrupted');
    expect(logs.findLast((line) => line['stream'] === 'film')?.['why']).toBe('the publisher hung up');
    expect(readdirSync(path.join(dataDir, 'spool'))).toEqual([]);
  });
});

describe('the spool', () => {
  function folder(): string {
    const made = mkdtempSync(path.join(tmpdir(), 'spool-'));
    onTestFinished(() => rmSync(made, { recursive: true }));
    return made;
  }

  it('[I14] keeps no more than its limit over all pushes, and nothing when they are over', async () => {
    const dir = folder();
    const spool = new Spool(dir, 1_000);
    const [one, other] = [await spool.open(), await spool.open()];
    expect(await one.write(randomBytes(700))).toBe(true);
    expect(await other.write(randomBytes(400))).toBe(false);
    await one.close();
    expect(await other.write(randomBytes(400))).toBe(true);
    await other.close();
    await other.close();
    expect(readdirSync(path.join(dir, 'spool'))).toEqual([]);
    expect(spool.refusal).toMatch(/push fragmented MP4/);
  });

  it('[I14] takes away what a killed program left, and nothing of one that runs', async () => {
    const dir = folder();
    const gone = spawn(process.execPath, ['-e', '']);
    await once(gone, 'exit');
    mkdirSync(path.join(dir, 'spool'));
    const left = [`${gone.pid ?? 0}-0`, `${process.pid}-7`];
    const kept = [`${process.ppid}-0`];
    for (const name of [...left, ...kept]) writeFileSync(path.join(dir, 'spool', name), 'media');
    expect(new Spool(dir).grow(1)).toBe(true);
    expect(readdirSync(path.join(dir, 'spool'))).toEqual(kept);
  });
});

describe('what is no media', () => {
  const noise = randomBytes(150_000);
  const after = (hex: string): Buffer => Buffer.concat([Buffer.from(hex, 'hex'), noise]);
  const INPUTS: [name: string, bytes: () => Promise<Buffer> | Buffer][] = [
    ['nothing', () => Buffer.alloc(0)],
    ['noise', () => noise],
    ['text', () => Buffer.from('Good morning. '.repeat(9_000))],
    ['zip', () => after('504b0304')],
    ['matroska', () => after('1a45dfa3a3428681')],
    ['flv', () => after('464c5601050000000900000000')],
    ['mp4', () => after('00000018667479706d703432')],
    [
      'mp4-cut-off',
      async () =>
        (await clip([...PICTURE, ...H264, '-t', '1', '-f', 'mp4', '-movflags', 'frag_keyframe'])).subarray(0, 200),
    ],
    ['jpeg', () => after('ffd8ffe0')],
    ['avi', () => after('524946460000000041564920')],
    ['ogg', () => after('4f67675300')],
    ['ogg-cut-off', () => Buffer.from('OggS')],
    ['flac', () => after('664c6143')],
    ['mp3-cut-off', () => Buffer.from('fffb9064', 'hex')],
    ['h264', () => after('0000000167')],
    [
      'webm-cut-off',
      async () =>
        (await clip([...PICTURE, '-c:v', 'libvpx', '-deadline', 'realtime', '-t', '1', '-f', 'webm'])).subarray(0, 900),
    ],
  ];

  it.each(INPUTS)('[I7] %s is refused with a sentence that says what to do', async (name, bytes) => {
    const { status, text } = await post(`${coordinate.url}/stream/bad-${name}`, await bytes());
    expect(status).toBe(415);
    expect(text).toMatch(
      /^[A-Z][^\n]*: \w[^\n]*\.\n$|^[A-Z][^\n]*\. Push [^\n]*\.\n$|^ffmpeg could not [^\n]*: push [^\n]*\.\n$/,
    );
    expect(text).not.toMatch(/pipe:|0x|Error|@/);
    expect(
      existsSync(path.join(coordinate.dataDir, 'spool')) ? readdirSync(path.join(coordinate.dataDir, 'spool')) : [],
    ).toEqual([]);
  });
});
