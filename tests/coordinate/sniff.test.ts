// One table of first bytes: what they are taken for.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DirectFormat } from '../../servers/coordinate/media/demuxer.ts';
import { MAX_SNIFF_BYTES, sniff, type Door } from '../../servers/coordinate/media/sniff.ts';
import { normaliseArgs, type NormaliseHow } from '../../servers/coordinate/normalise-args.ts';
import { AAC, clip, H264, PICTURE, SOUND } from './harness.ts';

const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
const hex = (text: string): number[] => [...Buffer.from(text.replaceAll(' ', ''), 'hex')];
type Expected = Partial<Door>;
const direct = (format: DirectFormat): Expected => ({ format, direct: true });
const through = (format: string, copyVideo: boolean, copyAudio: boolean): Expected => ({
  format,
  direct: false,
  copyVideo,
  copyAudio,
});
const transcoded = (format: string): Expected => through(format, false, false);
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
const ts = (...streams: [number, number][]): Buffer => bytes(pat, pmt(...streams), filler, filler, [0x47]);

const box = (type: string, ...body: Buffer[]): Buffer => {
  const inner = Buffer.concat(body);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(inner.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, inner]);
};
const DOORS: [name: string, first: Buffer, door: Expected][] = [
  ['FLV, H.264 and AAC', flv(5, flvTag(9, 0x17), flvTag(8, 0xaf)), direct('flv')],
  ['FLV, H.264 alone', flv(1, flvTag(9, 0x17)), direct('flv')],
  ['FLV, Sorenson and AAC', flv(5, flvTag(9, 0x12), flvTag(8, 0xaf)), through('flv', false, true)],
  [
    'FLV with a codec by four letters',
    flv(1, [9, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0x90, ...Buffer.from('hvc1')]),
    transcoded('flv'),
  ],
  ['TS, H.264 and AAC', ts([0x1b, 0x101], [0x0f, 0x102]), direct('mpegts')],
  ['TS, H.264, AC-3 and AAC', ts([0x1b, 0x101], [0x81, 0x102], [0x0f, 0x103]), direct('mpegts')],
  ['TS, H.264 and data of no known kind', ts([0xc5, 0x100], [0x1b, 0x101]), direct('mpegts')],
  ['TS behind other bytes', bytes('junk'.repeat(700), [...ts([0x1b, 0x101])]), direct('mpegts')],
  ['TS in packets of 192', spaced(ts([0x1b, 0x101]), 4, 0), direct('mpegts')],
  ['TS in packets of 204', spaced(ts([0x1b, 0x101]), 0, 16), direct('mpegts')],
  ['TS, H.264 and MP2', ts([0x1b, 0x101], [0x03, 0x102]), through('mpegts', true, false)],
  ['TS, H.265', ts([0x24, 0x101]), transcoded('mpegts')],
  [
    'TS, H.265 and AAC behind AC-3',
    ts([0x24, 0x101], [0x81, 0x102], [0x0f, 0x103]),
    { ...through('mpegts', false, true), audio: 'i:259' } as Expected,
  ],
  ['MPEG-1 video', bytes(hex('000001b3 140 0f0 13 ffffe018'.replaceAll(' ', ''))), transcoded('mpegvideo')],
  ['MPEG programme stream', bytes(hex('000001ba44000400')), transcoded('mpeg')],
  ['H.264 Annex B', bytes(hex('00000001 67 42c01e')), transcoded('h264')],
  ['H.264 behind a short code', bytes(hex('000001 09 f0')), transcoded('h264')],
  ['H.265 Annex B', bytes(hex('00000001 40 01 0c01')), transcoded('hevc')],
  ['Ogg', bytes('OggS', [0, 2]), transcoded('ogg')],
  ['AVI', bytes('RIFF', [1, 2, 3, 4], 'AVI LIST'), transcoded('avi')],
  ['WAVE', bytes('RIFF', [1, 2, 3, 4], 'WAVEfmt '), transcoded('wav')],
  ['AAC in ADTS', bytes(hex('fff1508001 7ffc')), direct('adts')],
  ['AAC Main in ADTS', bytes(hex('fff1108001 7ffc')), transcoded('aac')],
  ['MP3', bytes(hex('fffb9064')), transcoded('mp3')],
  ['Motion JPEG', bytes(hex('ffd8ffe0')), transcoded('mjpeg')],
  ['YUV4MPEG', bytes('YUV4MPEG2 W320'), transcoded('yuv4mpegpipe')],
  ['IVF', bytes('DKIF', [0, 0]), transcoded('ivf')],
];

/** The same packets with other bytes before and after each. */
function spaced(packets: Buffer, before: number, after: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < packets.length; at += 188)
    parts.push(Buffer.alloc(before, 0x11), packets.subarray(at, at + 188), Buffer.alloc(after, 0x22));
  return Buffer.concat(parts);
}

const REFUSED: [name: string, first: Buffer, sentence: RegExp][] = [
  ['nothing', Buffer.alloc(0), /Nothing was sent/],
  ['an HLS playlist', bytes('#EXTM3U\n#EXT-X-VERSION:3\n'), /a playlist/],
  ['a concat script', bytes('ffconcat version 1.0\nfile x\n'), /a concat script/],
  ['a bare concat script', bytes("file '/etc/passwd'\n"), /a concat script/],
  ['a session description', bytes('v=0\r\no=- 0 0 IN IP4 1.2.3.4\r\n'), /SDP/],
  ['a DASH manifest', bytes('<?xml version="1.0"?><MPD>'), /a manifest/],
  ['an address', bytes('https://example.org/live.m3u8'), /an address/],
  ['fragments of an MP4 without their beginning', box('moof', Buffer.alloc(64)), /no beginning/],
  ['random bytes', randomBytes(100_000), /no media format/],
  ['a long text', Buffer.from('Good morning. '.repeat(9_000)), /no media format/],
  ['a ZIP', Buffer.concat([Buffer.from('PK\x03\x04'), randomBytes(50_000)]), /no media format/],
  ['a PNG', bytes(hex('89504e470d0a1a0a'), Buffer.alloc(40).toString('latin1')), /no media format/],
];

describe('what a push is', () => {
  it.each(DOORS)('[I6] %s', (_name, first, door) => {
    expect(sniff(first, true)).toMatchObject({ is: 'door', door });
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

const HEVC = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none'];
const both = [...PICTURE, ...SOUND, '-t', '0.2'];
const fragmented = ['-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov'];

describe('what ffmpeg writes', () => {
  const REAL: [name: string, args: string[], found: Expected | 'whole-file'][] = [
    ['fragmented MP4', [...both, ...H264, ...AAC, ...fragmented], direct('mp4')],
    ['fragmented MP4, H.265', [...both, ...HEVC, ...AAC, ...fragmented], through('mp4', false, true)],
    [
      'fragmented MP4, 4:2:2',
      [...both, ...H264, '-pix_fmt', 'yuv422p', ...AAC, ...fragmented],
      through('mp4', false, true),
    ],
    ['fragmented MP4, MP3', [...both, ...H264, '-c:a', 'libmp3lame', ...fragmented], through('mp4', true, false)],
    [
      'fragmented MP4, AC-3 before AAC',
      [
        ...both,
        '-map',
        '0',
        '-map',
        '1',
        '-map',
        '1',
        ...H264,
        '-c:a:0',
        'ac3',
        '-c:a:1',
        'aac',
        ...fragmented,
        '-movflags',
        'frag_keyframe+delay_moov',
      ],
      direct('mp4'),
    ],
    [
      'Matroska, H.264 and Opus',
      [...both, ...H264, '-c:a', 'libopus', '-f', 'matroska'],
      through('matroska', true, false),
    ],
    [
      'Matroska, 10 bits',
      [...both, ...H264, '-pix_fmt', 'yuv420p10le', ...AAC, '-f', 'matroska'],
      through('matroska', false, true),
    ],
    [
      'Matroska, AC-3 before AAC',
      [...both, '-map', '0', '-map', '1', '-map', '1', ...H264, '-c:a:0', 'ac3', '-c:a:1', 'aac', '-f', 'matroska'],
      { ...through('matroska', true, true), audio: 'a:1' } as Expected,
    ],
    [
      'WebM',
      [...both, '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus', '-f', 'webm'],
      transcoded('matroska'),
    ],
  ];

  it.each(REAL)('[I6] %s', async (_name, args, found) => {
    const said = sniff(await clip(args));
    expect(said).toMatchObject(found === 'whole-file' ? { is: found } : { is: 'door', door: found });
  });

  it('[I14] an MP4 whose index comes last is taken when all of it is here', () => {
    expect(sniff(Buffer.concat([box('ftyp', Buffer.from('isom')), box('mdat', Buffer.alloc(64))]))).toEqual({
      is: 'whole-file',
    });
  });
});

describe('the arguments of ffmpeg', () => {
  const doors = DOORS.flatMap(([, first]) => {
    const said = sniff(first, true);
    return said.is === 'door' && !said.door.direct ? [said.door] : [];
  });
  const plain: NormaliseHow = { threads: 1, arrival: false, keepTimes: false, file: null };

  it.each(doors)('[I6] name the format and may follow nothing: $format', (door) => {
    const args = normaliseArgs(door, plain);
    const input = args.indexOf('-i');
    expect(args.slice(input - 2, input + 2)).toEqual(['-f', door.format, '-i', 'pipe:0']);
    expect(args.slice(0, input).join(' ')).toMatch(/-protocol_whitelist pipe /);
    expect(args.at(-1)).toBe('pipe:1');
    expect(args.join(' ')).not.toContain('nobuffer');
  });

  it('[I14] read a file of ours by its name, and nothing else', () => {
    const [door] = doors;
    const args = door ? normaliseArgs(door, { ...plain, file: '/data/spool/1-0' }) : [];
    expect(args.join(' ')).toMatch(/-protocol_whitelist file,pipe .* -i file:\/data\/spool\/1-0 /);
  });

  it('copies what viewers can play and transcodes the rest', () => {
    const [door] = doors;
    const args = (copyVideo: boolean, copyAudio: boolean): string =>
      door ? normaliseArgs({ ...door, format: 'mpegts', copyVideo, copyAudio }, plain).join(' ') : '';
    expect(args(true, false)).toMatch(/-c:v copy -c:a aac/);
    expect(args(false, true)).toMatch(/-c:v libx264 .*-tune zerolatency.* -c:a copy -bsf:a aac_adtstoasc/);
  });
});
