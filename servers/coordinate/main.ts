// The coordinate as a program.
import { runProgram } from '../shared/program.ts';
import { loadSettings } from '../shared/settings.ts';
import { startCoordinate } from './coordinate.ts';

await runProgram('coordinate', (log) => startCoordinate(loadSettings('coordinate'), log));
