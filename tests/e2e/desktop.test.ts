// The desktop app as built: main process, preload and page, by real Electron or its stand-in. The first line of output says which.
import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlaneState } from '../../protocol/control.ts';
import { openBrowser } from '../support/browser.ts';
import { chooseRuntime, openDesktop, type Desktop } from '../support/desktop.ts';
import { openViewer, playsOn } from '../support/pages.ts';
import { descendantsOf, isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

interface Bridge {
  call(name: string, argument?: unknown): Promise<{ ok: boolean; value: unknown; reason?: string; detail?: string }>;
}
type Asked = { what: string; args: unknown[] }[];

let desktop: Desktop;
let browser: Browser;
let isOpen = true;

beforeAll(async () => {
  process.stdout.write(`desktop tests ran on ${chooseRuntime().label}\n`);
  [desktop, browser] = await Promise.all([openDesktop(), openBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  if (isOpen) await desktop?.close();
});

const call = (name: string, argument?: unknown) =>
  desktop.window.evaluate(
    ([what, given]) => (window as unknown as { p2pliveConsole: Bridge }).p2pliveConsole.call(what as string, given),
    [name, argument] as const,
  );
const state = async (): Promise<PlaneState> => (await call('getState')).value as PlaneState;
/** What the app asked of the system; only the stand-in keeps it. */
const asked = (): Promise<Asked> =>
  desktop.app.evaluate((electron) => (electron as unknown as { standIn?: { asked: Asked } }).standIn?.asked ?? []);

describe('the desktop app', () => {
  it('opens on the console with its servers running, and nothing of Node in the page', async () => {
    for (const pane of ['Broadcast', 'Mesh', 'Health', 'Logs', 'Settings'])
      await expect.poll(() => desktop.window.getByText(pane, { exact: true }).count()).toBeGreaterThan(0);
    await until('all programs', async () => Object.values((await state()).programs).every((one) => one.is === 'ready'));
    const seen = await desktop.window.evaluate(() => ({
      node: ['require', 'process', 'module', 'Buffer'].filter((name) => name in window),
      bridge: Object.keys((window as unknown as { p2pliveConsole: object }).p2pliveConsole).toSorted(),
    }));
    expect(seen).toEqual({ node: [], bridge: ['call', 'listen', 'preview'] });
  });

  it('keeps its programs’ data in the app’s own folder', () => {
    expect(existsSync(`${desktop.userData}/p2plive/signing-key.pem`)).toBe(true);
  });

  it('[C7] answers what is no call with a reason', async () => {
    expect(await call('exec', 'rm')).toMatchObject({ ok: false, reason: 'bad-call' });
    expect(
      await call('setSource', { source: { kind: 'file', file: '../../etc/passwd' }, preset: '360p' }),
    ).toMatchObject({ ok: false });
  });

  it('runs no foreign script, leaves its page for nothing, and hands links to the system', async () => {
    const ran = await desktop.window.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.foreign = true';
      document.body.append(script);
      return 'foreign' in window;
    });
    expect(ran).toBe(false);
    const before = desktop.window.url();
    await desktop.window.evaluate(() => (location.href = 'https://example.org/'));
    await desktop.window.evaluate(() => void window.open('https://example.org/help'));
    if (desktop.runtime.kind === 'stand-in')
      await until('the system to be asked', async () =>
        (await asked()).some((one) => one.what === 'openExternal' && one.args[0] === 'https://example.org/help'),
      );
    expect(desktop.window.url()).toBe(before);
    expect(desktop.app.windows()).toHaveLength(1);
    desktop.errors.length = 0; // the refused script is told there
  });

  it('goes live in two clicks; a viewer decodes; the machine stays awake until the end', async () => {
    await desktop.window.getByText('Broadcast', { exact: true }).first().click();
    await desktop.window.getByText('Test pattern', { exact: true }).click();
    await desktop.window.getByRole('button', { name: 'Go live' }).click();
    await until('the source to be live', async () => (await state()).capture.state.is === 'live', { withinMs: 20_000 });
    const viewer = await openViewer(browser, (await state()).link ?? '');
    await playsOn(viewer, 30, 30_000);
    await until('the lamp to tell of a decoded picture', () =>
      desktop.window.evaluate(() => /live/i.test(document.body.innerText) && !/off air/i.test(document.body.innerText)),
    );
    if (desktop.runtime.kind === 'stand-in') expect((await asked()).map((one) => one.what)).toContain('stay awake');
    // A lost program is back while the viewer plays on.
    const { programs } = await state();
    const tracker = programs['tracker'];
    if (tracker?.is === 'ready') process.kill(tracker.pid, 'SIGKILL');
    await until('another tracker', async () => {
      const now = (await state()).programs['tracker'];
      return now?.is === 'ready' && tracker?.is === 'ready' && now.pid !== tracker.pid;
    });
    await playsOn(viewer, 30);
    expect(viewer.errors.filter((text) => !/WebSocket/.test(text))).toEqual([]);
    await viewer.leave();
  });

  it('asks before it ends a broadcast, and stays when the answer is no', async () => {
    await desktop.app.evaluate((electron) => {
      const { dialog, app } = electron as unknown as { dialog: { showMessageBoxSync: unknown }; app: { quit(): void } };
      const remembered = globalThis as unknown as { questions: string[] };
      remembered.questions = [];
      dialog.showMessageBoxSync = (options: { message: string }) => {
        remembered.questions.push(options.message);
        return 0;
      };
      app.quit();
    });
    await until('the question', () =>
      desktop.app.evaluate(() => (globalThis as unknown as { questions: string[] }).questions.length > 0),
    );
    expect(desktop.app.windows()).toHaveLength(1);
    expect((await state()).capture.state.is).toBe('live');
    await desktop.window.getByRole('button', { name: /^Stop/ }).click();
    await until('the source to be off air', async () => (await state()).capture.state.is === 'previewing');
    expect(desktop.errors.filter((text) => !/WebSocket|ERR_CONNECTION/.test(text))).toEqual([]);
  });

  it('ends with everything it started', async () => {
    const pid = desktop.app.process().pid ?? 0;
    const below = descendantsOf(pid).map((one) => one.pid);
    expect(below.length).toBeGreaterThan(3);
    isOpen = false;
    await desktop.close();
    await until('all to be gone', () => [pid, ...below].every((one) => !isAlive(one)), { withinMs: 10_000 });
  });
});
