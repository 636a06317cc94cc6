// The tracker's entry: settings from the command line, environment and file; runs until it is told to stop.
import { runProgram } from '../shared/program.ts';
import { loadSettings } from '../shared/settings.ts';
import { startTracker } from './tracker.ts';

await runProgram('tracker', (log) => startTracker(loadSettings('tracker'), log));
