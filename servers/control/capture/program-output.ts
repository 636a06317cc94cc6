// What a small program prints, for the lists of devices and the probes: with an end and a limit, and never a shell.
import { execFile } from 'node:child_process';

export interface Printed {
  /** null: it could not be started, or was ended by the limit. */
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

const MOST_BYTES = 8 * 1024 * 1024;

/** Never rejects. */
export function printedBy(program: string, args: readonly string[], limitMs: number): Promise<Printed> {
  return new Promise((resolve) => {
    const env = { ...process.env, LC_ALL: 'C' };
    const options = { env, timeout: limitMs, killSignal: 'SIGKILL', maxBuffer: MOST_BYTES, windowsHide: true } as const;
    execFile(program, [...args], { ...options, encoding: 'buffer' }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, stdout, stderr: stderr.toString('utf8') });
    });
  });
}
