// A folder that electron-builder takes for an unpacked Electron for Linux, and a packer of debs that only keeps what it was given: so
// packaging is tested in seconds and without a network. Nothing in it runs.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createPackage } from '@electron/asar';

/** As `@electron/fuses` looks for it; version 1 of the wire, nine fuses, all on. */
const FUSE_WIRE = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX\u0001\u0009111111111';

/** @returns the folder, for `electronDist` */
export async function fakeDistribution(folder: string): Promise<string> {
  const electron = path.join(folder, 'electron');
  mkdirSync(path.join(electron, 'resources'), { recursive: true });
  program(path.join(electron, 'electron'), `#!/bin/sh\nexit 1\n# ${FUSE_WIRE}\n`);
  writeFileSync(path.join(electron, 'version'), '0.0.0');
  writeFileSync(path.join(electron, 'LICENSE'), 'not Electron\n');
  const nothing = path.join(folder, 'nothing');
  mkdirSync(nothing);
  writeFileSync(path.join(nothing, 'package.json'), '{}');
  await createPackage(nothing, path.join(electron, 'resources/default_app.asar'));
  return electron;
}

export interface FakeFpm {
  /** For the packaging command. */
  env: Record<string, string>;
  /** Its arguments. */
  args(): string[];
  desktopFile(): string;
}

/** Stands for fpm, which makes debs. */
export function fakeFpm(folder: string): FakeFpm {
  const [bin, kept] = [path.join(folder, 'bin'), path.join(folder, 'fpm')];
  mkdirSync(bin);
  mkdirSync(kept);
  program(
    path.join(bin, 'fpm'),
    `#!${process.execPath}
const { copyFileSync, writeFileSync } = require('node:fs');
const args = process.argv.slice(2);
writeFileSync('${kept}/args.json', JSON.stringify(args));
copyFileSync(args.find((one) => one.includes('.desktop=')).split('=')[0], '${kept}/desktop');
writeFileSync(args[args.indexOf('--package') + 1], 'not a deb');
`,
  );
  const read = (name: string): string => readFileSync(path.join(kept, name), 'utf8');
  return {
    env: { USE_SYSTEM_FPM: 'true', PATH: `${bin}${path.delimiter}${process.env['PATH'] ?? ''}` },
    args: () => JSON.parse(read('args.json')) as string[],
    desktopFile: () => read('desktop'),
  };
}

function program(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}
