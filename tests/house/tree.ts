// The repository as its own rules see it: its files and what they say.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
const ROOMS = ['protocol', 'client', 'servers', 'electron', 'renderer', 'tests', 'bench'];
const SOURCE = /\.(ts|tsx|mjs|js|css)$/;

export interface SourceFile {
  /** From the root, with forward slashes. */
  path: string;
  text: string;
}

/** Every source file of every room, style sheets too. */
export function sources(): SourceFile[] {
  return ROOMS.flatMap((room) => below(room)).map((file) => ({ path: file, text: read(file) }));
}

export const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

function below(folder: string): string[] {
  let entries;
  try {
    entries = readdirSync(path.join(ROOT, folder), { withFileTypes: true });
  } catch {
    return []; // a room that is not built yet
  }
  return entries.flatMap((entry) => {
    const inner = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'results' ? [] : below(inner);
    return SOURCE.test(entry.name) ? [inner] : [];
  });
}
