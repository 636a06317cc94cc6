// A real Chromium for the tests: the one named by CHROMIUM, the system's, or the one inside an npm package, so that `npm cit` needs
// nothing from the machine.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';

export interface BrowserOptions {
  /** Leaves timer throttling of hidden tabs as people have it; off by default, since test tabs are mostly hidden. */
  throttled?: boolean;
  args?: readonly string[];
  /** Words before the command, such as those that put it into a network of its own. */
  through?: readonly string[];
}

const SYSTEM = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/microsoft-edge',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];
/** The packaged browser, unpacked once; `npm ci` removes it with the package. */
const UNPACKED = path.resolve(import.meta.dirname, '../../node_modules/.cache/p2plive-chromium');

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];
const UNTHROTTLED = [
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
];
/** What playwright switches off by itself and a throttled browser must have. */
const THROTTLING_DEFAULTS = UNTHROTTLED;

/** Starts a browser; the caller closes it. */
export async function openBrowser({
  throttled = false,
  args = [],
  through = [],
}: BrowserOptions = {}): Promise<Browser> {
  const installed = findInstalled();
  const executable = installed ?? path.join(UNPACKED, 'chromium');
  return chromium.launch({
    executablePath: through.length === 0 ? executable : writeWrapper(through, executable),
    args: [...ARGS, ...(throttled ? [] : UNTHROTTLED), ...loopbackArgs(), ...args],
    ...(throttled ? { ignoreDefaultArgs: THROTTLING_DEFAULTS } : {}),
    ...(installed === null ? { env: packagedEnv() } : {}),
  });
}

/** The browser's program and the environment it needs, for who starts it otherwise. */
export function browserProgram(): { path: string; env: Record<string, string> } {
  const installed = findInstalled();
  return installed === null
    ? { path: path.join(UNPACKED, 'chromium'), env: packagedEnv() }
    : { path: installed, env: {} };
}

/** Unpacks the packaged browser where no other is found. Called before the workers start: two must not unpack at once. */
export async function prepareBrowser(): Promise<void> {
  if (findInstalled() !== null || existsSync(path.join(UNPACKED, 'chromium'))) return;
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('No Chromium was found: install Chrome or Chromium, or name one with CHROMIUM=/path/to/it.');
  const partial = `${UNPACKED}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  // The package unpacks below TMPDIR, and its libraries (nss, nspr) only where it believes to be on such a machine.
  const disguise = { TMPDIR: partial, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' };
  const names = [...Object.keys(disguise), 'LD_LIBRARY_PATH', 'FONTCONFIG_PATH'];
  const before = names.map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, disguise);
  try {
    const { default: packaged } = await import('@sparticuz/chromium');
    await packaged.executablePath();
  } finally {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
  rmSync(UNPACKED, { recursive: true, force: true });
  renameSync(partial, UNPACKED);
}

/** Playwright starts a file: one that starts the browser through something else. It is removed as it runs. */
function writeWrapper(through: readonly string[], executable: string): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'p2plive-browser-')), 'browser.sh');
  const words = [...through, executable].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
  writeFileSync(file, `#!/bin/sh\nrm -r '${path.dirname(file)}'\nexec ${words.join(' ')} "$@"\n`, { mode: 0o700 });
  return file;
}

/** `CHROMIUM=packaged` passes over the system's. */
function findInstalled(): string | null {
  const named = process.env['CHROMIUM'];
  if (named === 'packaged') return null;
  if (named) {
    if (!existsSync(named)) throw new Error(`CHROMIUM names ${named}, which does not exist.`);
    return named;
  }
  return SYSTEM.find((one) => existsSync(one)) ?? null;
}

/** Chromium gathers no candidates on loopback unless told: without another interface two tabs would never meet. */
function loopbackArgs(): string[] {
  const outside = Object.values(networkInterfaces())
    .flat()
    .some((one) => one && !one.internal);
  return outside ? [] : ['--allow-loopback-in-peer-connection'];
}

function packagedEnv(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] = value;
  env['LD_LIBRARY_PATH'] = [path.join(UNPACKED, 'al2023/lib'), env['LD_LIBRARY_PATH']].filter(Boolean).join(':');
  env['FONTCONFIG_PATH'] ??= path.join(UNPACKED, 'fonts');
  return env;
}
