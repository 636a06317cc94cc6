// The table of the bench `live`: what stands in a row, and in which words.
import type { PhaseNumbers } from './live-verdict.ts';
import type { Second } from './timeline.ts';

/** Delays are p50 / p95 in ms; stalls their number and the part of the time. */
export interface Row {
  row: string;
  what: string;
  before: string;
  during: string;
  '10 s after': string;
  '60 s after': string;
  /** p95, ms. */
  'told off': number | null;
  'stalls before': string;
  'during it': string;
  'after it': string;
  'cpu %': number;
  /** Held, or what is not. */
  gates: string;
}

export interface Measured {
  row: Row;
  beforeMs: number | null;
  timelines: Second[][];
  details: unknown;
}

export const HELD = 'held';
export const gatesInWords = (broken: readonly string[]): string => (broken.length === 0 ? HELD : broken.join('; '));
export const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);
export const inWords = (numbers: PhaseNumbers | null): string =>
  numbers === null ? '-' : Number.isNaN(numbers.p50) ? 'no picture' : `${numbers.p50} / ${numbers.p95}`;
export const stallsInWords = (numbers: PhaseNumbers | null): string =>
  numbers === null ? '-' : `${numbers.stalls}, ${numbers.stallPercent} %`;

export const emptyRow = (row: string, what: string, gates: string): Row => ({
  row,
  what,
  before: '-',
  during: '-',
  '10 s after': '-',
  '60 s after': '-',
  'told off': null,
  'stalls before': '-',
  'during it': '-',
  'after it': '-',
  'cpu %': 0,
  gates,
});
