// Does the simulator say what real peers do? The same audience twice: real peers over WebRTC with uplinks, round trips, losses and
// departures as they are told, and the simulator with the same numbers. Nobody knows anybody's uplink at the begin, and all come one by one, in
// both. `npm run bench -- calibrate [--viewers 50] [--runs 6] [--uplinks rich]`.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { createNodeEnv } from '../client/node/node-env.ts';
import { HeadlessPeer } from '../client/audience/headless-peer.ts';
import type { Sums } from '../client/audience/verdict.ts';
import { FLAG } from '../protocol/chunk.ts';
import { DEFAULTS } from '../tests/sim/mesh/options.ts';
import { Simulation } from '../tests/sim/mesh/simulation.ts';
import type { Owned } from '../tests/support/processes.ts';
import { eventIn, startCliOnCore, startStack, type Stack } from '../tests/support/stack.ts';
import { until } from '../tests/support/until.ts';

/** As `auto` chooses for these uplinks. */
const SLICES = { rich: 2, ordinary: 4 } as const;
const UPLOAD_CAP = 3;
/** The longest there are: fewer messages for the processes that all peers share. The sound is one message less. */
const UNIT_MS = 120;
/** The peers live in so many processes: the library's own thread is full at some forty of them. */
const PROCESSES = 2;
/** As in the simulator: mean sessions of five minutes. */
const CHURN = '20%/min';
const LOSS = 0.01;
const RTT_MS = [20, 150] as const;
/** Until uplinks are measured and slots are given out. */
const SETTLE_SECONDS = 60;
/** In each process. Faster than that, and connecting takes all of it: slices are seconds late, and uplinks look too narrow. */
const JOIN_EVERY_MS = 1_000;
const SECONDS = 60;
/** Where the strong ones happen to sit makes a quarter of the delay: only means over several audiences can be compared. */
const SEEDS = Array.from({ length: 24 }, (_, i) => i + 1);

interface Outcome {
  delayP50: number;
  delayP95: number;
  offload: number;
  /** Of the forward's copies those that stood in for somebody or were asked for singly. */
  repair: number;
  duplicates: number;
  uploadCopies: number;
  unitMs: number;
  /** Of a keyframe's unit, in average ones. */
  keySize: number;
  bitsPerSecond: number;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const round = (value: number, digits = 0): number => Math.round(value * 10 ** digits) / 10 ** digits;
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
/** Of the mean: how far off it may be by chance. */
const errorOf = (values: readonly number[]): number => {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / Math.max(1, values.length - 1) / values.length);
};
const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

export async function calibrate(given: readonly string[] = []): Promise<Record<string, unknown>[]> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...given], options: { viewers: text, runs: text, uplinks: text } });
  const [viewers, runs] = [Number(values.viewers ?? 50), Number(values.runs ?? 6)];
  const uplinks = values.uplinks ?? 'rich';
  if (uplinks !== 'rich' && uplinks !== 'ordinary') throw new Error('--uplinks is rich or ordinary.');
  const k = SLICES[uplinks];
  const real: Outcome[] = [];
  for (let seed = 1; seed <= runs; seed++) {
    try {
      real.push(await measure(viewers, seed, uplinks, k));
      console.log(JSON.stringify(real.at(-1)));
    } catch (error) {
      // An audience that this machine could not carry to the end says nothing about the mesh, and is not hidden either.
      console.log(`audience ${seed}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (real.length === 0) throw new Error('No audience was measured: are two cores idle?');
  const unitMs = middle(real.map((one) => one.unitMs));
  const bitsPerSecond = middle(real.map((one) => one.bitsPerSecond));
  const keySize = middle(real.map((one) => one.keySize));
  const simulated = SEEDS.map((seed) =>
    new Simulation({
      ...DEFAULTS,
      viewers,
      seed,
      k,
      uplinks,
      arriveEveryMs: JOIN_EVERY_MS / PROCESSES,
      warmUpMs: (viewers * JOIN_EVERY_MS) / PROCESSES + SETTLE_SECONDS * 1_000,
      measuredMs: SECONDS * 1_000,
      uploadCap: UPLOAD_CAP,
      loss: LOSS,
      rttMs: RTT_MS,
      shape: 'star',
      unitMs: round(unitMs),
      keySize,
      bitsPerSecond,
    }).run(),
  );
  const rows = [
    compare(
      'delay p50, ms',
      real.map((one) => one.delayP50),
      simulated.map((one) => one.delayMs.p50 ?? Number.NaN),
      15,
    ),
    compare(
      'delay p95, ms',
      real.map((one) => one.delayP95),
      simulated.map((one) => one.delayMs.p95 ?? Number.NaN),
      15,
    ),
    compare(
      'offload, %',
      real.map((one) => one.offload),
      simulated.map((one) => one.offload),
      null,
    ),
    compare(
      'repair by the forward, copies',
      real.map((one) => one.repair),
      simulated.map((one) => one.egress.repair),
      undefined,
    ),
    compare(
      'duplicates, %',
      real.map((one) => one.duplicates),
      simulated.map((one) => one.duplicates),
      undefined,
    ),
    compare(
      'upload, copies',
      real.map((one) => one.uploadCopies),
      simulated.map((one) => one.uploadCopies),
      undefined,
    ),
  ];
  console.table(rows);
  console.log(
    `units of ${round(unitMs)} ms, keyframes' ${round(keySize, 2)} times the average, ${round(bitsPerSecond / 1_000)} kbit/s, ${uplinks} uplinks, K = ${k}, round trips of ${RTT_MS.join(' to ')} ms`,
  );
  return rows;
}

/** @param gate per cent that the simulator may be off; null: a point; undefined: shown only */
function compare(what: string, real: readonly number[], simulated: readonly number[], gate: number | null | undefined) {
  const [a, b] = [meanOf(real), meanOf(simulated)];
  const off = gate === null ? b - a : (100 * (b - a)) / a;
  const unit = gate === null ? 'points' : '%';
  const bound = gate === null ? 1 : gate;
  return {
    what,
    real: `${round(a, 2)} ± ${round(errorOf(real), 2)}`,
    simulated: `${round(b, 2)} ± ${round(errorOf(simulated), 2)}`,
    'each real run': real.map((value) => round(value, 2)).join(' '),
    off: `${off > 0 ? '+' : ''}${round(off, 1)} ${unit}`,
    gate: bound === undefined ? '' : `within ${bound} ${unit}: ${Math.abs(off) <= bound ? 'yes' : 'no'}`,
  };
}

async function measure(viewers: number, seed: number, uplinks: string, k: number): Promise<Outcome> {
  const words = { source: 'test', slices: k, parity: 'off', 'upload-cap': UPLOAD_CAP, 'unit-ms': UNIT_MS };
  const stack = await startStack(flags(words));
  const env = createNodeEnv();
  const { coordinate } = stack.ready;
  const delays: number[] = [];
  const units: number[] = [];
  const sizes = { all: [] as number[], key: [] as number[] };
  // A viewer at the forward's side: what it waits for is the making of a unit, not its way.
  const near: HeadlessPeer = new HeadlessPeer(
    env,
    { coordinate, stream: 'live', shares: false, role: 'viewer' },
    {
      unit({ held }) {
        const coordinateMs = near.peer.coordinateMs();
        if (coordinateMs === null || held.wholeMs === null) return;
        delays.push(coordinateMs - (env.now() - held.wholeMs) - held.head.sourceMs);
        units.push(held.head.sourceMs);
        sizes.all.push(held.head.unitBytes);
        if (held.head.flags & FLAG.key) sizes.key.push(held.head.unitBytes);
      },
    },
  );
  const audiences: Owned[] = [];
  try {
    await until('a live stream', async () => (await (await fetch(`${coordinate}/streams`)).text()).includes('"live"'), {
      withinMs: 15_000,
    });
    near.start();
    for (let i = 0; i < PROCESSES; i++)
      audiences.push(
        startCliOnCore(i % cpus().length, audience(coordinate, viewers / PROCESSES, uplinks, 10 * seed + i)),
      );
    await said(audiences, 'settled', 60 + SETTLE_SECONDS + (viewers * JOIN_EVERY_MS) / PROCESSES / 1_000);
    delays.length = units.length = 0;
    const before = { forward: await forwardBytes(stack), near: near.stats().receivedBytes.forward };
    const beganMs = performance.now();
    await wait(SECONDS * 1_000);
    const passedMs = performance.now() - beganMs;
    const forward = await forwardBytes(stack);
    const ownBytes = near.stats().receivedBytes.forward - before.near;
    const copy = forward.ingress - before.forward.ingress;
    const sums = (await said(audiences, 'done', 30)) as unknown as Sums[];
    const mean = (of: (one: Sums) => number | null): number =>
      sums.reduce((sum, one) => sum + (of(one) ?? Number.NaN), 0) / sums.length;
    const makingMs = middle(delays);
    return {
      delayP50: mean((one) => one.delayMs.p50) - makingMs,
      delayP95: mean((one) => one.delayMs.p95) - makingMs,
      offload: 100 * (1 - (forward.egress - before.forward.egress - ownBytes) / (copy * viewers)),
      repair: (forward.repair - before.forward.repair) / copy,
      duplicates: 100 * mean((one) => one.duplicates),
      uploadCopies: mean((one) => one.uploadCopies),
      keySize: meanOf(sizes.key) / meanOf(sizes.all),
      unitMs: ((units.at(-1) ?? 0) - (units[0] ?? 0)) / Math.max(1, units.length - 1),
      bitsPerSecond: (8_000 * copy) / passedMs,
    };
  } finally {
    await Promise.all(audiences.map((one) => one.stop()));
    near.close();
    await wait(200);
    await stack.stop();
  }
}

const flags = (words: object): string[] =>
  Object.entries(words).flatMap(([name, value]) => [`--${name}`, String(value)]);

function audience(coordinate: string, viewers: number, uplink: string, seed: number): string[] {
  const options = { coordinate, uplink, churn: CHURN, loss: LOSS, rtt: RTT_MS.join('-'), seed };
  const times = { 'join-every': JOIN_EVERY_MS, settle: SETTLE_SECONDS, seconds: SECONDS };
  return ['audience', String(Math.round(viewers)), '--json', ...flags({ ...options, ...times })];
}

const hasExited = ({ child }: Owned): boolean => child.exitCode !== null || child.signalCode !== null;

/** What each of them has said by this event. */
const said = (audiences: readonly Owned[], event: string, withinSeconds: number): Promise<Record<string, unknown>[]> =>
  until(
    `every audience to be ${event}`,
    () => {
      const gone = audiences.find((one) => hasExited(one) && eventIn(one, event) === null);
      if (gone) throw new Error(`an audience ended by itself: ${gone.child.exitCode ?? gone.child.signalCode}`);
      const words = audiences.map((one) => eventIn(one, event)).filter((word) => word !== null);
      return words.length === audiences.length ? words : null;
    },
    { withinMs: withinSeconds * 1_000, describe: () => audiences.map((one) => one.stderr()).join('\n') },
  );

async function forwardBytes(stack: Stack): Promise<{ egress: number; repair: number; ingress: number }> {
  const [forward] = stack.ready.forwards;
  const answer = await fetch(forward?.debug ?? '', { headers: { accept: 'application/json' } });
  const state = (await answer.json()) as { egressBytes: Record<string, number>; ingressBytes: number };
  const { media = 0, bootstrap = 0, repair = 0 } = state.egressBytes;
  return { egress: media + bootstrap + repair, repair, ingress: state.ingressBytes };
}
