// What is typed into a setting's field, checked and turned into its value. Pure: the plane checks again and has the last word.
import type { SettingRow } from '../../protocol/control.ts';

export type SettingValue = SettingRow['value'];
export type Checked = { ok: true; value: SettingValue } | { ok: false; problem: string };

export function checkSetting(row: SettingRow, typed: string | boolean): Checked {
  if (typeof typed === 'boolean') return { ok: true, value: typed };
  const text = typed.trim();
  if (text === '') return { ok: true, value: null };
  switch (row.kind) {
    case 'number': {
      const value = Number(text);
      return Number.isFinite(value) ? { ok: true, value } : { ok: false, problem: 'A number is needed here.' };
    }
    case 'json':
      try {
        JSON.parse(text);
        return { ok: true, value: text };
      } catch (error) {
        return { ok: false, problem: `Not valid JSON: ${error instanceof Error ? error.message : String(error)}` };
      }
    case 'choice':
      return row.choices === undefined || row.choices.includes(text)
        ? { ok: true, value: text }
        : { ok: false, problem: `One of ${row.choices.join(', ')}.` };
    case 'yes-no':
      return { ok: true, value: text === 'true' };
    case 'text':
    case 'secret':
      return { ok: true, value: text };
  }
}

/** What was typed, by setting; settings not touched are left out. */
export type Typed = Readonly<Record<string, string | boolean>>;

/** Everything typed, checked: the values to save, and what is wrong with which. */
export function valuesOf(
  rows: readonly SettingRow[],
  typed: Typed,
): { values: Record<string, SettingValue>; problems: Record<string, string> } {
  const values: Record<string, SettingValue> = {};
  const problems: Record<string, string> = {};
  for (const row of rows) {
    const entry = typed[row.name];
    if (entry === undefined) continue;
    const checked = checkSetting(row, entry);
    if (checked.ok) values[row.name] = checked.value;
    else problems[row.name] = checked.problem;
  }
  return { values, problems };
}

/** As it stands in the field. */
export const asTyped = (value: SettingValue): string => (value === null ? '' : String(value));

export function groupsOf(rows: readonly SettingRow[]): { name: string; rows: SettingRow[] }[] {
  const groups = new Map<string, SettingRow[]>();
  for (const row of rows) groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  return [...groups].map(([name, list]) => ({ name, rows: list }));
}

/** The field that a refusal speaks of, so that the sentence can stand beside it; null when it names none. */
export function fieldOf(detail: string, rows: readonly SettingRow[], changed: readonly string[]): string | null {
  const named = rows.map((row) => row.name).filter((name) => detail.includes(name));
  const longest = named.toSorted((a, b) => b.length - a.length)[0];
  return longest ?? (changed.length === 1 ? (changed[0] ?? null) : null);
}
