// Nobody is declared lost by a program that did not run itself: its event loop is really held up
// here while others have spoken.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer, WebSocket } from 'ws';
import { AwakeClock, patiently } from '../../protocol/awake.ts';
import { Roster } from '../../servers/coordinate/backbone/roster.ts';
import { Pings } from '../../servers/forward/pings.ts';
import { awakeMs, busyness, patienceSignal } from '../../servers/shared/awake.ts';
import { until } from '../support/until.ts';

/** This program does nothing else for so long, as on a machine whose processors others have. */
function holdUp(ms: number): void {
  for (const endMs = performance.now() + ms; performance.now() < endMs;);
}

describe('[R10] a wait for a sign of life', () => {
  it('lasts as long as it says where nothing is late', () => {
    const timers: { atMs: number; call: () => void }[] = [];
    let nowMs = 0;
    let endedMs: number | null = null;
    const after = (ms: number, call: () => void): (() => void) => {
      const timer = { atMs: nowMs + ms, call };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    };
    const run = (untilMs: number): void => {
      for (; timers[0] && timers[0].atMs <= untilMs;) {
        const { atMs, call } = timers.shift() ?? { atMs: 0, call: () => {} };
        nowMs = Math.max(nowMs, atMs);
        call();
      }
      nowMs = untilMs;
    };
    for (const ms of [1, 180, 250, 251, 5_000]) {
      const beganMs = nowMs;
      endedMs = null;
      patiently({ after }, ms, () => (endedMs = nowMs));
      run(beganMs + 10_000);
      expect((endedMs ?? 0) - beganMs).toBeCloseTo(ms, 5);
    }
    // Held up for a minute after a tenth of a second: as long a wait is left as before.
    const beganMs = nowMs;
    endedMs = null;
    patiently({ after }, 1_000, () => (endedMs = nowMs));
    run(beganMs + 100);
    nowMs += 60_000;
    run(nowMs);
    run(nowMs + 10_000);
    expect((endedMs ?? 0) - beganMs).toBeGreaterThan(60_800);
    const stop = patiently({ after }, 1_000, () => expect.unreachable());
    run(nowMs + 500);
    stop();
    run(nowMs + 10_000);
    expect(timers).toEqual([]);
  });

  it('does not end before what came meanwhile is read', async () => {
    // The other side is a process of its own: it answers while this one is held up.
    const echo = spawn(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)']);
    onTestFinished(() => void echo.kill());
    const word = (text: string): Promise<string> =>
      new Promise((resolve) => {
        echo.stdout.once('data', (data: Buffer) => resolve(String(data)));
        echo.stdin.write(text);
      });
    expect(await word('are you there?')).toBe('are you there?');
    const signal = patienceSignal(400);
    const ends = new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('silent')));
    const answer = word('still there?');
    await new Promise((resolve) => setImmediate(resolve)); // it is on its way
    holdUp(3_000);
    expect(await Promise.race([answer, ends])).toBe('still there?');
    expect(await ends).toBe('silent'); // and it does end
  });
});

it('[R10] the clock of who listens stands while it does not', () => {
  const clock = new AwakeClock(1_000);
  expect([1_100, 1_200, 1_400].map((ms) => clock.at(ms))).toEqual([100, 200, 400]);
  expect(clock.at(61_400)).toBe(650);
  expect(clock.at(61_300)).toBe(650); // clocks do not go back
  const beforeMs = awakeMs();
  holdUp(1_500);
  expect(awakeMs() - beforeMs).toBeLessThan(500);
});

it('[R10] a coordinate that was held up has lost no tracker', () => {
  const lost: string[] = [];
  const roster = new Roster({
    trackerFound: () => {},
    trackerLost: ({ id }) => void lost.push(id),
    forwardsChanged: () => {},
  });
  const base = 'http://127.0.0.1:1';
  const record = { v: 2, id: 'tone1', resource: base, base, region: 'here', viewers: 0, load: 0, forwards: [] };
  roster.hear(record, awakeMs());
  holdUp(4_000);
  roster.sweep(awakeMs());
  expect(lost).toEqual([]);
  roster.sweep(awakeMs() + 4_000);
  expect(lost).toEqual(['tone1']);
});

it('[R10] a forward that was held up ends no connection whose answer it has not read yet', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => server.close());
  await once(server, 'listening');
  const pings = new Pings();
  const pongs: unknown[] = [];
  server.on('connection', (socket) => {
    pings.watch(socket);
    socket.on('pong', () => pongs.push(socket));
  });
  const open = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    return socket;
  };
  const [viewer, frozen] = [await open(), await open()];
  await until('both to be there', () => server.clients.size === 2);
  frozen.pause(); // it reads nothing, so it answers nothing
  pings.round();
  holdUp(4_500);
  pings.round();
  expect([viewer.readyState, server.clients.size]).toEqual([WebSocket.OPEN, 2]);
  await until('the pong to be read', () => pongs.length === 1);
  pings.round(awakeMs() + 4_000);
  await until('the frozen one to be ended', () => server.clients.size === 1);
  expect(viewer.readyState).toBe(WebSocket.OPEN);
});

it('[R10] a program on a busy machine is given as much longer as it takes there, within bounds', () => {
  expect([busyness(0, 2), busyness(1.5, 2), busyness(5, 2), busyness(15, 2)]).toEqual([1, 1, 2.5, 6]);
});
