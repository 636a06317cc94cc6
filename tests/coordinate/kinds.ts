// Kinds of media by what their tracks are, made by ffmpeg, and what is done with each.
import { AAC, clip, H264, PICTURE, SOUND } from './harness.ts';

export const LENGTH = ['-t', '2'];
export const both = [...PICTURE, ...SOUND];
export const avc = (pixels: string): string[] => [...H264.slice(0, -1), pixels];
const HEVC = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=30'];
export const TS = ['-f', 'mpegts'];
export const FRAGMENTED = ['-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov'];
/** AC-3 first, then AAC. */
const TWO_SOUNDS = ['-map', '0', '-map', '1', '-map', '1', '-c:a:0', 'ac3', '-c:a:1', 'aac'];

export interface Kind {
  name: string;
  media: () => Promise<Buffer>;
  /** What the broadcaster is told at last. */
  how: RegExp;
  /** Size and least frames of each epoch. */
  pictures: [size: string, frames: number][];
  sound: boolean;
}

export const SIZE = '320x180';
export const AS_IT_IS = /, as it is$/;

/** What many browsers can not decode, and what of several tracks is taken. */
export const TRACKS: Kind[] = [
  // What many browsers can not decode.
  {
    name: 'flv-422',
    media: () => clip([...both, ...avc('yuv422p'), ...AAC, ...LENGTH, '-f', 'flv']),
    how: /transcoded.*High 4:2:2.*sound is copied/,
    pictures: [[SIZE, 60]],
    sound: true,
  },
  {
    name: 'ts-444',
    media: () => clip([...both, ...avc('yuv444p'), ...AAC, ...LENGTH, ...TS]),
    how: /transcoded.*High 4:4:4/,
    pictures: [[SIZE, 59]],
    sound: true,
  },
  {
    name: 'mp4-10-bits',
    media: () => clip([...both, ...avc('yuv420p10le'), ...AAC, ...LENGTH, ...FRAGMENTED]),
    how: /transcoded.*High 10/,
    pictures: [[SIZE, 60]],
    sound: true,
  },
  {
    name: 'mkv-422-10-bits',
    media: () => clip([...both, ...avc('yuv422p10le'), ...AAC, ...LENGTH, '-f', 'matroska']),
    how: /transcoded.*4:2:2, 10 bits/,
    pictures: [[SIZE, 60]],
    sound: true,
  },
  {
    name: 'ts-422-mp2',
    media: () => clip([...both, ...avc('yuv422p'), '-c:a', 'mp2', ...LENGTH, ...TS]),
    how: /MPEG audio and H.264 High 4:2:2/,
    pictures: [[SIZE, 59]],
    sound: true,
  },
  {
    name: 'ts-hevc-ac3',
    media: () => clip([...both, ...HEVC, '-c:a', 'ac3', ...LENGTH, ...TS]),
    how: /HEVC and AC-3/,
    pictures: [[SIZE, 58]],
    sound: true,
  },
  {
    name: 'ts-hevc-opus',
    media: () => clip([...both, ...HEVC, '-c:a', 'libopus', ...LENGTH, ...TS]),
    how: /HEVC and Opus/,
    pictures: [[SIZE, 58]],
    sound: true,
  },
  {
    name: 'ts-mpeg2-eac3',
    media: () => clip([...both, '-c:v', 'mpeg2video', '-c:a', 'eac3', ...LENGTH, ...TS]),
    how: /MPEG-2 video and E-AC-3/,
    pictures: [[SIZE, 58]],
    sound: true,
  },
  {
    name: 'ts-latm',
    media: () => clip([...both, ...H264, ...AAC, '-mpegts_flags', 'latm', ...LENGTH, ...TS]),
    how: /AAC in LATM; the picture is copied/,
    pictures: [[SIZE, 59]],
    sound: true,
  },
  {
    name: 'mkv-av1',
    media: () => clip([...both, '-c:v', 'libsvtav1', '-preset', '12', '-c:a', 'libopus', ...LENGTH, '-f', 'matroska']),
    how: /AV1 and Opus/,
    pictures: [[SIZE, 58]],
    sound: true,
  },
  {
    name: 'adts-main',
    media: () => clip([...SOUND, ...AAC, '-profile:a', 'aac_main', ...LENGTH, '-f', 'adts']),
    how: /AAC Main/,
    pictures: [],
    sound: true,
  },
  // Of several the one that can be played.
  {
    name: 'ts-ac3-and-aac',
    media: () => clip([...both, ...H264, ...TWO_SOUNDS, ...LENGTH, ...TS]),
    how: AS_IT_IS,
    pictures: [[SIZE, 59]],
    sound: true,
  },
  {
    name: 'ts-two-programmes',
    media: () =>
      clip([
        ...both,
        ...PICTURE,
        '-map',
        '0',
        '-map',
        '1',
        '-map',
        '2',
        ...LENGTH,
        '-c:v:0',
        'mpeg2video',
        '-c:a',
        'ac3',
        '-c:v:1',
        'libx264',
        '-preset',
        'ultrafast',
        '-pix_fmt',
        'yuv420p',
        '-program',
        'program_num=1:st=0:st=1',
        '-program',
        'program_num=2:st=2',
        ...TS,
      ]),
    how: AS_IT_IS,
    pictures: [[SIZE, 59]],
    sound: false,
  },
];
