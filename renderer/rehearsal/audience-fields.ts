// The numbers of a new audience: their fields, and what is typed into them checked and turned into what the plane is asked. Pure: the
// plane checks again and has the last word.
import { AUDIENCE_BOUNDS, type AudienceAsk } from '../../protocol/rehearsal.ts';

type FieldKey = keyof typeof AUDIENCE_BOUNDS;
export type Typed = Record<FieldKey, string>;

interface Field {
  key: FieldKey;
  label: string;
  /** Shares are typed in per cent. */
  unit: '' | '%' | 's';
  isWhole: boolean;
}

export const FIELDS: readonly Field[] = [
  { key: 'viewers', label: 'Viewers', unit: '', isWhole: true },
  { key: 'churnPerMinute', label: 'Leave each minute', unit: '%', isWhole: false },
  { key: 'loss', label: 'Packets lost', unit: '%', isWhole: false },
  { key: 'evil', label: 'Misbehave', unit: '%', isWhole: false },
  { key: 'seconds', label: 'Watch for', unit: 's', isWhole: true },
  { key: 'seed', label: 'Seed', unit: '', isWhole: true },
];

export const USUAL: Typed = { viewers: '20', churnPerMinute: '15', loss: '0', evil: '0', seconds: '60', seed: '1' };

/** What was asked the last time, as it would be typed. */
export function typedOf(ask: AudienceAsk): Typed {
  const typed = { ...USUAL };
  // A share such as 0.07 times 100 has a tail that nobody typed.
  for (const { key, unit } of FIELDS)
    typed[key] = String(unit === '%' ? Number((100 * ask[key]).toFixed(6)) : ask[key]);
  return typed;
}

export type Checked =
  | { ok: true; numbers: Omit<AudienceAsk, 'uplink'> }
  | { ok: false; problems: Partial<Record<FieldKey, string>> };

/** @param mostViewers that can be carried here */
export function checkAudience(typed: Typed, mostViewers: number): Checked {
  const problems: Partial<Record<FieldKey, string>> = {};
  const numbers = { viewers: 0, churnPerMinute: 0, loss: 0, evil: 0, seconds: 0, seed: 0 };
  for (const field of FIELDS) {
    const [least, most] = AUDIENCE_BOUNDS[field.key];
    const bounds = [least, field.key === 'viewers' ? Math.min(most, mostViewers) : most] as const;
    const found = numberOf(field, bounds, typed[field.key]);
    if (typeof found === 'string') problems[field.key] = found;
    else numbers[field.key] = found;
  }
  return Object.keys(problems).length === 0 ? { ok: true, numbers } : { ok: false, problems };
}

/** @returns the value as the plane takes it, or a sentence */
function numberOf(
  { unit, isWhole }: Field,
  bounds: readonly [least: number, most: number],
  typed: string,
): number | string {
  // As `Number` reads it, an empty field is 0 and `0x10` is 16.
  if (!/^[+-]?\d+(\.\d+)?$/.test(typed.trim())) return 'A number is needed here.';
  const value = Number(typed);
  const scale = unit === '%' ? 100 : 1;
  const [least, most] = [bounds[0] * scale, bounds[1] * scale];
  if (value < least || value > most || (isWhole && !Number.isInteger(value)))
    return `A ${isWhole ? 'whole ' : ''}number from ${least} to ${most} is needed here.`;
  return value / scale;
}
