// Before the first test: one build, and a browser unpacked where the system has none. After the last: nothing we started may still run.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { prepareBrowser } from './browser.ts';
import { markedProcesses, MARK } from './processes.ts';
import { until } from './until.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');

export async function setup(): Promise<() => Promise<void>> {
  // Every process that the tests start inherits this, whoever its parent is by then.
  const mark = randomUUID();
  process.env[MARK] = mark;
  await promisify(execFile)(process.execPath, ['build.mjs'], { cwd: ROOT });
  await prepareBrowser();
  return async () => {
    const left = () => markedProcesses(mark).filter((one) => one.pid !== process.pid && one.parent !== process.pid);
    try {
      await until('every process that the tests started to end', () => left().length === 0, {
        withinMs: 5_000,
        describe: () =>
          left()
            .map((one) => `${one.pid} ${one.command}`)
            .join('\n'),
      });
    } catch (error) {
      // Vitest only prints what a teardown throws: the run has failed all the same.
      process.exitCode = 1;
      for (const one of left()) process.kill(one.pid, 'SIGKILL');
      throw error;
    }
  };
}
