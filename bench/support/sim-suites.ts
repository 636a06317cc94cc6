// The tables of MESH.md section 8, a row a run.
import type { SliceCount } from '../../protocol/fields.ts';
import { DEFAULTS, type SimOptions } from '../../tests/sim/mesh/options.ts';
import { Simulation } from '../../tests/sim/mesh/simulation.ts';

type Row = readonly [what: string, options: Partial<SimOptions>, goal: string];

const SHORT = { warmUpMs: 15_000, measuredMs: 20_000 };
const CROWD = { viewers: 500, flash: 1_000, measuredMs: 40_000 };
export const SUITES: Readonly<Record<string, readonly Row[]>> = {
  scale: [
    ['50, ordinary', { viewers: 50 }, 'offload 90 (92)'],
    ['200, ordinary', { viewers: 200 }, 'offload 96 (97.5)'],
    ['1,000, ordinary', {}, 'offload 98.5 (98.9); 800/1200/1500 (550/820/1000)'],
    ['1,000, ordinary, halves', { k: 2 }, 'as it was before auto'],
    ['1,000, ordinary, seed 2', { seed: 2 }, 'the spread'],
    ['1,000, rich', { uplinks: 'rich' }, '400/700/850 (240/460/550)'],
    ['3,000, ordinary', { viewers: 3_000, ...SHORT }, '800/1200/1500 (550/820/1000)'],
  ],
  flash: [
    ['500 + 1,000 in 10 s', CROWD, 'peak < 15 % (6), missing < 0.4'],
    ['... who cannot upload says so', { ...CROWD, saying: 1 }, ''],
    ['... they measure well all the same', { ...CROWD, hidden: 1 }, ''],
  ],
  mass: [['30 % leave at once', { mass: 0.3, measuredMs: 30_000 }, 'missing at 1 s < 1 (0.5), peak < 6']],
  cut: [
    ['30 % of the links cut', { cut: 0.3, measuredMs: 30_000 }, 'missing at 1 s < 0.5'],
    ['50 % of the links cut', { cut: 0.5, measuredMs: 30_000 }, 'missing at 1 s < 0.5'],
  ],
  parity: [
    ['1,000, rich, halves', { uplinks: 'rich', k: 2 }, ''],
    ['... with parity', { uplinks: 'rich', k: 2, parity: 'on' }, ''],
    ['1,000, rich, quarters', { uplinks: 'rich', k: 4 }, ''],
    ['... with parity', { uplinks: 'rich', k: 4, parity: 'on' }, '215/390/450, none missing'],
  ],
  evil: [['2 % spoil what they relay', { evil: 0.02 }, 'as without']],
  large: [
    ['10,000, ordinary', { viewers: 10_000, ...SHORT }, 'offload 98.9'],
    ['100,000, ordinary', { viewers: 100_000, warmUpMs: 6_000, measuredMs: 8_000 }, ''],
  ],
};
/** What runs without being named. */
const USUAL = ['scale', 'flash', 'mass', 'cut', 'evil'];

export function runSuites(name: string | null, k: SliceCount | 'auto'): Record<string, unknown>[] {
  const rows = (name === null ? USUAL : [name]).flatMap((suite) => SUITES[suite] ?? []);
  return rows.map(([what, options, goal]) => {
    const began = performance.now();
    const result = new Simulation({ ...DEFAULTS, k, ...options }).run();
    const row = { run: what, ...flat(result), 'gate (goal)': goal, s: Math.round((performance.now() - began) / 1_000) };
    console.table([row]);
    return row;
  });
}

/** One run as a row of a table. */
export function flat(result: ReturnType<Simulation['run']>): Record<string, string | number> {
  const { delayMs, missing, backMs, egress } = result;
  return {
    K: result.parity ? `${result.k} + 1` : result.k,
    viewers: result.viewers,
    'offload %': result.offload,
    copies: result.egressCopies,
    'of these start/repair': `${egress.bootstrap}/${egress.repair}`,
    'peak %': egress.peak,
    'delay p50/p95/p99 ms': `${delayMs.p50}/${delayMs.p95}/${delayMs.p99}`,
    'missing % at 0.5/1/2 s': `${missing['500']}/${missing['1000']}/${missing['2000']}`,
    'twice (of these made) %': `${result.duplicates} (${result.ofTheseMade})`,
    upload: result.uploadCopies,
    'back ms (bye; silent) p50/p95': `${backMs.graceful.p50}/${backMs.graceful.p95}; ${backMs.silent.p50}/${backMs.silent.p95}`,
    'first picture p50/p95 ms': `${result.firstPictureMs.p50}/${result.firstPictureMs.p95}`,
    depth: `${result.depth.p50}/${result.depth.max}`,
  };
}
