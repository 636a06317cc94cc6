// The console's page in a real Chromium against a pretended plane: every pane by one click, the first run, breaks, and axe in both
// themes. What the real plane does is tested elsewhere.
import { existsSync } from 'node:fs';
import path from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { FakePlane, PROGRESS } from '../support/fake-plane.ts';
import { until } from '../support/until.ts';

const PANES = ['Broadcast', 'Mesh', 'Health', 'Audience', 'Drill', 'Logs', 'Settings'] as const;
const CAMERA = { source: { kind: 'camera', camera: '/dev/video0', microphone: 'default' }, preset: '720p' } as const;

let browser: Browser;
let plane: FakePlane;
const errors: string[] = [];

beforeAll(async () => {
  const built = path.resolve(import.meta.dirname, '../../out/renderer/index.html');
  if (!existsSync(built)) throw new Error('The console is not built: run npm run build.');
  browser = await openBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  errors.length = 0;
  plane = await new FakePlane({ viewers: 12 }).start();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await plane.close();
});

/** @param theme what the system prefers */
async function openConsole(url = plane.url, theme: 'light' | 'dark' = 'light'): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: theme });
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(url);
  return page;
}

const pane = (page: Page, name: string) => page.getByRole('link', { name, exact: true });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

interface AxeWindow {
  axe: {
    run(): Promise<{
      violations: { id: string; impact: string | null; nodes: { target: unknown[]; html: string }[] }[];
    }>;
  };
}

/** What axe finds serious or critical, with where. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (window as unknown as AxeWindow).axe.run());
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => String(node.target)).join(', ')}`);
}

describe('the console', () => {
  it('shows each pane by one click from every other, and remembers the one that was open', async () => {
    const page = await openConsole();
    for (const from of PANES)
      for (const to of PANES) {
        await pane(page, from).click();
        await pane(page, to).click();
        await page.getByRole('heading', { level: 1, name: to, exact: true }).waitFor({ state: 'attached' });
        expect(await pane(page, to).getAttribute('aria-current')).toBe('page');
      }
    await pane(page, 'Logs').click();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Logs' }).waitFor({ state: 'attached' });
    expect(errors).toEqual([]);
  });

  it('loads nothing without the token, says what to do, and keeps the token out of the address bar', async () => {
    const page = await openConsole(plane.base);
    await page.getByRole('heading', { name: 'Open the console by its whole link' }).waitFor();
    expect(plane.consoles).toBe(0);
    await page.goto(`${plane.base}/#token=wrong`);
    await page.getByRole('heading', { name: 'This link is not valid any more' }).waitFor();
    await page.goto(plane.url);
    await button(page, 'Test pattern').waitFor();
    expect(page.url()).not.toContain('token');
    await page.reload();
    await button(page, 'Test pattern').waitFor();
    expect(errors).toEqual([]);
  });

  it('goes live in two presses, and the lamp is not green before somebody has decoded', async () => {
    plane.mesh.tables.viewers = {};
    const quiet = await new FakePlane({ viewers: 0, meshEveryMs: 0 }).start();
    const page = await openConsole(quiet.url);
    await button(page, 'Test pattern').click();
    await button(page, 'Go live').click();
    await page.locator('[data-lamp=starting]').waitFor();
    await page.locator('[data-lamp=undecoded]').waitFor();
    await button(page, 'Stop').click();
    await page.locator('[data-lamp=off]').waitFor();
    expect(quiet.calls.map(({ name }) => name).filter((name) => /Source|Live/.test(name))).toEqual([
      'setSource',
      'goLive',
      'stopLive',
    ]);
    await page.context().close();
    await quiet.close();
    expect(errors).toEqual([]);
  });

  it('shows a failure as a sentence and an action, and a wait with Reconnect now', async () => {
    const page = await openConsole();
    await button(page, 'Test pattern').waitFor();
    plane.capture({
      is: 'failed',
      ...CAMERA,
      reason: 'The camera is busy.',
      action: 'Close it there.',
      lastLines: ['x'],
    });
    await page.locator('[data-lamp=failed]', { hasText: 'The camera is busy. Close it there.' }).waitFor();
    expect(await faults(page)).toEqual([]);
    await button(page, 'Try again').click();
    await until('the source to be set again', () =>
      plane.calls.some(
        ({ name, argument }) => name === 'setSource' && JSON.stringify(argument) === JSON.stringify(CAMERA),
      ),
    );
    const untilMs = Date.now() + 60_000;
    plane.capture(
      { is: 'reconnecting', ...CAMERA, attempt: 2, untilMs, reason: 'The server is gone.' },
      { progress: PROGRESS },
    );
    await button(page, 'Reconnect now').click();
    await until('the call', () => plane.calls.some(({ name }) => name === 'reconnectNow'));
    expect(await button(page, 'Stop').isEnabled()).toBe(true);
    expect(errors).toEqual([]);
  });

  it('says that the connection is lost, and is whole again when it is back', async () => {
    const page = await openConsole();
    await button(page, 'Test pattern').waitFor();
    const lost = page.getByText('The control plane does not answer');
    const shown = lost.waitFor();
    plane.drop();
    await shown;
    await lost.waitFor({ state: 'detached' });
    plane.change({ notes: ['Back again.'] });
    await page.getByText('Back again.').waitFor();
  });

  it('filters and marks log lines, and keeps only those in sight on the page', async () => {
    const page = await openConsole();
    await pane(page, 'Logs').click();
    await page.locator('.log-row').first().waitFor();
    expect(await page.locator('.log-row').count()).toBeLessThan(100);
    await page.getByLabel('Level').selectOption({ label: 'Error and worse' });
    await page.getByLabel('Search').fill('PUSH');
    await page.locator('mark').first().waitFor();
    expect(new Set(await page.locator('mark').allTextContents())).toEqual(new Set(['push']));
    await page.getByLabel('Search').fill('no such words');
    await page.getByText('No line matches.').waitFor();
    expect(errors).toEqual([]);
  });

  it('shows log lines whole on a narrow page, with the program that wrote them', async () => {
    const page = await openConsole();
    await page.setViewportSize({ width: 400, height: 800 });
    await pane(page, 'Logs').click();
    const long = page.locator('.log-row', { hasText: 'a child of v00012 lost its parent' }).last();
    await long.waitFor();
    const [row, text, program, last] = await Promise.all([
      long.boundingBox(),
      long.locator('.log-text').evaluate((at) => ({
        isCut: at.scrollWidth > at.clientWidth || at.scrollHeight > at.clientHeight,
        bottom: at.getBoundingClientRect().bottom,
      })),
      long.locator('.log-program').isVisible(),
      pane(page, 'Settings').boundingBox(),
    ]);
    expect(text.isCut).toBe(false);
    expect(program).toBe(true);
    expect(text.bottom).toBeLessThanOrEqual((row?.y ?? 0) + (row?.height ?? 0));
    expect((last?.x ?? 400) + (last?.width ?? 0)).toBeLessThanOrEqual(400);
    // Follows to the very end, whatever the rows' height.
    const toEnd = () => page.locator('.log-box').evaluate((at) => at.scrollHeight - at.scrollTop - at.clientHeight);
    await until('the end of the log', async () => (await toEnd()) < 2);
    expect(errors).toEqual([]);
  });

  it('checks settings beside their fields, and saves what was changed', async () => {
    const page = await openConsole();
    await pane(page, 'Settings').click();
    const port = page.getByLabel('coordinate.port');
    await port.fill('many');
    await button(page, 'Save').click();
    await page.getByText('A number is needed here.').waitFor();
    await port.fill('1');
    await button(page, 'Save').click();
    await page.getByText('must be 0 or at least 1024').waitFor();
    await port.fill('8081');
    await page.getByText('1 change not saved. Saving interrupts the coordinate and tracker').waitFor();
    await button(page, 'Save').click();
    await page.getByText('Saved. The coordinate and tracker were interrupted.').waitFor();
    expect(plane.calls.findLast(({ name }) => name === 'saveSettings')?.argument).toEqual({
      values: { 'coordinate.port': 8081 },
    });
    await page.getByLabel('max-viewers').fill('10');
    await page.getByText('1 change not saved. Saving interrupts nothing.').waitFor();
    await button(page, 'Save').click();
    await page.getByText('Saved. Nothing was interrupted.').waitFor();
    expect(errors).toEqual([]);
  });

  it('asks before it stops a program, by keyboard too', async () => {
    const page = await openConsole();
    await pane(page, 'Settings').click();
    await button(page, 'Stop tracker').press('Enter');
    await page.getByRole('alertdialog').waitFor();
    expect(await faults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    expect(plane.calls.some(({ name }) => name === 'stopProgram')).toBe(false);
    await button(page, 'Restart tracker').press('Enter');
    await until('the restart', () => plane.calls.some(({ name }) => name === 'restartProgram'));
  });
});

describe.each(['light', 'dark'] as const)('axe, %s', (theme) => {
  it('finds nothing serious on any pane, nor on the page without a token', async () => {
    const page = await openConsole(plane.base, theme);
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(await faults(page)).toEqual([]);
    await page.goto(plane.url);
    await button(page, 'Test pattern').waitFor();
    expect(await page.locator('html').getAttribute('data-theme')).toBe(theme);
    expect(await faults(page)).toEqual([]);
    await button(page, 'External encoder').click();
    await page.getByText('Push your stream here').waitFor();
    for (const name of PANES) {
      await pane(page, name).click();
      await page.getByRole('heading', { level: 1, name, exact: true }).waitFor({ state: 'attached' });
      expect({ name, faults: await faults(page) }).toEqual({ name, faults: [] });
    }
    expect(errors).toEqual([]);
  });
});
