// A synthetic audience inside the desktop app: real peers in the page of a hidden window, told and judged like those of plain Node. By real
// Electron or its stand-in, whose hidden window is a page of a real Chromium. The tests follow each other on one broadcast.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MeshSnapshot, Outcome, PlaneState } from '../../protocol/control.ts';
import type { AudienceSecond } from '../../protocol/rehearsal.ts';
import { openDesktop, type Desktop } from '../support/desktop.ts';
import { descendantsOf, isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

interface Bridge {
  call(name: string, argument?: unknown): Promise<Outcome<unknown>>;
}

const VIEWERS = 6;
const ASK = { viewers: VIEWERS, uplink: 'ordinary', churnPerMinute: 0, loss: 0.01, evil: 0, seed: 1, seconds: 600 };

let desktop: Desktop;
let isOpen = true;
/** Those that the audience has brought into the mesh, and perhaps the console's own monitor. */
let joined: string[] = [];

const call = (name: string, argument?: unknown) =>
  desktop.window.evaluate(
    ([what, given]) => (window as unknown as { p2pliveConsole: Bridge }).p2pliveConsole.call(what as string, given),
    [name, argument] as const,
  );
async function valueOf<T>(name: string): Promise<T> {
  const outcome = await call(name);
  if (!outcome.ok) throw new Error(outcome.detail);
  return outcome.value as T;
}
const state = () => valueOf<PlaneState>('getState');
const audience = async () => (await state()).audience;
const viewersInMesh = async () => Object.keys((await valueOf<MeshSnapshot>('getMesh')).tables['viewers'] ?? {});
const hidden = (): Page[] => desktop.app.windows().filter((page) => page.url().includes('audience-window'));
async function lastSecond(): Promise<AudienceSecond | undefined> {
  const view = await audience();
  return view.is === 'watching' ? view.seconds.at(-1) : undefined;
}

beforeAll(async () => {
  desktop = await openDesktop();
  await desktop.window.getByRole('link', { name: 'Broadcast', exact: true }).waitFor();
  await until('all programs', async () => Object.values((await state()).programs).every((one) => one.is === 'ready'), {
    withinMs: 30_000,
  });
  for (const [name, argument] of [['setSource', { source: { kind: 'test' }, preset: '360p' }], ['goLive']] as const)
    expect(await call(name, argument)).toMatchObject({ ok: true });
  await until('the stream', async () =>
    Object.values((await valueOf<MeshSnapshot>('getMesh')).tables['streams'] ?? {}).some(
      (stream) => stream['state'] === 'live',
    ),
  );
});
afterAll(async () => {
  if (isOpen) await desktop?.close();
});

it('is limited, and says so beside the field and to whoever asks otherwise', async () => {
  const { viewers: most } = (await state()).audienceLimits;
  expect(most).toBeLessThan(200);
  expect(await call('startAudience', { ...ASK, viewers: most + 1 })).toEqual({
    ok: false,
    reason: 'bad-call',
    detail: `At most ${most} synthetic viewers can be carried here, not ${most + 1}.`,
  });
  const page = desktop.window;
  await page.getByRole('link', { name: 'Audience', exact: true }).click();
  await page.getByText(/share one hidden window of this app/).waitFor();
  await page.getByLabel('Viewers', { exact: true }).fill(String(most + 1));
  await page.getByRole('button', { name: 'Start the audience' }).click();
  await page.getByText(`A whole number from 1 to ${most} is needed here.`).waitFor();
  expect(desktop.app.windows()).toHaveLength(1);
});

it('watches in one hidden window, over the browser’s own WebRTC, and is told as under plain Node', async () => {
  const before = await viewersInMesh();
  expect(await call('startAudience', ASK)).toMatchObject({ ok: true });
  await until(
    'all to play, fed by each other',
    async () => {
      const second = await lastSecond();
      return second?.playing === VIEWERS && second.parents.peers > 0 && second.units > 0;
    },
    { withinMs: 40_000, describe: async () => ({ view: await audience(), said: desktop.words() }) },
  );
  joined = (await viewersInMesh()).filter((id) => !before.includes(id));
  expect(joined.length).toBeGreaterThanOrEqual(VIEWERS);
  expect(hidden()).toHaveLength(1);
  expect(desktop.app.windows()).toHaveLength(2);
  const programs = descendantsOf(desktop.app.process().pid ?? 0).map(({ command }) => command);
  expect(programs.filter((command) => command.includes('audience.js'))).toEqual([]);
  // The page has its own few words with the app, and none of the console's.
  expect(
    await hidden()[0]?.evaluate(() => ['p2pliveAudience', 'p2pliveConsole', 'require'].map((name) => name in window)),
  ).toEqual([true, false, false]);
});

it('obeys a drill', async () => {
  expect(await call('startDrill', { name: 'lose-30' })).toMatchObject({ ok: true });
  const report = await until('the report', async () => (await state()).drill.reports[0], {
    withinMs: 45_000,
    describe: async () => (await state()).drill,
  });
  expect(report).toMatchObject({
    name: 'lose-30',
    viewers: VIEWERS,
    what: `2 of ${VIEWERS} synthetic viewers left at once.`,
  });
  expect(report.sentences.join(' ')).toMatch(/missed their moment \(at most 2\.0 %\)/);
});

it('ends with a verdict that knows the servers’ counters, and its window closes', async () => {
  expect(await call('stopAudience')).toMatchObject({ ok: true });
  const view = await audience();
  expect(view).toMatchObject({ is: 'done', result: { verdict: expect.stringMatching(/passed|failed/) } });
  const said = view.is === 'done' ? view.result.sentences.join(' ') : '';
  expect(said).toMatch(/\d+ units were due\./);
  expect(said).toMatch(/Viewers carried [\d.]+ % of what all of them saw/);
  await until('its window to close', () => desktop.app.windows().length === 1);
  await until(
    'the mesh without it',
    async () => (await viewersInMesh()).filter((id) => joined.includes(id)).length <= 1,
    { describe: viewersInMesh },
  );
});

it('says when its window has died, and another can be started', async () => {
  expect(await call('startAudience', { ...ASK, viewers: 2 })).toMatchObject({ ok: true });
  const page = await until('the window', () => hidden()[0]);
  await until('its first second', async () => {
    const view = await audience();
    return view.is === 'joining' && view.seconds.length > 0;
  });
  const session = await page.context().newCDPSession(page);
  session.send('Page.crash').catch(() => undefined); // nobody is left to answer
  await until('the sentence', async () => (await audience()).is === 'failed', { describe: audience });
  expect(await audience()).toEqual({
    is: 'failed',
    detail: 'The hidden window that carried the audience has ended (crashed).',
  });
  await until('its window to close', () => desktop.app.windows().length === 1);
  expect(await call('startAudience', { ...ASK, viewers: 2 })).toMatchObject({ ok: true });
  await until('the other window', () => hidden().length === 1);
});

it('ends with the app, which is closed by its one window', async () => {
  const pid = desktop.app.process().pid ?? 0;
  const below = [pid, ...descendantsOf(pid).map((one) => one.pid)];
  expect(await call('stopLive')).toMatchObject({ ok: true });
  isOpen = false;
  await desktop.app
    .evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()
        .find((window) => window.webContents.getURL().endsWith('index.html'))
        ?.close(),
    )
    .catch(() => undefined); // it may be gone before it answers
  await until('everything to end', () => below.every((one) => !isAlive(one)), { withinMs: 15_000 });
  await desktop.close(); // removes its folder
});
