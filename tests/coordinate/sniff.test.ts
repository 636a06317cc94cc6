// One table of first bytes: what they are taken for.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_SNIFF_BYTES, sniff, type Door } from '../../servers/coordinate/media/sniff.ts';
import { normaliseArgs } from '../../servers/coordinate/normalise-args.ts';

const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
const hex = (text: string): number[] => [...Buffer.from(text.replaceAll(' ', ''), 'hex')];
const transcoded = (format: string): Door => ({ format, direct: false, copyVideo: false, copyAudio: false });
const flvTag = (type: number, first: number): number[] => [type, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, first, 0, 0, 0, 0, 13];
const flv = (flags: number, ...tags: number[][]): Buffer => bytes('FLV', [1, flags, 0, 0, 0, 9, 0, 0, 0, 0], ...tags);

/** A transport packet whose payload is this section. */
function tsPacket(pid: number, section: number[]): number[] {
  const packet = [0x47, 0x40 | (pid >> 8), pid & 255, 0x10, 0, ...section];
  return [...packet, ...Array.from({ length: 188 - packet.length }, () => 0xff)];
}
const pat = tsPacket(0, hex('00 b00d 0001 c1 00 00 0001 e100 00000000'));
function pmt(...streams: [type: number, pid: number][]): number[] {
  const list = streams.flatMap(([type, pid]) => [type, 0xe0 | (pid >> 8), pid & 255, 0xf0, 0]);
  return tsPacket(0x100, [2, 0xb0, 13 + list.length, 0, 1, 0xc1, 0, 0, 0xe1, 0, 0xf0, 0, ...list, 0, 0, 0, 0]);
}
const filler = [0x47, 0x1f, 0xff, 0x10, ...Array.from({ length: 184 }, () => 0xff)];
const ts = (...streams: [number, number][]): Buffer => bytes(pat, pmt(...streams), filler, [0x47]);

const box = (type: string, ...body: Buffer[]): Buffer => {
  const inner = Buffer.concat(body);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(inner.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, inner]);
};
const mp4 = (...entries: string[]): Buffer =>
  Buffer.concat([
    box('ftyp', Buffer.from('isom')),
    box('moov', ...entries.map((e) => box('stsd', box(e))), box('mvex')),
  ]);

const DOORS: [name: string, first: Buffer, door: Door][] = [
  ['FLV, H.264 and AAC', flv(5, flvTag(9, 0x17), flvTag(8, 0xaf)), { format: 'flv', direct: true }],
  ['FLV, H.264 alone', flv(1, flvTag(9, 0x17)), { format: 'flv', direct: true }],
  [
    'FLV, Sorenson and AAC',
    flv(5, flvTag(9, 0x12), flvTag(8, 0xaf)),
    { format: 'flv', direct: false, copyVideo: false, copyAudio: true },
  ],
  [
    'FLV with a codec by four letters',
    flv(1, flvTag(9, 0x97)),
    { format: 'flv', direct: false, copyVideo: false, copyAudio: true },
  ],
  ['TS, H.264 and AAC', ts([0x1b, 0x101], [0x0f, 0x102]), { format: 'mpegts', direct: true }],
  [
    'TS, H.264 and MP2',
    ts([0x1b, 0x101], [0x03, 0x102]),
    { format: 'mpegts', direct: false, copyVideo: true, copyAudio: false },
  ],
  ['TS, H.265', ts([0x24, 0x101]), transcoded('mpegts')],
  ['fragmented MP4', mp4('avc1', 'mp4a'), { format: 'mp4', direct: true }],
  ['fragmented MP4, H.265', mp4('hvc1'), transcoded('mp4')],
  [
    'Matroska, H.264 and Opus',
    bytes(hex('1a45dfa3'), 'V_MPEG4/ISO/AVC A_OPUS', hex('1f43b675')),
    { format: 'matroska', direct: false, copyVideo: true, copyAudio: false },
  ],
  ['WebM', bytes(hex('1a45dfa3'), 'V_VP8 A_VORBIS', hex('1f43b675')), transcoded('matroska')],
  ['MPEG-1 video', bytes(hex('000001b3 140 0f0 13 ffffe018'.replaceAll(' ', ''))), transcoded('mpegvideo')],
  ['MPEG programme stream', bytes(hex('000001ba44000400')), transcoded('mpeg')],
  ['H.264 Annex B', bytes(hex('00000001 67 42c01e')), transcoded('h264')],
  ['H.264 behind a short code', bytes(hex('000001 09 f0')), transcoded('h264')],
  ['H.265 Annex B', bytes(hex('00000001 40 01 0c01')), transcoded('hevc')],
  ['Ogg', bytes('OggS', [0, 2]), transcoded('ogg')],
  ['AVI', bytes('RIFF', [1, 2, 3, 4], 'AVI LIST'), transcoded('avi')],
  ['WAVE', bytes('RIFF', [1, 2, 3, 4], 'WAVEfmt '), transcoded('wav')],
  ['AAC in ADTS', bytes(hex('fff15080')), transcoded('aac')],
  ['MP3', bytes(hex('fffb9064')), transcoded('mp3')],
  ['Motion JPEG', bytes(hex('ffd8ffe0')), transcoded('mjpeg')],
  ['YUV4MPEG', bytes('YUV4MPEG2 W320'), transcoded('yuv4mpegpipe')],
  ['IVF', bytes('DKIF', [0, 0]), transcoded('ivf')],
];

const REFUSED: [name: string, first: Buffer, sentence: RegExp][] = [
  ['nothing', Buffer.alloc(0), /Nothing was sent/],
  ['an HLS playlist', bytes('#EXTM3U\n#EXT-X-VERSION:3\n'), /a playlist/],
  ['a concat script', bytes('ffconcat version 1.0\nfile x\n'), /a concat script/],
  ['a bare concat script', bytes("file '/etc/passwd'\n"), /a concat script/],
  ['a session description', bytes('v=0\r\no=- 0 0 IN IP4 1.2.3.4\r\n'), /SDP/],
  ['a DASH manifest', bytes('<?xml version="1.0"?><MPD>'), /a manifest/],
  ['an address', bytes('https://example.org/live.m3u8'), /an address/],
  ['an MP4 with its index at the end', Buffer.concat([box('ftyp'), box('mdat', Buffer.alloc(64))]), /index at the end/],
  ['a PNG', bytes(hex('89504e470d0a1a0a'), Buffer.alloc(40).toString('latin1')), /no media format/],
];

describe('what a push is', () => {
  it.each(DOORS)('[I6] %s', (_name, first, door) => {
    expect(sniff(first, true)).toEqual({ is: 'door', door });
    // Its beginning alone never leads elsewhere: more is asked for, or the same is said.
    for (let length = 1; length < first.length; length++) {
      const early = sniff(first.subarray(0, length));
      if (early.is === 'door') expect(early.door.format).toBe(door.format);
      else expect(early.is).toBe('more');
    }
  });

  it.each(REFUSED)('[I6] %s is refused', (_name, first, sentence) => {
    const said = sniff(first, true);
    expect(said.is === 'refused' && said.refusal.reason).toBe('unsupported-media');
    expect(said.is === 'refused' && said.refusal.detail).toMatch(sentence);
  });

  it('[I6] decides about anything at the limit, and never throws', () => {
    const prefix = fc.constantFrom(...DOORS.map(([, first]) => first), Buffer.alloc(0));
    fc.assert(
      fc.property(prefix, fc.uint8Array({ maxLength: 600 }), fc.boolean(), (first, rest, ended) => {
        const said = sniff(Buffer.concat([first, rest]), ended);
        if (ended) expect(said.is).not.toBe('more');
      }),
    );
    const zeros = sniff(Buffer.concat([box('ftyp'), Buffer.alloc(MAX_SNIFF_BYTES)]), true);
    expect(zeros.is).toBe('refused');
  });
});

describe('the arguments of ffmpeg', () => {
  const doors = DOORS.flatMap(([, , door]) => (door.direct ? [] : [door]));

  it.each(doors)('[I6] name the format and may follow nothing: $format', (door) => {
    const args = normaliseArgs(door);
    const input = args.indexOf('-i');
    expect(args.slice(input - 2, input + 2)).toEqual(['-f', door.format, '-i', 'pipe:0']);
    expect(args.slice(0, input).join(' ')).toContain('-protocol_whitelist pipe');
    expect(args.at(-1)).toBe('pipe:1');
    expect(args.join(' ')).not.toContain('nobuffer');
  });

  it('copies what viewers can play and transcodes the rest', () => {
    const args = (copyVideo: boolean, copyAudio: boolean): string =>
      normaliseArgs({ direct: false, format: 'mpegts', copyVideo, copyAudio }).join(' ');
    expect(args(true, false)).toMatch(/-c:v copy -c:a aac/);
    expect(args(false, true)).toMatch(/-c:v libx264 .*-tune zerolatency.* -c:a copy -bsf:a aac_adtstoasc/);
  });
});
