// A log line as a person reads it: `16:04:05 warn tracker: lost the coordinate; trying again (reason: fetch failed)`. Pure.
// pino's own printer would bring thirteen packages for these few lines.

const LEVELS: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };
/** Said in words before the rest, or of use to a program only. */
const SAID = new Set(['level', 'time', 'program', 'msg', 'pid', 'hostname', 'err']);
const MOST_CHARS = 2_000;

/**
 * @param line of a log: JSON as pino writes it, or anything else, which stays as it is
 * @param name of the program that wrote it, where it is known by another one than its own
 * @returns one line, without its end
 */
export function logText(line: string, name?: string): string {
  const fields = parsed(line);
  if (fields === null) return plain(line);
  const { level, time, program, msg } = fields;
  const at = typeof time === 'string' && !Number.isNaN(Date.parse(time)) ? new Date(time) : null;
  const head = [at === null ? '' : clock(at), LEVELS[Number(level)] ?? '', `${name ?? (text(program) || 'log')}:`];
  const rest = Object.entries(fields)
    .filter(([name, value]) => !SAID.has(name) && value !== null)
    .map(([name, value]) => `${name}: ${text(value)}`);
  const said = [...rest, ...errorWords(fields['err'])];
  return plain(
    [...head, text(msg), said.length === 0 ? '' : `(${said.join(', ')})`].filter((part) => part !== '').join(' '),
  );
}

/** @returns the level in pino's numbers; null: it is no log line */
export function logLevel(line: string): number | null {
  const level = parsed(line)?.['level'];
  return typeof level === 'number' ? level : null;
}

function parsed(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null; // cut off, or of another program
  }
}

/** What failed; where in the code only where that is known, as the one line nearest to it. */
function errorWords(err: unknown): string[] {
  if (typeof err !== 'object' || err === null) return err === undefined ? [] : [text(err)];
  const { message, stack } = err as { message?: unknown; stack?: unknown };
  const where = /\n\s*(at .+)/.exec(text(stack))?.[1];
  return [text(message), ...(where === undefined ? [] : [where])];
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);

/** By the clock on the wall here. */
const clock = (at: Date): string =>
  [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');

/** What a peer says must not move a terminal's cursor. */
const plain = (words: string): string => words.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, MOST_CHARS);
