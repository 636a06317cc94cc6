// Transport streams that are not as they should be: packets lost and repeated, PES without times,
// pictures cut into several PES, times that wrap.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Sample } from '../../servers/coordinate/media/sample.ts';
import { TsDemuxer } from '../../servers/coordinate/media/ts-demux.ts';
import { AAC, clip, H264, PICTURE, SOUND } from './harness.ts';

const PACKET = 188;
const VIDEO_PID = 0x100;
const TS = ['-f', 'mpegts'];

function take(media: Uint8Array): Sample[] {
  const samples: Sample[] = [];
  const demuxer = new TsDemuxer({ tracks: () => {}, config: () => {}, sample: (sample) => void samples.push(sample) });
  expect(demuxer.push(media)).toBe(null);
  return samples;
}

const of = (samples: readonly Sample[], track: 'video' | 'audio'): Sample[] => samples.filter((s) => s.track === track);
const pidOf = (packet: Buffer): number => packet.readUInt16BE(1) & 0x1fff;
const starts = (packet: Buffer): boolean => ((packet[1] ?? 0) & 0x40) !== 0;
const payloadAt = (packet: Buffer): number => (((packet[3] ?? 0) & 0x20) !== 0 ? 5 + (packet[4] ?? 0) : 4);

function packetsOf(media: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at + PACKET <= media.length; at += PACKET)
    packets.push(Buffer.from(media.subarray(at, at + PACKET)));
  return packets;
}

/** Packets of one PID, the last one stuffed. */
function packed(pid: number, bytes: Buffer, counter: { is: number }): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const left = bytes.length - at;
    const stuffing = Math.max(0, 184 - left);
    const head = [
      0x47,
      (at === 0 ? 0x40 : 0) | (pid >> 8),
      pid & 255,
      (stuffing > 0 ? 0x30 : 0x10) | (counter.is++ & 15),
    ];
    const field =
      stuffing === 0
        ? []
        : stuffing === 1
          ? [0]
          : [stuffing - 1, 0, ...Array.from({ length: stuffing - 2 }, () => 255)];
    const body = bytes.subarray(at, at + 184 - stuffing);
    packets.push(Buffer.concat([Buffer.from([...head, ...field]), body]));
    at += body.length;
  }
  return packets;
}

let media: Buffer;
let whole: Sample[];
beforeAll(async () => {
  media = await clip([...PICTURE, ...SOUND, ...H264, ...AAC, '-t', '2', ...TS]);
  whole = take(media);
});

describe('a transport stream', () => {
  it('[I12] with a packet missing lacks the picture that it belongs to, and nothing else', () => {
    const packets = packetsOf(media);
    const lost = packets.findIndex((packet, i) => i > 400 && pidOf(packet) === VIDEO_PID && !starts(packet));
    const samples = take(Buffer.concat(packets.toSpliced(lost, 1)));
    expect(of(samples, 'audio')).toHaveLength(of(whole, 'audio').length);
    expect(of(whole, 'video').length - of(samples, 'video').length).toBe(1);
    const known = new Set(of(whole, 'video').map((s) => Buffer.from(s.data).toString('hex')));
    expect(of(samples, 'video').every((s) => known.has(Buffer.from(s.data).toString('hex')))).toBe(true);
  });

  it('[I12] with repeated packets is the same', () => {
    const packets = packetsOf(media).flatMap((packet, i) =>
      i % 7 === 0 && pidOf(packet) !== 0x1fff ? [packet, packet] : [packet],
    );
    expect(take(Buffer.concat(packets))).toEqual(whole);
  });

  it('[I12] whose PES have no times goes on, one picture after the other', () => {
    let pictures = 0;
    const packets = packetsOf(media).map((packet) => {
      if (pidOf(packet) !== VIDEO_PID || !starts(packet)) return packet;
      const flags = payloadAt(packet) + 7;
      // Every picture behind the tenth: its header stays as long as it was.
      if (++pictures > 10) packet[flags] = (packet[flags] ?? 0) & 0x3f;
      return packet;
    });
    const samples = of(take(Buffer.concat(packets)), 'video');
    expect(samples).toHaveLength(of(whole, 'video').length);
    for (const [i, sample] of samples.entries())
      expect(Math.abs(sample.dtsUs - (of(whole, 'video')[i]?.dtsUs ?? 0))).toBeLessThan(1_000);
  });

  it('[I12] whose pictures are cut into several PES has them whole', async () => {
    // Large pictures, as one PES each: cut after 60,000 bytes as multiplexers with lengths do.
    const large = await clip([
      '-f',
      'lavfi',
      '-i',
      'nullsrc=s=1280x720:r=30,geq=random(1)*255:128:128',
      ...H264,
      '-qp',
      '20',
      '-t',
      '0.3',
      ...TS,
    ]);
    const expected = of(take(large), 'video');
    expect(Math.max(...expected.map((s) => s.data.length))).toBeGreaterThan(130_000);
    const counter = { is: 0 };
    const cut: Buffer[] = [];
    let pes: Buffer[] = [];
    const flush = (): void => {
      const joined = Buffer.concat(pes);
      pes = [];
      if (joined.length === 0) return;
      const headBytes = 9 + (joined[8] ?? 0);
      for (let at = 0; at < joined.length;) {
        const body = at === 0 ? joined.subarray(0, 60_006) : joined.subarray(at, at + 60_000);
        const head = at === 0 ? Buffer.alloc(0) : Buffer.from([0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0]);
        const one = Buffer.concat([head, body]);
        if (one.length >= 60_000 || at > 0) one.writeUInt16BE(one.length - 6, 4);
        expect(headBytes).toBeLessThan(60_000);
        cut.push(...packed(VIDEO_PID, one, counter));
        at += body.length;
      }
    };
    for (const packet of packetsOf(large)) {
      if (pidOf(packet) !== VIDEO_PID) {
        cut.push(packet);
        continue;
      }
      if (starts(packet)) flush();
      pes.push(packet.subarray(payloadAt(packet)));
    }
    flush();
    const samples = of(take(Buffer.concat(cut)), 'video');
    expect(samples.length).toBeGreaterThanOrEqual(expected.length - 1);
    for (const [i, sample] of samples.entries()) {
      expect(Buffer.compare(sample.data, expected[i]?.data ?? new Uint8Array())).toBe(0);
      expect(sample.dtsUs).toBe(expected[i]?.dtsUs);
    }
  });

  it('[I12] whose times wrap between its first picture and its first sound has them together', async () => {
    const late = [...PICTURE, '-itsoffset', '0.5', ...SOUND, ...H264, ...AAC, '-t', '2', '-muxdelay', '0'];
    const samples = take(await clip([...late, '-output_ts_offset', '95443.4', ...TS])); // 2^33 / 90 kHz is 95,443.7 s
    const [video, audio] = [of(samples, 'video'), of(samples, 'audio')];
    expect(Math.abs((audio[0]?.ptsUs ?? 0) - (video[0]?.ptsUs ?? 0) - 500_000)).toBeLessThan(100_000);
    for (const track of [video, audio])
      for (const [i, sample] of track.entries())
        if (i > 0) expect(sample.dtsUs - (track[i - 1]?.dtsUs ?? 0)).toBeLessThan(100_000);
  });
});
