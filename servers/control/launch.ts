// How a program of ours is started: the narrow interface the supervisor needs, and its form under plain Node. (The desktop shell
// has another.)
import { spawn } from 'node:child_process';
import path from 'node:path';

/** What starting a program takes: the same for every way of starting one. */
export interface LaunchSpec {
  /** Name of the program's file, without `.js`. */
  program: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

export interface Child {
  readonly pid: number | undefined;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  /** Called once, after the last output; `code` is null when a signal ended it. */
  onExit(done: (code: number | null, signal: string | null) => void): void;
  /** A line on its stdin, where it has one. */
  say?(line: string): void;
  /** Asks it to end. */
  stop(): void;
  /** Ends it without asking. */
  kill(): void;
}

export type Launch = (spec: LaunchSpec) => Child;

/**
 * Starts programs from a folder with this very Node. The child's stdin is a pipe that closes with us, however we end, and the
 * child ends by it (servers/shared/program.ts).
 */
export function launchNode(folder: string): Launch {
  return ({ program, args, env }) => {
    const child = spawn(process.execPath, [path.join(folder, `${program}.js`), ...args], {
      env: { ...env, P2PLIVE_PARENT: 'stdin' },
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    child.stdin.on('error', () => {}); // a dead child's pipe: its exit says it all
    return {
      pid: child.pid,
      stdout: child.stdout,
      stderr: child.stderr,
      onExit(done) {
        let ended = false;
        const once = (code: number | null, signal: string | null): void => {
          if (ended) return;
          ended = true;
          done(code, signal);
        };
        child.on('close', once);
        child.on('error', (error) => once(null, error.message)); // could not be started at all
      },
      say: (line) => void child.stdin.write(`${line}\n`),
      stop: () => void child.kill('SIGTERM'),
      kill: () => void child.kill('SIGKILL'),
    };
  };
}
