// `npm run dist`: builds everything, lays this system's ffmpeg with its licence and the way to its sources into resources/ffmpeg, and
// packages the desktop app (electron-builder.yml). What follows `--` goes to electron-builder: `npm run dist -- --dir`. Packages are for
// the system it runs on, since the ffmpeg in them is that system's. Plain JavaScript: it runs before anything is built.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { carriedFfmpeg } from './electron/carried-ffmpeg.mjs';
import { fetchElectron, installedElectron } from './electron/runtime.mjs';

const root = import.meta.dirname;
const FFMPEG = path.join(root, 'resources/ffmpeg');
const SYSTEMS = {
  linux: /^(--linux|-l)$/,
  darwin: /^(--mac|--macos|-m|-o)$/,
  win32: /^(--win|--windows|-w)$/,
};
const NO_PAGE = 'https://p2plive.invalid';
const PROCESSORS = ['x64', 'arm64', 'ia32', 'armv7l', 'universal'];
const given = process.argv.slice(2);

const foreign = given.find(
  (word) =>
    Object.entries(SYSTEMS).some(([system, names]) => system !== process.platform && names.test(word)) ||
    (PROCESSORS.includes(word.slice(2)) && word !== `--${process.arch}`),
);
if (foreign) end(`${foreign} is another system than this one (${process.platform} ${process.arch}): package it there.`);

execFileSync(process.execPath, [path.join(root, 'build.mjs')], { cwd: root, stdio: 'inherit' });
layFfmpeg();

// electron-builder would fetch it too, but tries for minutes where there is no network.
if (!option('electronDist') && !installedElectron()) {
  const missing = await fetchElectron();
  if (missing) end(`No package without Electron: ${missing}.`);
}
const startedMs = Date.now();
const builder = path.join(root, 'node_modules/electron-builder/cli.js');
try {
  execFileSync(process.execPath, [builder, '--publish', 'never', ...homepage(), ...given], {
    cwd: root,
    stdio: 'inherit',
  });
} catch {
  end('The packages were not made; electron-builder said why above.');
}
tellPackages(path.resolve(root, option('directories.output') ?? 'release'));

/** ffmpeg as the package carries it: the program, its licence, and what that licence asks us to say. */
function layFfmpeg() {
  const [program, about] = installedFfmpeg();
  const carried = carriedFfmpeg(execFileSync(program, ['-version'], { encoding: 'utf8' }));
  rmSync(FFMPEG, { recursive: true, force: true });
  mkdirSync(FFMPEG, { recursive: true });
  if ('why' in carried) {
    const sentence = `No ffmpeg goes with this package: ${carried.why} (${about.name}).`;
    writeFileSync(path.join(FFMPEG, 'NOTICE.txt'), `${sentence} Install one, or name one in the settings.\n`);
    process.stdout.write(`${sentence}\n`);
    return;
  }
  const name = process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';
  const facts = {
    ...carried,
    program: name,
    package: about.name,
    packageVersion: about.version,
    homepage: about.homepage ?? 'https://ffmpeg.org/download.html',
  };
  const notice = readFileSync(path.join(root, 'resources/ffmpeg-notice.txt'), 'utf8').replaceAll(
    /\{(\w+)\}/g,
    (_all, key) => facts[key],
  );
  copyFileSync(program, path.join(FFMPEG, name));
  chmodSync(path.join(FFMPEG, name), 0o755);
  copyFileSync(path.join(root, 'resources/gpl-3.0.txt'), path.join(FFMPEG, 'LICENCE.txt'));
  writeFileSync(path.join(FFMPEG, 'NOTICE.txt'), notice);
  process.stdout.write(`ffmpeg ${carried.version} (${carried.licence}) goes with the package.\n`);
}

/** Found as servers/shared/ffmpeg.ts finds it, which is not built yet. @returns its path, and the package that holds the build */
function installedFfmpeg() {
  try {
    const { path: program } = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg');
    const about = JSON.parse(readFileSync(path.join(path.dirname(program), 'package.json'), 'utf8'));
    return [program, about];
  } catch {
    return end(`There is no packaged ffmpeg for ${process.platform} ${process.arch}: run "npm ci" first.`);
  }
}

/** A deb must name the project's page. electron-builder takes it from package.json, or from where the sources were cloned from. */
function homepage() {
  const { homepage: named } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  if (named || process.platform !== 'linux') return [];
  try {
    const origin = execFileSync('git', ['remote', 'get-url', 'origin'], { cwd: root, encoding: 'utf8', stdio: 'pipe' });
    if (/github\.com[:/]/.test(origin)) return [];
  } catch {
    // no clone, or no git
  }
  process.stdout.write(`package.json names no "homepage": the packages say ${NO_PAGE} until it does.\n`);
  return [`-c.extraMetadata.homepage=${NO_PAGE}`];
}

function tellPackages(output) {
  const made = readdirSync(output, { withFileTypes: true }).filter(({ name }) => {
    const { mtimeMs } = statSync(path.join(output, name));
    return mtimeMs >= startedMs && !/^(builder-|\.)|\.(ya?ml|blockmap)$/.test(name);
  });
  process.stdout.write(`The packages are in ${output}:\n`);
  for (const { name } of made) {
    const megabytes = Math.round(sizeOf(path.join(output, name)) / 1e6);
    process.stdout.write(`  ${name} (${megabytes} MB)\n`);
  }
}

function sizeOf(file) {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return 0;
  if (!found.isDirectory()) return found.size;
  return readdirSync(file).reduce((sum, name) => sum + sizeOf(path.join(file, name)), 0);
}

/** A setting of electron-builder's that was given by `-c.NAME=VALUE` or `--config.NAME=VALUE`. */
function option(name) {
  const found = given.find((word) => word.startsWith(`-c.${name}=`) || word.startsWith(`--config.${name}=`));
  return found?.slice(found.indexOf('=') + 1);
}

function end(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
