// One YAML file for all roles: settings that several programs share stand at the top, the others in their program's section; a
// section may also override a shared one. A key that no program knows is refused.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { EXIT, StartError } from './exit-codes.ts';
import { suggestion } from './settings-flags.ts';
import { PROGRAMS, type Program, type Setting } from './setting.ts';
import { SETTINGS, yamlKey } from './settings-table.ts';

/** Leaf values by their dotted key. */
export interface SettingsFile {
  name: string;
  values: ReadonlyMap<string, unknown>;
}

/** @throws StartError(badSettings) */
export function readSettingsFile(file: string): SettingsFile {
  const name = path.basename(file);
  let document: unknown;
  try {
    document = parse(readFileSync(file, 'utf8'), { logLevel: 'error' }) as unknown;
  } catch (error) {
    if (error instanceof YAMLParseError)
      throw bad(`${name} is not valid YAML: ${(error.message.split('\n')[0] ?? '').replace(/:$/, '')}.`);
    const code = (error as NodeJS.ErrnoException).code;
    throw bad(`The settings file ${file} could not be read (${code === 'ENOENT' ? 'it does not exist' : code}).`);
  }
  const values = new Map<string, unknown>();
  if (document !== null && document !== undefined) walk(name, '', document, values);
  return { name, values };
}

/** The value for one program: its own section wins over the top of the file. */
export function valueInFile(
  file: SettingsFile,
  entry: Setting,
  program: Program,
  suffix = '',
): { key: string; raw: unknown } | null {
  for (const key of [`${program}.${entry.key}${suffix}`, `${yamlKey(entry)}${suffix}`])
    if (file.values.has(key)) return { key, raw: file.values.get(key) };
  return null;
}

const LEAVES = new Set<string>();
for (const entry of SETTINGS)
  for (const key of [yamlKey(entry), ...entry.programs.map((program) => `${program}.${entry.key}`)]) {
    LEAVES.add(key);
    if (entry.kind.secret) LEAVES.add(`${key}File`);
  }
const BRANCHES = new Set<string>(PROGRAMS);
for (const leaf of LEAVES)
  for (let at = leaf.indexOf('.'); at > 0; at = leaf.indexOf('.', at + 1)) BRANCHES.add(leaf.slice(0, at));

function walk(name: string, at: string, node: unknown, values: Map<string, unknown>): void {
  if (typeof node !== 'object' || node === null || Array.isArray(node))
    throw bad(`${at === '' ? name : `${at} in ${name}`} must hold settings, one "name: value" per line.`);
  for (const [word, child] of Object.entries(node)) {
    const key = at === '' ? word : `${at}.${word}`;
    if (LEAVES.has(key)) values.set(key, child);
    else if (BRANCHES.has(key)) {
      if (child !== null) walk(name, key, child, values);
    } else throw bad(`Unknown setting ${key} in ${name}.${suggestion(key, [...LEAVES])}`);
  }
}

const bad = (sentence: string): StartError => new StartError(EXIT.badSettings, sentence);
