// Servers are killed under real peers, over real WebRTC: what those who watch see of it. How an audience takes the loss of a third of itself
// is in node-peers.test.ts.
import { expect, it, onTestFinished } from 'vitest';
import { gapsOf, missedShare, NodeSwarm, type Member, type TrackerView } from '../support/node-swarm.ts';
import { startParts, type Parts, type PartsOptions } from '../support/parts.ts';
import { until } from '../support/until.ts';

/** Units are about this long. */
const UNIT_MS = 67;
/** Longer where somebody says so: P2PLIVE_TRACKER_AWAY_S=300 npx vitest run tests/client/dead-servers -t tracker */
const TRACKER_AWAY_MS = 1_000 * Number(process.env['P2PLIVE_TRACKER_AWAY_S'] ?? 30);
const USUAL_MS = 30_000;

/** Gates are for a machine that has nothing else to do: they are printed. What is asserted tells "at once" from "broken" on a busy one too. */
const SEATED_AGAIN_MS = { gate: 10_000, most: 15_000 };
const FORWARD_GAP_MS = { gate: 300, most: 1_000 };
/** Ten seconds before its death, and ten after. */
const FORWARD_WATCHED_UNITS = 150;
const PLAYING_AGAIN_MS = { gate: 2_000, most: 5_000 };

type Row = TrackerView['streams'][number]['viewers'][number];

const say = (what: string, ms: number, { gate }: { gate: number }): void =>
  console.log(`${what}: ${Math.round(ms)} ms (gate ${gate})`);

/** The gate is no unit at all. A machine that stands still lets one or the other viewer go on at a later keyframe. */
const MISSED_MOST = 0.05;

function expectNoHole(what: string, members: readonly Member[], from: readonly number[]): void {
  const share = missedShare(members, from, Number.POSITIVE_INFINITY);
  console.log(`${what}: ${(100 * share).toFixed(2)} % of the units missed (gate 0)`);
  expect(share).toBeLessThan(MISSED_MOST);
}

/** Units between two keyframes: what one viewer misses that goes on at a later one. */
const SKIP_UNITS = 15;
const missedUnits = (members: readonly Member[], from: readonly number[]): number =>
  members.reduce((sum, { played }, i) => sum + gapsOf(played, from[i]).missed, 0);

/**
 * What the event costs, and not what a busy machine does: compared with what the same viewers missed in a calm time before it it.
 * @param usual so many units
 */
function expectNoMore(what: string, members: readonly Member[], from: readonly number[], usual: number): void {
  const missed = missedUnits(members, from);
  const due = members.reduce((sum, { played }, i) => sum + played.length - (from[i] ?? 0), missed);
  console.log(`${what}: ${missed} of ${due} units missed (gate 0), ${usual} in a calm time before it`);
  expect(missed).toBeLessThanOrEqual(usual + SKIP_UNITS);
}

/** Servers, and viewers who all play; everything ends with the test. */
async function audience(count: number, options: PartsOptions = {}, receiveOnly = 0): Promise<[Parts, NodeSwarm]> {
  const parts = await startParts(options);
  onTestFinished(() => parts.stop());
  const swarm = new NodeSwarm(parts);
  onTestFinished(() => swarm.close());
  for (let i = 0; i < count; i++) swarm.join({ shares: i >= receiveOnly });
  await until('a picture for everybody', () => swarm.members.every(({ played }) => played.length > 0), {
    withinMs: 30_000,
    describe: () => swarm.describe(),
  });
  return [parts, swarm];
}

const idOf = ({ peer }: Member): string => peer.stats().id ?? '';
const playedBy = (members: readonly Member[]): number[] => members.map(({ played }) => played.length);

/** The longest time between two units that begins within a second of `sinceMs`: what comes later is not its doing. */
function gapAfter({ played }: Member, sinceMs: number): number {
  const gaps = played.slice(1).map((unit, i) => {
    const beganMs = played[i]?.atMs ?? unit.atMs;
    return unit.atMs < sinceMs || beganMs > sinceMs + 1_000 ? 0 : unit.atMs - beganMs;
  });
  return Math.max(...gaps);
}

/** The tracker has exactly these viewers, each with a parent for each slice, and every parent has the child on its own list. */
function isSeated(rows: readonly Row[], members: readonly Member[]): boolean {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return (
    rows.length === members.length &&
    members.every((member) => {
      const row = byId.get(idOf(member));
      return (
        row?.parents.length === 2 &&
        row.parents.every(
          ({ kind, slice, id }) =>
            kind === 'forward' || byId.get(id)?.children.some((child) => child.slice === slice && child.id === row.id),
        )
      );
    })
  );
}

/** The peers do what the tracker has planned, on both sides of each edge. */
function isCarriedOut(rows: readonly Row[], members: readonly Member[]): boolean {
  const stats = new Map(members.map(({ peer }) => [peer.stats().id, peer.stats()]));
  return (
    isSeated(rows, members) &&
    rows.every((row) =>
      row.parents.every(
        ({ slice, id, kind }) =>
          stats.get(row.id)?.parents.some((parent) => parent.slice === slice && parent.id === id) &&
          (kind === 'forward' || stats.get(id)?.children.some((child) => child.slice === slice && child.id === row.id)),
      ),
    )
  );
}

it(
  '[T11] [P8] the tracker is away: nobody misses a unit, also below who leaves; then all are seated again',
  async () => {
    const [parts, swarm] = await audience(9);
    const { members } = swarm;
    const carriedOut = (): Promise<boolean> => swarm.tracker().then((rows) => isCarriedOut(rows, members));
    await until('the trees to stand', carriedOut, { withinMs: 30_000, describe: () => swarm.describe() });
    const ids = new Set(members.map(idOf));
    let from = playedBy(members);
    await swarm.plays(Math.ceil(USUAL_MS / UNIT_MS), 2 * USUAL_MS);
    const usual = missedUnits(members, from);

    await parts.tracker.kill();
    const awayMs = performance.now();
    from = playedBy(members);
    await until('everybody to notice', () => members.every(({ peer }) => peer.peer.tracker.state !== 'joined'));
    await swarm.plays(60);
    // One that feeds others goes with a word, and nobody is there who could seat its children.
    const gone = members.toSorted((a, b) => b.peer.stats().children.length - a.peer.stats().children.length)[0];
    if (!gone) throw new Error('there is nobody');
    expect(gone.peer.stats().children.length).toBeGreaterThan(0);
    from = from.filter((_, i) => members[i] !== gone);
    members.splice(members.indexOf(gone), 1);
    ids.delete(idOf(gone));
    gone.peer.close();
    const left = Math.ceil((TRACKER_AWAY_MS - (performance.now() - awayMs)) / UNIT_MS);
    await swarm.plays(left, 2 * TRACKER_AWAY_MS);
    expectNoMore(`${TRACKER_AWAY_MS / 1_000} s without a tracker`, members, from, usual);

    from = playedBy(members);
    await parts.tracker.start();
    const backMs = performance.now();
    await until('everybody to be seated again', async () => isSeated(await swarm.tracker(), members), {
      withinMs: 2 * SEATED_AGAIN_MS.most,
      describe: () => swarm.tracker(),
    });
    const tookMs = performance.now() - backMs;
    say('seated again after the return of the tracker', tookMs, SEATED_AGAIN_MS);
    expect(tookMs).toBeLessThan(SEATED_AGAIN_MS.most);
    // As who they were, and not as newcomers.
    expect(new Set((await swarm.tracker()).map((row) => row.id))).toEqual(ids);
    await until('the peers to do as planned', carriedOut, { withinMs: 30_000, describe: () => swarm.describe() });
    expectNoMore('while it is back', members, from, usual);
  },
  2 * TRACKER_AWAY_MS + 180_000,
);

it('[T12] [P11] one of two forwards is killed while viewers hang on each: the picture of nobody stands still', async () => {
  // Two copies, so that sharing viewers hang on forwards too and not only those who receive.
  const [parts, swarm] = await audience(8, { forwards: 2, tracker: ['--direct-copies', '2'] }, 3);
  const { members } = swarm;
  const below = async (): Promise<Map<string, Set<string>>> => {
    const { forwards, streams } = await swarm.debug();
    const edges = (streams[0]?.viewers ?? []).flatMap((row) => row.parents.map(({ id }) => ({ id, child: row.id })));
    const childrenOf = (id: string): Set<string> =>
      new Set(edges.filter((edge) => edge.id === id).map(({ child }) => child));
    return new Map(forwards.map(({ id, pull }) => [pull, childrenOf(id)]));
  };
  await until('viewers on each forward', async () => [...(await below()).values()].every((ids) => ids.size > 0), {
    describe: () => swarm.tracker(),
  });
  await until('the trees to stand', async () => isCarriedOut(await swarm.tracker(), members), {
    withinMs: 30_000,
    describe: () => swarm.describe(),
  });
  const before = playedBy(members);
  await swarm.plays(FORWARD_WATCHED_UNITS);
  const usual = missedUnits(members, before);

  // The one with more viewers is the worse to lose.
  const hanging = await below();
  const [pull] = [...hanging.keys()].toSorted((a, b) => (hanging.get(b)?.size ?? 0) - (hanging.get(a)?.size ?? 0));
  const victim = parts.forwards[parts.ready.forwards.findIndex((forward) => forward.pull === pull)];
  if (!victim) throw new Error(`no forward listens at ${pull}`);
  const from = playedBy(members);
  const killedMs = performance.now();
  await victim.kill();
  await swarm.plays(FORWARD_WATCHED_UNITS);
  const gaps = members.map((member) => gapAfter(member, killedMs));
  say(
    `longest gap at ${members.length} viewers, ${hanging.get(pull ?? '')?.size} of them at the dead forward`,
    Math.max(...gaps),
    FORWARD_GAP_MS,
  );
  expect(Math.max(...gaps)).toBeLessThan(FORWARD_GAP_MS.most);
  expectNoMore('one of two forwards', members, from, usual);
  await until('all to be at the other one', async () => {
    const now = await below();
    return now.size === 1 && !now.has(pull ?? '') && isSeated(await swarm.tracker(), members);
  });
});

it('[T12] the only forward is killed: told as interrupted, and everybody plays soon after its return', async () => {
  const [parts, swarm] = await audience(5);
  const { members } = swarm;
  await swarm.plays(30);
  const [forward] = parts.forwards;
  await forward?.kill();
  await until(
    'everybody to stand still, and to know why',
    () => members.every(({ peer }) => peer.peer.streamState === 'interrupted' && peer.stats().state === 'starving'),
    { withinMs: 15_000, describe: () => swarm.describe() },
  );
  const from = playedBy(members);
  await forward?.start();
  const backMs = performance.now();
  await swarm.plays(30, 30_000);
  const took = members.map(({ played }, i) => (played[from[i] ?? 0]?.atMs ?? Infinity) - backMs);
  say('playing after the return of the only forward', Math.max(...took), PLAYING_AGAIN_MS);
  expect(Math.max(...took)).toBeLessThan(PLAYING_AGAIN_MS.most);
  // From its first unit on it is whole: a hole before the next keyframe would cost nearly everybody most of a second.
  expectNoHole(
    'from then on',
    members,
    from.map((count) => count + 1),
  );
});
