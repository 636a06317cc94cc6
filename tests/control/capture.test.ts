import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CaptureState } from '../../protocol/control.ts';
import { Capture, reconnectMs } from '../../servers/control/capture.ts';
import { EXIT } from '../../servers/shared/exit-codes.ts';
import { createLog } from '../../servers/shared/log.ts';
import { descendantsOf } from '../support/processes.ts';
import { until } from '../support/until.ts';

interface Pushed {
  request: IncomingMessage;
  response: ServerResponse;
  head: Buffer;
  bytes: number;
  ended: 'no' | 'clean' | 'cut';
}

/** Something that takes pushes as the coordinate does, and keeps count of them. */
async function sink(onPush: (push: Pushed) => void = () => {}): Promise<{ url: string; pushes: Pushed[] }> {
  const pushes: Pushed[] = [];
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    const push: Pushed = { request, response, head: Buffer.alloc(0), bytes: 0, ended: 'no' };
    pushes.push(push);
    request.on('data', (chunk: Buffer) => {
      push.bytes += chunk.length;
      if (push.head.length < 16) push.head = Buffer.concat([push.head, chunk]);
    });
    request.on('close', () => {
      push.ended = request.complete ? 'clean' : 'cut';
      if (request.complete) response.end();
    });
    request.on('error', () => {}); // a cut is counted above
    onPush(push);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream/live`, pushes };
}

function captureTo(url: string, more: { streamKey?: string; ffmpeg?: string } = {}) {
  const states: CaptureState[] = [];
  const capture = new Capture({
    push: () => url,
    log: createLog('test', 'silent'),
    onChange: (state) => states.push(state),
    ...more,
  });
  onTestFinished(() => capture.stop());
  return { capture, states, is: () => capture.state.is };
}

const ffmpegs = () => descendantsOf(process.pid).filter((one) => one.command.includes('testsrc2'));
const packaged = (createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path: string }).path;

describe('the test source', () => {
  it.each([
    ['the ffmpeg found here', undefined],
    ['the old one in the npm package', packaged],
  ])('goes live by %s and ends cleanly', async (_name, ffmpeg) => {
    const { url, pushes } = await sink();
    const { capture, is } = captureTo(url, { streamKey: 'the-stream-key', ...(ffmpeg ? { ffmpeg } : {}) });
    capture.start('test');
    await until('two seconds of video at 800 kbit/s', () => (pushes[0]?.bytes ?? 0) > 150_000);
    expect(is()).toBe('live');
    const [push] = pushes;
    expect(push?.head.subarray(0, 4).toString('latin1')).toBe('FLV\x01');
    expect(push?.request.headers).toMatchObject({
      'transfer-encoding': 'chunked',
      authorization: 'Bearer the-stream-key',
    });
    await capture.stop();
    expect(is()).toBe('idle');
    expect(ffmpegs()).toEqual([]);
    await until('a clean end', () => push?.ended === 'clean');
  });

  it('comes back by itself when the coordinate cuts it off, and at once when told to', async () => {
    const { url, pushes } = await sink((push) => {
      if (pushes.length <= 2) push.request.once('data', () => push.request.destroy());
    });
    const { capture, states, is } = captureTo(url);
    capture.start('test');
    await until('two cuts', () => states.filter((state) => state.is === 'reconnecting').length === 2);
    capture.retryNow();
    await until('the third try to be live', () => pushes.length === 3 && is() === 'live');
    expect(pushes.slice(0, 2).map((push) => push.ended)).toEqual(['cut', 'cut']);
  });

  it('shows viewers an interruption, not an end, when ffmpeg dies, and runs it again', async () => {
    const { url, pushes } = await sink();
    const { capture, is } = captureTo(url);
    capture.start('test');
    await until('it to be live', () => is() === 'live');
    const [first] = ffmpegs();
    process.kill(first?.pid ?? 0, 'SIGKILL');
    await until('another push', () => pushes.length === 2 && is() === 'live');
    expect(pushes[0]?.ended).toBe('cut');
  });

  it('waits for a coordinate that is not there yet', async () => {
    const { capture, is } = captureTo('http://127.0.0.1:9/stream/live');
    capture.start('test');
    await until('it to reconnect', () => is() === 'reconnecting');
    expect(capture.state).toMatchObject({ reason: expect.stringContaining('The coordinate is not there') as string });
    await capture.stop();
    expect(is()).toBe('idle');
  });

  it('fails with the coordinate’s own sentence where trying again is no use', async () => {
    const { url, pushes } = await sink(({ response }) => {
      response.writeHead(401).end('The stream key is wrong.\n');
    });
    const { capture, is } = captureTo(url);
    capture.start('test');
    await until('it to fail', () => is() === 'failed');
    expect(capture.state).toMatchObject({ reason: 'The stream key is wrong.' });
    expect(pushes).toHaveLength(1);
  });

  it('waits while another publishes under the name', async () => {
    const { url } = await sink(({ response }) => {
      response.writeHead(409).end('Somebody publishes there.\n');
    });
    const { capture, is } = captureTo(url);
    capture.start('test');
    await until('it to reconnect', () => is() === 'reconnecting');
    expect(capture.state).toMatchObject({ reason: 'Somebody publishes there.' });
  });

  it('fails in words when ffmpeg does not run, and refuses one that is not there', async () => {
    const { url } = await sink();
    const broken = captureTo(url, { ffmpeg: '/bin/false' });
    broken.capture.start('test');
    await until('it to fail', () => broken.is() === 'failed');
    expect(broken.capture.state).toMatchObject({ reason: expect.stringContaining('ffmpeg') as string });
    const missing = captureTo(url, { ffmpeg: '/nowhere/ffmpeg' });
    expect(() => missing.capture.start('test')).toThrow(expect.objectContaining({ code: EXIT.ffmpegMissing }) as Error);
    expect(missing.is()).toBe('idle');
  });

  it('takes no more from ffmpeg than the coordinate takes from us', async () => {
    // Instead of ffmpeg a program that writes as fast as it can, and says how far it came.
    const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-capture-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const progress = path.join(folder, 'progress');
    const ffmpeg = path.join(folder, 'ffmpeg');
    writeFileSync(
      ffmpeg,
      `#!${process.execPath}
const { writeFileSync, writeSync } = require('node:fs');
const block = Buffer.alloc(1 << 20);
for (let megabytes = 1; ; megabytes++) {
  for (let at = 0; at < block.length; ) {
    try { at += writeSync(1, block, at); } catch (error) { if (error.code !== 'EAGAIN') throw error; }
  }
  writeFileSync(${JSON.stringify(progress)}, String(megabytes));
}
`,
      { mode: 0o755 },
    );
    const { url, pushes } = await sink(({ request }) => request.pause());
    const { capture } = captureTo(url, { ffmpeg });
    capture.start('test');
    const written = (): number => (existsSync(progress) ? Number(readFileSync(progress, 'utf8')) : 0);
    let before = 0;
    let still = 0;
    const isStuck = (): boolean => {
      const now = written();
      still = now > 0 && now === before ? still + 1 : 0;
      before = now;
      return still > 20;
    };
    await until('the writer to be held up', isStuck, { withinMs: 20_000, describe: written });
    expect(before).toBeLessThan(30); // what the kernel's socket buffers hold
    pushes[0]?.request.resume();
    await until('the writer to go on', () => written() > before + 50);
  });
});

it('reconnects at 0, 0.3, 1.2, 2.7, 4.8, then every 7 s, up to a quarter later', () => {
  expect([0, 1, 2, 3, 4, 5, 50].map((breaks) => reconnectMs(breaks, 0))).toEqual([
    0, 300, 1200, 2700, 4800, 7000, 7000,
  ]);
  expect(reconnectMs(1, 1)).toBe(375);
});
