// Structured logs of a program on stderr (stdout carries events only): JSON lines for programs, sentences where a person looks on. See
// HOUSE: error = a person must act, warn = we recovered, info = lifecycle, debug = the rest.
import { isatty } from 'node:tty';
import { pino, destination, type Logger } from 'pino';
import { logText } from './log-text.ts';

export type Log = Pick<Logger, 'error' | 'warn' | 'info' | 'debug' | 'child'>;

/** @param isRead by a person? Asked at each line; by default when stderr is a terminal. */
export function createLog(
  program: string,
  level = process.env['P2PLIVE_LOG_LEVEL'] ?? 'info',
  isRead: () => boolean = () => isatty(2),
): Log {
  const out = destination({ dest: 2, sync: true });
  const write = (line: string): void => void out.write(isRead() ? `${logText(line)}\n` : line);
  return pino({ level, base: { program }, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}
