import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { startUplink, type Uplink, type Way } from '../../bench/support/uplink.ts';
import { until } from '../support/until.ts';

interface Rig {
  uplink: Uplink;
  encoder: Socket;
  /** What has come out at the far end, and when. */
  arrivals: { bytes: Buffer; atMs: number }[];
  arrived: () => number;
  connections: () => number;
}

async function rig(way: Way): Promise<Rig> {
  const arrivals: Rig['arrivals'] = [];
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('data', (bytes) => arrivals.push({ bytes, atMs: performance.now() }));
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const uplink = await startUplink(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, way);
  const encoder = connect(Number(new URL(uplink.url).port), '127.0.0.1');
  encoder.on('error', () => undefined);
  onTestFinished(async () => {
    encoder.destroy();
    await uplink.close();
    server.close();
  });
  return {
    uplink,
    encoder,
    arrivals,
    arrived: () => arrivals.reduce((sum, { bytes }) => sum + bytes.length, 0),
    connections: () => connections,
  };
}

const NUMBERED = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251));

it('withholds the connection too until it is opened, and then loses nothing', async () => {
  const { uplink, encoder, arrivals, arrived, connections } = await rig({ is: 'hold' });
  encoder.write(NUMBERED);
  await until('the bytes to be taken', () => uplink.received() === NUMBERED.length);
  expect([arrived(), connections()]).toEqual([0, 0]);
  uplink.set({ is: 'open' });
  await until('all of it', () => arrived() === NUMBERED.length);
  expect(Buffer.concat(arrivals.map(({ bytes }) => bytes)).equals(NUMBERED)).toBe(true);
});

it('carries so many bytes a second and no more', async () => {
  const { encoder, arrivals, arrived } = await rig({ is: 'rate', bytesPerSecond: 100_000 });
  const beganMs = performance.now();
  encoder.write(NUMBERED);
  await until('all of it', () => arrived() === NUMBERED.length);
  expect((arrivals.at(-1)?.atMs ?? 0) - beganMs).toBeGreaterThan(1_700);
});

it('gathers, and lets all out at once', async () => {
  const { encoder, arrivals, arrived } = await rig({ is: 'bursts', everyMs: 1_000 });
  let written = 0;
  const writing = setInterval(() => {
    encoder.write(NUMBERED.subarray(0, 1_000));
    written += 1_000;
  }, 20);
  onTestFinished(() => clearInterval(writing));
  await until('three bursts', () => arrived() > 0 && written > 150_000);
  const gaps = arrivals.slice(1).map(({ atMs }, i) => atMs - (arrivals[i]?.atMs ?? 0));
  expect(gaps.filter((gap) => gap > 100).every((gap) => gap > 800)).toBe(true);
  expect(gaps.filter((gap) => gap > 800).length).toBeGreaterThanOrEqual(1);
});
