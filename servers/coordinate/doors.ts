// A door that turns out to be another one on the way, and what people are told of each. Pure.
import type { Handover } from './media/sample.ts';
import type { DirectDoor, Door, FfmpegDoor } from './media/sniff.ts';

/** What was taken as it is goes through ffmpeg from here on. */
export function handedOver(door: DirectDoor, halt: Handover): FfmpegDoor {
  return {
    direct: false,
    format: door.format === 'adts' ? 'aac' : door.format,
    copyVideo: halt.handover !== 'video',
    copyAudio: halt.handover !== 'audio',
    ...halt.specifiers,
    picture: halt.handover === 'video',
    interlaced: halt.interlaced,
    timeless: door.timeless,
    what: [halt.what],
  };
}

/**
 * What ffmpeg was to copy turned out, by what came of it, to be something that must be transcoded.
 */
export const refinedDoor = (door: FfmpegDoor, halt: Handover): FfmpegDoor => ({
  ...door,
  copyVideo: door.copyVideo && halt.handover !== 'video',
  copyAudio: door.copyAudio && halt.handover !== 'audio',
  picture: door.picture || halt.handover === 'video',
  interlaced: halt.handover === 'video' ? halt.interlaced : door.interlaced,
  what: [...door.what, halt.what],
});

/** One sentence, for the broadcaster. */
export function howOf(door: Door, arrival: boolean): string {
  const times = arrival ? ', timed by its arrival' : '';
  if (door.direct) return `${door.format}, as it is${times}`;
  if (door.what.length === 0) return `${door.format}, remuxed by ffmpeg${times}`;
  const copied = door.copyVideo ? '; the picture is copied' : door.copyAudio ? '; the sound is copied' : '';
  const advice = 'push H.264 (4:2:0, 8 bits) and AAC to spare that';
  return `${door.format}, transcoded by ffmpeg${times} (${door.what.join(' and ')}${copied}): ${advice}`;
}
