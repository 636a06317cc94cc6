// `npm start`: checks the ground, builds what is missing or old, and runs the servers with the test picture on air. It stays in one
// process, so that signals and the exit code are the program's own. Plain JavaScript: it runs before anything is built.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const root = import.meta.dirname;
const NEEDED = [20, 19];
const SOURCES = ['protocol', 'client', 'servers', 'rolldown.config.js', 'package.json'];
const BUILT = 'out/cli.js';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1]))
  end(`P2PLive needs Node ${NEEDED.join('.')} or newer; this is ${process.versions.node}.`);
if (!existsSync(path.join(root, 'node_modules/rolldown')))
  end('The packages are not installed yet: run "npm ci" first.');

if (newest(SOURCES) > newest([BUILT])) build();

process.argv.splice(
  1,
  process.argv.length,
  path.join(root, BUILT),
  'up',
  '--headless',
  ...withSource(process.argv.slice(2)),
);
await import(new URL(BUILT, import.meta.url));

/** The person's own source wins. */
function withSource(given) {
  return given.some((word) => word === '--source' || word.startsWith('--source='))
    ? given
    : ['--source', 'test', ...given];
}

function build() {
  try {
    execFileSync(process.execPath, [path.join(root, 'node_modules/rolldown/bin/cli.mjs'), '-c', 'rolldown.config.js'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch {
    end('The build failed; what it said is above.');
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
