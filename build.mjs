// `npm run build`: the programs and the viewer page by rolldown, the console and the desktop shell by electron-vite. Everything goes into
// out/; what another build put there stays. Plain JavaScript: it runs before anything is built.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

const root = import.meta.dirname;
const STEPS = [
  ['rolldown/bin/cli.mjs', '-c', 'rolldown.config.js', '--logLevel', 'warn'],
  ['electron-vite/bin/electron-vite.js', 'build', '--logLevel', 'warn'],
];

for (const [program, ...args] of STEPS) {
  try {
    execFileSync(process.execPath, [path.join(root, 'node_modules', program), ...args], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch {
    process.stderr.write('The build failed; what it said is above.\n');
    process.exit(1);
  }
}
