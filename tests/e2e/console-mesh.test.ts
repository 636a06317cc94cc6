// The Mesh and Health panes and the time scrubber in a real Chromium against a pretended plane of up to 2,000 viewers.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Change } from '../../protocol/mesh-view.ts';
import { openBrowser } from '../support/browser.ts';
import { FakePlane } from '../support/fake-plane.ts';
import { heapBytes, MeshFeed } from '../support/mesh-feed.ts';
import { until } from '../support/until.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Source, coordinate, tracker and two forwards. */
const SERVERS = 5;

let browser: Browser;
let plane: FakePlane | null = null;
const errors: string[] = [];

beforeAll(async () => {
  const built = path.resolve(import.meta.dirname, '../../out/renderer/index.html');
  if (!existsSync(built)) throw new Error('The console is not built: run npm run build.');
  browser = await openBrowser();
});
afterAll(() => browser.close());
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await plane?.close();
  plane = null;
  expect(errors.splice(0)).toEqual([]);
});

async function open(viewers: number, { pane = 'Mesh', theme = 'light' as 'light' | 'dark' } = {}) {
  const own = await new FakePlane({ viewers, meshEveryMs: 0, sampleEveryMs: 0 }).start();
  plane = own;
  const context = await browser.newContext({ viewport: { width: 1400, height: 860 }, colorScheme: theme });
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(own.url);
  await page.getByRole('link', { name: pane, exact: true }).click();
  return { page, plane: own };
}

const nodes = (page: Page): Locator => page.locator('.react-flow__node');
const details = (page: Page): Locator => page.getByRole('complementary', { name: 'Details' });
const button = (page: Page, name: string | RegExp): Locator => page.getByRole('button', { name, exact: true });
const counts = (of: Locator, wanted: number) =>
  until(`${wanted} of ${String(of)}`, async () => (await of.count()) === wanted, { describe: () => of.count() });

interface AxeWindow {
  axe: { run(): Promise<{ violations: { id: string; impact: string | null; nodes: { target: unknown[] }[] }[] }> };
}

async function faults(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => (window as unknown as AxeWindow).axe.run());
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes: at }) => `${id}: ${at.map(({ target }) => String(target)).join(', ')}`);
}

/** Every node's place on the canvas. */
const places = (page: Page): Promise<Record<string, string>> =>
  page.evaluate(() =>
    Object.fromEntries(
      Array.from(document.querySelectorAll<HTMLElement>('.react-flow__node'), (node) => [
        node.dataset['id'] ?? '',
        node.style.transform,
      ]),
    ),
  );

/** Ten batches a second in which a twentieth of the viewers report. @returns stops it */
function stir(of: FakePlane): () => void {
  let turn = 0;
  const timer = setInterval(() => {
    turn++;
    const rows = Object.values(of.mesh.tables.viewers).filter((_, i) => i % 20 === turn % 20);
    of.changeMesh(
      rows.map((row) => ({ op: 'put', table: 'viewers', id: row.id, row: { ...row, arrivalMs: 200 + (turn % 90) } })),
    );
  }, 100);
  return () => clearInterval(timer);
}

function drop(of: FakePlane, id: string): Change[] {
  delete of.mesh.tables.viewers[id];
  return [{ op: 'drop', table: 'viewers', id }];
}

describe('the graph', () => {
  it.each([1, 20, 200])('draws each of %i viewers and each server as a node of its own', async (viewers) => {
    const { page } = await open(viewers);
    await counts(nodes(page), viewers + SERVERS);
    await counts(page.locator('.react-flow__node-viewer'), viewers);
  });

  it('keeps everybody in place when one leaves and one comes', async () => {
    const { page, plane: own } = await open(40);
    await counts(nodes(page), 40 + SERVERS);
    const before = await places(page);
    own.changeMesh(drop(own, 'v00040'));
    await counts(nodes(page), 39 + SERVERS);
    const row = { ...own.mesh.tables.viewers['v00030'], id: 'vnew', children: [] };
    own.changeMesh([{ op: 'put', table: 'viewers', id: 'vnew', row }]);
    await counts(nodes(page), 40 + SERVERS);
    const { vnew, ...after } = await places(page);
    const { v00040: _gone, ...stayed } = before;
    expect(after).toEqual(stayed);
    expect(vnew).toBeDefined();
  });

  it('finds a viewer, shows all about it and follows it', async () => {
    const { page } = await open(60);
    await counts(nodes(page), 60 + SERVERS);
    await page.getByRole('combobox', { name: 'Search the mesh' }).fill('v00042');
    await page.getByRole('option', { name: /v00042/ }).waitFor();
    await page.keyboard.press('Enter');
    await details(page).getByRole('heading', { name: 'v00042' }).waitFor();
    expect(await details(page).innerText()).toMatch(/Why it sits here\s+nearest free place/);
    expect(await details(page).innerText()).toMatch(/Fed by/);
    await button(page, 'Follow').click();
    await button(page, /^Stop following v00042/).click();
    await page.locator('.react-flow__node.selected[data-id="v00042"]').waitFor();
  });

  it('disconnects a viewer only after asking', async () => {
    const { page, plane: own } = await open(10);
    await page.locator('[data-id="v00005"]').click();
    await button(page, 'Disconnect viewer').click();
    const dialog = page.getByRole('dialog', { name: 'Disconnect viewer?' });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(own.calls.some(({ name }) => name === 'disconnectViewer')).toBe(false);
    await button(page, 'Disconnect viewer').click();
    await dialog.getByRole('button', { name: 'Disconnect viewer' }).click();
    await until('the call', () => own.calls.some(({ name }) => name === 'disconnectViewer'));
    expect(own.calls.find(({ name }) => name === 'disconnectViewer')?.argument).toEqual({ viewer: 'v00005' });
    await page.getByText('Disconnect viewer: done.').waitFor();
  });

  it('restarts a server from its details, found by its address', async () => {
    const { page, plane: own } = await open(10);
    await page.getByRole('combobox', { name: 'Search the mesh' }).fill(':9998');
    await page.getByRole('option', { name: /forward/ }).click();
    await button(page, 'Restart').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Restart' }).click();
    await until('the call', () => own.calls.some(({ name }) => name === 'restartProgram'));
    expect(own.calls.find(({ name }) => name === 'restartProgram')?.argument).toEqual({ name: 'forward' });
  });

  it('keeps nothing of what has passed: minutes of a feed at sixty times its speed leave its memory flat', async () => {
    const { page, plane: of } = await open(120);
    await counts(nodes(page), 120 + SERVERS);
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    const feed = new MeshFeed(of);
    await feed.replayMinute(page);
    const before = await heapBytes(session);
    for (let minute = 0; minute < 5; minute++) await feed.replayMinute(page);
    // What came in those minutes, kept, would be 9 MB.
    expect((await heapBytes(session)) - before).toBeLessThan(3e6);
    await counts(nodes(page), 120 + SERVERS);
  });

  it('filters by problem and by tree', async () => {
    const { page, plane: own } = await open(50);
    await counts(nodes(page), 50 + SERVERS);
    await page.getByRole('combobox', { name: 'Tree' }).selectOption('Tree of slice 1');
    await counts(page.locator('.react-flow__edge'), 50 + 5);
    const row = { ...own.mesh.tables.viewers['v00033'], state: 'starving' };
    own.changeMesh([{ op: 'put', table: 'viewers', id: 'v00033', row }]);
    await page.getByLabel('Problems only').check();
    await counts(page.locator('.react-flow__node-viewer'), 1);
    await page.getByText('1 of 50 viewers').waitFor();
    own.changeMesh([{ op: 'put', table: 'viewers', id: 'v00033', row: { ...row, state: 'playing' } }]);
    await page.getByText('No viewer matches the filters.').waitFor();
    await button(page, 'Clear filters').click();
    await counts(page.locator('.react-flow__node-viewer'), 50);
  });

  it('says that nobody watches, and that the plane is out of reach', async () => {
    const { page, plane: own } = await open(0);
    await page.getByText('Nobody watches yet.').waitFor();
    await counts(nodes(page), SERVERS);
    await own.close();
    await page.getByText('Disconnected', { exact: true }).first().waitFor();
    plane = null;
    errors.length = 0; // the browser logs that the connection was refused
  });
});

describe('2,000 viewers', () => {
  it('stay readable in clusters that open, and usable while ten batches a second come', async () => {
    const { page, plane: own } = await open(2_000);
    onTestFinished(stir(own));
    await page.locator('.react-flow__node-cluster').first().waitFor();
    expect(await nodes(page).count()).toBeLessThan(150);
    const singles = await page.locator('.react-flow__node-viewer').count();
    await page.locator('.react-flow__node-cluster').last().click();
    await until('the cluster opened', async () => (await page.locator('.react-flow__node-viewer').count()) > singles);
    await page.getByRole('combobox', { name: 'Search the mesh' }).fill('v01234');
    await page.keyboard.press('Enter');
    await page.locator('.react-flow__node.selected[data-id="v01234"]').waitFor();
  });
});

describe('the table', () => {
  it('is walked, opened, closed and chosen from by keyboard', async () => {
    const { page, plane: own } = await open(60);
    await button(page, 'Table').click();
    const grid = page.getByRole('treegrid');
    await grid.waitFor();
    expect(await grid.getAttribute('aria-rowcount')).toBe(String(60 + SERVERS + 1));
    const focus = () => page.evaluate(() => document.activeElement?.getAttribute('data-id'));
    await grid.locator('[role="row"][tabindex="0"]').focus();
    expect(await focus()).toBe('s:live');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await until('the forward', async () => (await focus()) === 'fwest');
    await page.keyboard.press('ArrowLeft');
    const fwest = grid.locator('[data-id="fwest"]');
    await until('closed', async () => (await fwest.getAttribute('aria-expanded')) === 'false');
    await page.keyboard.press('ArrowRight');
    await until('open', async () => (await fwest.getAttribute('aria-expanded')) === 'true');
    await page.keyboard.press('ArrowRight');
    await until('its first viewer', async () => (await focus())?.startsWith('v'));
    const id = await focus();
    await page.keyboard.press('Enter');
    await details(page)
      .getByRole('heading', { name: id ?? '' })
      .waitFor();
    await page.keyboard.press('End');
    await until(
      'the last row',
      async () => (await grid.getByRole('row').last().getAttribute('data-id')) === (await focus()),
    );
    await page.keyboard.press('Home');
    await until('the first row', async () => (await focus()) === 's:live', { describe: focus });
    // Fast keys on a slow machine: rows come and go while the focus moves.
    const session = await page.context().newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press('End');
      await page.keyboard.press('Home');
      expect(await focus()).toBe('s:live');
    }
    // Whoever leaves hands the focus on.
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowUp'); // the tracker stands last
    const last = (await focus()) ?? '';
    own.changeMesh(drop(own, last));
    await until('the focus on another row', async () => ![last, null, undefined].includes(await focus()), {
      describe: focus,
    });
    expect(last).toMatch(/^v/);
  });
});

describe('time', () => {
  it('goes back and comes back to live', async () => {
    const { page, plane: own } = await open(30);
    await counts(nodes(page), 30 + SERVERS);
    const moment = page.getByRole('slider', { name: 'Moment' });
    await moment.focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowLeft');
    await page.getByText(/\d\d:\d\d:\d\d, in the past/).waitFor();
    await until('the moment is asked for', () => own.calls.some(({ name }) => name === 'getMeshAt'));
    await page.getByText('Shown as it was then.').waitFor();
    // The past stays while the present goes on.
    own.changeMesh(drop(own, 'v00030'));
    expect(await nodes(page).count()).toBe(30 + SERVERS);
    await button(page, 'Back to live').first().click();
    await counts(nodes(page), 29 + SERVERS);
    await button(page, 'Event before').click();
    await page.getByText(/The stream was interrupted/).waitFor();
  });
});

describe('the Health pane', () => {
  it('says that all is well only while it is', async () => {
    const { page, plane: own } = await open(20, { pane: 'Health' });
    const advice = page.getByRole('list', { name: 'What is wrong and what to do' });
    await advice.getByText('All is well.').waitFor();
    const forward = { is: 'backoff', untilMs: 0, attempt: 3, ending: 'signal SIGKILL', lastLines: [] } as const;
    own.change({ programs: { ...own.state.programs, forward: { ...forward, lastLines: [] } } });
    await advice.getByText(/forward has ended \(signal SIGKILL\)/).waitFor();
    expect(await advice.innerText()).not.toContain('All is well');
    // Then is not now.
    await button(page, 'Event before').click();
    await advice
      .getByText(/figures of that moment|delay/)
      .first()
      .waitFor();
    expect(await advice.innerText()).not.toContain('forward has ended');
  });

  it('has the same numbers as a table', async () => {
    const { page } = await open(20, { pane: 'Health' });
    await counts(page.locator('figure.chart canvas'), 8);
    await button(page, 'Table').click();
    const table = page.getByRole('region', { name: 'Figures over time' });
    expect(await table.getByRole('row').count()).toBeGreaterThan(50);
    expect(await page.locator('figure.chart').count()).toBe(0);
  });
});

describe.each(['light', 'dark'] as const)('axe, %s', (theme) => {
  it('finds nothing serious in graph, details, table, past and health', async () => {
    const { page } = await open(24, { theme });
    await counts(nodes(page), 24 + SERVERS);
    expect(await faults(page)).toEqual([]);
    await page.locator('[data-id="v00005"]').click();
    await details(page).getByRole('heading', { name: 'v00005' }).waitFor();
    await page.getByRole('combobox', { name: 'Search the mesh' }).fill('v0000');
    await page.getByRole('listbox').waitFor();
    expect(await faults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await button(page, 'Table').click();
    await button(page, 'Event before').click();
    await page.getByText('Shown as it was then.').waitFor();
    expect(await faults(page)).toEqual([]);
    await page.getByRole('link', { name: 'Health', exact: true }).click();
    await counts(page.locator('figure.chart canvas'), 8);
    expect(await faults(page)).toEqual([]);
    await button(page, 'Table').click();
    await page.getByRole('region', { name: 'Figures over time' }).waitFor();
    expect(await faults(page)).toEqual([]);
  });
});
