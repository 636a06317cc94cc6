// Structured logs of a program: JSON lines on stderr (stdout carries events only). See HOUSE: error = a person must act,
// warn = we recovered, info = lifecycle, debug = the rest.
import { pino, destination, type Logger } from 'pino';

export type Log = Pick<Logger, 'error' | 'warn' | 'info' | 'debug' | 'child'>;

export function createLog(program: string, level = process.env['P2PLIVE_LOG_LEVEL'] ?? 'info'): Log {
  return pino(
    { level, base: { program }, timestamp: pino.stdTimeFunctions.isoTime },
    destination({ dest: 2, sync: true }),
  );
}
