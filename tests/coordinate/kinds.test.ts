// Media as it comes: of each kind, made by ffmpeg, what is done with it, what the broadcaster is told, and what viewers get of it.
import { readdirSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AAC, clip, file, H264, PICTURE, pipe, post, probe, SOUND, stand, type Stand } from './harness.ts';

const LENGTH = ['-t', '2'];
const both = [...PICTURE, ...SOUND];
const LARGER = ['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=30'];
const avc = (pixels: string): string[] => [...H264.slice(0, -1), pixels];
const HEVC = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=30'];
const TS = ['-f', 'mpegts'];
const FRAGMENTED = ['-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov'];
/** Pictures of a television camera, in fields. */
const FIELDS = [
  '-f',
  'lavfi',
  '-i',
  'smptebars=s=320x240:r=50',
  '-vf',
  'scroll=h=0.02,tinterlace=4,fieldorder=tff',
  '-flags',
  '+ilme+ildct',
];
/** AC-3 first, then AAC. */
const TWO_SOUNDS = ['-map', '0', '-map', '1', '-map', '1', '-c:a:0', 'ac3', '-c:a:1', 'aac'];

/** One stream after the other, in a container whose head knows of the first only. */
async function joined(first: string[], second: string[], container: string[]): Promise<Buffer> {
  const bare = await Promise.all([first, second].map((args) => clip([...args, '-t', '1', '-f', 'h264'])));
  return pipe(Buffer.concat(bare), ['-f', 'h264', '-r', '30', '-i', 'pipe:0', '-c', 'copy', ...container]);
}

interface Kind {
  name: string;
  media: () => Promise<Buffer>;
  /** What the broadcaster is told at last. */
  how: RegExp;
  /** Size and least frames of each epoch. */
  pictures: [size: string, frames: number][];
  sound: boolean;
}

const SIZE = '320x180';
const AS_IT_IS = /, as it is$/;

const KINDS: Kind[] = [
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

describe('a kind of media', () => {
  let coordinate: Stand;
  beforeAll(async () => {
    coordinate = await stand();
  });
  afterAll(() => coordinate.close());

  it.each(KINDS)('[I12] $name', { timeout: 60_000 }, async ({ name, media, how, pictures, sound }) => {
    const { forward, logs, url, dataDir } = coordinate;
    const { status, text } = await post(`${url}/stream/${name}`, await media());
    expect([status, text]).toEqual([200, 'ended\n']);
    await forward.until('ended', () => forward.stateOf(name) === 'ended');
    expect(logs.findLast((line) => line['stream'] === name && line['msg'] === 'push taken in')?.['how']).toMatch(how);
    const epochs = [...new Set(forward.of(name).map((u) => u.epoch))];
    const told = await Promise.all(epochs.map((epoch) => probe(forward.media(name, epoch))));
    expect(told.map(({ errors }) => errors).join('')).toBe('');
    expect(told.map(({ size }) => size)).toEqual(pictures.length > 0 ? pictures.map(([size]) => size) : [null]);
    for (const [i, [, frames]] of pictures.entries()) expect(told[i]?.frames).toBeGreaterThanOrEqual(frames);
    expect(told[0]?.audio).toBe(sound);
    expect(readdirSync(dataDir).includes('spool') ? readdirSync(path.join(dataDir, 'spool')) : []).toEqual([]);
  });

  it.each([
    ['mpeg2', ['-c:v', 'mpeg2video', '-b:v', '4M']],
    ['h264-422', ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv422p']],
  ])('[I12] %s in fields comes out as whole pictures', { timeout: 60_000 }, async (name, codec) => {
    const media = await clip([...FIELDS, ...codec, ...LENGTH, ...TS]);
    await post(`${coordinate.url}/stream/${name}`, media);
    const { forward } = coordinate;
    await forward.until('ended', () => forward.stateOf(name) === 'ended');
    const [before, after] = [await combed(media), await combed(forward.media(name))];
    expect(before).toBeGreaterThan(5);
    expect(after).toBeLessThan(before / 20);
  });
});

const [WIDTH, HEIGHT] = [320, 240];
/** Lines that stick out of both their neighbours by this much are the other field's. */
const COMB = 40 * 40;

/** The share of the picture, in thousandths, in which every second line shows another moment. */
async function combed(media: Buffer): Promise<number> {
  const raw = await pipe(media, ['-i', 'pipe:0', '-an', '-f', 'rawvideo', '-pix_fmt', 'gray']);
  let count = 0;
  for (let at = WIDTH; at + WIDTH < raw.length; at++) {
    const y = Math.floor(at / WIDTH) % HEIGHT;
    if (y === 0 || y === HEIGHT - 1) continue;
    const [above, here, below] = [raw[at - WIDTH] ?? 0, raw[at] ?? 0, raw[at + WIDTH] ?? 0];
    if ((here - above) * (here - below) > COMB) count++;
  }
  return (1_000 * count) / raw.length;
}
