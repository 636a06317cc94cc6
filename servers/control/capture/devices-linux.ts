// The devices of a Linux machine: what its programs print, and how ffmpeg opens what was chosen. Pure.
import type { Device } from '../../../protocol/control.ts';
import { line } from './args.ts';
import { cameraSize, type Preset } from './presets.ts';

/** A node of /sys/class/video4linux. Only the first of a device delivers pictures; the others describe them. */
export interface VideoNode {
  node: string;
  name: string;
  index: number;
}

export const camerasIn = (nodes: readonly VideoNode[]): Device[] =>
  nodes
    .filter(({ node, index }) => /^video\d+$/.test(node) && index === 0)
    .toSorted((a, b) => Number(a.node.slice(5)) - Number(b.node.slice(5)))
    .map(({ node, name }) => ({ id: `/dev/${node}`, name: name.replace(/^(.+): \1$/, '$1') }));

/** `pactl list sources` (PulseAudio and PipeWire). What the computer plays itself is a source too: last, and said. */
export function pulseSourcesIn(text: string): Device[] {
  const found: Device[] = [];
  for (const block of text.split(/^Source #\d+$/m).slice(1)) {
    const name = /^\s*Name: (\S+)$/m.exec(block)?.[1];
    const description = /^\s*Description: (.+)$/m.exec(block)?.[1]?.trim();
    if (name !== undefined) found.push({ id: `pulse:${name}`, name: description ?? name });
  }
  const isMonitor = ({ id }: Device): boolean => id.endsWith('.monitor');
  const played = found.filter(isMonitor);
  return [
    ...found.filter((device) => !isMonitor(device)),
    ...played.map(({ id, name }) => ({ id, name: `What this computer plays: ${name.replace(/^Monitor of /, '')}` })),
  ];
}

/** `arecord -l`, where there is no sound server. */
export const alsaCardsIn = (text: string): Device[] =>
  [...text.matchAll(/^card (\d+): \S+ \[([^\]]*)\], device (\d+): (?:.*?) \[([^\]]*)\]$/gm)].map(
    ([, card = '', name = '', device = '', part = '']) => ({
      id: `alsa:plughw:${card},${device}`,
      name: part === '' || part === name ? name : `${name}: ${part}`,
    }),
  );

/** `xrandr --listmonitors` on this display. Without it the whole display is one screen. */
export function monitorsIn(text: string, display: string): Device[] {
  const found = [...text.matchAll(/^ \d+: \+(\*?)\S* (\d+)\/\d+x(\d+)\/\d+\+(\d+)\+(\d+)\s+(\S+)$/gm)].map(
    ([, main, width = '', height = '', x = '', y = '', name = '']) => ({
      id: `x11:${display}+${x},${y} ${width}x${height}`,
      name: `Screen ${name} (${width} x ${height})${main === '*' ? ', main' : ''}`,
    }),
  );
  return found.length > 0 ? found : [{ id: `x11:${display}`, name: `Screen ${display}` }];
}

/**
 * `ffmpeg -f v4l2 -list_formats all`: does the camera compress pictures of that size itself? Raw ones of 720p and more come at few
 * frames a second through USB.
 */
export const compressesAt = (text: string, preset: Preset): boolean =>
  text.split('\n').some((line) => /Compressed:\s+mjpeg\b/.test(line) && line.split(/\s+/).includes(cameraSize(preset)));

const QUEUE = ['-thread_queue_size', '512'];

export const cameraArgs = (id: string, preset: Preset, compresses: boolean): string[] => [
  ...line('-f', 'v4l2', ...QUEUE, ...(compresses ? ['-input_format', 'mjpeg'] : [])),
  ...line('-framerate', String(preset.framesPerSecond), '-video_size', cameraSize(preset), '-i', id),
];

export function microphoneArgs(id: string): string[] {
  const [, kind = '', name = ''] = /^(pulse|alsa):(.+)$/.exec(id) ?? [];
  return ['-f', kind, ...QUEUE, ...(kind === 'pulse' ? ['-fragment_size', '3840'] : []), '-i', name];
}

export function screenArgs(id: string, { framesPerSecond }: Preset): string[] {
  const [, place = '', size] = /^x11:(\S+)(?: (\d+x\d+))?$/.exec(id) ?? [];
  return [
    ...line('-f', 'x11grab', ...QUEUE, '-framerate', String(framesPerSecond)),
    ...(size === undefined ? [] : ['-video_size', size]),
    ...line('-i', place),
  ];
}
