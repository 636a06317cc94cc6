// The times of pushed MP4 against ffmpeg's own reading of it: negative composition offsets, edit
// lists, tracks that begin late.
import { describe, expect, it } from 'vitest';
import { Mp4Demuxer } from '../../servers/coordinate/media/mp4-demux.ts';
import type { Sample } from '../../servers/coordinate/media/sample.ts';
import { AAC, clip, PICTURE, pipe, SOUND } from './harness.ts';

const REORDERED = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '30', '-pix_fmt', 'yuv420p'];
const both = [...PICTURE, ...SOUND];
const late = [...PICTURE, '-itsoffset', '0.5', ...SOUND];
const mp4 = (flags: string): string[] => ['-t', '2', '-f', 'mp4', '-movflags', flags];

const FRAME_US = 1e6 / 30;

/** With when the pictures begin in truth, counted from the sound, where the file tells it. */
const KINDS: [name: string, args: string[], apartUs?: number][] = [
  ['offsets above zero', [...both, ...REORDERED, ...AAC, ...mp4('frag_keyframe+empty_moov+default_base_moof')]],
  ['offsets below zero', [...both, ...REORDERED, ...AAC, ...mp4('frag_keyframe+empty_moov+negative_cts_offsets')], 0],
  [
    'a fragment a frame, offsets below zero',
    [...both, ...REORDERED, ...AAC, ...mp4('frag_every_frame+empty_moov+negative_cts_offsets')],
    0,
  ],
  ['edit lists', [...both, ...REORDERED, ...AAC, ...mp4('frag_keyframe+delay_moov')], 0],
  [
    'edit lists, sound half a second late',
    [...late, ...REORDERED, ...AAC, ...mp4('frag_keyframe+delay_moov')],
    -500_000,
  ],
];

function samplesOf(media: Buffer): Sample[] {
  const samples: Sample[] = [];
  const demuxer = new Mp4Demuxer({ tracks: () => {}, config: () => {}, sample: (sample) => void samples.push(sample) });
  expect(demuxer.push(media)).toBe(null);
  return samples;
}

/** Presentation times in microseconds of one track, as ffmpeg reads them. */
async function readByFfmpeg(media: Buffer, track: 'v' | 'a'): Promise<number[]> {
  const text = (
    await pipe(media, ['-copyts', '-i', 'pipe:0', '-map', `0:${track}`, '-c', 'copy', '-copyts', '-f', 'framecrc'])
  ).toString();
  const [, num, den] = /#tb 0: (\d+)\/(\d+)/.exec(text) ?? [];
  return [...text.matchAll(/^0,\s*-?\d+,\s*(-?\d+),/gm)].map(
    ([, pts]) => (Number(pts) * Number(num) * 1e6) / Number(den),
  );
}

describe('pushed MP4', () => {
  it.each(KINDS)('[I1] %s: sound and picture are as far apart as ffmpeg has them', async (name, args, known) => {
    const media = await clip(args);
    const samples = samplesOf(media);
    const of = (track: 'video' | 'audio'): Sample[] => samples.filter((s) => s.track === track);
    const shown = of('video')
      .map((s) => s.ptsUs)
      .toSorted((a, b) => a - b);
    const heard = of('audio').map((s) => s.ptsUs);
    const [picture, sound] = [await readByFfmpeg(media, 'v'), await readByFfmpeg(media, 'a')];
    expect(shown).toHaveLength(60);
    const apart = (shown[0] ?? 0) - (heard[0] ?? 0);
    const apartThere = Math.min(...picture) - (sound[0] ?? 0);
    // Less than a frame of sound, which may be left out at the beginning. Offsets below zero ffmpeg
    // lifts by a picture; the encoder's own times have none of that.
    expect(Math.abs(apart - apartThere)).toBeLessThan(name.includes('below') ? 34_000 : 25_000);
    if (known !== undefined) expect(Math.abs(apart - known)).toBeLessThan(25_000);
    for (const [i, us] of shown.entries()) expect(Math.abs(us - (shown[0] ?? 0) - i * FRAME_US)).toBeLessThan(100);
    for (const [i, s] of of('video').entries()) {
      expect(s.ptsUs).toBeGreaterThanOrEqual(s.dtsUs - 100); // a tick
      if (i > 0) expect(s.dtsUs).toBeGreaterThan(of('video')[i - 1]?.dtsUs ?? 0);
    }
  });
});
