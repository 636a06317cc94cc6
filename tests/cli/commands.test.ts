import { createServer } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EXIT } from '../../servers/shared/exit-codes.ts';
import { start, type Ending } from '../support/processes.ts';
import { FREE_PORTS, OUT, startCli } from '../support/stack.ts';

async function run(args: string[], env: Record<string, string> = {}): Promise<Ending> {
  const owned = startCli(args, env);
  onTestFinished(async () => void (await owned.stop('SIGKILL')));
  return owned.ended;
}

/** A port that somebody else has. */
async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe('[C4] p2plive ends with one clear sentence and its own exit code', () => {
  it.each<[string, string[], number, string]>([
    ['an unknown command', ['upp'], EXIT.badSettings, 'Unknown command upp. Did you mean up?\n'],
    ['an unknown flag', ['up', '--sorce', 'test'], EXIT.badSettings, 'Unknown flag --sorce. Did you mean --source?\n'],
    [
      'a bad value',
      ['up', '--pull-port', 'x'],
      EXIT.badSettings,
      'The flag --pull-port must be a port from 0 to 65535 (0 takes any free one), not "x".\n',
    ],
    [
      'a bad value of one role',
      ['tracker', '--slices', '3'],
      EXIT.badSettings,
      'The flag --slices must be one of 1, 2, 4, auto, not "3".\n',
    ],
    [
      'a bad value of a peer',
      ['peer', '--count', '0'],
      EXIT.badSettings,
      'The flag --count must be a whole number from 1 to 1000, not "0".\n',
    ],
    ['an address that is none', ['which-tracker', 'localhost'], EXIT.badSettings, 'localhost is not an IP address.\n'],
    ['an open role without a secret', ['forward', '--host', '0.0.0.0'], EXIT.badSettings, 'p2plive secret'],
    [
      'an ffmpeg that is not there',
      ['up', '--source', 'test', '--ffmpeg', '/nowhere/ffmpeg'],
      EXIT.ffmpegMissing,
      '/nowhere/ffmpeg, which is not a program',
    ],
    [
      'an address that is not ours',
      ['forward', '--host', '192.0.2.1', '--mesh-secret', 'x'.repeat(20)],
      EXIT.badSettings,
      'This machine has no address 192.0.2.1.',
    ],
  ])('%s', async (_what, args, code, sentence) => {
    const ending = await run(args);
    expect(ending.code).toBe(code);
    expect(ending.stderr).toContain(sentence);
    expect(ending.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('no command at all', async () => {
    const ending = await run([]);
    expect(ending.code).toBe(EXIT.badSettings);
    expect(ending.stderr).toContain('Usage: p2plive');
  });

  it('a taken port of one role', async () => {
    const port = await takenPort();
    const ending = await run(['forward', '--push-port', String(port), '--pull-port', '0']);
    expect(ending.code).toBe(EXIT.portTaken);
    expect(ending.stderr).toBe(
      `Port ${port} is already in use. Stop the program that has it, or choose another with --push-port (0 takes any free one).\n`,
    );
  });

  it.each(['--coordinate-port', '--tracker-port', '--pull-port'])('a taken %s met by a child of up', async (flag) => {
    const port = await takenPort();
    const ending = await run(['up', '--no-console', ...FREE_PORTS, flag, String(port)]);
    expect(ending.code).toBe(EXIT.portTaken);
    expect(ending.stderr).toBe(
      `Port ${port} is already in use. Stop the program that has it, or choose another with ${flag} (0 takes any free one).\n`,
    );
    expect(ending.stdout).toBe('');
  });
});

describe('small commands', () => {
  it('--version says the package’s', async () => {
    const { version } = JSON.parse(readFileSync(path.join(OUT, '../package.json'), 'utf8')) as { version: string };
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it('secret makes another each time, good enough to be taken', async () => {
    const [one, two] = await Promise.all([run(['secret']), run(['secret'])]);
    expect(one.stdout).toMatch(/^[\w-]{43}\n$/);
    expect(one.stdout).not.toBe(two.stdout);
  });

  it('settings lists them, also as markdown', async () => {
    const [text, markdown] = await Promise.all([run(['settings']), run(['settings', '--markdown'])]);
    expect(text.stdout).toContain('P2PLIVE_COORDINATE_PORT, coordinate.port');
    expect(markdown.stdout).toContain(
      '| `--coordinate-port PORT` | `P2PLIVE_COORDINATE_PORT` | `coordinate.port` | 8080 |',
    );
  });

  it('help of every command', async () => {
    for (const command of ['up', 'coordinate', 'tracker', 'forward', 'peer', 'which-tracker', 'settings', 'secret']) {
      const ending = await run([command, '--help']);
      expect(ending).toMatchObject({ code: 0, stderr: '' });
      expect(ending.stdout).toContain(`Usage: p2plive ${command}`);
    }
  });

  it('which-tracker hands on the coordinate’s answer, and says when there is none', async () => {
    const server = createHttpServer((request, response) =>
      response.end(`${request.url} ${request.headers.authorization}`),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const asked = await run(['which-tracker', '10.1.2.3', '--coordinate', base], { P2PLIVE_DEBUG_TOKEN: 'a-token' });
    expect(asked).toMatchObject({ code: 0, stdout: '/tracker/why?ip=10.1.2.3 Bearer a-token\n' });
    const none = await run(['which-tracker', '10.1.2.3', '--coordinate', 'http://127.0.0.1:9']);
    expect(none.code).toBe(EXIT.died);
    expect(none.stderr).toMatch(/^No coordinate answers at http:\/\/127\.0\.0\.1:9;.*\n$/);
  });
});

it('out/cli.js runs by itself, as `bin` installs it', async () => {
  const owned = start(path.join(OUT, 'cli.js'), ['secret']);
  expect(await owned.ended).toMatchObject({ code: 0 });
});
