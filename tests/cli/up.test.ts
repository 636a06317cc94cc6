import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { descendantsOf, isAlive, start, type Owned } from '../support/processes.ts';
import { captureWas, eventIn, FREE_PORTS, OUT, startCli, startStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

async function stack(args: string[] = []): Promise<Stack> {
  const started = await startStack(args);
  onTestFinished(async () => void (await started.stop()));
  return started;
}

/** A data folder that goes with its test. */
function scratch(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-up-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const programs = (pid: number) => descendantsOf(pid).filter((one) => /out\/\w+\.js/.test(one.command));
const pidOf = (pid: number, program: string): number | undefined =>
  descendantsOf(pid).find((one) => one.command.includes(`out/${program}.js`))?.pid;

describe('p2plive up', () => {
  it('[C3] prints one ready line with every address, real ports, loopback, no trailing slash', async () => {
    const { ready } = await stack();
    const base = /^http:\/\/127\.0\.0\.1:\d+$/;
    expect(Object.keys(ready)).toEqual(['event', 'coordinate', 'push', 'watch', 'tracker', 'forwards', 'console']);
    expect(ready.coordinate).toMatch(base);
    expect(ready.tracker).toMatch(base);
    expect(ready.push).toBe(`${ready.coordinate}/stream/live`);
    expect(ready.watch).toBe(`${ready.coordinate}/watch/live`);
    expect(ready.forwards).toHaveLength(1);
    const [forward] = ready.forwards;
    expect(forward?.push).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/push$/);
    expect(forward?.pull).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/pull$/);
    expect(forward?.debug).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/debug$/);
    expect(ready.console).toBeNull();
    for (const url of [`${ready.coordinate}/healthz`, `${ready.tracker}/healthz`, forward?.debug ?? ''])
      expect((await fetch(url)).status).toBe(200);
  });

  it('prints a few lines for a person, the link last', async () => {
    const owned = startCli(['up', ...FREE_PORTS, '--data-dir', scratch()]);
    onTestFinished(async () => void (await owned.stop()));
    await until('the link', () => owned.stdout().includes('/watch/live'));
    const lines = owned.stdout().trimEnd().split('\n');
    expect(lines.length).toBeLessThan(8);
    expect(lines.at(-1)).toMatch(/^ {2}watch +http:\/\/127\.0\.0\.1:\d+\/watch\/live$/);
    expect(await owned.stop('SIGINT')).toMatchObject({ code: 0, stderr: '' });
  });

  it('says a person in sentences what it logs, and a program in JSON', async () => {
    const lose = async (args: string[], live: (owned: Owned) => Promise<unknown>): Promise<string[]> => {
      const owned = startCli(['up', '--source', 'test', ...FREE_PORTS, '--data-dir', scratch(), ...args]);
      onTestFinished(async () => void (await owned.stop()));
      await live(owned);
      process.kill(pidOf(owned.pid, 'coordinate') ?? 0, 'SIGKILL');
      await until('the loss to be logged', () => owned.stderr().includes('the connection to the coordinate ended'));
      return owned.stderr().split('\n');
    };
    const sentences = await lose([], (owned) => until('the link', () => owned.stdout().includes('/watch/live')));
    expect(sentences.filter((line) => line.startsWith('{'))).toEqual([]);
    expect(sentences.join('\n')).toMatch(/^\d\d:\d\d:\d\d warn up: the connection to the coordinate ended \(reason: /m);
    const json = await lose(['--json', '--no-console'], (owned) =>
      until('the source', () => captureWas(owned, 'live')),
    );
    expect(json.some((line) => line.startsWith('{') && line.includes('the connection to the coordinate ended'))).toBe(
      true,
    );
  });

  it('open to other machines, gives encoders a key, and names no address that nobody can reach', async () => {
    const owned = startCli(['up', '--host', '0.0.0.0', ...FREE_PORTS, '--data-dir', scratch()]);
    onTestFinished(async () => void (await owned.stop()));
    await until('the link', () => owned.stdout().includes('/watch/live'), { describe: () => owned.stderr() });
    expect(owned.stdout()).not.toContain('0.0.0.0');
    const push = /push a stream to +(\S+)\?key=([\w-]{16})\n/.exec(owned.stdout());
    const answer = await fetch(push?.[1] ?? '', { method: 'POST', body: 'x' });
    expect(answer.status).toBe(401);
    const keyed = await fetch(`${push?.[1]}?key=${push?.[2]}`, { method: 'POST', body: 'x'.repeat(1_000) });
    expect(keyed.status).toBe(415);
  });

  it('runs as many forwards as asked', async () => {
    const { ready } = await stack(['--forward-count', '2']);
    expect(new Set(ready.forwards.map((forward) => forward.pull)).size).toBe(2);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends everything quietly within 3 s of %s', async (signal) => {
    const { process: owned } = await stack(['--source', 'test']);
    await until('the source to be live', () => captureWas(owned, 'live'));
    const below = descendantsOf(owned.pid).map((one) => one.pid);
    expect(below.length).toBeGreaterThanOrEqual(4); // three programs and ffmpeg
    const beganMs = performance.now();
    const ending = await owned.stop(signal);
    expect(performance.now() - beganMs).toBeLessThan(3_500);
    expect(ending).toMatchObject({ code: 0, signal: null });
    expect(ending.stderr).not.toMatch(/Error|started again/);
    expect(below.filter(isAlive)).toEqual([]);
  });

  it('ends quietly when Ctrl-C reaches the whole group', async () => {
    // A shell gives a foreground job a group of its own: `setsid` does it here.
    const owned = start('setsid', [
      process.execPath,
      path.join(OUT, 'cli.js'),
      'up',
      ...FREE_PORTS,
      '--source',
      'test',
      '--data-dir',
      scratch(),
    ]);
    onTestFinished(async () => void (await owned.stop('SIGKILL')));
    await until('the link', () => owned.stdout().includes('/watch/live'));
    const below = descendantsOf(owned.pid).map((one) => one.pid);
    process.kill(-owned.pid, 'SIGINT');
    expect(await owned.ended).toMatchObject({ code: 0, stderr: '' });
    await until('all to be gone', () => below.every((pid) => !isAlive(pid)));
  });

  it('[C6] leaves nothing behind when it is killed with -9', async () => {
    const { process: owned } = await stack(['--source', 'test']);
    await until('the source to be live', () => captureWas(owned, 'live'));
    const below = descendantsOf(owned.pid).map((one) => one.pid);
    expect(below.length).toBeGreaterThanOrEqual(4);
    owned.child.kill('SIGKILL');
    await until('all to be gone', () => below.every((pid) => !isAlive(pid)), {
      withinMs: 5_000,
      describe: () => below.filter(isAlive),
    });
  });

  it('brings a killed program back at the same address, and the others with it', async () => {
    const { process: owned, ready } = await stack();
    for (const program of ['coordinate', 'tracker', 'forward']) {
      const before = pidOf(owned.pid, program) ?? 0;
      process.kill(before, 'SIGKILL');
      await until(`another ${program}`, () => (pidOf(owned.pid, program) ?? before) !== before);
      const url = program === 'forward' ? (ready.forwards[0]?.debug ?? '') : `${ready[program as 'tracker']}/healthz`;
      await until(`${program} to answer at ${url}`, () =>
        fetch(url)
          .then((answer) => answer.ok)
          .catch(() => false),
      );
    }
    await until('the tracker to know its forward again', async () => {
      const answer = await fetch(`${ready.tracker}/debug`, { headers: { accept: 'application/json' } });
      return (await answer.text()).includes(ready.forwards[0]?.pull ?? 'none');
    });
    expect(programs(owned.pid)).toHaveLength(3);
  });
});

describe('npm start', () => {
  it('goes live with the test source and prints the ready line among npm’s own', async () => {
    const root = path.join(OUT, '..');
    const owned = start(
      'npm',
      [
        'start',
        '--',
        '--headless',
        '--source',
        'test',
        '--json',
        '--no-console',
        ...FREE_PORTS,
        '--data-dir',
        scratch(),
      ],
      {},
      root,
    );
    onTestFinished(() => {
      owned.child.kill('SIGTERM');
    });
    await until('the ready line', () => eventIn(owned, 'ready'), { withinMs: 30_000, describe: () => owned.stderr() });
    await until('the source to be live', () => captureWas(owned, 'live'));
    const below = descendantsOf(owned.pid).map((one) => one.pid);
    owned.child.kill('SIGKILL');
    await until('all to be gone after npm was killed', () => below.every((pid) => !isAlive(pid)), {
      withinMs: 8_000,
      describe: () => below.filter(isAlive),
    });
  });
});
