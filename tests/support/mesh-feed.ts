// A mesh that lives: ten batches a second of about the same size, in each of which a twentieth of the viewers report, one leaves and one
// comes. In real time, or an hour of it in a minute.
import type { CDPSession, Page } from 'playwright-core';
import type { ViewerTableRow } from '../../protocol/mesh-tables.ts';
import type { Change } from '../../protocol/mesh-view.ts';
import type { FakePlane } from './fake-plane.ts';
import { until } from './until.ts';

const EVERY_MS = 100;
const BATCHES_PER_SECOND = 1_000 / EVERY_MS;

export class MeshFeed {
  #plane: FakePlane;
  #turn = 0;

  constructor(plane: FakePlane) {
    this.#plane = plane;
  }

  /** In real time. @returns batches sent */
  async run(forMs: number): Promise<number> {
    const batches = Math.round(forMs / EVERY_MS);
    const beganMs = performance.now();
    for (let i = 0; i < batches; i++) {
      await until('the next turn', () => performance.now() >= beganMs + i * EVERY_MS);
      this.#plane.changeMesh(this.#batch());
    }
    await until('the last turn', () => performance.now() >= beganMs + forMs);
    return batches;
  }

  /** A minute's worth of batches, samples and log lines in a second, or as fast as the page takes them. Resolves when all is on the page. */
  async replayMinute(page: Page): Promise<void> {
    for (let second = 0; second < 60; second++) {
      for (let i = 0; i < BATCHES_PER_SECOND; i++) this.#plane.changeMesh(this.#batch());
      this.#plane.sample();
      // The page's turn: it draws, behind what was sent before.
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(drawn)));
    }
    await page.locator(`.react-flow__node[data-id$="vnew${this.#turn}"]`).waitFor({ state: 'attached' });
  }

  #batch(): Change[] {
    const { viewers } = this.#plane.mesh.tables;
    const turn = ++this.#turn;
    const rows = Object.values(viewers);
    const changes: Change[] = [];
    const put = (row: ViewerTableRow): void => {
      viewers[row.id] = row;
      changes.push({ op: 'put', table: 'viewers', id: row.id, row: { ...row } });
    };
    const leaf = rows.findLast((row, i) => row.children.length === 0 && i % 7 === turn % 7);
    for (const [i, row] of rows.entries())
      if (i % 20 === turn % 20 && row !== leaf)
        put({ ...row, arrivalMs: 200 + ((turn * 37 + i) % 400), ageMs: turn * 100 });
    if (leaf) {
      delete viewers[leaf.id];
      changes.push({ op: 'drop', table: 'viewers', id: leaf.id });
      put({ ...leaf, id: `vnew${turn}` });
    }
    return changes;
  }
}

/** What the page's own heap holds after a garbage collection. The session needs `Performance.enable`. */
export async function heapBytes(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0;
}
