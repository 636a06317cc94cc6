import { createServer } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ProgramState } from '../../protocol/control.ts';
import { launchNode, type Launch } from '../../servers/control/launch.ts';
import { backoffMs, Supervisor, type ReadyFields } from '../../servers/control/supervise.ts';
import { EXIT, StartError } from '../../servers/shared/exit-codes.ts';
import { isAlive } from '../support/processes.ts';
import { OUT } from '../support/stack.ts';
import { until } from '../support/until.ts';

/** A supervised real program, its states and how often it was launched. */
function supervise(program: string, args: (before: ReadyFields | null) => string[], folder = OUT) {
  const states: ProgramState[] = [];
  let launches = 0;
  const launch: Launch = (spec) => {
    launches += 1;
    return launchNode(folder)(spec);
  };
  const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']));
  const supervisor = new Supervisor({
    name: program,
    launch,
    spec: (before) => ({ program, args: args(before), env }),
    onChange: (state) => states.push(state),
  });
  onTestFinished(() => supervisor.close());
  return { supervisor, states, launches: () => launches, words: () => states.map((state) => state.is) };
}

const portOf = (before: ReadyFields | null, name: string): string => JSON.stringify(before?.[name] ?? 0);
const forwardArgs = (before: ReadyFields | null): string[] => [
  '--push-port',
  portOf(before, 'pushPort'),
  '--pull-port',
  portOf(before, 'pullPort'),
];
const pidOf = (ready: ProgramState): number => (ready.is === 'ready' ? ready.pid : 0);

describe('a supervised program', () => {
  it('[C5] comes back with the same ports after kill -9', async () => {
    const { supervisor, words } = supervise('forward', forwardArgs);
    supervisor.start();
    const first = await supervisor.ready();
    const pid = pidOf(supervisor.state);
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
    await until('backoff', () => words().includes('backoff'));
    const second = await supervisor.ready();
    expect(pidOf(supervisor.state)).not.toBe(pid);
    expect([second['pushPort'], second['pullPort']]).toEqual([first['pushPort'], first['pullPort']]);
    expect(words()).toEqual(['starting', 'ready', 'backoff', 'starting', 'ready']);
  });

  it('[C5] is never retried with bad settings, and says why', async () => {
    const { supervisor, launches } = supervise('forward', () => ['--push-port', 'many']);
    supervisor.start();
    const error = await supervisor.ready().then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(StartError);
    expect((error as StartError).code).toBe(EXIT.badSettings);
    expect((error as StartError).message).toContain('The flag --push-port must be a port');
    expect(supervisor.state.is).toBe('failed');
    expect(launches()).toBe(1);
  });

  it('[C5] is never retried while its port is taken by another', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await until('a port', () => other.address() !== null);
    const { port } = other.address() as { port: number };
    const { supervisor, launches } = supervise('forward', () => ['--push-port', String(port), '--pull-port', '0']);
    supervisor.start();
    await expect(supervisor.ready()).rejects.toThrow(`Port ${port} is already in use`);
    expect(supervisor.state).toMatchObject({ is: 'failed', code: EXIT.portTaken });
    expect(launches()).toBe(1);
  });

  it('is given up when it dies again and again before its first ready', async () => {
    const empty = mkdtempSync(path.join(tmpdir(), 'p2plive-none-'));
    onTestFinished(() => rmSync(empty, { recursive: true }));
    const { supervisor, launches } = supervise('absent', () => [], empty);
    supervisor.start();
    await expect(supervisor.ready()).rejects.toThrow(/does not start \(exit code 1\).*Cannot find module/);
    expect(launches()).toBe(5);
  });

  it('stops quietly, once or twice, and starts again', async () => {
    const { supervisor, words } = supervise('forward', forwardArgs);
    supervisor.start();
    await supervisor.ready();
    const pid = pidOf(supervisor.state);
    await Promise.all([supervisor.stop(), supervisor.stop()]);
    expect(isAlive(pid)).toBe(false);
    expect(words()).toEqual(['starting', 'ready', 'stopped']);
    supervisor.start();
    await supervisor.ready();
    expect(supervisor.state.is).toBe('ready');
  });

  it('settles whoever waits for it when it is closed', async () => {
    const { supervisor } = supervise('forward', forwardArgs);
    supervisor.start();
    const waiting = expect(supervisor.ready()).rejects.toThrow('was stopped');
    await supervisor.close();
    await waiting;
    expect(supervisor.state.is).toBe('stopped');
  });

  it('waits 0.2 s, then twice as long each time, 5 s at most', () => {
    expect([1, 2, 3, 4, 5, 6, 9].map((deaths) => backoffMs(deaths, 0))).toEqual([
      200, 400, 800, 1600, 3200, 5000, 5000,
    ]);
    expect(backoffMs(1, 1)).toBe(150);
  });
});
