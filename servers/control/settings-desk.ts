// The settings as the console shows and changes them: the one table of settings, what was given at the start, and what a person saved.
// Flags, environment and the settings file win over what was saved.
import * as v from 'valibot';
import type { SettingRow } from '../../protocol/control.ts';
import type { Setting } from '../shared/setting.ts';
import { SETTINGS } from '../shared/settings-table.ts';
import { isGiven, resolve, type Sources } from '../shared/settings.ts';
import type { ProgramSettings } from './program-specs.ts';

/** They say how this very program was started, or are chosen elsewhere in the console. */
const NOT_SHOWN = new Set([
  'json',
  'headless',
  'console',
  'console-port',
  'source',
  'data-dir',
  'mesh-secret',
  'coordinate',
  'trackers',
  'id',
]);
const GROUPS = {
  coordinate: 'Coordinate',
  tracker: 'Tracker',
  forward: 'Forward',
  up: 'Console',
  peer: 'Peer',
} as const;
const OURS = ['coordinate', 'tracker', 'forward', 'up'] as const;
const HIDDEN = '********';

type Value = string | number | boolean | null;

export class SettingsDesk {
  readonly #sources: Sources;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  isGiven(flag: string): boolean {
    return isGiven(flag, this.#sources);
  }

  /** @param saved texts by flag @throws StartError when what was given at the start is wrong */
  resolve(saved: Readonly<Record<string, string>>): ProgramSettings {
    const mine = Object.entries(saved).filter(([flag, text]) => !this.isGiven(flag) && problemOf(flag, text) === null);
    const sources = { ...this.#sources, flags: new Map([...mine, ...this.#sources.flags]) };
    return {
      up: resolve('up', sources),
      coordinate: resolve('coordinate', sources),
      tracker: resolve('tracker', sources),
      forward: resolve('forward', sources),
    };
  }

  rows(saved: Readonly<Record<string, string>>): SettingRow[] {
    const settings = this.resolve(saved) as unknown as Record<string, Record<string, unknown>>;
    return shown().map((entry) => {
      const program = entry.programs.find((one) => (OURS as readonly string[]).includes(one)) ?? 'coordinate';
      const [first = '', second] = entry.key.split('.');
      const home = settings[program]?.[first];
      const value = second === undefined ? home : (home as Record<string, unknown> | undefined)?.[second];
      return {
        name: entry.flag,
        group: entry.programs.length > 1 ? 'All servers' : GROUPS[program],
        detail: entry.unit === undefined ? entry.help : `${entry.help} In ${entry.unit}.`,
        value: display(entry, value),
        usual: display(entry, entry.default),
        kind: kindOf(entry),
        ...(kindOf(entry) === 'choice' ? { choices: (entry.kind.placeholder ?? '').split('|') } : {}),
        isEditable: !this.isGiven(entry.flag),
      };
    });
  }

  /** @returns the texts to save, or the sentence that says what is wrong with which */
  change(saved: Readonly<Record<string, string>>, values: Record<string, Value>): Record<string, string> | string {
    const next = { ...saved };
    for (const [flag, value] of Object.entries(values)) {
      if (!shown().some((entry) => entry.flag === flag)) return `There is no setting ${flag}.`;
      if (this.isGiven(flag)) return `${flag} was given when the program was started; change it there.`;
      if (value === HIDDEN) continue;
      if (value === null || value === '') {
        delete next[flag];
        continue;
      }
      const problem = problemOf(flag, String(value));
      if (problem !== null) return problem;
      next[flag] = String(value);
    }
    return next;
  }
}

const shown = (): Setting[] =>
  SETTINGS.filter(
    (entry) => !NOT_SHOWN.has(entry.flag) && entry.programs.some((one) => (OURS as readonly string[]).includes(one)),
  );

function problemOf(flag: string, text: string): string | null {
  const entry = SETTINGS.find((one) => one.flag === flag);
  if (!entry) return `There is no setting ${flag}.`;
  return v.is(entry.kind.schema, entry.kind.fromText(text)) ? null : `${flag} must be ${entry.kind.allowed}.`;
}

function display(entry: Setting, value: unknown): Value {
  if (value === undefined || value === null) return null;
  if (entry.kind.secret) return entry.kind.toText(value) === '[]' || entry.kind.toText(value) === '' ? null : HIDDEN;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return entry.kind.toText(value);
}

function kindOf({ kind, default: usual }: Setting): SettingRow['kind'] {
  if (kind.secret) return 'secret';
  if (kind.placeholder === null) return 'yes-no';
  if (kind.placeholder.includes('|') && !kind.placeholder.includes('PORT')) return 'choice';
  return typeof usual === 'number' ? 'number' : 'text';
}
