// What `npm run dist` makes for Linux, with a fake Electron in the place of the real one: what is in the package, what is not, and that
// the programs in it run on nothing but what is in it. The real Electron does not run here.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { extractAll, listPackage } from '@electron/asar';
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { descendantsOf, start } from '../support/processes.ts';
import { captureWas, FREE_PORTS } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { fakeDistribution, fakeFpm, type FakeFpm } from './fake-distribution.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** In the fuse wire: an ASCII one. */
const FUSE_ON = 0x31;

describe.skipIf(process.platform !== 'linux')('the package for Linux', () => {
  let folder: string;
  let fpm: FakeFpm;
  let said: string;
  /** Paths in the archive, with forward slashes and none at the start. */
  let files: string[];
  const output = (...names: string[]): string => path.join(folder, 'release', ...names);
  const resources = (...names: string[]): string => output('linux-unpacked/resources', ...names);

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'p2plive-package-'));
    const electron = await fakeDistribution(folder);
    fpm = fakeFpm(folder);
    const given = ['--linux', 'deb', `-c.electronDist=${electron}`, `-c.directories.output=${output()}`];
    const { stdout } = await promisify(execFile)('npm', ['run', 'dist', '--', ...given], {
      cwd: ROOT,
      env: { ...process.env, ...fpm.env },
    });
    said = stdout;
    files = listPackage(resources('app.asar'), { isPack: false }).map((name) => name.slice(1).replaceAll('\\', '/'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('holds the programs, the console, the viewer’s page and what they need', () => {
    const programs = ['cli', 'coordinate', 'tracker', 'forward', 'electron/main'].map((name) => `out/${name}.js`);
    const pages = [
      'out/electron/preload.cjs',
      'out/renderer/index.html',
      'out/electron/audience-preload.cjs',
      'out/renderer/audience-window.html',
      'out/web/watch.html',
      'out/web/watch.js',
    ];
    const rest = ['package.json', 'resources/tray.png', 'resources/tray@2x.png'];
    expect(files).toEqual(expect.arrayContaining([...programs, ...pages, ...rest]));
    expect(files.some((name) => /^out\/renderer\/assets\/index-.*\.js$/.test(name))).toBe(true);
    const packed = path.join(folder, 'look');
    extractAll(resources('app.asar'), packed);
    for (const program of programs)
      for (const name of packagesOf(readFileSync(path.join(packed, program), 'utf8')))
        expect(files, `${program} imports it`).toContain(`node_modules/${name}/package.json`);
  });

  it('holds nothing else: no sources, tests or maps, nothing that only the page or plain Node needs', () => {
    const top = new Set(files.map((name) => name.split('/')[0]));
    expect(top).toEqual(new Set(['node_modules', 'out', 'package.json', 'resources']));
    const { devDependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const away = [...Object.keys(devDependencies), '@roamhq', '@ffmpeg-installer', 'domexception'];
    expect(files.filter((name) => away.some((one) => name.startsWith(`node_modules/${one}/`)))).toEqual([]);
    expect(
      files.filter((name) => /^out\/.*\.map$|^out\/(peer|audience)\.js$|^resources\/(ffmpeg|icon)/.test(name)),
    ).toEqual([]);
    // Without native modules nothing needs to lie unpacked.
    expect(files.filter((name) => /\.(node|so|dll|dylib|exe)$/.test(name))).toEqual([]);
    const beside = ['apparmor-profile', 'default_app.asar'];
    expect(
      readdirSync(resources())
        .filter((name) => !beside.includes(name))
        .toSorted(),
    ).toEqual(['app.asar', 'ffmpeg']);
    const packageMegabytes = statSync(resources('app.asar')).size / 1e6;
    process.stdout.write(
      `app.asar ${packageMegabytes.toFixed(1)} MB, ffmpeg ${(statSync(resources('ffmpeg/ffmpeg')).size / 1e6).toFixed(1)} MB\n`,
    );
    expect(packageMegabytes).toBeLessThan(20);
  });

  it('carries ffmpeg with its licence and the way to its sources', async () => {
    const { stdout } = await promisify(execFile)(resources('ffmpeg/ffmpeg'), ['-version']);
    const notice = readFileSync(resources('ffmpeg/NOTICE.txt'), 'utf8');
    expect(notice).toContain(/^ffmpeg version (\S+)/.exec(stdout)?.[1]);
    expect(notice).toMatch(/General Public License, version 3/);
    expect(notice).toMatch(/Written offer/);
    expect(notice).not.toMatch(/[{}]|undefined|unknown/);
    expect(readFileSync(resources('ffmpeg/LICENCE.txt'), 'utf8')).toMatch(/GENERAL PUBLIC LICENSE\s+Version 3/);
  });

  it('has the fuses of electron-builder.yml blown', async () => {
    const { electronFuses } = parse(readFileSync(path.join(ROOT, 'electron-builder.yml'), 'utf8')) as {
      electronFuses: Record<string, boolean>;
    };
    const wire = await getCurrentFuseWire(output('linux-unpacked/p2plive'));
    const found = Object.keys(electronFuses).map((name) => {
      const option = FuseV1Options[`${name[0]?.toUpperCase()}${name.slice(1)}` as keyof typeof FuseV1Options];
      return [name, wire[option] === FUSE_ON];
    });
    expect(Object.fromEntries(found)).toEqual(electronFuses);
    expect(electronFuses).toMatchObject({ runAsNode: false, onlyLoadAppFromAsar: true });
  });

  it('is known to the desktop by its name, its links and its icon', () => {
    const desktop = fpm.desktopFile();
    expect(desktop).toMatch(/^Exec=\/opt\/P2PLive\/p2plive %U$/m);
    expect(desktop).toMatch(/^MimeType=x-scheme-handler\/p2plive;$/m);
    expect(desktop).toMatch(/^StartupWMClass=p2plive$/m);
    expect(desktop).toMatch(/^Categories=AudioVideo;$/m);
    expect(fpm.args().some((one) => one.endsWith('/apps/p2plive.png'))).toBe(true);
    expect(said).toMatch(/The packages are in [^\n]*release:\n[^]*p2plive_[\d.]+_amd64\.deb/);
  });

  it('runs a broadcast on nothing but what it holds', async () => {
    const app = path.join(folder, 'app');
    extractAll(resources('app.asar'), app);
    const owned = start(
      process.execPath,
      [path.join(app, 'out/cli.js'), 'up', '--json', '--no-console', ...FREE_PORTS, '--source', 'test'].concat(
        '--data-dir',
        path.join(folder, 'data'),
      ),
      // Electron tells its processes where the package's resources are; there is no other ffmpeg.
      {
        PATH: '',
        P2PLIVE_FFMPEG: '',
        NODE_OPTIONS: `--import=data:text/javascript,process.resourcesPath='${resources()}'`,
      },
    );
    onTestFinished(async () => void (await owned.stop()));
    await until('the broadcast', () => captureWas(owned, 'live') || owned.child.exitCode !== null, {
      withinMs: 30_000,
      describe: () => owned.stderr(),
    });
    const encoder = descendantsOf(owned.pid).filter((one) => one.command.startsWith(resources('ffmpeg/ffmpeg')));
    expect(encoder).toHaveLength(1);
  });
});

/** npm packages that a built program imports. */
function packagesOf(text: string): string[] {
  const names = [...text.matchAll(/(?:^|\s)(?:import|from|import\()\s*["']([^"'.][^"']*)["']/g)].map(
    (match) => match[1] ?? '',
  );
  return [...new Set(names)]
    .filter((name) => !name.startsWith('node:') && !builtinModules.includes(name) && name !== 'electron')
    .map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    );
}
