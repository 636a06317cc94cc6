// An encoder of its own, as a person starts one: a moving test picture, pushed as FLV.
import { findFfmpeg } from '../../servers/shared/ffmpeg.ts';
import { start, type Owned } from './processes.ts';

/**
 * Whoever calls this stops it.
 * @param size such as 640x360
 * @param more arguments of ffmpeg's for the output, such as `-t 6`
 */
export const startEncoder = (push: string, size: string, more: readonly string[] = []): Owned =>
  start(findFfmpeg() ?? 'ffmpeg', [
    '-v',
    'error',
    '-re',
    '-f',
    'lavfi',
    '-i',
    `testsrc2=s=${size}:r=30`,
    ...more,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-pix_fmt',
    'yuv420p',
    '-g',
    '30',
    '-f',
    'flv',
    push,
  ]);
