// From what was asked for to what ffmpeg is run with, on this machine, now.
import type { PresetName, Source } from '../../../protocol/capture-state.ts';
import { captureArgs, type Input } from './args.ts';
import { openDevices } from './devices.ts';
import type { Plan } from './feed.ts';
import type { FfmpegProbe, Probed } from './ffmpeg-facts.ts';
import { mediaFile } from './media-folder.ts';
import { PRESETS, type Preset } from './presets.ts';

export type CapturedSource = Exclude<Source, { kind: 'external' }>;

/**
 * @returns a sentence when it can't be done
 * @throws StartError(ffmpegMissing)
 */
export async function planFor(
  source: CapturedSource,
  presetName: PresetName,
  { probe, mediaFolder }: { probe: FfmpegProbe; mediaFolder: string },
): Promise<Plan | string> {
  const probed = await probe.probe();
  if (probed.encoder === null)
    return 'This ffmpeg has no H.264 encoder that works here: install a full build of ffmpeg.';
  const preset = PRESETS[presetName];
  const input = await inputFor(source, preset, probed, mediaFolder);
  if (typeof input === 'string') return input;
  return {
    asked: { source, preset: presetName },
    ffmpeg: probed.path,
    args: captureArgs(input, preset, probed.encoder),
    encoder: probed.encoder,
    devices: devicesOf(source),
  };
}

async function inputFor(
  source: CapturedSource,
  preset: Preset,
  { path, drawsText }: Probed,
  mediaFolder: string,
): Promise<Input | string> {
  switch (source.kind) {
    case 'test':
      return { kind: 'test', drawsText };
    case 'file': {
      const file = await mediaFile(mediaFolder, source.file);
      return file === null
        ? 'That file is not in the media folder: choose one of the list.'
        : { kind: 'file', path: file };
    }
    case 'camera':
    case 'screen':
      return openDevices(path, source, preset);
  }
}

/** A screen may be captured twice, a camera or microphone may not. */
function devicesOf(source: CapturedSource): string[] {
  if (source.kind !== 'camera' && source.kind !== 'screen') return [];
  return [source.kind === 'camera' ? source.camera : null, source.microphone].filter((id) => id !== null);
}
