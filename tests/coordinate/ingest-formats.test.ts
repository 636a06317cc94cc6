// Every kind of push that is known, made by ffmpeg and played into a real coordinate: what the
// forward gets is sealed, complete and decodes without an error.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FLAG } from '../../protocol/chunk.ts';
import { AAC, H264, live, PICTURE, probe, SOUND, stand, type Stand } from './harness.ts';

const SECONDS = 1.5;
const LENGTH = ['-t', String(SECONDS)];
const FRAMES = 30 * SECONDS;
const both = [...live(PICTURE), ...live(SOUND)];
const mp4 = (flags: string): string[] => ['-f', 'mp4', '-movflags', flags];

interface Kind {
  name: string;
  args: string[];
  picture: boolean;
  sound: boolean;
  /** It goes through ffmpeg. */
  through: boolean;
  /** What ffmpeg may leave out at the ends. */
  missing?: number;
}

const KINDS: Kind[] = [
  { name: 'flv', args: [...live(PICTURE), ...H264, '-f', 'flv'], picture: true, sound: false, through: false },
  { name: 'flv-both', args: [...both, ...H264, ...AAC, '-f', 'flv'], picture: true, sound: true, through: false },
  { name: 'flv-sound', args: [...live(SOUND), ...AAC, '-f', 'flv'], picture: false, sound: true, through: false },
  { name: 'ts', args: [...live(PICTURE), ...H264, '-f', 'mpegts'], picture: true, sound: false, through: false },
  { name: 'ts-both', args: [...both, ...H264, ...AAC, '-f', 'mpegts'], picture: true, sound: true, through: false },
  { name: 'ts-sound', args: [...live(SOUND), ...AAC, '-f', 'mpegts'], picture: false, sound: true, through: false },
  {
    name: 'ts-b-frames',
    args: [...live(PICTURE), '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '15', '-f', 'mpegts'],
    picture: true,
    sound: false,
    through: false,
  },
  {
    name: 'mp4-each-frame',
    args: [...both, ...H264, ...AAC, ...mp4('frag_every_frame+empty_moov+default_base_moof')],
    picture: true,
    sound: true,
    through: false,
  },
  {
    name: 'mp4-long-fragments',
    args: [...both, ...H264, ...AAC, ...mp4('frag_keyframe+empty_moov')],
    picture: true,
    sound: true,
    through: false,
  },
  { name: 'mkv', args: [...both, ...H264, ...AAC, '-f', 'matroska'], picture: true, sound: true, through: true },
  {
    name: 'webm',
    args: [...both, '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus', '-f', 'webm'],
    picture: true,
    sound: true,
    through: true,
    missing: 4,
  },
  {
    name: 'ts-mpeg2',
    args: [...both, '-c:v', 'mpeg2video', '-g', '15', '-c:a', 'mp2', '-f', 'mpegts'],
    picture: true,
    sound: true,
    through: true,
    missing: 4,
  },
  {
    name: 'flv-h263-mp3',
    args: [...live(PICTURE), ...live(SOUND), '-c:v', 'flv1', '-c:a', 'libmp3lame', '-ar', '44100', '-f', 'flv'],
    picture: true,
    sound: true,
    through: true,
    missing: 4,
  },
  {
    name: 'h264-annexb',
    args: [...live(PICTURE), ...H264, '-r', '25', '-f', 'h264'],
    picture: true,
    sound: false,
    through: true,
    missing: 10, // a raw stream carries no times
  },
  {
    name: 'mpeg-ps',
    args: [...both, '-f', 'mpeg', '-c:v', 'mpeg1video'],
    picture: true,
    sound: true,
    through: true,
    missing: 6,
  },
  {
    name: 'avi',
    args: [...both, '-c:v', 'mjpeg', '-q:v', '9', '-c:a', 'pcm_s16le', '-f', 'avi'],
    picture: true,
    sound: true,
    through: true,
    missing: 4,
  },
  { name: 'ogg', args: [...live(SOUND), '-c:a', 'libopus', '-f', 'ogg'], picture: false, sound: true, through: true },
  { name: 'wav', args: [...live(SOUND), '-f', 'wav'], picture: false, sound: true, through: true },
];

describe('a push of every kind', () => {
  let coordinate: Stand;
  beforeAll(async () => {
    coordinate = await stand();
  });
  afterAll(() => coordinate.close());

  it.concurrent.each(KINDS)(
    '[I1] $name',
    { timeout: 40_000 },
    async ({ name, args, picture, sound, through, missing = 0 }) => {
      const { forward } = coordinate;
      const { ended } = coordinate.push(name, [...args.slice(0, -2), ...LENGTH, ...args.slice(-2)]);
      const { stderr } = await ended;
      expect(stderr).toBe('');
      await forward.until(`${name} ended`, () => forward.stateOf(name) === 'ended');
      expect(await forward.faults(name)).toEqual([]);
      const units = forward.of(name).filter((u) => u.unit > 0);
      expect(units[0]?.flags).toBe(FLAG.key);
      expect(new Set(units.map((u) => u.epoch)).size).toBe(1);
      const told = await probe(forward.media(name));
      expect(told.errors).toBe('');
      expect(told.audio).toBe(sound);
      expect(told.size).toBe(picture ? '320x180' : null);
      if (picture) {
        // What an encoder that starts late on a busy machine sends at once may be left out up to
        // its newest keyframe.
        const end = coordinate.logs.find((line) => line['stream'] === name && line['msg'] === 'push ended');
        expect(told.frames + Number(end?.['skipped'])).toBeGreaterThanOrEqual(FRAMES - missing);
        expect(told.frames).toBeLessThanOrEqual(FRAMES + 2);
        // A raw stream's frames have the times of their arrival, and those of a busy encoder.
        const raw = name === 'h264-annexb';
        if (!raw) expect(units.filter((u) => u.durationMs > 120).length).toBeLessThanOrEqual(1);
      }
      // Source times never go back [I8].
      const times = units.map((unit) => unit.sourceMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(coordinate.logs.some((line) => line['stream'] === name && String(line['how']).includes('ffmpeg'))).toBe(
        through,
      );
    },
  );
});
