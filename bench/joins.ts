// What a viewer costs the tracker, sockets and messages included: processor time to take it in, and memory while it stays. One real tracker
// and forward with a real stream; viewers that say hello, are given a plan, and stay. Gates: MESH.md section 8.
// `npm run bench -- joins [viewers]`.
import { WebSocket } from 'ws';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import { issueTicket } from '../servers/shared/guard.ts';
import { descendantsOf } from '../tests/support/processes.ts';
import { SECRET } from '../tests/support/soak/short-sessions.ts';
import { Weights } from '../tests/support/soak/weights.ts';
import { startLiveStack } from '../tests/support/stack.ts';

const AT_ONCE = 50;
const ROUNDS = 3;
const PLAN_WITHIN_MS = 20_000;

export async function joins(given: readonly string[] = []): Promise<Record<string, unknown>[]> {
  const viewers = Number(given[0] ?? 2_000);
  if (!(Number.isInteger(viewers) && viewers >= 100 && viewers <= 8_000))
    throw new Error('The number of viewers is a whole number from 100 to 8000.');
  const rows: Record<string, unknown>[] = [];
  for (let round = 1; round <= ROUNDS; round++) rows.push(await measure(viewers));
  console.table(rows);
  return rows;
}

async function measure(viewers: number): Promise<Record<string, unknown>> {
  const weights = new Weights();
  const stack = await startLiveStack(['--mesh-secret', SECRET], weights.env);
  const sockets: WebSocket[] = [];
  try {
    const tracker = descendantsOf(stack.process.pid).find(({ command }) => command.includes('tracker.js'));
    if (!tracker) throw new Error(`no tracker runs below ${stack.process.pid}`);
    const resource = `${stack.ready.tracker.replace('http', 'ws')}/resource`;
    // The first ones compile what all others use.
    await join(resource, 100, sockets);
    const before = await weights.of(tracker.pid);
    const beganMs = performance.now();
    await join(resource, viewers, sockets);
    const seconds = (performance.now() - beganMs) / 1_000;
    const after = await weights.of(tracker.pid);
    const cpuSeconds = (after.cpuMs - before.cpuMs) / 1_000;
    const kilobytes = (bytes: number): number => Math.round(bytes / viewers / 102.4) / 10;
    return {
      viewers,
      'joins a second and core': Math.round(viewers / cpuSeconds),
      'joins a second, by the clock': Math.round(viewers / seconds),
      'heap KB a viewer': kilobytes(after.heapUsed + after.external - before.heapUsed - before.external),
      'RSS KB a viewer': kilobytes(after.rss - before.rss),
      'gate (goal)': '1,000 (3,000); 25 KB (12)',
    };
  } finally {
    for (const socket of sockets) socket.terminate();
    await stack.stop();
    weights.close();
  }
}

/** So many more viewers, so many at a time; they are here, with a plan, when this resolves. */
async function join(resource: string, count: number, sockets: WebSocket[]): Promise<void> {
  let begun = 0;
  const one = async (): Promise<void> => {
    while (begun++ < count) sockets.push(await viewer(resource));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

function viewer(resource: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(resource, { perMessageDeflate: false });
    const ticket = issueTicket(SECRET, 'live', 'default', Date.now());
    const late = setTimeout(() => reject(new Error('no plan in time')), PLAN_WITHIN_MS);
    socket.on('open', () =>
      socket.send(JSON.stringify({ v: PROTOCOL_VERSION, type: 'hello', stream: 'live', shares: true, ticket })),
    );
    socket.on('message', (data) => {
      if (!(data as Buffer).includes('"type":"plan"')) return;
      clearTimeout(late);
      resolve(socket);
    });
    socket.on('error', reject);
    socket.on('close', (code, reason) => reject(new Error(`the tracker closed: ${code} ${reason.toString('utf8')}`)));
  });
}
