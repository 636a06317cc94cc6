// What one simulated run is given: audience, uplinks, what goes wrong, and for how long. Read from the command line.
import { parseArgs } from 'node:util';
import type { SliceCount } from '../../../protocol/fields.ts';

/** Shares of the audience and what they can upload, in copies of the stream. */
export type Uplinks = readonly (readonly [share: number, copies: number])[];

export const UPLINKS: Readonly<Record<string, Uplinks>> = {
  // MESH.md section 2.
  ordinary: [
    [0.2, 0],
    [0.5, 1],
    [0.3, 3],
  ],
  rich: [
    [0.2, 0],
    [0.3, 2],
    [0.3, 5],
    [0.2, 10],
  ],
  equal: [[1, 3]],
  poor: [
    [0.4, 0],
    [0.5, 1],
    [0.1, 3],
  ],
};

export interface SimOptions {
  viewers: number;
  uplinks: string;
  seed: number;
  k: SliceCount | 'auto';
  /** auto: as the product decides where the uplinks are known. */
  parity: 'on' | 'off' | 'auto';
  unitMs: number;
  /** Of the unit that begins with a keyframe, one each second, in average units. */
  keySize: number;
  /** Before anything is counted, and while it is. */
  warmUpMs: number;
  measuredMs: number;
  meanSessionMs: number;
  /** Share of departures that nobody announces. */
  silent: number;
  /** Share of slices that need one retransmission. */
  loss: number;
  /** Nearest and furthest round trip, ms. */
  rttMs: readonly [number, number];
  /** square: who is near is near. star: each at the end of a way of its own to the middle, where the forward is. */
  shape: 'square' | 'star';
  /** Of one copy of the stream. */
  bitsPerSecond: number;
  /** From a slice's last byte here to its first byte on the next wire: measured. */
  hopMs: number;
  hopJitterMs: number;
  uploadCap: number;
  /** So many join within ten seconds of the measured time. */
  flash: number;
  /** This share leaves at once. */
  mass: number;
  /** This share of all edges between viewers is cut at once, while everybody stays. */
  cut: number;
  /** Share of viewers that relay spoilt slices. */
  evil: number;
  churn: boolean;
  /** 0: everybody is there from the begin, with uplinks known from earlier visits. Otherwise they come one by one, known to nobody. */
  arriveEveryMs: number;
  /** Of the newcomers that cannot upload, this share says so when it joins. */
  saying: number;
  /** And of those that say nothing this share has an uplink that a forward can measure, and no child can reach. */
  hidden: number;
}

export const DEFAULTS: SimOptions = {
  viewers: 1_000,
  uplinks: 'ordinary',
  seed: 1,
  k: 'auto',
  parity: 'off',
  unitMs: 66,
  keySize: 3,
  warmUpMs: 30_000,
  measuredMs: 60_000,
  meanSessionMs: 300_000,
  silent: 0.2,
  loss: 0.01,
  rttMs: [20, 150],
  shape: 'square',
  bitsPerSecond: 1_500_000,
  hopMs: 3,
  hopJitterMs: 4,
  uploadCap: 3,
  flash: 0,
  mass: 0,
  cut: 0,
  evil: 0,
  churn: true,
  arriveEveryMs: 0,
  saying: 0,
  hidden: 0,
};

export interface SimCommand {
  options: SimOptions;
  json: boolean;
  suite: string | null;
}

const WORDS = {
  viewers: { type: 'string' },
  uplinks: { type: 'string' },
  seed: { type: 'string' },
  k: { type: 'string' },
  parity: { type: 'string' },
  seconds: { type: 'string' },
  'upload-cap': { type: 'string' },
  'unit-ms': { type: 'string' },
  flash: { type: 'string' },
  mass: { type: 'string' },
  cut: { type: 'string' },
  evil: { type: 'string' },
  saying: { type: 'string' },
  hidden: { type: 'string' },
  suite: { type: 'string' },
  json: { type: 'boolean' },
} as const;

function parsed(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: WORDS });
  } catch {
    // Node's own words are several sentences about positional arguments.
    const name = words.find(
      (word) => !word.startsWith('--') || !Object.hasOwn(WORDS, word.slice(2).split('=')[0] ?? ''),
    );
    const known = Object.keys(WORDS).map((word) => `--${word}`);
    throw new Error(`The words after \`sim\` make no sense at ${name ?? words.at(-1)}; there are ${known.join(', ')}.`);
  }
}

/** @throws Error with one sentence for words that make no sense */
export function readCommand(words: readonly string[], defaultK: SliceCount | 'auto'): SimCommand {
  const { values } = parsed(words);
  const number = (name: string, text: string | undefined, usual: number, least: number, most: number): number => {
    const value = text === undefined ? usual : Number(text);
    if (!(value >= least && value <= most)) throw new Error(`--${name} is a number from ${least} to ${most}.`);
    return value;
  };
  const viewers = Math.round(number('viewers', values.viewers, DEFAULTS.viewers, 2, 200_000));
  const uplinks = values.uplinks ?? DEFAULTS.uplinks;
  if (!Object.hasOwn(UPLINKS, uplinks)) throw new Error(`--uplinks is one of ${Object.keys(UPLINKS).join(', ')}.`);
  if (values.k !== undefined && !['1', '2', '4', 'auto'].includes(values.k)) throw new Error('--k is 1, 2, 4 or auto.');
  const { parity = DEFAULTS.parity } = values;
  if (parity !== 'on' && parity !== 'off' && parity !== 'auto') throw new Error('--parity is on, off or auto.');
  const k = values.k === undefined ? defaultK : values.k === 'auto' ? 'auto' : (Number(values.k) as SliceCount);
  // Large audiences are run for less long: the same number of slices passes.
  const usualSeconds = viewers > 30_000 ? 8 : viewers > 3_000 ? 20 : 60;
  const seconds = number('seconds', values.seconds, usualSeconds, 2, 3_600);
  return {
    options: {
      ...DEFAULTS,
      viewers,
      uplinks,
      k,
      parity,
      seed: Math.round(number('seed', values.seed, DEFAULTS.seed, 0, 2 ** 31)),
      warmUpMs: Math.min(DEFAULTS.warmUpMs, seconds * 750),
      measuredMs: seconds * 1_000,
      uploadCap: number('upload-cap', values['upload-cap'], DEFAULTS.uploadCap, 0, 100),
      unitMs: Math.round(number('unit-ms', values['unit-ms'], DEFAULTS.unitMs, 40, 120)),
      flash: Math.round(number('flash', values.flash, 0, 0, 20_000)),
      mass: number('mass', values.mass, 0, 0, 1),
      cut: number('cut', values.cut, 0, 0, 1),
      evil: number('evil', values.evil, 0, 0, 0.5),
      saying: number('saying', values.saying, 0, 0, 1),
      hidden: number('hidden', values.hidden, 0, 0, 1),
    },
    json: values.json ?? false,
    suite: values.suite ?? null,
  };
}
