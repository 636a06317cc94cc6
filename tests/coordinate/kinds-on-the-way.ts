// Kinds of media by how they come: where they begin, what they are packed in, what changes on the
// way.
import { randomBytes } from 'node:crypto';
import { AAC, clip, file, H264, PICTURE, pipe } from './harness.ts';
import { AS_IT_IS, avc, both, FRAGMENTED, LENGTH, SIZE, TS, type Kind } from './kinds.ts';

const LARGER = ['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=30'];

/** One stream after the other, in a container whose head knows of the first only. */
async function joined(first: string[], second: string[], container: string[]): Promise<Buffer> {
  const bare = await Promise.all([first, second].map((args) => clip([...args, '-t', '1', '-f', 'h264'])));
  return pipe(Buffer.concat(bare), ['-f', 'h264', '-r', '30', '-i', 'pipe:0', '-c', 'copy', ...container]);
}

/**
 * The same film as a telephone writes it that was held upright: the first track's matrix turns it
 * by 90 degrees.
 */
function turned(mp4: Buffer): Buffer {
  const matrix = mp4.indexOf('tkhd', 0, 'latin1') + 4 + 40;
  for (const [i, value] of [0, 0x10000, 0, -0x10000, 0, 0].entries()) mp4.writeInt32BE(value, matrix + 4 * i);
  return mp4;
}

/** Where a stream begins, what it is packed in, and what changes on the way. */
export const WAYS: Kind[] = [
  // Where it begins, and what it is packed in.
  {
    name: 'ts-behind-junk',
    media: async () => Buffer.concat([randomBytes(5_000), await clip([...both, ...H264, ...AAC, ...LENGTH, ...TS])]),
    how: AS_IT_IS,
    pictures: [[SIZE, 59]],
    sound: true,
  },
  {
    name: 'ts-from-its-middle',
    media: async () => {
      const whole = await clip([...both, ...H264, ...AAC, '-t', '3', ...TS]);
      return whole.subarray(Math.floor(whole.length / 3) + 77);
    },
    how: AS_IT_IS,
    pictures: [[SIZE, 44]],
    sound: true,
  },
  {
    name: 'ts-192',
    media: () => clip([...both, ...H264, '-c:a', 'ac3', '-mpegts_m2ts_mode', '1', ...LENGTH, ...TS]),
    how: /AC-3; the picture is copied/,
    pictures: [[SIZE, 59]],
    sound: true,
  },
  {
    name: 'ts-damaged',
    media: async () => {
      const whole = await clip([...both, ...H264, ...AAC, ...LENGTH, ...TS]);
      return Buffer.concat([
        whole.subarray(0, 188 * 200),
        whole.subarray(188 * 203, 188 * 400),
        whole.subarray(188 * 400 + 50),
      ]);
    },
    how: AS_IT_IS,
    pictures: [[SIZE, 40]],
    sound: true,
  },
  {
    name: 'mp4-index-in-front',
    media: () => file([...both, ...H264, ...AAC, ...LENGTH, '-movflags', 'faststart'], 'a.mp4'),
    how: /remuxed/,
    pictures: [[SIZE, 60]],
    sound: true,
  },
  {
    name: 'mp4-index-at-the-end',
    media: () => file([...both, ...H264, ...AAC, ...LENGTH], 'a.mp4'),
    how: /remuxed/,
    pictures: [[SIZE, 60]],
    sound: true,
  },
  {
    name: 'mov-422',
    media: () => file([...both, ...avc('yuv422p'), ...AAC, ...LENGTH], 'a.mov'),
    how: /transcoded.*High 4:2:2/,
    pictures: [[SIZE, 60]],
    sound: true,
  },
  {
    name: 'mp4-turned',
    media: async () => turned(await file([...both, ...H264, ...AAC, ...LENGTH], 'a.mp4')),
    how: /H.264 of a turned camera; the sound is copied/,
    pictures: [['180x320', 60]],
    sound: true,
  },
  // What changes on the way.
  {
    name: 'flv-other-size',
    media: () => joined([...PICTURE, ...H264], [...LARGER, ...H264], ['-f', 'flv']),
    how: AS_IT_IS,
    pictures: [
      [SIZE, 30],
      ['640x360', 30],
    ],
    sound: false,
  },
  {
    name: 'mp4-other-size',
    media: () => joined([...PICTURE, ...H264], [...LARGER, ...H264], FRAGMENTED),
    how: AS_IT_IS,
    pictures: [
      [SIZE, 30],
      ['640x360', 30],
    ],
    sound: false,
  },
  {
    name: 'ts-other-pps',
    media: () => joined([...PICTURE, ...H264], [...PICTURE, ...H264, '-x264-params', 'chroma-qp-offset=8'], TS),
    how: AS_IT_IS,
    pictures: [
      [SIZE, 30],
      [SIZE, 29],
    ],
    sound: false,
  },
  {
    name: 'flv-other-pps',
    media: () =>
      joined([...PICTURE, ...H264], [...PICTURE, ...H264, '-x264-params', 'chroma-qp-offset=8'], ['-f', 'flv']),
    how: AS_IT_IS,
    pictures: [
      [SIZE, 30],
      [SIZE, 30],
    ],
    sound: false,
  },
  {
    name: 'ts-then-422',
    media: () => joined([...PICTURE, ...H264], [...PICTURE, ...avc('yuv422p')], TS),
    how: /transcoded.*High 4:2:2/,
    pictures: [
      [SIZE, 30],
      [SIZE, 29],
    ],
    sound: false,
  },
  {
    name: 'flv-then-422',
    media: () => joined([...PICTURE, ...H264], [...PICTURE, ...avc('yuv422p')], ['-f', 'flv']),
    how: /transcoded.*High 4:2:2/,
    pictures: [
      [SIZE, 30],
      [SIZE, 30],
    ],
    sound: false,
  },
  {
    name: 'mpeg2-other-size',
    media: async () =>
      Buffer.concat([
        await clip([...PICTURE, '-c:v', 'mpeg2video', '-t', '1', ...TS]),
        await clip([...LARGER, '-c:v', 'mpeg2video', '-t', '1', '-output_ts_offset', '1', ...TS]),
      ]),
    how: /MPEG-2 video/,
    pictures: [[SIZE, 56]], // ffmpeg goes on in the first size
    sound: false,
  },
];
