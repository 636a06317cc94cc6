// How the mesh does with audiences that no machine here can hold: the product's engine and decisions on a simulated network, beside the
// gates and goals of MESH.md section 8. `npm run bench -- sim [--viewers N --uplinks NAME --seed S --k K ... --json]`.
import { TRACKER } from '../servers/shared/settings-mesh.ts';
import type { SliceCount } from '../protocol/fields.ts';
import { readCommand } from '../tests/sim/mesh/options.ts';
import { Simulation } from '../tests/sim/mesh/simulation.ts';
import { flat, runSuites, SUITES } from './support/sim-suites.ts';

/** What the product does where nobody says otherwise. */
const DEFAULT_K = TRACKER.find((row) => row.flag === 'slices')?.default as SliceCount | 'auto';

export function sim(words: readonly string[] = []): unknown {
  let command: ReturnType<typeof readCommand>;
  try {
    command = readCommand(words, DEFAULT_K);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
  const { options, json, suite } = command;
  if (suite !== null || words.length === 0) {
    if (suite === null || suite in SUITES) return runSuites(suite, DEFAULT_K);
    process.stderr.write(`--suite is one of ${Object.keys(SUITES).join(', ')}.\n`);
    process.exit(2);
  }
  const began = performance.now();
  const result = new Simulation(options).run();
  const { offload, egressCopies, delayMs, missing, duplicates, ofTheseMade, uploadCopies } = result;
  const line = { offload, egressCopies, delayMs, missing, duplicates, ofTheseMade, uploadCopies };
  if (json) return { line, ...result, options };
  console.table([{ ...options, rttMs: options.rttMs.join('-') }]);
  console.table([flat(result)]);
  console.log(`simulated in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  return { options, ...result };
}
