import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { start } from '../support/processes.ts';
import { OUT } from '../support/stack.ts';

const ROOT = path.join(OUT, '..');
const WEB = path.join(OUT, 'web');
/** The page without the crypto library, which only a plain http address loads. */
const MOST_PAGE_BYTES = 40_000;

describe('npm run build', () => {
  it('writes every program with its map, and leaves alone what others put into out/', async () => {
    const strange = path.join(OUT, 'of-another-build.txt');
    writeFileSync(strange, 'mine');
    onTestFinished(() => rmSync(strange, { force: true }));
    const beganMs = Date.now();
    const build = start('npm', ['run', 'build'], {}, ROOT);
    onTestFinished(async () => void (await build.stop('SIGKILL')));
    expect(await build.ended).toMatchObject({ code: 0 });
    expect(existsSync(strange)).toBe(true);
    for (const program of ['cli', 'coordinate', 'tracker', 'forward', 'peer', 'web/watch', 'web/p2p-live'])
      for (const ending of ['js', 'js.map'])
        expect(statSync(path.join(OUT, `${program}.${ending}`)).mtimeMs).toBeGreaterThan(beganMs - 1_000);
    for (const file of readdirSync(path.join(ROOT, 'client/web')).filter((name) => /\.(html|css|svg)$/.test(name)))
      expect(readFileSync(path.join(WEB, file))).toEqual(readFileSync(path.join(ROOT, 'client/web', file)));
  });

  it('makes out/cli.js a program of its own', () => {
    expect(readFileSync(path.join(OUT, 'cli.js'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(statSync(path.join(OUT, 'cli.js')).mode & 0o111).toBe(0o111);
  });

  it('keeps the page small, and the crypto library out of it', () => {
    const scripts = readdirSync(WEB).filter((name) => name.endsWith('.js') && name !== 'p2p-live.js');
    const crypto = scripts.filter((name) => /noble/.test(name));
    expect(crypto).toHaveLength(1);
    for (const name of scripts.filter((one) => !crypto.includes(one)))
      expect(readFileSync(path.join(WEB, name), 'utf8')).not.toMatch(/(from|import)\s*["']\.\/noble/); // only import(...)
    const sizes = scripts
      .filter((name) => !crypto.includes(name))
      .map((name) => gzipSync(readFileSync(path.join(WEB, name))).length);
    expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(MOST_PAGE_BYTES);
  });
});

describe('npm start', () => {
  it('says in one sentence that the packages are missing', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-bare-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(path.join(ROOT, 'start.mjs'), path.join(folder, 'start.mjs'));
    const ending = await start(process.execPath, [path.join(folder, 'start.mjs')]).ended;
    expect(ending).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'The packages are not installed yet: run "npm ci" first.\n',
    });
  });

  it('builds when a source is newer, and passes the exit code on', async () => {
    const cli = path.join(OUT, 'cli.js');
    utimesSync(cli, new Date(0), new Date(0));
    const ending = await start(process.execPath, ['start.mjs', '--headless', '--nonsense'], {}, ROOT).ended;
    expect(ending).toMatchObject({ code: 2, stderr: 'Unknown flag --nonsense. See p2plive --help.\n' });
    expect(statSync(cli).mtimeMs).toBeGreaterThan(0);
  });

  it('lets the person’s own source win', async () => {
    const ending = await start(process.execPath, ['start.mjs', '--headless', '--source', 'nothing'], {}, ROOT).ended;
    expect(ending).toMatchObject({ code: 2, stderr: 'The flag --source must be one of test, not "nothing".\n' });
  });
});
