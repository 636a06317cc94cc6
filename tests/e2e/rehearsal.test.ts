// Rehearsing as a person does it, on the real thing: real programs, a real encoder, synthetic viewers over real WebRTC, and the console's
// page in a real Chromium. The tests follow each other on one broadcast.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { descendantsOf, isAlive, type Owned } from '../support/processes.ts';
import { eventIn, FREE_PORTS, startCli } from '../support/stack.ts';
import { until } from '../support/until.ts';

const VIEWERS = 6;
/** Joining, settling, three calm seconds and fifteen watched ones. */
const DRILL_WITHIN_MS = 45_000;

let browser: Browser;
let plane: Owned;
let page: Page;
const data = mkdtempSync(path.join(tmpdir(), 'p2plive-rehearsal-'));
const errors: string[] = [];

beforeAll(async () => {
  plane = startCli(['up', '--json', ...FREE_PORTS, '--console-port', '0', '--data-dir', data]);
  browser = await openBrowser();
  page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    // A killed forward ends the monitor's socket, which Chromium logs as an error of the page.
    if (message.type() === 'error' && !/WebSocket|ERR_CONNECTION/.test(message.text())) errors.push(message.text());
  });
  const ready = await until('the ready line', () => eventIn(plane, 'ready'), {
    describe: () => plane.stderr(),
    withinMs: 30_000,
  });
  await page.goto(String(ready['console']));
  await button('Test pattern').click();
  await page.getByLabel('Picture').selectOption('360p');
  await button('Go live').click();
  await page.locator('[data-lamp=decoded]').waitFor();
});
afterAll(async () => {
  await browser.close();
  await plane.stop();
  rmSync(data, { recursive: true, force: true });
  expect(errors).toEqual([]);
});

const button = (name: string): Locator => page.getByRole('button', { name, exact: true });
const show = async (name: string): Promise<void> => {
  await page.getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
};
const field = (label: string): Locator => page.getByLabel(label, { exact: true });
const running = (): Locator => page.getByRole('region', { name: 'Running audience' });
const audiences = () => descendantsOf(plane.pid).filter(({ command }) => command.includes('audience.js'));
const meshViewers = (): Locator => page.locator('.mesh-node.viewer');

/** What a drill's report says, when it is there. */
async function reportOf(title: string): Promise<{ summary: string; sentences: string[]; text: string }> {
  const report = page.getByRole('region', { name: 'Reports' }).locator('details').filter({ hasText: title }).first();
  await report.waitFor({ timeout: DRILL_WITHIN_MS });
  return {
    summary: (await report.locator('summary').textContent()) ?? '',
    sentences: await report.locator('li').allTextContents(),
    text: (await report.textContent()) ?? '',
  };
}

it('refuses what makes no sense, with a sentence beside the field', async () => {
  await show('Audience');
  const outOfRange = 'A whole number from 1 to 200 is needed here.';
  const viewers = page.locator('.ask-field').filter({ has: field('Viewers') });
  for (const [typed, sentence] of [
    ['0', outOfRange],
    ['1000000', outOfRange],
    ['2.5', outOfRange],
    ['many', 'A number is needed here.'],
    ['', 'A number is needed here.'],
  ] as const) {
    await field('Viewers').fill(typed);
    await button('Start the audience').click();
    await viewers.getByRole('alert').filter({ hasText: sentence }).waitFor();
    expect(await field('Viewers').getAttribute('aria-invalid')).toBe('true');
  }
  await field('Viewers').fill(String(VIEWERS));
  await field('Packets lost (%)').fill('51');
  await button('Start the audience').click();
  await page.getByText('A number from 0 to 50 is needed here.').waitFor();
  expect(await viewers.getByRole('alert').textContent()).toBe('');
  await field('Packets lost (%)').fill('0');
  expect(await page.getByText(/is needed here/).count()).toBe(0);
  expect(audiences()).toEqual([]);
});

it('brings an audience whose peers stand in the mesh and feed each other', async () => {
  await show('Mesh');
  // The console's own monitor may stand there.
  await until('the mesh without an audience', async () => (await meshViewers().count()) <= 1);
  const before = await meshViewers().count();
  await show('Audience');
  await field('Viewers').fill(String(VIEWERS));
  await field('Leave each minute (%)').fill('0');
  await field('Watch for (s)').fill('600');
  await button('Start the audience').click();
  await running().getByText(`${VIEWERS} of ${VIEWERS} play`).waitFor();
  await running().getByText('Watching', { exact: true }).waitFor();
  const seconds = page.getByRole('region', { name: 'Second by second' });
  await until(
    'a second in which viewers feed viewers',
    async () => /^[1-9]/.test((await seconds.locator('tbody tr').first().locator('td').last().textContent()) ?? ''),
    { describe: () => seconds.textContent() },
  );
  await show('Mesh');
  await until('its peers in the mesh', async () => (await meshViewers().count()) >= before + VIEWERS, {
    describe: () => meshViewers().count(),
  });
});

it('kills some of the viewers in a drill, and judges what the others saw', async () => {
  await show('Drill');
  await button('Lose 30 %: start').click();
  await page.getByRole('status').filter({ hasText: 'Lose 30 %' }).waitFor();
  // One at a time.
  expect(await button('Cut half of the links: start').isDisabled()).toBe(true);
  const { summary, sentences, text } = await reportOf('Lose 30 %');
  expect(summary).toMatch(new RegExp(`^(Passed|Failed)Lose 30 %.*${VIEWERS} viewers$`));
  expect(text).toContain(`2 of ${VIEWERS} synthetic viewers left at once.`);
  expect(sentences.join(' ')).toMatch(/[\d.]+ % of them missed their moment \(at most 2\.0 %\)\./);
  expect(sentences.join(' ')).toMatch(/The longest gap at any viewer was \d+ ms \(at most 1500\)\./);
});

it('asks before it kills the forward, which comes back, and keeps both reports', async () => {
  const forward = () => descendantsOf(plane.pid).find(({ command }) => command.includes('forward.js'))?.pid;
  const before = forward();
  await button('Kill the forward: start').click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Kill it' }).click();
  const { sentences, text } = await reportOf('Kill the forward');
  expect(text).toContain('The forward was killed; its supervisor starts it again.');
  expect(sentences.join(' ')).toMatch(/missed their moment \(at most 15\.0 %\)\./);
  expect(forward()).toBeGreaterThan(0);
  expect(forward()).not.toBe(before);
  await page.reload();
  const reports = page.getByRole('region', { name: 'Reports' }).locator('summary');
  await reports.first().waitFor();
  expect(await reports.locator('strong').allTextContents()).toEqual(['Kill the forward', 'Lose 30 %']);
  const files = readdirSync(path.join(data, 'drills')).toSorted();
  expect(files.map((name) => name.replace(/^.*Z-/, ''))).toEqual([
    'lose-30.json',
    'lose-30.md',
    'kill-forward.json',
    'kill-forward.md',
  ]);
  expect(readFileSync(path.join(data, 'drills', files[1] ?? ''), 'utf8')).toMatch(/^# Drill lose-30: (passed|failed)/);
});

it('ends the audience with a verdict, and leaves nothing running', async () => {
  await show('Audience');
  expect(audiences()).toHaveLength(1);
  await button('End it with a verdict').click();
  const verdict = page.getByRole('region', { name: 'Verdict' });
  await verdict.getByText(/^(Passed|Failed)$/).waitFor();
  // Whoever asks again need not type again.
  expect(await field('Viewers').inputValue()).toBe(String(VIEWERS));
  const sentences = (await verdict.locator('li').allTextContents()).join(' ');
  expect(sentences).toMatch(/\d+ units were due\./);
  expect(sentences).toMatch(/% of the units missed their moment \(budget 0\.50 %\)\./);
  await until('its program to end', () => audiences().length === 0);
  await show('Mesh');
  await until('its peers to leave the mesh', async () => (await meshViewers().count()) <= 1, {
    describe: () => meshViewers().count(),
  });
  const below = [plane.pid, ...descendantsOf(plane.pid).map(({ pid }) => pid)];
  expect(below.length).toBeGreaterThan(3);
  await plane.stop();
  await until('everything to end', () => below.every((pid) => !isAlive(pid)));
});
