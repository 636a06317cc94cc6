// How many files this process may have open, and whether that is enough: every WebRTC connection of the Node library has a dozen and more of
// its own, and where they run out the process ends.
import { readFileSync } from 'node:fs';

/** Measured: 75 each with halves; quarters have twice as many connections, and those that come and go stay open for some seconds. */
const FILES_PER_VIEWER = 200;

/** @returns a sentence for whoever has asked for more viewers than may be; null: they fit, or nobody knows (not Linux) */
export function tooFewFiles(viewers: number, limits: string | null = readLimits()): string | null {
  const most = Number(/^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1] ?? Infinity);
  const needed = viewers * FILES_PER_VIEWER;
  if (needed <= most) return null;
  return `${viewers} viewers may need ${needed} open files and this process may have ${most}: raise it (ulimit -n ${needed}) or spread them over several audiences.`;
}

function readLimits(): string | null {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return null;
  }
}
