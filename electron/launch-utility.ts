// How the desktop app starts a program of ours: as an Electron utility process. It ends with the app, however that ends; it is asked to
// stop by a message, since Windows has no signals.
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { utilityProcess } from 'electron';
import type { Launch } from '../servers/control/launch.ts';

/** @param folder where the built programs are */
export function launchUtility(folder: string): Launch {
  return ({ program, args, env }) => {
    const child = utilityProcess.fork(path.join(folder, `${program}.js`), [...args], {
      env: { ...env, P2PLIVE_PARENT: 'port' },
      stdio: ['ignore', 'pipe', 'pipe'],
      serviceName: `P2PLive ${program}`,
    });
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    child.stdout?.pipe(stdout);
    child.stderr?.pipe(stderr);
    let killed = false;
    return {
      get pid() {
        return child.pid;
      },
      stdout,
      stderr,
      onExit(done) {
        child.once('exit', (code) => done(killed ? null : code, killed ? 'SIGKILL' : null));
      },
      stop: () => child.postMessage('stop'),
      kill() {
        killed = true;
        const { pid } = child;
        if (pid === undefined) return void child.kill();
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // it ended meanwhile
        }
      },
    };
  };
}
