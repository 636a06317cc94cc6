// Samples as columns for the charts and as rows for the table. Pure.
import type { Sample } from '../../protocol/history.ts';
import { bitRate, byteSize, delay, percent } from '../format.ts';

export interface Line {
  name: string;
  values: (number | null)[];
  /** CSS variable of its colour, and its dashes: two lines differ in more than colour. */
  colour: string;
  dash?: number[];
}

export interface Chart {
  id: string;
  title: string;
  lines: Line[];
  say: (value: number) => string;
  /** A fixed top, such as 1 for shares. */
  top?: number;
}

const COLOURS = ['--accent', '--warn', '--mesh-takeover', '--bad', '--idle', '--good'];
const DASHES: (number[] | undefined)[] = [undefined, [6, 3], [2, 3], [10, 3, 2, 3], [1, 2], [14, 4]];

export const SHOWN_MS = 30 * 60_000;
/** More points than this are not seen on a screen. */
const MOST_POINTS = 900;

/** Times in seconds, as the charts want them. */
export const timesOf = (samples: readonly Sample[]): number[] => samples.map(({ atMs }) => atMs / 1000);

/** The newest half hour, thinned out evenly; the newest one is always there. */
export function shownSamples(samples: readonly Sample[]): Sample[] {
  const newest = samples.at(-1);
  if (!newest) return [];
  const shown = samples.filter(({ atMs }) => atMs > newest.atMs - SHOWN_MS);
  const every = Math.ceil(shown.length / MOST_POINTS);
  // By the clock and not by the index: otherwise every new sample would choose others, and the lines would tremble.
  return shown.filter((sample, i) => i === shown.length - 1 || Math.floor(sample.atMs / 1000) % every === 0);
}

export function chartsOf(samples: readonly Sample[]): Chart[] {
  const line = (name: string, of: (sample: Sample) => number | null | undefined, i = 0): Line => {
    const dash = DASHES[i % DASHES.length];
    const colour = COLOURS[i % COLOURS.length] ?? '--accent';
    return { name, values: samples.map((sample) => of(sample) ?? null), colour, ...(dash ? { dash } : {}) };
  };
  const whole = (value: number): string => Math.round(value).toLocaleString('en');
  const programs = [...new Set(samples.flatMap((sample) => Object.keys(sample.programs)))].toSorted();
  return [
    {
      id: 'viewers',
      title: 'Viewers',
      say: whole,
      lines: [line('viewers', (s) => s.viewers), line('playing', (s) => s.playing, 1)],
    },
    { id: 'offload', title: 'Offload', say: percent, top: 1, lines: [line('from viewers', (s) => s.offload)] },
    {
      id: 'delay',
      title: 'Delay',
      say: delay,
      lines: [line('median', (s) => s.delayP50Ms), line('19 of 20', (s) => s.delayP95Ms, 1)],
    },
    { id: 'stalls', title: 'Stalls', say: delay, lines: [line('standing, a second', (s) => s.stalledMs, 3)] },
    {
      id: 'churn',
      title: 'Joins and leaves',
      say: whole,
      lines: [line('joined', (s) => s.joined), line('left', (s) => s.left, 1)],
    },
    {
      id: 'egress',
      title: 'Forwards send',
      say: bitRate,
      lines: (['media', 'bootstrap', 'repair', 'control'] as const).map((kind, i) =>
        line(kind === 'bootstrap' ? 'first pictures' : kind, (s) => s.egressBitsPerSecond[kind], i),
      ),
    },
    {
      id: 'cpu',
      title: 'Processor, of a core',
      say: percent,
      lines: programs.map((name, i) => line(name, (s) => s.programs[name]?.cpu, i)),
    },
    {
      id: 'memory',
      title: 'Memory',
      say: byteSize,
      lines: programs.map((name, i) => line(name, (s) => s.programs[name]?.memoryBytes, i)),
    },
  ];
}

/** One sample of each so many seconds, newest first: what the table shows. */
export function tableSamples(samples: readonly Sample[], everySeconds = 30): Sample[] {
  const last = samples.length - 1;
  return samples.filter((sample, i) => i === last || Math.floor(sample.atMs / 1000) % everySeconds === 0).toReversed();
}

/** The sample at or right before a moment. */
export function sampleAt(samples: readonly Sample[], atMs: number): Sample | null {
  let [low, high] = [0, samples.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((samples[middle]?.atMs ?? Infinity) <= atMs) low = middle + 1;
    else high = middle;
  }
  return samples[low - 1] ?? null;
}
