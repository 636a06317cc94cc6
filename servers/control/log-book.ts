// The programs' log lines, the newest kept, each with a number that grows over all of them.
import type { LogLine } from '../../protocol/control.ts';

const MAX_LINES = 10_000;
const MAX_CHARS = 2_000;
const BATCH_MS = 200;
const INFO = 30;
/** Fields that every line has and nobody reads. */
const USUAL = new Set(['level', 'time', 'program', 'msg', 'pid', 'hostname']);

export class LogBook {
  #lines: LogLine[] = [];
  #serial = 0;
  #fresh: LogLine[] = [];
  #timer: NodeJS.Timeout | null = null;
  readonly #told: (lines: LogLine[]) => void;

  /** @param told hears new lines, in batches */
  constructor(told: (lines: LogLine[]) => void) {
    this.#told = told;
  }

  /** @param line as the program wrote it: pino's JSON, or anything else */
  add(program: string, line: string): void {
    const entry: LogLine = { serial: ++this.#serial, atMs: Date.now(), program, ...read(line) };
    this.#lines.push(entry);
    if (this.#lines.length > MAX_LINES * 1.1) this.#lines = this.#lines.slice(-MAX_LINES);
    this.#fresh.push(entry);
    this.#timer ??= setTimeout(() => this.#tell(), BATCH_MS);
  }

  /** The newest `most` lines at or before `toMs`, oldest first. */
  list(most: number, toMs = Number.POSITIVE_INFINITY): LogLine[] {
    return this.#lines.filter((line) => line.atMs <= toMs).slice(-most);
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #tell(): void {
    this.#timer = null;
    const lines = this.#fresh;
    this.#fresh = [];
    this.#told(lines);
  }
}

function read(line: string): { level: number; text: string; atMs?: number } {
  if (line.startsWith('{'))
    try {
      const fields = JSON.parse(line) as Record<string, unknown>;
      const rest = Object.entries(fields)
        .filter(([name]) => !USUAL.has(name))
        .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
      const atMs = Date.parse(String(fields['time']));
      return {
        level: typeof fields['level'] === 'number' ? fields['level'] : INFO,
        text: [typeof fields['msg'] === 'string' ? fields['msg'] : '', ...rest].join(' ').trim().slice(0, MAX_CHARS),
        ...(Number.isFinite(atMs) ? { atMs } : {}),
      };
    } catch {
      // not JSON after all: shown as it is
    }
  return { level: INFO, text: line.slice(0, MAX_CHARS) };
}
