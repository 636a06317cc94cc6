// The devices of this machine, and how ffmpeg opens the ones that were chosen. What the systems print is read in devices-linux.ts,
// devices-macos.ts and devices-windows.ts. Ids that are not in the list are refused, so that nothing arbitrary reaches a command line.
import { readdir, readFile } from 'node:fs/promises';
import type { Source } from '../../../protocol/capture-state.ts';
import type { Device } from '../../../protocol/control.ts';
import type { Input } from './args.ts';
import * as linux from './devices-linux.ts';
import * as macos from './devices-macos.ts';
import * as windows from './devices-windows.ts';
import type { Preset } from './presets.ts';
import { printedBy } from './program-output.ts';

export interface FoundDevices {
  cameras: Device[];
  microphones: Device[];
  screens: Device[];
  /** Why something is missing, as a sentence. */
  problem: string | null;
}

export type DeviceSource = Source & { kind: 'camera' | 'screen' };

/** A driver that does not answer must not hold the window up. */
const LIST_MS = 4_000;
const LIST_AVFOUNDATION = ['-hide_banner', '-f', 'avfoundation', '-list_devices', 'true', '-i', ''];
const LIST_DSHOW = ['-hide_banner', '-f', 'dshow', '-list_devices', 'true', '-i', 'dummy'];

/** @param ffmpeg null: there is none; only Linux lists without it */
export async function listDevices(ffmpeg: string | null): Promise<FoundDevices> {
  if (process.platform === 'linux') return listOnLinux();
  if (ffmpeg === null) return nothing('Without ffmpeg no devices can be listed: install it.');
  if (process.platform === 'darwin') {
    const { stderr } = await printedBy(ffmpeg, LIST_AVFOUNDATION, LIST_MS);
    const found = macos.devicesIn(stderr);
    const problem =
      found.screens.length === 0 ? 'Allow screen recording for this program in the system settings.' : null;
    return { ...found, problem };
  }
  if (process.platform === 'win32') {
    const { stderr } = await printedBy(ffmpeg, LIST_DSHOW, LIST_MS);
    return { ...windows.devicesIn(stderr), problem: null };
  }
  return nothing('Cameras and screens are not known on this system: use a file or an encoder of your own.');
}

const nothing = (problem: string): FoundDevices => ({ cameras: [], microphones: [], screens: [], problem });

async function listOnLinux(): Promise<FoundDevices> {
  const display = process.env['DISPLAY'] ?? '';
  const hasDisplay = /^[A-Za-z0-9._-]*:\d+(\.\d+)?$/.test(display);
  const [nodes, microphones, monitors] = await Promise.all([
    videoNodes(),
    listMicrophones(),
    hasDisplay ? printedBy('xrandr', ['--listmonitors'], LIST_MS) : null,
  ]);
  return {
    cameras: linux.camerasIn(nodes),
    microphones,
    screens: monitors ? linux.monitorsIn(monitors.stdout.toString('utf8'), display) : [],
    problem: screenProblem(hasDisplay),
  };
}

function screenProblem(hasDisplay: boolean): string | null {
  if (!hasDisplay) return 'No screen can be captured: this program was started without an X display.';
  const isWayland = process.env['XDG_SESSION_TYPE'] === 'wayland' || process.env['WAYLAND_DISPLAY'] !== undefined;
  return isWayland ? 'Under Wayland only windows of X programs are seen: log in to an X session to show it all.' : null;
}

const V4L = '/sys/class/video4linux';

async function videoNodes(): Promise<linux.VideoNode[]> {
  try {
    const text = async (node: string, field: string): Promise<string> =>
      (await readFile(`${V4L}/${node}/${field}`, 'utf8')).trim();
    return await Promise.all(
      (await readdir(V4L)).map(async (node) => ({
        node,
        name: await text(node, 'name'),
        index: Number(await text(node, 'index')),
      })),
    );
  } catch {
    return []; // this machine has no camera, or one was pulled out just now
  }
}

async function listMicrophones(): Promise<Device[]> {
  const pulse = await printedBy('pactl', ['list', 'sources'], LIST_MS);
  if (pulse.code === 0) return linux.pulseSourcesIn(pulse.stdout.toString('utf8'));
  const alsa = await printedBy('arecord', ['-l'], LIST_MS);
  return alsa.code === 0 ? linux.alsaCardsIn(alsa.stdout.toString('utf8')) : [];
}

/** @returns why not, as a sentence, when something of it is not in the list any more */
export async function openDevices(ffmpeg: string, source: DeviceSource, preset: Preset): Promise<Input | string> {
  const found = await listDevices(ffmpeg);
  const picture = source.kind === 'camera' ? source.camera : source.screen;
  if (!(source.kind === 'camera' ? found.cameras : found.screens).some(({ id }) => id === picture))
    return `That ${source.kind} is not there any more: choose another.`;
  if (source.microphone !== null && !found.microphones.some(({ id }) => id === source.microphone))
    return 'That microphone is not there any more: choose another.';
  if (process.platform === 'darwin') return openOnMac(ffmpeg, picture, source.microphone, preset);
  if (process.platform === 'win32') return openOnWindows(source, source.microphone, preset);
  return {
    kind: 'devices',
    picture:
      source.kind === 'camera'
        ? linux.cameraArgs(picture, preset, await compresses(ffmpeg, picture, preset))
        : linux.screenArgs(picture, preset),
    sound: source.microphone === null ? null : linux.microphoneArgs(source.microphone),
    soundIsInPicture: false,
  };
}

async function compresses(ffmpeg: string, camera: string, preset: Preset): Promise<boolean> {
  const args = ['-hide_banner', '-f', 'v4l2', '-list_formats', 'all', '-i', camera];
  return linux.compressesAt((await printedBy(ffmpeg, args, LIST_MS)).stderr, preset);
}

async function openOnMac(
  ffmpeg: string,
  picture: string,
  microphone: string | null,
  preset: Preset,
): Promise<Input | string> {
  const { stderr } = await printedBy(ffmpeg, LIST_AVFOUNDATION, LIST_MS);
  const video = macos.indexOf(stderr, 'video', picture);
  const audio = microphone === null ? null : macos.indexOf(stderr, 'audio', microphone);
  if (video === null || (microphone !== null && audio === null))
    return 'That device is not there any more: choose another.';
  const args = macos.inputArgs(video, audio, preset);
  return { kind: 'devices', picture: args, sound: null, soundIsInPicture: audio !== null };
}

function openOnWindows(source: DeviceSource, microphone: string | null, preset: Preset): Input {
  if (source.kind === 'camera') {
    const picture = windows.cameraArgs(source.camera, microphone, preset);
    return { kind: 'devices', picture, sound: null, soundIsInPicture: microphone !== null };
  }
  const sound = microphone === null ? null : windows.microphoneArgs(microphone);
  return { kind: 'devices', picture: windows.screenArgs(preset), sound, soundIsInPicture: false };
}
