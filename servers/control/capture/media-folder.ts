// Files that may be played in a loop: plain names within one folder, and no links, which could lead out of it.
import { lstat, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Device } from '../../../protocol/control.ts';

const ENDINGS = [
  '.mp4',
  '.m4v',
  '.mov',
  '.mkv',
  '.webm',
  '.flv',
  '.ts',
  '.mts',
  '.m2ts',
  '.mpg',
  '.mpeg',
  '.avi',
  '.ogv',
];
const MOST_FILES = 500;
const MOST_NAME_CHARS = 200;

/** Sorted by name. The folder is made when there is none, so that there is a place to put one. */
export async function mediaFiles(folder: string): Promise<Device[]> {
  await mkdir(folder, { recursive: true });
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && isPlain(entry.name))
    .map(({ name }) => ({ id: name, name }))
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .slice(0, MOST_FILES);
}

/** @returns its path; null when the folder has no such file */
export async function mediaFile(folder: string, name: string): Promise<string | null> {
  if (!isPlain(name)) return null;
  const file = path.join(folder, name);
  try {
    return (await lstat(file)).isFile() ? path.resolve(file) : null;
  } catch {
    return null; // not there, or not to be looked at
  }
}

const isPlain = (name: string): boolean =>
  name.length <= MOST_NAME_CHARS &&
  !name.startsWith('.') &&
  !/[/\\\0\r\n]/.test(name) &&
  path.basename(name) === name &&
  ENDINGS.includes(path.extname(name).toLowerCase());
