// What the tests know about processes: who is alive, who descends from whom, and a child that ends with its test. From /proc, so
// on Linux only; elsewhere the lists are empty.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Environment variable that all processes of one test run share. */
export const MARK = 'P2PLIVE_TEST_RUN';

export interface ProcessInfo {
  pid: number;
  parent: number;
  command: string;
}

/** A zombie is not alive: only its parent has not looked yet. */
export function isAlive(pid: number): boolean {
  if (!existsSync('/proc/self')) {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }
  return infoOf(pid) !== null;
}

/** Everything alive below a process, deepest last. */
export function descendantsOf(pid: number): ProcessInfo[] {
  const all = allProcesses();
  const below: ProcessInfo[] = [];
  let parents = [pid];
  while (parents.length > 0) {
    const children = all.filter((one) => parents.includes(one.parent));
    below.push(...children);
    parents = children.map((one) => one.pid);
  }
  return below;
}

/** Processes whose environment carries the mark of this run. */
export function markedProcesses(mark: string): ProcessInfo[] {
  return allProcesses().filter((one) => {
    try {
      return readFileSync(`/proc/${one.pid}/environ`, 'utf8').includes(`${MARK}=${mark}`);
    } catch {
      return false; // gone meanwhile, or not ours to read
    }
  });
}

function allProcesses(): ProcessInfo[] {
  if (!existsSync('/proc/self')) return [];
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (infoOf(Number(name)) ?? []) : []));
}

function infoOf(pid: number): ProcessInfo | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything: the fields begin after the last one.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return null;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { pid, parent: Number(parent), command };
  } catch {
    return null; // gone meanwhile
  }
}

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Owned {
  child: ChildProcess;
  pid: number;
  stdout(): string;
  stderr(): string;
  ended: Promise<Ending>;
  /** Asks it to end and waits; kills what does not. */
  stop(signal?: NodeJS.Signals): Promise<Ending>;
}

const STOP_LIMIT_MS = 6_000;

/** Starts a program whose output is kept. Whoever calls this stops it: `onTestFinished(() => it.stop())`. */
export function start(command: string, args: readonly string[], env: Record<string, string> = {}, cwd?: string): Owned {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {}); // it ended before we did
  const ended = new Promise<Ending>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    child,
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    async stop(signal = 'SIGTERM') {
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      child.kill(signal);
      const ending = await ended;
      clearTimeout(killer);
      return ending;
    },
  };
}
