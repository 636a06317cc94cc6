// What does it cost a forward to serve many viewers over WebSocket, beside a bare `ws` broadcast of the same bytes in the same run?
// CPU seconds of the serving process per gigabit, 2 Mbps a viewer. `npm run bench -- fan-out [viewers ...]`.
import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { WebSocket } from 'ws';
import { encodeFragment, FLAG, streamTag } from '../protocol/chunk.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import { merkleTree, proofOf, signedBytes } from '../protocol/unit.ts';
import { OUT } from '../tests/support/stack.ts';
import { sha256 } from '../tests/support/units.ts';

const UNIT_MS = 66;
const UNIT_BYTES = Math.round((2_000_000 / 8_000) * UNIT_MS);
const WARM_MS = 3_000;
const MEASURE_MS = 8_000;
const TICKS_PER_SECOND = 100;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** CPU seconds a process has used; Linux only, where the benches run. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function bundled(name: string): Promise<string> {
  const build = await rolldown({
    input: path.join(import.meta.dirname, 'support', `${name}.ts`),
    platform: 'node',
    external: ['ws'],
  });
  const to = path.resolve(import.meta.dirname, `../node_modules/.cache/p2plive-bench/${name}.mjs`);
  await build.write({ file: to, format: 'es' });
  await build.close();
  return to;
}

function program(
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
): { child: ChildProcess; lines: string[] } {
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const lines: string[] = [];
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  return { child, lines };
}

async function ready(of: { lines: string[] }): Promise<Record<string, unknown>> {
  while (of.lines.length === 0) await wait(20);
  return JSON.parse(of.lines[0] ?? '{}') as Record<string, unknown>;
}

interface Row {
  viewers: number;
  server: string;
  slices: number;
  gigabits: number;
  arrivedPercent: number;
  cpuSecondsPerGigabit: number;
  ratioToBare: number | null;
}

/** Serves `viewers` sinks at 2 Mbps each with units pushed every UNIT_MS by `push`, and weighs the server. */
async function weigh(
  what: Omit<Row, 'gigabits' | 'arrivedPercent' | 'cpuSecondsPerGigabit' | 'ratioToBare'>,
  server: ChildProcess,
  url: string,
  first: readonly string[],
  push: (unit: number) => void,
): Promise<Row> {
  const sinks = program(await bundled('sinks'), [url, String(what.viewers), JSON.stringify(first)]);
  let unit = 1;
  const beganMs = performance.now();
  const timer = setInterval(() => {
    while (performance.now() - beganMs > unit * UNIT_MS) push(unit++);
  }, 5);
  try {
    while (!(JSON.parse(sinks.lines.at(-1) ?? '{"open":0}') as { open: number }).open) await wait(100);
    while ((JSON.parse(sinks.lines.at(-1) ?? '{}') as { open: number }).open < what.viewers) await wait(100);
    await wait(WARM_MS);
    const received = (): number => (JSON.parse(sinks.lines.at(-1) ?? '{}') as { bytes: number }).bytes;
    const before = { cpu: cpuSeconds(server.pid ?? 0), bytes: received(), unit };
    await wait(MEASURE_MS);
    const bytes = received() - before.bytes;
    const cpu = cpuSeconds(server.pid ?? 0) - before.cpu;
    const expected = (unit - before.unit) * UNIT_BYTES * what.viewers;
    return {
      ...what,
      gigabits: Math.round((bytes * 8) / 1e7) / 100,
      arrivedPercent: Math.round((100 * bytes) / expected),
      cpuSecondsPerGigabit: Math.round((cpu / ((bytes * 8) / 1e9)) * 1_000) / 1_000,
      ratioToBare: null,
    };
  } finally {
    clearInterval(timer);
    sinks.child.kill();
  }
}

/** @param slices messages a unit is sent as: the forward sends as many, so both are weighed on the same traffic */
async function bare(viewers: number, slices: 1 | 2): Promise<Row> {
  const server = program(await bundled('bare-broadcast'), []);
  try {
    const { port } = await ready(server);
    return await weigh(
      { viewers, server: 'bare ws', slices },
      server.child,
      `ws://127.0.0.1:${String(port)}/`,
      [],
      () => {
        for (let slice = 0; slice < slices; slice++) {
          const bytes = Math.ceil(UNIT_BYTES / slices);
          const message = Buffer.alloc(4 + bytes, 7);
          message.writeUInt32BE(bytes, 0);
          server.child.stdin?.write(message);
        }
      },
    );
  } finally {
    server.child.kill();
  }
}

async function forward(viewers: number, slices: 1 | 2): Promise<Row> {
  if (!existsSync(path.join(OUT, 'forward.js'))) throw new Error('npm run build first');
  const server = program(
    path.join(OUT, 'forward.js'),
    ['--push-port', '0', '--pull-port', '0', '--max-children', '10000'],
    { P2PLIVE_PARENT: 'stdin', P2PLIVE_LOG_LEVEL: 'silent' },
  );
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  try {
    const { push, pull } = (await ready(server)) as { push: string; pull: string };
    const coordinate = new WebSocket(push);
    await new Promise((resolve) => coordinate.once('open', resolve));
    const epoch = Math.floor(Date.now() / 1_000);
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64url');
    coordinate.send(JSON.stringify({ type: 'hello', v: PROTOCOL_VERSION, publicKey: raw, coordinateMs: Date.now() }));
    coordinate.send(JSON.stringify({ type: 'stream', name: 'live', state: 'live', epoch }));
    const payload = new Uint8Array(UNIT_BYTES).fill(7);
    const tree = await merkleTree(sha256, payload);
    const send = (unit: number): void => {
      const flags = unit === 0 ? FLAG.init : unit % 15 === 1 ? FLAG.key : 0;
      const head = {
        stream: streamTag('live'),
        epoch,
        unit,
        flags,
        unitBytes: UNIT_BYTES,
        sourceMs: Date.now(),
        durationMs: UNIT_MS,
      };
      const signature = new Uint8Array(sign(null, signedBytes('live', head, tree.root), privateKey));
      coordinate.send(
        encodeFragment({
          ...head,
          layout: 1,
          k: 0,
          K: 1,
          sliceBytes: UNIT_BYTES,
          offset: 0,
          hops: 0,
          seal: { signature, proof: proofOf(tree, 0, 1) },
          payload,
        }),
      );
    };
    send(0);
    const first = [JSON.stringify({ type: 'hello', v: PROTOCOL_VERSION, stream: 'live', id: 'v$' })];
    for (let slice = 0; slice < slices; slice++)
      first.push(JSON.stringify({ type: 'subscribe', slice, of: slices, why: 'tree' }));
    const row = await weigh({ viewers, server: 'forward', slices }, server.child, pull, first, send);
    coordinate.terminate();
    return row;
  } finally {
    server.child.kill();
  }
}

export async function fanOut(given: readonly string[] = []): Promise<Row[]> {
  const sizes = given.length > 0 ? given.map(Number) : [200, 500, 1_000];
  const rows: Row[] = [];
  for (const viewers of sizes) {
    for (const slices of [1, 2] as const) {
      const floor = await bare(viewers, slices);
      const row = await forward(viewers, slices);
      rows.push(floor, {
        ...row,
        ratioToBare: Math.round((100 * row.cpuSecondsPerGigabit) / floor.cpuSecondsPerGigabit) / 100,
      });
    }
  }
  console.table(rows);
  return rows;
}
