// The sizes and rates that can be chosen. A mesh wants a flat rate: what one frame takes more, everybody's uplink has to carry.
import type { PresetName } from '../../../protocol/capture-state.ts';

export interface Preset {
  width: number;
  height: number;
  framesPerSecond: number;
  videoBitsPerSecond: number;
  audioBitsPerSecond: number;
}

const AT_30 = { framesPerSecond: 30, audioBitsPerSecond: 96_000 };

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  '360p': { width: 640, height: 360, videoBitsPerSecond: 800_000, ...AT_30 },
  '480p': { width: 854, height: 480, videoBitsPerSecond: 1_200_000, ...AT_30 },
  '720p': { width: 1_280, height: 720, videoBitsPerSecond: 2_500_000, ...AT_30 },
  '1080p': { width: 1_920, height: 1_080, videoBitsPerSecond: 4_500_000, ...AT_30 },
};

/** What a camera is asked for: 854 x 480 is a size that hardly any has, and the next larger one keeps the picture's shape. */
export const cameraSize = ({ width, height }: Preset): string => (width === 854 ? '1280x720' : `${width}x${height}`);
