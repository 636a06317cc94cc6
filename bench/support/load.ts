// Makes the machine busy, and says how busy it is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { wait } from './watching.ts';

/** So many programs that do nothing but compute, at ordinary priority, for a time. */
export async function keepBusy(loops: number, lastsMs: number): Promise<void> {
  const running = Array.from({ length: loops }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );
  await wait(lastsMs);
  await Promise.all(
    running.map(async (one) => {
      const gone = once(one, 'exit');
      one.kill('SIGKILL');
      await gone;
    }),
  );
}

/** A process that has the processor for `runsMs` of every `ofMs` only. */
export async function starve(
  pid: number,
  { runsMs, ofMs }: { runsMs: number; ofMs: number },
  lastsMs: number,
): Promise<void> {
  const endMs = performance.now() + lastsMs;
  while (performance.now() < endMs) {
    process.kill(pid, 'SIGSTOP');
    await wait(ofMs - runsMs);
    process.kill(pid, 'SIGCONT');
    await wait(runsMs);
  }
}

export interface CpuTimes {
  busy: number;
  all: number;
}

/** Of all cores since the machine began. */
export function cpuTimes(): CpuTimes {
  const sum = { busy: 0, all: 0 };
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.idle + times.irq;
    sum.all += all;
    sum.busy += all - times.idle;
  }
  return sum;
}

/** How busy all cores were since then. */
export function busyPercent(since: CpuTimes): number {
  const now = cpuTimes();
  return Math.round((100 * (now.busy - since.busy)) / (now.all - since.all));
}
