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

/** Sums of what is counted go over the last minute: single seconds would only be spikes. */
const MINUTE_SAMPLES = 60;

/** Indices of the newest half hour, thinned out evenly; the newest one is always there. */
export function shownIndices(samples: readonly Sample[]): number[] {
  const newest = samples.at(-1);
  if (!newest) return [];
  const first = samples.findIndex(({ atMs }) => atMs > newest.atMs - SHOWN_MS);
  const every = Math.ceil((samples.length - first) / MOST_POINTS);
  const indices: number[] = [];
  // By the clock and not by the index: otherwise every new sample would choose others, and the lines would tremble.
  for (let i = first; i < samples.length; i++)
    if (i === samples.length - 1 || Math.floor((samples[i]?.atMs ?? 0) / 1000) % every === 0) indices.push(i);
  return indices;
}

/** Times in seconds, as the charts want them. */
export const timesOf = (samples: readonly Sample[], indices: readonly number[]): number[] =>
  indices.map((i) => (samples[i]?.atMs ?? 0) / 1000);

/** For each sample the sum over the minute before it. */
export function minuteSums(samples: readonly Sample[], of: (sample: Sample) => number): number[] {
  let sum = 0;
  return samples.map((sample, i) => {
    const gone = samples[i - MINUTE_SAMPLES];
    sum += of(sample) - (gone ? of(gone) : 0);
    return sum;
  });
}

export function chartsOf(samples: readonly Sample[], indices: readonly number[]): Chart[] {
  const style = (name: string, values: (number | null)[], i: number): Line => {
    const dash = DASHES[i % DASHES.length];
    return { name, values, colour: COLOURS[i % COLOURS.length] ?? '--accent', ...(dash ? { dash } : {}) };
  };
  const line = (name: string, of: (sample: Sample) => number | null | undefined, i = 0): Line =>
    style(
      name,
      indices.map((at) => {
        const sample = samples[at];
        return (sample && of(sample)) ?? null;
      }),
      i,
    );
  const summed = (name: string, of: (sample: Sample) => number, i = 0): Line => {
    const sums = minuteSums(samples, of);
    return style(
      name,
      indices.map((at) => sums[at] ?? null),
      i,
    );
  };
  const whole = (value: number): string => Math.round(value).toLocaleString('en');
  const programs = [...new Set(samples.slice(-1).flatMap((sample) => Object.keys(sample.programs)))].toSorted();
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
    { id: 'stalls', title: 'Stalls', say: delay, lines: [summed('standing, last minute', (s) => s.stalledMs)] },
    {
      id: 'churn',
      title: 'Joins and leaves',
      say: whole,
      lines: [summed('joined, last minute', (s) => s.joined), summed('left', (s) => s.left, 1)],
    },
    {
      id: 'egress',
      title: 'Forwards send',
      say: bitRate,
      lines: (['media', 'bootstrap', 'repair', 'control'] as const).map((kind, i) =>
        line(kind === 'bootstrap' ? 'start' : kind, (s) => s.egressBitsPerSecond[kind], i),
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
