// Command lines: a commander command whose options are a program's settings, and what was given on it. Values are checked in
// settings.ts like those from anywhere else.
import { Command, CommanderError, Option } from 'commander';
import { EXIT, StartError } from './exit-codes.ts';
import { nearest } from './nearest.ts';
import type { Program, Setting } from './setting.ts';
import { SETTINGS } from './settings-table.ts';

/** Texts given by flag: `coordinate-port` -> `8081`. */
export type Flags = ReadonlyMap<string, string>;

export const settingsOf = (programs: readonly Program[]): Setting[] =>
  SETTINGS.filter((entry) => entry.programs.some((program) => programs.includes(program)));

/** A command that takes every setting of these programs. It throws on a bad command line instead of ending the process. */
export function settingsCommand(name: string, programs: readonly Program[]): Command {
  const command = new Command(name).exitOverride().allowExcessArguments(false).showSuggestionAfterError(false);
  command.configureOutput({ writeErr: () => {} });
  command.option('--config <FILE>', 'YAML file with settings.');
  for (const entry of settingsOf(programs)) addOptions(command, entry);
  return command;
}

function addOptions(command: Command, entry: Setting): void {
  const { flag, kind, help } = entry;
  const shown = kind.secret ? null : defaultText(entry);
  const text = shown === null ? help : `${help} Default: ${shown}.`;
  if (kind.placeholder === null) {
    command.addOption(new Option(`--${flag}`, help).hideHelp(entry.default === true));
    command.addOption(new Option(`--no-${flag}`, `Off: ${help}`).hideHelp(entry.default !== true));
    return;
  }
  const option = new Option(`--${flag} <${kind.placeholder}>`, text);
  if (kind.many)
    option.argParser((value: string, before: string | undefined) => (before ? `${before},${value}` : value));
  command.addOption(option);
  if (kind.secret) command.addOption(new Option(`--${flag}-file <FILE>`, `File that holds it: ${help}`).hideHelp());
}

/** The default in words; null where there is none. */
export function defaultText(entry: Setting): string | null {
  if (entry.follows) return `that of --${entry.follows}`;
  if (entry.default === undefined) return null;
  const text = entry.kind.toText(entry.default);
  return text === '' || text === '[]' ? null : text;
}

/** What a parsed command was given. */
export function flagsOf(command: Command): Flags {
  const flags = new Map<string, string>();
  for (const option of command.options) {
    const name = option.attributeName();
    if (command.getOptionValueSource(name) !== 'cli') continue;
    const value: unknown = command.getOptionValue(name);
    const flag = (option.long ?? '').replace(/^--(no-)?/, '');
    // A switch is known by two options that share one value.
    flags.set(flag, String(value));
  }
  return flags;
}

/** @throws StartError(badSettings) naming the flag and the nearest known one */
export function parseFlags(programs: readonly Program[], argv: readonly string[]): Flags {
  const command = settingsCommand('p2plive', programs).helpOption(false);
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    throw explainCommandLine(error, command);
  }
  return flagsOf(command);
}

/** Turns commander's complaint into our sentence; anything else is handed back. */
export function explainCommandLine(error: unknown, command: Command): unknown {
  if (!(error instanceof CommanderError)) return error;
  const named = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  if (error.code === 'commander.unknownOption') {
    const known = command.options.filter((option) => !option.hidden).map((option) => option.long ?? '');
    const owner = SETTINGS.find((entry) => named === `--${entry.flag}` || named === `--no-${entry.flag}`);
    if (owner) return bad(`The flag ${named} belongs to ${owner.programs.join(' and ')}, not here.`);
    return bad(`Unknown flag ${named}.${suggestion(named, known)}`);
  }
  if (error.code === 'commander.excessArguments')
    return bad('There is a word too many; p2plive --help shows what is understood.');
  if (error.code === 'commander.missingArgument')
    return bad(
      `p2plive ${command.name()} needs <${named}>; p2plive ${command.name()} --help shows what is understood.`,
    );
  if (error.code === 'commander.optionMissingArgument') return bad(`The flag ${named.split(' ')[0]} needs a value.`);
  if (error.code === 'commander.unknownCommand') {
    const known = command.commands.map((sub) => sub.name());
    return bad(`Unknown command ${named}.${suggestion(named, known)}`);
  }
  return bad(`${error.message.replace(/^error: /, '').replace(/\.?$/, '.')}`);
}

export const suggestion = (given: string, known: readonly string[]): string => {
  const name = nearest(given, known);
  return name === null ? ' See p2plive --help.' : ` Did you mean ${name}?`;
};

const bad = (sentence: string): StartError => new StartError(EXIT.badSettings, sentence);
