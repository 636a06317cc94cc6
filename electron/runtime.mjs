// Where the Electron program is, and fetching it once where it is not: never by requiring `electron` (in plain Node that begins a
// download nobody asked for), never without a limit. Plain JavaScript: it runs before anything is built.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const PACKAGE = path.resolve(import.meta.dirname, '../node_modules/electron');
const PROBE_MS = Number(process.env.P2PLIVE_ELECTRON_PROBE_MS ?? 4_000);
/** About 110 MB: as long as a slow line takes, and no longer. */
const FETCH_MS = Number(process.env.P2PLIVE_ELECTRON_FETCH_MS ?? 300_000);
const MOST_WORDS = 4_000;

/** Path of the program, or null while it is not here. */
export function installedElectron() {
  const { ELECTRON_EXEC_PATH: named, ELECTRON_OVERRIDE_DIST_PATH: dist } = process.env;
  if (named) return existsSync(named) ? named : null;
  try {
    const file = path.join(dist ?? path.join(PACKAGE, 'dist'), readFileSync(path.join(PACKAGE, 'path.txt'), 'utf8'));
    return existsSync(file) ? file : null;
  } catch {
    return null; // path.txt comes with the program
  }
}

/** Why no window can open on this machine at all, or null. */
export function whyNoWindow() {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (process.platform === 'linux' && !DISPLAY && !WAYLAND_DISPLAY) return 'there is no display';
  if (!existsSync(path.join(PACKAGE, 'package.json'))) return 'the electron package is not installed';
  return null;
}

/** Fetches the program once. @returns null when it is here, otherwise why not */
export async function fetchElectron() {
  const away = await whyUnreachable();
  if (away !== null) return `Electron is not on this machine and can not be fetched (${away})`;
  process.stderr.write('Fetching Electron, once (about 110 MB) ...\n');
  const failed = await install();
  if (failed !== null) return `Electron could not be fetched (${failed})`;
  return installedElectron() ? null : 'what was fetched is no Electron that runs here';
}

/** Asks for the first byte of what would be fetched: a silent network must not hold anybody up. */
async function whyUnreachable() {
  const { version } = JSON.parse(readFileSync(path.join(PACKAGE, 'package.json'), 'utf8'));
  const { env } = process;
  const mirror =
    env.npm_config_electron_mirror ?? env.ELECTRON_MIRROR ?? 'https://github.com/electron/electron/releases/download/';
  const folder = (env.ELECTRON_CUSTOM_DIR ?? 'v{{ version }}').replace('{{ version }}', version);
  const name = `electron-v${version}-${process.platform}-${process.arch}.zip`;
  const url = `${mirror.replace(/\/*$/, '/')}${folder}/${name}`;
  try {
    const answer = await fetch(url, { headers: { range: 'bytes=0-0' }, signal: AbortSignal.timeout(PROBE_MS) });
    await answer.body?.cancel();
    return answer.ok ? null : `${new URL(url).host} answers ${answer.status}`;
  } catch (error) {
    if (error.name === 'TimeoutError') return `no answer within ${PROBE_MS / 1_000} s`;
    return error.cause?.code ?? error.message;
  }
}

function install() {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(PACKAGE, 'install.js')], { stdio: ['ignore', 'ignore', 'pipe'] });
    let words = '';
    child.stderr.on('data', (text) => (words = (words + text).slice(-MOST_WORDS)));
    const limit = setTimeout(() => {
      words = `gave up after ${FETCH_MS / 1_000} s`;
      child.kill('SIGKILL');
    }, FETCH_MS);
    const done = (why) => {
      clearTimeout(limit);
      resolve(why);
    };
    child.on('error', (error) => done(error.message));
    child.on('exit', (code) => done(code === 0 ? null : words.trim().split('\n')[0] || `exit code ${code}`));
  });
}
