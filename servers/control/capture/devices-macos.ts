// The devices of a Mac: what `ffmpeg -f avfoundation -list_devices true -i ""` says on stderr, and how it opens them. Pure.
import type { Device } from '../../../protocol/control.ts';
import { line } from './args.ts';
import type { Preset } from './presets.ts';

export interface Listed {
  cameras: Device[];
  microphones: Device[];
  screens: Device[];
}

/** Ids are names: the numbers change when something is plugged in. The second of two that are called alike has a number. */
export function devicesIn(stderr: string): Listed {
  const found: Listed = { cameras: [], microphones: [], screens: [] };
  for (const { kind, name } of entriesIn(stderr)) {
    const isScreen = kind === 'video' && /^Capture screen \d+$/.test(name);
    const list = kind === 'audio' ? found.microphones : isScreen ? found.screens : found.cameras;
    list.push({ id: idIn(list, name), name: isScreen ? name.replace('Capture screen', 'Screen') : name });
  }
  return found;
}

interface Entry {
  kind: 'video' | 'audio';
  index: string;
  name: string;
}

function entriesIn(stderr: string): Entry[] {
  const entries: Entry[] = [];
  let kind: Entry['kind'] | null = null;
  for (const line of stderr.split(/\r?\n/)) {
    const head = /AVFoundation (video|audio) devices:/.exec(line)?.[1];
    if (head === 'video' || head === 'audio') kind = head;
    const [, index, name] = /^\[[^\]]+\] \[(\d+)\] (.+)$/.exec(line) ?? [];
    if (kind && index !== undefined && name !== undefined) entries.push({ kind, index, name: name.trim() });
  }
  return entries;
}

function idIn(list: readonly Device[], name: string): string {
  const alike = list.filter(({ id }) => id === name || id.startsWith(`${name} #`)).length;
  return alike === 0 ? name : `${name} #${alike + 1}`;
}

/** The number that an id has in this list now; null when it is gone. */
export function indexOf(stderr: string, kind: Entry['kind'], id: string): string | null {
  const seen: Device[] = [];
  for (const entry of entriesIn(stderr)) {
    if (entry.kind !== kind) continue;
    const own = idIn(seen, entry.name);
    if (own === id) return entry.index;
    seen.push({ id: own, name: entry.name });
  }
  return null;
}

/** Picture and sound are one input, so that they stay together. */
export const inputArgs = (video: string, audio: string | null, { framesPerSecond }: Preset): string[] => [
  ...line('-f', 'avfoundation', '-thread_queue_size', '512', '-framerate', String(framesPerSecond)),
  ...line('-capture_cursor', '1', '-i', `${video}:${audio ?? 'none'}`),
];
