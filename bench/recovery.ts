// How long is a slice away when its parent goes: with a goodbye, and without a word? Real peers over WebRTC, the built servers, the test
// source. `npm run bench -- recovery [graceful|silent ...]` (both without a name).
import { decodeFragment } from '../protocol/chunk.ts';
import { gapsOf, NodeSwarm, type Member } from '../tests/support/node-swarm.ts';
import { startLiveStack } from '../tests/support/stack.ts';
import { until } from '../tests/support/until.ts';

const PEERS = 10;
const DEPARTURES = 24;
/** Between a departure that is mended and the next one. */
const REST_MS = 2_000;
const GIVEN_UP_MS = 5_000;
/** What MESH's targets are: p50 and p95, milliseconds. */
const TARGETS = { graceful: { gate: '150 / 300', goal: '75 / 150' }, silent: { gate: '900 (p95)', goal: '580 (p95)' } };

type How = keyof typeof TARGETS;

interface Row {
  departure: string;
  departures: number;
  slices: number;
  backP50: number;
  backP95: number;
  backMax: number;
  gate: string;
  goal: string;
  /** Of the units due to the children in the 3 s after it. */
  missedPercent: number;
}

/** A peer, and the newest unit that it has of each slice. */
interface Watched {
  member: Member;
  newest: Map<number, number>;
  waiting: { slice: number; beyond: number; came: (atMs: number) => void }[];
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const percentile = (values: readonly number[], q: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN);
};

function join(swarm: NodeSwarm): Watched {
  const newest = new Map<number, number>();
  const waiting: Watched['waiting'] = [];
  const member = swarm.join({
    media(bytes) {
      const decoded = decodeFragment(bytes);
      if (!decoded.ok) return;
      const { k, unit } = decoded.value;
      newest.set(k, Math.max(unit, newest.get(k) ?? 0));
      for (const one of waiting.filter(({ slice, beyond }) => slice === k && unit > beyond)) {
        waiting.splice(waiting.indexOf(one), 1);
        one.came(performance.now());
      }
    },
  });
  return { member, newest, waiting };
}

const idOf = ({ member }: Watched): string => member.peer.stats().id ?? '';

export async function recovery(which: readonly string[] = []): Promise<Row[]> {
  const kinds = (['graceful', 'silent'] as const).filter((how) => which.length === 0 || which.includes(how));
  const stack = await startLiveStack();
  const swarm = new NodeSwarm(stack);
  try {
    const peers: Watched[] = [];
    const addOne = async (): Promise<void> => {
      const one = join(swarm);
      peers.push(one);
      await until('its picture', () => one.member.played.length > 0, { withinMs: 20_000 });
    };
    while (peers.length < PEERS) await addOne();
    await wait(3 * REST_MS);
    const rows: Row[] = [];
    for (const how of kinds) rows.push(await measure(how, swarm, peers, addOne));
    return rows;
  } finally {
    swarm.close();
    await stack.stop();
  }
}

async function measure(how: How, swarm: NodeSwarm, peers: Watched[], addOne: () => Promise<void>): Promise<Row> {
  const tookMs: number[] = [];
  let [missed, due] = [0, 0];
  for (let turn = 0; turn < DEPARTURES; turn++) {
    const rows = await swarm.tracker();
    const byWeight = rows.toSorted((a, b) => b.children.length - a.children.length);
    const leaving = peers.find((one) => idOf(one) === byWeight[0]?.id);
    if (!leaving) throw new Error('the tracker knows none of the peers');
    const id = idOf(leaving);
    const children = rows.flatMap((row) => {
      const child = peers.find((one) => idOf(one) === row.id);
      const lost = row.parents.filter((parent) => parent.id === id).map(({ slice }) => slice);
      return child && lost.length > 0 ? [{ child, lost, from: child.member.played.length }] : [];
    });
    const beganMs = performance.now();
    const back = children.flatMap(({ child, lost }) =>
      lost.map(
        (slice) =>
          new Promise<number>((resolve) => {
            child.waiting.push({
              slice,
              beyond: child.newest.get(slice) ?? 0,
              came: (atMs) => resolve(atMs - beganMs),
            });
            setTimeout(() => resolve(GIVEN_UP_MS), GIVEN_UP_MS).unref();
          }),
      ),
    );
    if (how === 'graceful') leaving.member.peer.close();
    else leaving.member.freeze();
    tookMs.push(...(await Promise.all(back)));
    await wait(Math.max(0, 3_000 - (performance.now() - beganMs)));
    for (const { child, from } of children) {
      missed += gapsOf(child.member.played, from).missed;
      due += child.member.played.length - from;
    }
    leaving.member.cut();
    peers.splice(peers.indexOf(leaving), 1);
    await addOne();
    await wait(REST_MS);
  }
  return {
    departure: how,
    departures: DEPARTURES,
    slices: tookMs.length,
    backP50: percentile(tookMs, 0.5),
    backP95: percentile(tookMs, 0.95),
    backMax: percentile(tookMs, 1),
    ...TARGETS[how],
    missedPercent: Math.round((missed / (missed + due)) * 10_000) / 100,
  };
}
