// The release this is, from the package's own file beside or above the built programs.
import { readFileSync } from 'node:fs';

let known: string | null = null;

export function version(): string {
  known ??= read();
  return known;
}

function read(): string {
  for (const up of ['../package.json', '../../package.json', './package.json'])
    try {
      const { name, version: found } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (name === 'p2plive' && found !== undefined) return found;
    } catch {
      // not there: the next place
    }
  return '0';
}
