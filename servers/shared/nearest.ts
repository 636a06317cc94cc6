// The known name that a mistyped one most likely meant.

/** @returns null when nothing is near enough to suggest */
export function nearest(given: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.max(2, Math.ceil(given.length / 3)) + 1;
  for (const name of known) {
    const distance = edits(given, name);
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}

/** Levenshtein distance: insertions, deletions and replacements from `a` to `b`. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
