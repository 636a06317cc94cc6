// Does the console's page stay as it is, however long it looks on? An hour of a mesh of 200 viewers, sixty times as fast.
import { openBrowser } from '../../tests/support/browser.ts';
import { FakePlane } from '../../tests/support/fake-plane.ts';
import { heapBytes, MeshFeed } from '../../tests/support/mesh-feed.ts';

const VIEWERS = 200;
const MINUTES = 60;
const ROW_EVERY_MINUTES = 10;

export interface ReplayRow {
  minutes: number;
  heapMegabytes: number;
  /** Elements in the page. */
  elements: number;
  seconds: number;
}

export async function replayAnHour(): Promise<ReplayRow[]> {
  const plane = await new FakePlane({ viewers: VIEWERS, meshEveryMs: 0, sampleEveryMs: 0 }).start();
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(plane.url.replace('/#', '/?pane=mesh#'));
    await page.locator('.react-flow__node').first().waitFor();
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    const feed = new MeshFeed(plane);
    const rows: ReplayRow[] = [];
    const beganMs = performance.now();
    for (let minutes = 0; minutes <= MINUTES; minutes++) {
      if (minutes > 0) await feed.replayMinute(page);
      if (minutes % ROW_EVERY_MINUTES === 0)
        rows.push({
          minutes,
          heapMegabytes: Math.round((await heapBytes(session)) / 1e5) / 10,
          elements: await page.locator('*').count(),
          seconds: Math.round((performance.now() - beganMs) / 1_000),
        });
    }
    return rows;
  } finally {
    await browser.close();
    await plane.close();
  }
}
