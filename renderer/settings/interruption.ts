// What saving settings interrupts, in words. Which programs it is, the plane says (protocol/control.ts, SettingsEffect).
import { count } from '../format.ts';

/** What people notice while a program is away; forwards have numbers. */
const NOTICED: readonly (readonly [RegExp, string])[] = [
  [/^forward/, 'pictures may stop for a moment'],
  [/^coordinate$/, 'the broadcast pauses for a moment'],
  [/^tracker$/, 'newcomers wait a moment'],
];

/** One sentence that a person reads before saving. @param interrupted names of programs that end, most of them to start again */
export function interruption(interrupted: readonly string[]): string {
  if (interrupted.length === 0) return 'Saving interrupts nothing.';
  const noticed = NOTICED.flatMap(([name, words]) => (interrupted.some((one) => name.test(one)) ? words : []));
  return `Saving interrupts ${namesOf(interrupted)}: ${noticed.join(', ')}.`;
}

/** The sentence after saving. */
export function interrupted(names: readonly string[]): string {
  if (names.length === 0) return 'Saved. Nothing was interrupted.';
  return `Saved. ${namesOf(names).replace(/^t/, 'T')} ${names.length === 1 ? 'was' : 'were'} interrupted.`;
}

/** How many changes wait, and what saving them does as far as it is known. */
export const waiting = (changes: number, effect: readonly string[] | null): string =>
  `${count(changes, 'change')} not saved.${effect === null ? '' : ` ${interruption(effect)}`}`;

function namesOf(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length === 1 ? `the ${last}` : `the ${names.slice(0, -1).join(', ')} and ${last}`;
}
