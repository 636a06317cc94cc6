// Fifty peers with equal uplinks on one machine, real WebRTC, no picture: who carries the stream, how is everybody seated, what does a
// hop cost? `npm run bench -- swarm [peers]`.
import { createNodeEnv } from '../client/node/node-env.ts';
import { HeadlessPeer } from '../client/audience/headless-peer.ts';
import { startStack } from '../tests/support/stack.ts';
import { until } from '../tests/support/until.ts';

const JOIN_EVERY_MS = 150;
const SETTLE_MS = 10_000;
const MEASURE_MS = 30_000;

interface TrackerDebug {
  streams: {
    viewers: {
      id: string;
      depth: number;
      parents: { slice: number; id: string; kind: string }[];
      children: { slice: number; id: string }[];
    }[];
  }[];
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const percentile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN) * 10) / 10;
};
const share = (part: number, of: number): number => Math.round((1_000 * part) / Math.max(1, of)) / 10;

async function json<T>(url: string): Promise<T> {
  const response = await fetch(url, { headers: { accept: 'application/json' } });
  return (await response.json()) as T;
}

export async function swarm(given: readonly string[] = []): Promise<Record<string, unknown>[]> {
  const count = Number(given[0] ?? 50);
  const stack = await startStack(['--source', 'test']);
  const env = createNodeEnv();
  const arrivals: { hops: number; ms: number }[] = [];
  let isMeasuring = false;
  const peers = Array.from({ length: count }, () => {
    const peer: HeadlessPeer = new HeadlessPeer(
      env,
      { coordinate: stack.ready.coordinate, stream: 'live', shares: true, role: 'viewer' },
      {
        unit: ({ held }) => {
          const coordinateMs = peer.peer.coordinateMs();
          if (!isMeasuring || coordinateMs === null || held.wholeMs === null) return;
          const hops = Math.max(...held.slices.map((slice) => slice?.hops ?? 0));
          arrivals.push({ hops, ms: coordinateMs - (env.now() - held.wholeMs) - held.head.sourceMs });
        },
      },
    );
    return peer;
  });
  try {
    await until(
      'a live stream',
      async () => (await (await fetch(`${stack.ready.coordinate}/streams`)).text()).includes('"live"'),
      { withinMs: 15_000 },
    );
    const joinsFromMs = performance.now();
    for (const peer of peers) {
      peer.start();
      await wait(JOIN_EVERY_MS);
    }
    await until('every peer to play', () => peers.every((p) => p.stats().units > 0), {
      withinMs: 60_000,
      describe: () => JSON.stringify(peers.map((p) => p.stats().state)),
    });
    const joinSeconds = (performance.now() - joinsFromMs) / 1_000;
    await wait(SETTLE_MS);

    const forwardBytes = async (): Promise<{ egress: number; ingress: number }> => {
      const [forward] = stack.ready.forwards;
      const state = await json<{ egressBytes: Record<string, number>; ingressBytes: number }>(forward?.debug ?? '');
      const { media = 0, bootstrap = 0, repair = 0 } = state.egressBytes;
      return { egress: media + bootstrap + repair, ingress: state.ingressBytes };
    };
    const sum = (): { received: number; duplicate: number; sent: number; units: number; skipped: number } =>
      peers.reduce(
        (all, p) => {
          const s = p.stats();
          return {
            received: all.received + s.receivedBytes.forward + s.receivedBytes.peers,
            duplicate: all.duplicate + s.duplicateBytes,
            sent: all.sent + s.sentBytes,
            units: all.units + s.units,
            skipped: all.skipped + s.skippedUnits,
          };
        },
        { received: 0, duplicate: 0, sent: 0, units: 0, skipped: 0 },
      );
    const before = { forward: await forwardBytes(), peers: sum() };
    const cpuBefore = process.cpuUsage();
    isMeasuring = true;
    await wait(MEASURE_MS);
    isMeasuring = false;
    const cpu = process.cpuUsage(cpuBefore);
    const after = { forward: await forwardBytes(), peers: sum() };
    const { streams } = await json<TrackerDebug>(`${stack.ready.tracker}/debug`);
    const viewers = streams[0]?.viewers ?? [];
    const twoParents = viewers.filter(
      (v) => v.parents.every((p) => p.kind === 'peer') && new Set(v.parents.map((p) => p.id)).size === 2,
    ).length;
    const children = viewers.map((v) => new Set(v.children.map((c) => c.id)).size);
    const egress = after.forward.egress - before.forward.egress;
    const copy = after.forward.ingress - before.forward.ingress;
    const received = after.peers.received - before.peers.received;
    const rows: Record<string, unknown>[] = [
      { what: 'peers', value: count, gate: '' },
      {
        what: 'offload, server counters, %',
        value: Math.round(1_000 * (1 - egress / (copy * count))) / 10,
        gate: '90 (goal 92)',
      },
      { what: 'copies sent by the forward', value: Math.round((100 * egress) / copy) / 100, gate: '' },
      { what: 'two distinct viewer parents, %', value: share(twoParents, viewers.length), gate: 85 },
      {
        what: 'one to three children, %',
        value: share(children.filter((n) => n >= 1 && n <= 3).length, viewers.length),
        gate: 70,
      },
      {
        what: 'children histogram 0..6',
        value: [0, 1, 2, 3, 4, 5, 6].map((n) => children.filter((c) => c === n).length).join(' '),
        gate: '',
      },
      {
        what: 'depth p50 / max',
        value: `${percentile(
          viewers.map((v) => v.depth),
          0.5,
        )} / ${Math.max(...viewers.map((v) => v.depth))}`,
        gate: '',
      },
      {
        what: 'unit arrival p50 / p95 / p99, ms',
        value: [0.5, 0.95, 0.99]
          .map((q) =>
            percentile(
              arrivals.map((a) => a.ms),
              q,
            ),
          )
          .join(' / '),
        gate: '',
      },
      { what: 'delay per hop, ms', value: slope(arrivals), gate: '' },
      {
        what: 'duplicates, %',
        value: share(after.peers.duplicate - before.peers.duplicate, received),
        gate: '3 (goal 0.5)',
      },
      { what: 'units skipped', value: after.peers.skipped - before.peers.skipped, gate: 0 },
      {
        what: 'upload per viewer, copies',
        value: Math.round((1_000 * (after.peers.sent - before.peers.sent)) / (copy * count)) / 1_000,
        gate: '1.06 (goal 1.03)',
      },
      { what: 'joins a second', value: Math.round((10 * count) / joinSeconds) / 10, gate: '' },
      {
        what: 'CPU of all peers, cores',
        value: Math.round(((cpu.user + cpu.system) / 1_000 / MEASURE_MS) * 100) / 100,
        gate: '',
      },
    ];
    console.table(rows);
    return rows;
  } finally {
    for (const peer of peers) peer.close();
    await wait(200);
    await stack.stop();
  }
}

/** Least squares of arrival over hops: what one more hop costs. */
function slope(points: readonly { hops: number; ms: number }[]): number {
  const n = Math.max(1, points.length);
  const mx = points.reduce((s, p) => s + p.hops, 0) / n;
  const my = points.reduce((s, p) => s + p.ms, 0) / n;
  const top = points.reduce((s, p) => s + (p.hops - mx) * (p.ms - my), 0);
  const bottom = points.reduce((s, p) => s + (p.hops - mx) ** 2, 0);
  return Math.round((10 * top) / Math.max(1e-9, bottom)) / 10;
}
