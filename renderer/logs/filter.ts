// Which lines are shown, and where the searched text stands in them. Pure.
import type { LogLine } from '../../protocol/control.ts';

export interface LogFilter {
  /** Empty: all. */
  program: string;
  /** Lines of this level and worse. */
  level: number;
  /** Searched without regard to case; empty: all. */
  text: string;
}

/** pino's numbers. */
export const LEVELS = [
  { level: 20, name: 'Debug' },
  { level: 30, name: 'Info' },
  { level: 40, name: 'Warning' },
  { level: 50, name: 'Error' },
] as const;

export const levelName = (level: number): string => LEVELS.findLast((one) => one.level <= level)?.name ?? 'Debug';

export function filterLines(lines: readonly LogLine[], filter: LogFilter): readonly LogLine[] {
  const text = filter.text.trim().toLowerCase();
  return lines.filter(
    (line) =>
      line.level >= filter.level &&
      (filter.program === '' || line.program === filter.program) &&
      (text === '' || line.text.toLowerCase().includes(text) || line.program.toLowerCase().includes(text)),
  );
}

/** The text in parts, those that were searched for marked. */
export function highlight(text: string, searched: string): { text: string; isHit: boolean }[] {
  const wanted = searched.trim().toLowerCase();
  if (wanted === '') return [{ text, isHit: false }];
  const parts: { text: string; isHit: boolean }[] = [];
  const lower = text.toLowerCase();
  // A letter whose small form is longer would shift what follows: such a line is shown without marks.
  if (lower.length !== text.length) return [{ text, isHit: false }];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    if (at > from) parts.push({ text: text.slice(from, at), isHit: false });
    parts.push({ text: text.slice(at, at + wanted.length), isHit: true });
    from = at + wanted.length;
  }
  if (from < text.length || parts.length === 0) parts.push({ text: text.slice(from), isHit: false });
  return parts;
}

export function programsIn(lines: readonly LogLine[]): string[] {
  return [...new Set(lines.map((line) => line.program))].toSorted();
}

/** Index one past the last line at or before the moment; lines are in order of time. */
export function countUntil(lines: readonly LogLine[], atMs: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.atMs ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** As text to paste elsewhere. */
export function asText(lines: readonly LogLine[]): string {
  return lines
    .map((line) => `${new Date(line.atMs).toISOString()} ${levelName(line.level)} ${line.program}: ${line.text}`)
    .join('\n');
}
