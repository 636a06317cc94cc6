// The repository's own rules that neither compiler nor linter sees.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadSettings } from '../../servers/shared/settings.ts';
import { settingsMarkdown } from '../../servers/shared/settings-text.ts';
import { read, ROOT, sources } from './tree.ts';

const files = sources();
const tests = files.filter((file) => file.path.startsWith('tests/'));
const ours = files.filter((file) => !file.path.startsWith('tests/house/'));

describe('the specification', () => {
  const spec = read('protocol/SPEC.md');
  const rules = [...spec.matchAll(/^(?:[-*]\s+)?(?:\*\*)?\[?([WSPTRIC]\d+)\]?(?:\*\*|[.:\s])/gm)].map(
    (match) => match[1] ?? '',
  );

  it('numbers each rule once', () => {
    expect(rules.length).toBeGreaterThan(0);
    expect(rules.filter((rule, i) => rules.indexOf(rule) !== i)).toEqual([]);
  });

  it('has a test for every rule', () => {
    const named = new Set(
      tests.flatMap((file) => [...file.text.matchAll(/\[([WSPTRIC]\d+)\]/g)].map((match) => match[1] ?? '')),
    );
    expect(rules.filter((rule) => !named.has(rule))).toEqual([]);
  });

  it('has every rule that code and tests name', () => {
    const unknown = ours.flatMap((file) =>
      [...file.text.matchAll(/\[([WSPTRIC]\d+)\]/g)]
        .filter((match) => !rules.includes(match[1] ?? ''))
        .map((match) => `${file.path} names [${match[1]}]`),
    );
    expect(unknown).toEqual([]);
  });
});

describe('files', () => {
  it('have at most 400 lines', () => {
    const long = files.filter((file) => file.text.split('\n').length > 400).map((file) => file.path);
    expect(long).toEqual([]);
  });

  it('are named in small letters and dashes', () => {
    const odd = files.filter((file) => !/^[a-z0-9-]+(\.test|\.config|\.d)?\.\w+$/.test(path.basename(file.path)));
    expect(odd.map((file) => file.path)).toEqual([]);
  });

  it('begin with a headline comment, tests excepted', () => {
    const silent = files.filter(
      (file) => !/\.(test|d)\.ts$/.test(file.path) && !/^(#!.*\n)?(\/\/|\/\*)/.test(file.text),
    );
    expect(silent.map((file) => file.path)).toEqual([]);
  });
});

describe('imports', () => {
  /** npm packages and Node's own modules by room; the longest matching room counts. */
  const ALLOWED: Record<string, readonly string[]> = {
    protocol: ['valibot'],
    'client/mesh': ['valibot'],
    'client/web': ['valibot', '@noble/ed25519', '@noble/hashes'],
    'client/audience': ['valibot'],
    'client/node': ['node:', 'ws', '@roamhq/wrtc', 'valibot', 'commander', 'yaml', 'ipaddr.js', 'pino'],
    'servers/shared': ['node:', 'valibot', 'ws', 'pino', 'commander', 'yaml', 'ipaddr.js'],
    'servers/coordinate': ['node:', 'valibot', 'ws', 'ipaddr.js', 'mmdb-lib'],
    'servers/tracker': ['node:', 'valibot', 'ws', 'ipaddr.js'],
    'servers/forward': ['node:', 'valibot', 'ws'],
    'servers/control': ['node:', 'valibot', 'ws'],
    servers: ['node:', 'commander'],
    renderer: [
      'react',
      'react-dom',
      'zustand',
      '@xyflow/react',
      'radix-ui',
      'uplot',
      'qrcode.react',
      'lucide-react',
      'valibot',
    ],
    electron: ['node:', 'electron', 'electron-updater', 'valibot'],
  };

  it('take only the packages of their room', () => {
    const strangers: string[] = [];
    for (const file of ours) {
      // How a room is bundled is no part of it.
      if (file.path.endsWith('.config.ts')) continue;
      const room = Object.keys(ALLOWED)
        .filter((name) => file.path.startsWith(`${name}/`))
        .toSorted((a, b) => b.length - a.length)[0];
      if (room === undefined) continue;
      for (const name of packagesOf(file.text))
        if (
          !(ALLOWED[room] ?? []).some((one) =>
            one === 'node:' ? name.startsWith(one) : name === one || name.startsWith(`${one}/`),
          )
        )
          strangers.push(`${file.path} imports ${name}`);
    }
    expect(strangers).toEqual([]);
  });

  it('name files with their ending, and no folder', () => {
    const bare = files.flatMap((file) =>
      [...file.text.matchAll(/from '(\.[^']*)'/g)]
        .filter((match) => !/\.(ts|tsx|js|mjs|json|css)$/.test(match[1] ?? ''))
        .map((match) => `${file.path}: ${match[1]}`),
    );
    expect(bare).toEqual([]);
  });

  function packagesOf(text: string): string[] {
    return [...text.matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\(\s*)'([^'.][^']*)'/g)].map((match) => match[1] ?? '');
  }
});

it('tests wait for conditions and never sleep', () => {
  const sleepers = tests.filter(
    (file) =>
      !['tests/support/until.ts', 'tests/house/rules.test.ts'].includes(file.path) &&
      /setTimeout\((resolve|r|done|ok)\b|timers\/promises|\bsleep\(\d/.test(file.text),
  );
  expect(sleepers.map((file) => file.path)).toEqual([]);
});

it('tests mock none of our modules', () => {
  const mocks = tests.filter(
    (file) => file.path !== 'tests/house/rules.test.ts' && /\bvi\.(mock|doMock)\(/.test(file.text),
  );
  expect(mocks.map((file) => file.path)).toEqual([]);
});

describe('documents', () => {
  it.each(['README.md', '.github/workflows/desktop.yml'])('%s names only commands that exist', (file) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const builtIn = ['ci', 'cit', 'start', 'test', 'install', 'i'];
    const commands = [...read(file).matchAll(/\bnpm (?:run )?([a-z][\w:-]*)/g)].map((match) => match[1] ?? '');
    expect(commands.length).toBeGreaterThan(2);
    expect(commands.filter((name) => !(name in scripts) && !builtIn.includes(name))).toEqual([]);
  });

  it('the workflows take actions at a commit, and no secrets', () => {
    const text = read('.github/workflows/desktop.yml');
    const actions = [...text.matchAll(/\buses: (\S+)/g)].map((match) => match[1] ?? '');
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((name) => !/@[0-9a-f]{40}$/.test(name))).toEqual([]);
    expect(text).not.toMatch(/\bsecrets\./);
  });

  it('the README’s links lead to files', () => {
    const links = [...read('README.md').matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '');
    expect(links.filter((link) => !existsSync(path.join(ROOT, link)))).toEqual([]);
  });

  it('docs/settings.md is what `p2plive settings --markdown` prints', () => {
    expect(read('docs/settings.md')).toBe(settingsMarkdown());
  });

  it('the example settings are valid for every role', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-example-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const name of ['mesh-secret', 'debug-token', 'stream-key'])
      writeFileSync(path.join(folder, name), 'x'.repeat(32));
    const config = path.join(folder, 'p2plive.yaml');
    writeFileSync(config, read('deploy/p2plive.example.yaml').replaceAll('/etc/p2plive/', `${folder}/`));
    for (const program of ['coordinate', 'tracker', 'forward'] as const)
      expect(loadSettings(program, ['--config', config], {})).toMatchObject({ host: '0.0.0.0' });
  });

  it('decisions have at most 40 lines', () => {
    const decisions = readdirSync(path.join(ROOT, 'docs/decisions')).map((name) => `docs/decisions/${name}`);
    expect(decisions.filter((file) => read(file).trimEnd().split('\n').length > 40)).toEqual([]);
  });
});
