'use strict';
// Makes `electron` mean the stand-in, for require and import, and runs the app's real built main process.
const { existsSync, readFileSync } = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const STAND_IN = path.join(__dirname, 'electron.cjs');
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (name, ...rest) {
  return name === 'electron' ? STAND_IN : resolveFilename.call(this, name, ...rest);
};
// Imports are resolved by a loader on another thread.
const loader = `export const resolve = (name, context, next) => name === 'electron'
  ? { url: ${JSON.stringify(pathToFileURL(STAND_IN).href)}, format: 'commonjs', shortCircuit: true } : next(name, context);`;
Module.register(`data:text/javascript,${encodeURIComponent(loader)}`);

const words = process.argv.slice(2);
const at = words.findIndex((word) => !word.startsWith('-'));
const folder = path.resolve(words[at] ?? '.');
const manifest = path.join(folder, 'package.json');
if (!existsSync(manifest)) {
  process.stderr.write(`[stand-in] ${folder} has no package.json\n`);
  process.exit(1);
}
const app = JSON.parse(readFileSync(manifest, 'utf8'));
process.argv = [process.argv[0], ...words];
process.versions.electron ??= '0.0.0-stand-in';
process.type = 'browser';
process.resourcesPath = path.join(folder, 'resources');
globalThis.standInBoot = { app, folder, switches: words.filter((word) => word.startsWith('--')) };

const { standIn } = require(STAND_IN);
import(pathToFileURL(path.join(folder, app.main)).href).then(
  () => standIn.start(),
  (error) => {
    process.stderr.write(`[stand-in] the main process failed: ${error.stack}\n`);
    process.exit(1);
  },
);
