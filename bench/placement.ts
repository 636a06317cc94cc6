// How many joins and departures a second does the placement engine take on one core, and what does a viewer cost in memory?
// Targets: MESH.md section 8 (20k operations a second at 10k viewers, goal 100k joins).
import { Engine } from '../servers/tracker/engine.ts';
import { seeded } from '../tests/support/random.ts';

export interface PlacementRow {
  viewers: number;
  k: 1 | 2 | 4;
  joinsPerSecond: number;
  leavesPerSecond: number;
  /** Departures with a join each, at full size: what churn costs. */
  churnPerSecond: number;
  tickMs: number;
  bytesPerViewer: number;
  depthP50: number;
  depthMax: number;
  /** Children of the forward above its budget, of all slices. */
  overBudget: number;
  targetJoinsPerSecond: number | null;
}

const SIZES = [1_000, 10_000, 100_000];
const CHURN = 20_000;
/** Joins are measured over at least so many: small trees are built several times. */
const MEASURED = 50_000;

/** Prints one table and returns its rows. */
export async function placement(): Promise<PlacementRow[]> {
  const rows: PlacementRow[] = [];
  for (const k of [2, 4, 2] as const) measure(10_000, k); // warms the compiler
  for (const viewers of SIZES) for (const k of [2, 4] as const) rows.push(measure(viewers, k));
  console.table(rows);
  return rows;
}

function measure(viewers: number, k: 1 | 2 | 4): PlacementRow {
  const random = seeded(viewers + k);
  const ids = Array.from({ length: viewers }, (_, i) => `v${i.toString(36).padStart(12, '0')}`);
  const before = heap();
  const engine = new Engine({ k, directCopies: null, random });
  const newcomer = (id: string) => ({ id, slots: k, shares: true });
  const perSecond = (count: number, run: () => void): number => {
    // Processor time, not the clock's: the machine may have other things to do.
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    return Math.round((count / (user + system)) * 1e6);
  };
  const fill = (into: Engine): void => {
    for (const id of ids) {
      into.join([newcomer(id)], 0);
      into.takeTouched();
    }
  };
  fill(engine);
  const bytesPerViewer = Math.round((heap() - before) / viewers);
  const rounds = Math.ceil(MEASURED / viewers);
  const joinsPerSecond = perSecond(rounds * viewers, () => {
    for (let i = 0; i < rounds; i++) fill(new Engine({ k, directCopies: null, random }));
  });
  const churnPerSecond = perSecond(CHURN, () => {
    for (let i = 0; i < CHURN; i++) {
      const id = ids[Math.floor(random() * viewers)] ?? '';
      engine.leave(id);
      engine.join([newcomer(id)], i);
      engine.takeTouched();
    }
  });
  const startMs = performance.now();
  for (let i = 0; i < 5; i++) engine.tick(100_000 + 1_000 * i);
  const tickMs = (performance.now() - startMs) / 5;
  const depths = [...engine.trees.peers.values()]
    .flatMap((peer) => peer.nodes.map((node) => node.depth))
    .toSorted((a, b) => a - b);
  const { budget, roots } = engine.trees;
  const overBudget = roots.reduce((sum, root) => sum + Math.max(0, root.kids.length - budget), 0);
  const shuffled = ids.toSorted(() => random() - 0.5);
  const leavesPerSecond = perSecond(viewers, () => {
    for (const id of shuffled) {
      engine.leave(id);
      engine.takeTouched();
    }
  });
  return {
    viewers,
    k,
    joinsPerSecond,
    leavesPerSecond,
    churnPerSecond,
    tickMs: Math.round(tickMs * 10) / 10,
    bytesPerViewer,
    depthP50: depths[Math.floor(depths.length / 2)] ?? 0,
    depthMax: depths.at(-1) ?? 0,
    overBudget,
    targetJoinsPerSecond: viewers === 10_000 ? 100_000 : null,
  };
}

function heap(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}
