// The desktop app as built, run by real Electron where it is installed and can open a window, otherwise by the stand-in (tests/desktop).
// `DESKTOP_RUNTIME=electron` fails rather than fall back; the running process proves which one it is.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { installedElectron, whyNoWindow } from '../../electron/runtime.mjs';
import { browserProgram } from './browser.ts';
import { FREE_PORTS } from './stack.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const STAND_IN = path.join(ROOT, 'tests/desktop/stand-in/electron');

export interface Runtime {
  kind: 'electron' | 'stand-in';
  executable: string;
  /** For the report. */
  label: string;
}

export function chooseRuntime(): Runtime {
  const wanted = process.env['DESKTOP_RUNTIME'];
  const real = whyNoWindow() === null ? installedElectron() : null;
  if (wanted === 'electron' && real === null)
    throw new Error(
      `DESKTOP_RUNTIME=electron, but it can not run here: ${whyNoWindow() ?? 'its program is not installed'}.`,
    );
  return real !== null && wanted !== 'stand-in'
    ? { kind: 'electron', executable: real, label: 'real Electron' }
    : { kind: 'stand-in', executable: STAND_IN, label: 'a stand-in for Electron (Node and Chromium; not Electron)' };
}

export interface Desktop {
  app: ElectronApplication;
  window: Page;
  runtime: Runtime;
  userData: string;
  /** Errors of the page and its console. */
  errors: string[];
  /** What the main process said on stderr. */
  words(): string;
  /** Quits the app as its menu does; kills it if that hangs. */
  close(): Promise<void>;
}

export async function openDesktop(userData = mkdtempSync(path.join(tmpdir(), 'p2plive-desktop-'))): Promise<Desktop> {
  const runtime = chooseRuntime();
  const program = browserProgram();
  const env: Record<string, string> = { ...program.env, STAND_IN_CHROMIUM: program.path };
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && name !== 'ELECTRON_RUN_AS_NODE') env[name] ??= value;
  const ports = FREE_PORTS.join('=').replaceAll('=--', ' --').replaceAll('0=', '0 ').split(' ');
  const app = await _electron.launch({
    executablePath: runtime.executable,
    args: [ROOT, `--user-data-dir=${userData}`, ...ports],
    cwd: ROOT,
    env,
    timeout: 30_000,
  });
  // Asked for now: once the app has ended, Playwright knows its process no longer.
  const child = app.process();
  let words = '';
  child.stderr?.on('data', (text: Buffer) => (words = (words + text.toString()).slice(-20_000)));
  const isStandIn = await app.evaluate((electron) => 'standIn' in electron);
  if (isStandIn !== (runtime.kind === 'stand-in'))
    throw new Error(`${runtime.label} was to run, and something else did`);
  const window = await app.firstWindow();
  const errors: string[] = [];
  window.on('pageerror', (error) => errors.push(error.message));
  window.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await window.waitForLoadState('domcontentloaded');
  return {
    app,
    window,
    runtime,
    userData,
    errors,
    words: () => words,
    async close() {
      const gone = new Promise<void>((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve();
        else child.once('exit', () => resolve());
      });
      const limit = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await app.close().catch(() => undefined);
      await gone;
      clearTimeout(limit);
      rmSync(userData, { recursive: true, force: true });
    },
  };
}
