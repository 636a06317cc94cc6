// `npm start`: checks the ground, builds what is missing or old, and opens the desktop app; where no window can open, the same console in
// a browser, with one line that says why. `--headless` goes straight to the servers. It stays in one process where it can, so that signals and
// the exit code are the program's own. Plain JavaScript: it runs before anything is built.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const root = import.meta.dirname;
const NEEDED = [20, 19];
const SOURCES = [
  'protocol',
  'client',
  'servers',
  'renderer',
  'electron',
  'rolldown.config.js',
  'electron.vite.config.ts',
  'package.json',
];
const BUILT = ['out/cli.js', 'out/electron/main.js', 'out/renderer/index.html'];
/** Electron opens its window within this, or something is wrong with it here. */
const WINDOW_MS = Number(process.env.P2PLIVE_WINDOW_MS ?? 20_000);
const MOST_WORDS = 4_000;

const given = process.argv.slice(2);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1]))
  end(`P2PLive needs Node ${NEEDED.join('.')} or newer; this is ${process.versions.node}.`);
if (!existsSync(path.join(root, 'node_modules/rolldown')))
  end('The packages are not installed yet: run "npm ci" first.');

if (newest(SOURCES) > Math.min(...BUILT.map((file) => newest([file])))) build();

if (given.includes('--headless')) await headless(withSource(given));
else {
  const why = await desktop();
  process.stderr.write(`No desktop window here: ${why}. The same console runs in a browser; its link is below.\n`);
  await headless(given);
}

/** Runs the servers in this process. */
async function headless(words) {
  process.argv.splice(1, process.argv.length, path.join(root, BUILT[0]), 'up', ...words);
  await import(new URL(BUILT[0], import.meta.url));
}

/** Opens the app and ends with it. @returns why it did not open */
async function desktop() {
  const { fetchElectron, installedElectron, whyNoWindow } = await import('./electron/runtime.mjs');
  const never = whyNoWindow();
  if (never !== null) return never;
  const missing = installedElectron() ? null : await fetchElectron();
  if (missing !== null) return missing;
  // Chromium refuses to run as root with its sandbox.
  const asRoot = process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const { ELECTRON_RUN_AS_NODE: _node, ...env } = process.env;
  const child = spawn(installedElectron(), [...asRoot, root, ...given], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  let words = '';
  let isOpen = false;
  const limit = setTimeout(() => child.kill('SIGKILL'), WINDOW_MS);
  child.stdout.on('data', (text) => {
    if (!isOpen && String(text).includes('"desktop-ready"')) {
      isOpen = true;
      clearTimeout(limit);
      process.stdout.write('P2PLive is open; close its window or press Ctrl-C to end it.\n');
    }
  });
  child.stderr.on('data', (text) => {
    words = (words + text).slice(-MOST_WORDS);
    if (isOpen) process.stderr.write(text);
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`Electron does not start (${error.message})`));
    child.on('exit', (code, signal) => {
      clearTimeout(limit);
      if (isOpen) process.exit(code ?? 1);
      for (const name of ['SIGINT', 'SIGTERM']) process.removeAllListeners(name);
      const said = /error while loading shared libraries: [^\n]+|[^\n]*(?:sandbox|display)[^\n]*/i.exec(words)?.[0];
      resolve(`Electron does not start (${(said ?? signal ?? `exit code ${code}`).trim().slice(0, 200)})`);
    });
  });
}

/** The person's own source wins. */
function withSource(words) {
  return words.some((word) => word === '--source' || word.startsWith('--source='))
    ? words
    : ['--source', 'test', ...words];
}

function build() {
  try {
    execFileSync(process.execPath, [path.join(root, 'build.mjs')], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch {
    process.exit(1); // it has said why
  }
}

/** Time of the newest file below these paths; -Infinity where there is none. */
function newest(names) {
  return Math.max(...names.map((name) => newestBelow(path.join(root, name))));
}

function newestBelow(file) {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return -Infinity;
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(-Infinity, ...readdirSync(file).map((name) => newestBelow(path.join(file, name))));
}

function end(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
