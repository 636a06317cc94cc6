// The devices of a Windows machine: what `ffmpeg -f dshow -list_devices true -i dummy` says on stderr, and how it opens them. Pure.
import type { Device } from '../../../protocol/control.ts';
import type { Listed } from './devices-macos.ts';
import { line } from './args.ts';
import { cameraSize, type Preset } from './presets.ts';

const DESKTOP = 'desktop';

/** Ids are the alternative names: those are unique, and have no colon in them. */
export function devicesIn(stderr: string): Listed {
  const cameras: Device[] = [];
  const microphones: Device[] = [];
  let heading: Device[] | null = null;
  let last: Device | null = null;
  for (const line of stderr.split(/\r?\n/)) {
    const text = line.replace(/^\[[^\]]+\]\s*/, '');
    // Until ffmpeg 4 under headings, since 5 with the kind behind the name.
    if (text.startsWith('DirectShow video devices')) heading = cameras;
    else if (text.startsWith('DirectShow audio devices')) heading = microphones;
    const [, name, kinds] = /^"(.+)"(?: \((.+)\))?$/.exec(text) ?? [];
    const alternative = /^Alternative name "(.+)"$/.exec(text)?.[1];
    if (alternative !== undefined && last) last.id = alternative;
    if (name === undefined) continue;
    last = { id: name, name };
    if (kinds === undefined) heading?.push(last);
    else if (kinds.includes('video')) cameras.push(last);
    else if (kinds.includes('audio')) microphones.push(last);
  }
  return { cameras, microphones, screens: [{ id: DESKTOP, name: 'The whole desktop' }] };
}

const BUFFER = ['-thread_queue_size', '512', '-rtbufsize', '64M'];

/** Picture and sound of two devices are one input, so that they stay together. */
export const cameraArgs = (camera: string, microphone: string | null, preset: Preset): string[] => [
  ...line('-f', 'dshow', ...BUFFER, '-framerate', String(preset.framesPerSecond)),
  ...line('-video_size', cameraSize(preset)),
  ...line('-i', `video=${camera}${microphone === null ? '' : `:audio=${microphone}`}`),
];

export const microphoneArgs = (id: string): string[] => ['-f', 'dshow', ...BUFFER, '-i', `audio=${id}`];

export const screenArgs = ({ framesPerSecond }: Preset): string[] => [
  ...line('-f', 'gdigrab', '-thread_queue_size', '512', '-framerate', String(framesPerSecond), '-i', DESKTOP),
];
