// All servers of three real viewers are killed. In their places stand sockets that take every
// connection, count it and end it: how often the viewers call, what they say meanwhile, and how
// soon they are back. How thousands do is backoff.test.ts.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { noticeOf } from '../../client/web/notice.ts';
import { startEncoder } from '../support/encoder.ts';
import { NodeSwarm } from '../support/node-swarm.ts';
import { startParts, type Parts } from '../support/parts.ts';
import { until } from '../support/until.ts';

const VIEWERS = 3;
/** The first minute, and as long again in which each viewer calls four times at most. */
const MINUTE_MS = 60_000;
const LATER_MS = 30_000;

/** Connections to the servers' ports while these are not there, oldest first. */
class Counters {
  readonly atMs: number[] = [];
  readonly #servers: Server[] = [];

  async open(ports: readonly number[]): Promise<void> {
    for (const port of ports) {
      const server = createServer((socket) => {
        this.atMs.push(performance.now());
        socket.on('error', () => {});
        socket.destroy();
      });
      this.#servers.push(server);
      await once(server.listen(port, '127.0.0.1'), 'listening');
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map((server) => once(server.close(), 'close')));
  }

  between(fromMs: number, toMs: number): number {
    return this.atMs.filter((atMs) => atMs >= fromMs && atMs < toMs).length;
  }

  worstSecond(): number {
    return Math.max(...this.atMs.map((atMs) => this.between(atMs, atMs + 1_000)));
  }
}

const portsOf = ({ ready }: Parts): number[] =>
  [ready.coordinate, ready.tracker, ...ready.forwards.map(({ pull }) => pull)].map((url) => Number(new URL(url).port));

it('[S16] [S18] viewers whose servers are gone call rarely, say so, and are back by themselves', async () => {
  const parts = await startParts();
  onTestFinished(() => parts.stop());
  const swarm = new NodeSwarm(parts);
  onTestFinished(() => swarm.close());
  const calls: number[][] = [];
  for (let i = 0; i < VIEWERS; i++) {
    const own: number[] = [];
    calls.push(own);
    swarm.join({ called: () => void own.push(performance.now()) });
  }
  const { members } = swarm;
  await swarm.plays(60, 60_000);
  const counters = new Counters();
  onTestFinished(() => counters.close());
  const { coordinate, tracker, forwards } = parts;
  const all = [tracker, ...forwards, coordinate];
  const goneMs = performance.now();
  await Promise.all(all.map((part) => part.kill()));
  await counters.open(portsOf(parts));

  await until('the first calls', () => counters.atMs.length > 0);
  await until('everybody to know that nobody answers', () => members.every(({ peer }) => !peer.peer.serversAnswer));
  for (const { peer } of members) {
    expect(peer.stats().state).not.toBe('ended');
    const facts = { peerProblem: peer.peer.problem, playerState: 'stalled', playerProblem: null } as const;
    const { streamState } = peer.peer;
    const notice = noticeOf({
      ...facts,
      streamState,
      isPaused: false,
      bufferMs: 0,
      hasPlayed: true,
      isStanding: true,
      serversAnswer: false,
    });
    expect(notice).toMatch(/do not answer|cannot be reached/);
  }
  await until('a minute and a half to be over', () => performance.now() - goneMs > MINUTE_MS + LATER_MS, {
    withinMs: MINUTE_MS + LATER_MS + 10_000,
  });
  const early = counters.between(goneMs, goneMs + MINUTE_MS);
  const later = counters.between(goneMs + MINUTE_MS, goneMs + MINUTE_MS + LATER_MS);
  const firsts = calls.map((own) => (own.find((atMs) => atMs > goneMs) ?? Infinity) - goneMs);
  console.log(
    `${VIEWERS} viewers: first calls after ${firsts.map(Math.round).join(', ')} ms, ${early} in the first minute, ${later} in the ` +
      `${LATER_MS / 1_000} s after it, ${counters.worstSecond()} in the worst second`,
  );
  // From the kill on; on a busy machine a process takes a moment to be gone.
  expect(Math.max(...firsts)).toBeLessThan(1_000);
  for (const own of calls) {
    const late = own.filter((atMs) => atMs > goneMs + MINUTE_MS + 1_000);
    for (const [i, atMs] of late.slice(1).entries()) expect(atMs - (late[i] ?? 0)).toBeGreaterThan(9_900);
  }
  expect(later).toBeGreaterThan(0);
  expect(later).toBeLessThanOrEqual(VIEWERS * (1 + LATER_MS / 10_000));
  expect(early).toBeLessThanOrEqual(VIEWERS * 40);
  expect(counters.worstSecond()).toBeLessThanOrEqual(VIEWERS * 8);

  await counters.close();
  for (const part of [coordinate, tracker, ...forwards]) await part.start();
  const backMs = performance.now();
  await until('everybody to be joined again', () => members.every(({ peer }) => peer.peer.tracker.state === 'joined'), {
    withinMs: 40_000,
    describe: () => swarm.describe(),
  });
  console.log(`joined again ${Math.round(performance.now() - backMs)} ms after the servers are back`);
  await until('nobody to miss anybody', () => members.every(({ peer }) => peer.peer.serversAnswer));
  const encoder = startEncoder(`${parts.ready.coordinate}/stream/live`, '320x180');
  onTestFinished(async () => void (await encoder.stop('SIGKILL')));
  await swarm.plays(30, 30_000);
}, 300_000);
