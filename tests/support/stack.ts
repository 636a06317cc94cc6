// The whole system as a person gets it: the built command line with every port free to choose.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Addresses } from '../../protocol/control.ts';
import { start, type Ending, type Owned } from './processes.ts';
import { until } from './until.ts';

export const OUT = path.resolve(import.meta.dirname, '../../out');
export const CLI = path.join(OUT, 'cli.js');

export type StackReady = Addresses & { event: 'ready'; console: string | null };

export interface Stack {
  process: Owned;
  ready: StackReady;
  /** Ends it and everything below it. */
  stop(): Promise<Ending>;
}

export const FREE_PORTS = ['--coordinate-port', '0', '--tracker-port', '0', '--push-port', '0', '--pull-port', '0'];
const READY_LIMIT_MS = 30_000;

/** Starts `p2plive up --json` on free ports with a data folder of its own. */
export async function startStack(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Stack> {
  const data = mkdtempSync(path.join(tmpdir(), 'p2plive-test-'));
  const owned = startCli(['up', '--json', '--no-console', ...FREE_PORTS, '--data-dir', data, ...args], env);
  const stop = async (): Promise<Ending> => {
    const ending = await owned.stop();
    rmSync(data, { recursive: true, force: true });
    return ending;
  };
  try {
    const ready = await until('the ready line', () => eventIn(owned, 'ready') ?? hasEnded(owned), {
      withinMs: READY_LIMIT_MS,
      describe: () => owned.stderr(),
    });
    if (ready === 'ended') throw new Error(`p2plive up ended: ${owned.stderr()}`);
    return { process: owned, ready: ready as unknown as StackReady, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** ... with the test source, on air when this resolves. */
export async function startLiveStack(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Stack> {
  const stack = await startStack(['--source', 'test', ...args], env);
  try {
    await untilLive(stack.ready.coordinate, () => stack.process.stderr());
    return stack;
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

/** @param describe what there was instead, should it stay off the air */
export async function untilLive(coordinate: string, describe: () => string): Promise<void> {
  const isLive = async (): Promise<boolean> => {
    const { streams } = (await (await fetch(`${coordinate}/streams`)).json()) as { streams: { state: string }[] };
    return streams.some(({ state }) => state === 'live');
  };
  await until('the stream', isLive, { describe });
}

/** Any command of the built `p2plive`. */
export const startCli = (args: readonly string[], env: Record<string, string> = {}): Owned =>
  start(process.execPath, [CLI, ...args], env);

const TASKSET = '/usr/bin/taskset';

/**
 * ... all of whose threads share one core, where the system can do that. WebRTC in Node makes each send a word between two threads; on a
 * virtual machine with two busy cores such a word takes 0.3 ms between them, and a fraction of that on one.
 */
export const startCliOnCore = (core: number, args: readonly string[]): Owned =>
  existsSync(TASKSET) ? start(TASKSET, ['-c', String(core), process.execPath, CLI, ...args]) : startCli(args);

/** The first JSON line of this event on its stdout. */
export function eventIn(owned: Owned, event: string): Record<string, unknown> | null {
  for (const line of owned.stdout().split('\n')) {
    if (!line.startsWith('{') || !line.endsWith('}')) continue;
    const parsed = JSON.parse(line) as Record<string, unknown>;
    if (parsed['event'] === event) return parsed;
  }
  return null;
}

/** Has the source said that it is so? */
export const captureWas = (owned: Owned, is: string): boolean =>
  owned.stdout().includes(`{"event":"capture","is":"${is}"`);

const hasEnded = (owned: Owned): 'ended' | null =>
  owned.child.exitCode !== null || owned.child.signalCode !== null ? 'ended' : null;
