// `npm run bench -- NAME [arguments]`: bundles bench/NAME.ts, runs the function it exports under that name (fan-out.ts: fanOut), prints
// its rows as one table, and those of the last run below, and writes them to bench/results/NAME.json, with the machine they come from.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { rolldown } from 'rolldown';

const here = import.meta.dirname;
const root = path.dirname(here);
/** Below node_modules, so that the bundle finds the packages. */
const bundles = path.join(root, 'node_modules/.cache/p2plive-bench');

const [name, ...given] = process.argv.slice(2);
const known = readdirSync(here)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));
if (!name || !known.includes(name)) {
  process.stderr.write(`Usage: npm run bench -- NAME, where NAME is one of ${known.join(', ')}.\n`);
  process.exit(2);
}

execFileSync(process.execPath, ['build.mjs'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
// Benches that weigh memory collect the garbage before they look.
setFlagsFromString('--expose-gc');
globalThis.gc = runInNewContext('gc');

const module = await import(pathToFileURL(await bundle(name)).href);
const run = module[camelCase(name)];
if (typeof run !== 'function') throw new Error(`bench/${name}.ts does not export ${camelCase(name)}()`);

const asJson = given.includes('--json');
const machine = describeMachine();
// With --json the result is the last line on stdout, and all else goes to stderr.
const say = asJson ? console.error : console.log;
say(
  Object.entries(machine)
    .map(([key, value]) => `${key}: ${value}`)
    .join('\n'),
);
let printed = false;
const { table } = console;
console.table = (...rows) => {
  printed = true;
  table(...rows);
};
const beganMs = performance.now();
const result = await run(given);
console.table = table;
const seconds = Math.round((performance.now() - beganMs) / 1000);
if (!printed && !asJson) table(rowsOf(result));
const file = path.join(here, 'results', `${name}.json`);
if (!asJson) await showLast(file);
mkdirSync(path.dirname(file), { recursive: true });
const command = ['npm run bench --', name, ...given].join(' ');
writeFileSync(file, `${JSON.stringify({ name, command, machine, seconds, result }, null, 2)}\n`);
say(`${seconds} s; written to ${path.relative(root, file)}`);
if (asJson) console.log(JSON.stringify(result?.line ?? result));
// A bench whose gates are not held has said so by its exit code.
process.exit();

function rowsOf(result) {
  return Array.isArray(result) ? result : (result?.rows ?? result);
}

/** What the run before this one came to, where it had the same rows. */
async function showLast(file) {
  const { sameRows } = await import(pathToFileURL(await bundle('support/last-run')).href);
  const last = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
  const [now, before] = [rowsOf(result), rowsOf(last?.result)];
  const same = Array.isArray(now) && Array.isArray(before) ? sameRows(now, before) : [];
  if (same.length === 0) return say('There is no earlier run here with the same rows.');
  say(`The last run, ${last.machine.date}, ${last.machine.machine} (${last.command}):`);
  table(same);
}

async function bundle(entry) {
  const build = await rolldown({
    input: path.join(here, `${entry}.ts`),
    external: /^(?!\.{0,2}\/|[A-Za-z]:[\\/]|\0)/,
    platform: 'node',
    plugins: [ownPlaces()],
  });
  const to = path.join(bundles, `${entry}.mjs`);
  await build.write({ file: to, format: 'es', sourcemap: true, codeSplitting: false });
  await build.close();
  return to;
}

/** A bundled module still finds its files by its own place in the tree. */
function ownPlaces() {
  return {
    name: 'own-places',
    transform(code, id) {
      if (!code.includes('import.meta.')) return null;
      const placed = code
        .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(id)))
        .replaceAll('import.meta.filename', JSON.stringify(id))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href));
      return { code: placed, map: { mappings: '' } };
    },
  };
}

function describeMachine() {
  return {
    date: new Date().toISOString(),
    machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    node: process.version,
    ffmpeg: firstLine('ffmpeg', ['-version']),
    chromium: firstLine(chromium(), ['--version']),
  };
}

function chromium() {
  const named = process.env.CHROMIUM;
  if (named && named !== 'packaged') return named;
  const found = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((file) => existsSync(file));
  return found ?? path.join(root, 'node_modules/.cache/p2plive-chromium/chromium');
}

function firstLine(program, args) {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')[0]
      .trim();
  } catch {
    return 'not found';
  }
}

function camelCase(text) {
  return text.replace(/-(\w)/g, (_dash, letter) => letter.toUpperCase());
}
