// Numbers of rows that may be missing: what format.ts says, or a word.
import { bitRate, byteSize, delay } from '../format.ts';

const UNKNOWN = 'unknown';
const or =
  (say: (value: number) => string) =>
  (value: number | null | undefined): string =>
    value === null || value === undefined ? UNKNOWN : say(value);

export const bits = or(bitRate);
export const bytes = or(byteSize);
export const milliseconds = or(delay);
/** Made once: making one for each number would cost more than everything else that is drawn. */
const NUMBERS = new Intl.NumberFormat('en');
export const count = (value: number): string => NUMBERS.format(value);
/** `1 viewer`, `2 viewers`. */
export const many = (value: number, word: string): string => `${count(value)} ${word}${value === 1 ? '' : 's'}`;
