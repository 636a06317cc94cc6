// The forward as a program of its own.
import { runProgram } from '../shared/program.ts';
import { loadSettings } from '../shared/settings.ts';
import { startForward } from './forward.ts';

await runProgram('forward', (log) => startForward(loadSettings('forward'), log));
