// Ends this process with the npm that started it. npm passes signals on, but its own sudden end it can't: then the shell between
// us lives on and nobody would tell us.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 500;

interface Ancestor {
  parent: number;
  command: string;
}

/** Watches only where npm runs us; elsewhere a parent may end before us on purpose (nohup, disown). */
export function endWithNpm(end: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined || process.platform === 'win32') return;
  const { ppid } = process;
  const above = ancestor(ppid);
  const npm = above && /^(sh|dash|bash|zsh)$/.test(above.command) ? above.parent : ppid;
  const timer = setInterval(() => {
    if (process.ppid === ppid && isThere(npm) && (npm === ppid || parentInProc(ppid) !== 1)) return;
    clearInterval(timer);
    end();
  }, LOOK_EVERY_MS);
  timer.unref();
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** /proc costs nothing; `ps` is for systems without it. */
function ancestor(pid: number): Ancestor | null {
  try {
    const command = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    return { parent: parentInProc(pid) ?? 0, command };
  } catch {
    return fromPs(pid);
  }
}

function fromPs(pid: number): Ancestor | null {
  try {
    const line = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' });
    const [, parent, command] = /^\s*(\d+)\s+(.*\S)/.exec(line) ?? [];
    return parent && command ? { parent: Number(parent), command: command.split('/').at(-1) ?? '' } : null;
  } catch {
    return null; // then only our direct parent is watched
  }
}

/** null where there is no /proc, or the process is gone. */
function parentInProc(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}
