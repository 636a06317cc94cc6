// Bundles every program into out/: one file per Node program, ES modules for the browser. It only adds files: what another build
// puts into out/ stays there.
import { chmodSync, copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';

const root = import.meta.dirname;
/** Every bare name: the programs run beside node_modules. */
const PACKAGES = /^(?!\.{0,2}\/|[A-Za-z]:[\\/]|\0)/;
const PROGRAMS = {
  cli: 'servers/cli.ts',
  coordinate: 'servers/coordinate/main.ts',
  tracker: 'servers/tracker/main.ts',
  forward: 'servers/forward/main.ts',
  peer: 'client/node/main.ts',
  audience: 'client/node/audience/main.ts',
};
const PAGES = { watch: 'client/web/watch.ts', 'p2p-live': 'client/web/element.ts' };
const STATIC = /\.(html|css|svg|png|ico|webmanifest)$/;

const programs = Object.entries(PROGRAMS).map(([name, file]) => ({
  input: { [name]: path.join(root, file) },
  external: PACKAGES,
  platform: 'node',
  plugins: name === 'cli' ? [executable()] : [],
  output: {
    dir: path.join(root, 'out'),
    format: 'es',
    sourcemap: true,
    codeSplitting: false,
    ...(name === 'cli' ? { banner: '#!/usr/bin/env node' } : {}),
  },
}));

const browser = {
  input: Object.fromEntries(Object.entries(PAGES).map(([name, file]) => [name, path.join(root, file)])),
  platform: 'browser',
  plugins: [copyStatic()],
  output: {
    dir: path.join(root, 'out/web'),
    format: 'es',
    sourcemap: true,
    minify: true,
    // No hash in the names: a rebuild replaces its files instead of piling them up.
    chunkFileNames: '[name].chunk.js',
  },
};

/** `p2plive` is installed as a link to this file. */
function executable() {
  return { name: 'executable', writeBundle: () => chmodSync(path.join(root, 'out/cli.js'), 0o755) };
}

function copyStatic() {
  const from = path.join(root, 'client/web');
  const to = path.join(root, 'out/web');
  return {
    name: 'copy-static',
    writeBundle() {
      mkdirSync(to, { recursive: true });
      for (const name of readdirSync(from))
        if (STATIC.test(name)) copyFileSync(path.join(from, name), path.join(to, name));
    },
  };
}

export default [...programs, browser];
