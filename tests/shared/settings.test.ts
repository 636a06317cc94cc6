import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EXIT, StartError } from '../../servers/shared/exit-codes.ts';
import { PROGRAMS, type Program } from '../../servers/shared/setting.ts';
import { loadSettings, passOn, withoutSettings } from '../../servers/shared/settings.ts';
import { settingsOf } from '../../servers/shared/settings-flags.ts';
import { envName, SETTINGS, yamlKey } from '../../servers/shared/settings-table.ts';
import { settingsMarkdown, settingsText } from '../../servers/shared/settings-text.ts';

const SECRET = 'a-secret-of-enough-length';

function file(text: string, name = 'p2plive.yaml'): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-settings-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
}

/** The sentence with which settings are refused. */
function refusal(program: Program, argv: string[], env: Record<string, string> = {}): string {
  try {
    loadSettings(program, argv, env);
  } catch (error) {
    expect(error).toBeInstanceOf(StartError);
    expect((error as StartError).code).toBe(EXIT.badSettings);
    return (error as StartError).message;
  }
  throw new Error('the settings were taken');
}

describe('precedence', () => {
  const env = { P2PLIVE_COORDINATE_PORT: '2' };
  const yaml = 'coordinate:\n  port: 3\n';

  it('a flag wins over the environment, that over the file, that over the default', () => {
    const config = ['--config', file(yaml)];
    expect(loadSettings('coordinate', ['--coordinate-port', '1', ...config], env).port).toBe(1);
    expect(loadSettings('coordinate', ['--coordinate-port=1', ...config], env).port).toBe(1);
    expect(loadSettings('coordinate', config, env).port).toBe(2);
    expect(loadSettings('coordinate', config, {}).port).toBe(3);
    expect(loadSettings('coordinate', [], {}).port).toBe(8080);
  });

  it('the file may be named by the environment', () => {
    expect(loadSettings('coordinate', [], { P2PLIVE_CONFIG: file(yaml) }).port).toBe(3);
  });

  it('an empty variable counts as absent', () => {
    expect(loadSettings('coordinate', [], { P2PLIVE_COORDINATE_PORT: '' }).port).toBe(8080);
  });

  it('a program’s section wins over the top of the file', () => {
    const config = ['--config', file('region: all\nforward:\n  region: eu\n')];
    expect(loadSettings('tracker', config, {}).region).toBe('all');
    expect(loadSettings('forward', config, {}).region).toBe('eu');
  });

  it('the STUN port follows the tracker’s unless it is given', () => {
    expect(loadSettings('tracker', ['--tracker-port', '0'], {}).stunPort).toBe(0);
    expect(loadSettings('tracker', ['--tracker-port', '7000'], {}).stunPort).toBe(7000);
    expect(loadSettings('tracker', ['--stun-port', '3478'], {}).stunPort).toBe(3478);
    expect(loadSettings('tracker', ['--stun-port', 'off'], {}).stunPort).toBeNull();
  });
});

describe('values', () => {
  it('are read from text: lists, networks, keys, ICE servers, switches', () => {
    const coordinate = loadSettings(
      'coordinate',
      ['--known-trackers', 'http://a:1,http://b:2/', '--known-trackers', 'http://c:3', '--carry'],
      {
        P2PLIVE_REGION_LANS: '10.1.0.0/16=campus, fd00::/8=home',
        P2PLIVE_STREAM_KEYS: 'one=key-of-one,two=key=of=two',
      },
    );
    expect(coordinate.trackers).toEqual(['http://a:1', 'http://b:2', 'http://c:3']);
    expect(coordinate.carry).toBe(true);
    expect(coordinate.region).toEqual({
      lans: [
        { cidr: '10.1.0.0/16', region: 'campus' },
        { cidr: 'fd00::/8', region: 'home' },
      ],
      default: 'default',
    });
    expect(coordinate.streamKeys).toEqual({ one: 'key-of-one', two: 'key=of=two' });
    const tracker = loadSettings('tracker', ['--no-stun', '--slices', '4', '--ice-servers', 'stun:s:3478,turn:t'], {});
    expect(tracker).toMatchObject({ stun: false, k: 4, iceServers: [{ urls: 'stun:s:3478' }, { urls: 'turn:t' }] });
    const turn = [{ urls: ['turn:t:3478'], username: 'u', credential: 'c' }];
    expect(loadSettings('tracker', ['--ice-servers', JSON.stringify(turn)], {}).iceServers).toEqual(turn);
  });

  it('are read from YAML as values or as text', () => {
    const config = file(`
meshSecret: ${SECRET}
coordinate:
  carry: true
  streamKeys: { live: a-key-of-live }
  region:
    lans:
      - { cidr: 10.0.0.0/8, region: office }
    header: CF-IPCountry
tracker:
  stunPort: off
  iceServers: [{ urls: "stun:s" }]
`);
    expect(loadSettings('coordinate', ['--config', config], {})).toMatchObject({
      carry: true,
      meshSecret: SECRET,
      streamKeys: { live: 'a-key-of-live' },
      region: { lans: [{ cidr: '10.0.0.0/8', region: 'office' }], header: 'CF-IPCountry' },
    });
    expect(loadSettings('tracker', ['--config', config], {})).toMatchObject({
      stunPort: null,
      iceServers: [{ urls: 'stun:s' }],
    });
  });

  it('that are secret may stand in a file', () => {
    const secretFile = file(`${SECRET}\n`, 'secret');
    expect(loadSettings('tracker', ['--mesh-secret-file', secretFile], {}).meshSecret).toBe(SECRET);
    expect(loadSettings('tracker', [], { P2PLIVE_MESH_SECRET_FILE: secretFile }).meshSecret).toBe(SECRET);
    const config = file(`meshSecretFile: ${secretFile}\n`);
    expect(loadSettings('tracker', ['--config', config], {}).meshSecret).toBe(SECRET);
  });

  it('absent ones are absent, not undefined', () => {
    const forward = loadSettings('forward', [], {});
    expect('upstream' in forward).toBe(false);
    expect(forward).toMatchObject({
      pushPort: 9999,
      pullPort: 9998,
      trackers: ['http://127.0.0.1:9090'],
      maxChildren: 1000,
    });
  });
});

describe('what is wrong is refused with one sentence', () => {
  it.each<[string, Program, string[], Record<string, string>, string]>([
    [
      'a flag',
      'coordinate',
      ['--coordinate-port', '99999'],
      {},
      'The flag --coordinate-port must be a port from 0 to 65535 (0 takes any free one), not "99999".',
    ],
    [
      'a variable',
      'tracker',
      [],
      { P2PLIVE_SLICES: '3' },
      'The environment variable P2PLIVE_SLICES must be one of 1, 2, 4, auto, not "3".',
    ],
    [
      'an address',
      'tracker',
      ['--coordinate', 'localhost:8080'],
      {},
      'The flag --coordinate must be an address like http://host:8080, not "localhost:8080".',
    ],
    ['an unknown flag', 'forward', ['--pusch-port', '1'], {}, 'Unknown flag --pusch-port. Did you mean --push-port?'],
    [
      'a flag of another program',
      'tracker',
      ['--pull-port', '1'],
      {},
      'The flag --pull-port belongs to forward, not here.',
    ],
    ['a flag without its value', 'peer', ['--stream'], {}, 'The flag --stream needs a value.'],
    [
      'a missing file',
      'peer',
      ['--config', '/nowhere.yaml'],
      {},
      'The settings file /nowhere.yaml could not be read (it does not exist).',
    ],
    ['a stray word', 'peer', ['now'], {}, 'There is a word too many; p2plive --help shows what is understood.'],
  ])('%s', (_what, program, argv, env, sentence) => {
    expect(refusal(program, argv, env)).toBe(sentence);
  });

  it.each([
    [
      'an unknown key',
      'coordinate:\n  prot: 1\n',
      'Unknown setting coordinate.prot in p2plive.yaml. Did you mean coordinate.port?',
    ],
    ['an unknown section', 'coordinator:\n  port: 1\n', 'Unknown setting coordinator in p2plive.yaml.'],
    ['a key in the wrong place', 'port: 1\n', 'Unknown setting port in p2plive.yaml.'],
    [
      'a wrong value',
      'coordinate:\n  unitMs: fast\n',
      'coordinate.unitMs in p2plive.yaml must be a whole number from 40 to 120, not "fast".',
    ],
    ['a value where a section belongs', 'coordinate: 1\n', 'coordinate in p2plive.yaml must hold settings'],
    ['a list', '- coordinate\n', 'p2plive.yaml must hold settings'],
    ['no YAML', 'coordinate: [', 'p2plive.yaml is not valid YAML: '],
  ])('%s in a YAML file', (_what, text, sentence) => {
    expect(refusal('coordinate', ['--config', file(text)])).toContain(sentence);
  });

  it('a secret is never shown', () => {
    const sentence = refusal('tracker', [], { P2PLIVE_MESH_SECRET: 'short secret' });
    expect(sentence).toContain('P2PLIVE_MESH_SECRET must be at least 16 characters');
    expect(sentence).not.toContain('short secret');
  });

  it('an open address without a shared secret', () => {
    for (const program of ['coordinate', 'tracker', 'forward'] as const) {
      expect(refusal(program, ['--host', '0.0.0.0'])).toContain('p2plive secret');
      expect(loadSettings(program, ['--host', '0.0.0.0'], { P2PLIVE_MESH_SECRET: SECRET }).host).toBe('0.0.0.0');
    }
    expect(loadSettings('tracker', ['--host', '::1'], {}).host).toBe('::1');
  });
});

describe('the table', () => {
  it('has one meaning per flag and per YAML key in each program', () => {
    for (const program of PROGRAMS) {
      const entries = settingsOf([program]);
      expect(new Set(entries.map((entry) => entry.flag)).size).toBe(entries.length);
      expect(new Set(entries.map((entry) => entry.key)).size).toBe(entries.length);
    }
    expect(new Set(SETTINGS.map(yamlKey)).size).toBe(SETTINGS.length);
    // All of these stand on one command line.
    const up = settingsOf(['up', 'coordinate', 'tracker', 'forward']);
    expect(new Set(up.map((entry) => entry.flag)).size).toBe(up.length);
  });

  it('has valid defaults that survive being passed on', () => {
    for (const program of ['coordinate', 'tracker', 'forward', 'peer'] as const) {
      const settings = loadSettings(program, [], {});
      const { args, env } = passOn(program, settings);
      expect(loadSettings(program, args, env)).toEqual(settings);
    }
  });

  it('is documented whole', () => {
    const markdown = settingsMarkdown();
    const text = settingsText();
    for (const entry of SETTINGS)
      for (const word of [
        `--${entry.kind.placeholder === null && entry.default === true ? 'no-' : ''}${entry.flag}`,
        envName(entry.flag),
        yamlKey(entry),
        entry.help,
      ]) {
        expect(markdown).toContain(word);
        expect(text).toContain(word);
      }
  });
});

it('what is passed on says all, whatever the environment says, and keeps secrets off the command line', () => {
  const settings = loadSettings(
    'tracker',
    [
      '--tracker-port',
      '1234',
      '--no-stun',
      '--stun-port',
      'off',
      '--ice-servers',
      '[{"urls":"turn:t","credential":"c"}]',
    ],
    { P2PLIVE_MESH_SECRET: SECRET },
  );
  const { args, env } = passOn('tracker', settings);
  expect(args.join(' ')).not.toContain(SECRET);
  const inherited = withoutSettings({
    P2PLIVE_TRACKER_PORT: '1',
    P2PLIVE_SLICES: '4',
    P2PLIVE_CONFIG: '/nowhere',
    PATH: '/bin',
  });
  expect(inherited).toEqual({ PATH: '/bin' });
  expect(loadSettings('tracker', args, { ...inherited, ...env })).toEqual(settings);
});
