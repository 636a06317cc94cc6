// Settings of a program from flags, environment, a YAML file and defaults, in that order. The table they all follow from is
// settings-table.ts; whoever needs a setting asks here and nowhere else.
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { EXIT, StartError } from './exit-codes.ts';
import { isLoopback } from './http.ts';
import { parseFlags, type Flags } from './settings-flags.ts';
import { readSettingsFile, valueInFile, type SettingsFile } from './settings-file.ts';
import type { Program, Setting } from './setting.ts';
import { envName, SETTINGS, TABLE } from './settings-table.ts';

type Entry = (typeof TABLE)[number];
type Of<P extends Program, E = Entry> = E extends { programs: readonly (infer Q)[] }
  ? P extends Q
    ? E
    : never
  : never;
type ValueOf<E> = E extends Setting<Program, string, infer T, unknown> ? T : never;
type Always<E> = E extends { default: infer D } ? (undefined extends D ? never : E) : never;
type Flat<P extends Program> = {
  [E in Always<Of<P>> as E['key']]: ValueOf<E>;
} & {
  [E in Exclude<Of<P>, Always<Of<P>>> as E['key']]?: ValueOf<E>;
};
type Nested<F, Prefix extends string> = { [K in keyof F as K extends `${Prefix}.${infer Rest}` ? Rest : never]: F[K] };
type Prefixes<F> = { [K in keyof F]-?: K extends `${infer Prefix}.${string}` ? Prefix : never }[keyof F];
type Nest<F> = { [K in keyof F as K extends `${string}.${string}` ? never : K]: F[K] } & {
  [Prefix in Prefixes<F>]: Nested<F, Prefix & string>;
};
/** The settings of one program, by the names of the table. */
export type Settings<P extends Program> = Nest<Flat<P>> extends infer S ? { [K in keyof S]: S[K] } : never;

export interface Sources {
  flags: Flags;
  env: Readonly<Record<string, string | undefined>>;
  file: SettingsFile | null;
}

/**
 * The settings of one program.
 * @param argv what follows the program's name on its command line
 * @throws StartError(badSettings) with one sentence: which setting, from where, what is allowed
 */
export function loadSettings<P extends Program>(
  program: P,
  argv: readonly string[] = process.argv.slice(2),
  env: Sources['env'] = process.env,
): Settings<P> {
  const settings = resolve(program, sourcesOf(parseFlags([program], argv), env));
  needSecretBeyondLoopback(program, settings as { host?: string; meshSecret?: string });
  return settings;
}

/** Flags, environment and the file that one of them names. */
export function sourcesOf(flags: Flags, env: Sources['env']): Sources {
  const config = flags.get('config') ?? nonEmpty(env[envName('config')]);
  return { flags, env, file: config === undefined ? null : readSettingsFile(config) };
}

/** The settings of one program out of sources that may hold those of others too. */
export function resolve<P extends Program>(program: P, sources: Sources): Settings<P> {
  const values = new Map<string, unknown>();
  const entries = SETTINGS.filter((entry) => entry.programs.includes(program));
  for (const entry of entries) {
    const given = find(entry, program, sources);
    values.set(entry.flag, given ? check(entry, given) : structuredClone(entry.default));
    if (!given && entry.follows) values.set(entry.flag, values.get(entry.follows));
  }
  const settings: Record<string, unknown> = {};
  for (const entry of entries) {
    const [first = '', second] = entry.key.split('.');
    const home = second === undefined ? settings : ((settings[first] ??= {}) as Record<string, unknown>);
    const value = values.get(entry.flag);
    if (value !== undefined) home[second ?? first] = value;
  }
  return settings as Settings<P>;
}

/** Is this setting given by a flag, the environment or the file? */
export const isGiven = (flag: string, sources: Sources): boolean =>
  SETTINGS.some(
    (entry) => entry.flag === flag && entry.programs.some((program) => find(entry, program, sources) !== null),
  );

/** A setting's value with the words for where it stood. */
interface Given {
  from: string;
  raw: unknown;
}

function find(entry: Setting, program: Program, { flags, env, file }: Sources): Given | null {
  const { flag, kind } = entry;
  const fileFlag = `${flag}-file`;
  const direct = flags.get(flag);
  if (direct !== undefined) return { from: `The flag --${flag}`, raw: direct };
  if (kind.secret && flags.has(fileFlag)) return fromSecretFile(`--${fileFlag}`, flags.get(fileFlag));
  const variable = nonEmpty(env[envName(flag)]);
  if (variable !== undefined) return { from: `The environment variable ${envName(flag)}`, raw: variable };
  const fileVariable = kind.secret ? nonEmpty(env[envName(fileFlag)]) : undefined;
  if (fileVariable !== undefined) return fromSecretFile(envName(fileFlag), fileVariable);
  if (!file) return null;
  const inFile = valueInFile(file, entry, program);
  if (inFile) return { from: `${inFile.key} in ${file.name}`, raw: inFile.raw };
  const pathInFile = kind.secret ? valueInFile(file, entry, program, 'File') : null;
  return pathInFile ? fromSecretFile(`${pathInFile.key} in ${file.name}`, pathInFile.raw) : null;
}

function fromSecretFile(from: string, path: unknown): Given {
  if (typeof path !== 'string') throw bad(`${from} must be a path.`);
  try {
    return { from: `The file named by ${from}`, raw: readFileSync(path, 'utf8').trim() };
  } catch (error) {
    throw bad(`The file ${path}, named by ${from}, could not be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

function check(entry: Setting, { from, raw }: Given): unknown {
  const parsed = v.safeParse(entry.kind.schema, typeof raw === 'string' ? entry.kind.fromText(raw) : raw);
  if (parsed.success) return parsed.output;
  const shown = entry.kind.secret ? '' : `, not ${JSON.stringify(raw)}`;
  throw bad(`${from} must be ${entry.kind.allowed}${shown}.`);
}

/**
 * A program that other machines can reach needs to know its fellow servers by something.
 * @throws StartError(badSettings)
 */
function needSecretBeyondLoopback(program: Program, settings: { host?: string; meshSecret?: string }): void {
  if (settings.host === undefined || isLoopback(settings.host) || settings.meshSecret !== undefined) return;
  throw bad(
    `The ${program} listens on ${settings.host}, which other machines can reach, so it needs a secret that all servers share: ` +
      `make one with "p2plive secret" and give it to each as P2PLIVE_MESH_SECRET or --mesh-secret-file.`,
  );
}

/**
 * The command line and environment that give a program exactly these settings, whatever else the environment says. Secrets go
 * by environment only: a command line is public.
 */
export function passOn<P extends Program>(
  program: P,
  settings: Settings<P>,
): { args: string[]; env: Record<string, string> } {
  const args: string[] = [];
  const env: Record<string, string> = {};
  for (const entry of SETTINGS.filter((one) => one.programs.includes(program))) {
    const [first = '', second] = entry.key.split('.');
    const home = settings as Record<string, unknown>;
    const value = second === undefined ? home[first] : (home[first] as Record<string, unknown> | undefined)?.[second];
    if (value === undefined) continue;
    const text = entry.kind.toText(value);
    if (!entry.follows && entry.default !== undefined && text === entry.kind.toText(entry.default)) continue;
    if (entry.kind.secret) env[envName(entry.flag)] = text;
    else if (entry.kind.placeholder === null) args.push(value === true ? `--${entry.flag}` : `--no-${entry.flag}`);
    else args.push(`--${entry.flag}`, text);
  }
  return { args, env };
}

/** The environment without any of our settings: what a child inherits before `passOn`. */
export function withoutSettings(env: Sources['env']): Record<string, string> {
  const ours = new Set(['config', ...SETTINGS.flatMap((entry) => [entry.flag, `${entry.flag}-file`])].map(envName));
  const rest: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && !ours.has(name)) rest[name] = value;
  return rest;
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);
const bad = (sentence: string): StartError => new StartError(EXIT.badSettings, sentence);
