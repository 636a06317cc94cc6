// Reading the boxes of the MP4 that ffmpeg writes: just enough to know where a fragment ends, whether decoding can begin at it, and
// what the codecs are. Pure. Source: ISO/IEC 14496-12 (8.8 movie fragments), 14496-15 (avcC).

interface Box {
  type: string;
  start: number;
  end: number;
}

/** The boxes in `bytes[from, to)`; stops at the first that makes no sense. */
function* boxesIn(bytes: Buffer, from: number, to: number): Generator<Box> {
  for (let at = from; at + 8 <= to;) {
    const size = bytes.readUInt32BE(at);
    if (size < 8 || at + size > to) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), start: at + 8, end: at + size };
    at += size;
  }
}

function* find(bytes: Buffer, path: readonly string[], from = 0, to = bytes.length): Generator<Box> {
  const [first, ...rest] = path;
  for (const box of boxesIn(bytes, from, to))
    if (box.type === first) {
      if (rest.length === 0) yield box;
      else yield* find(bytes, rest, box.start, box.end);
    }
}

export interface Track {
  id: number;
  kind: 'video' | 'audio';
  /** As it stands in a MIME type, e.g. `avc1.64001f`. */
  codec: string;
  /** Of a sample whose fragment says nothing about it. */
  defaultFlags: number;
}

const hex = (value: number | undefined): string => (value ?? 0).toString(16).padStart(2, '0');

/** The H.264 and AAC tracks of an init segment. */
export function tracksOf(init: Buffer): Track[] {
  const tracks: Track[] = [];
  for (const trak of find(init, ['moov', 'trak'])) {
    const [tkhd] = find(init, ['tkhd'], trak.start, trak.end);
    const [stsd] = find(init, ['mdia', 'minf', 'stbl', 'stsd'], trak.start, trak.end);
    if (!tkhd || !stsd || tkhd.start + 24 > tkhd.end || stsd.start + 8 > stsd.end) continue;
    const id = init.readUInt32BE(tkhd.start + (init[tkhd.start] === 1 ? 20 : 12));
    for (const entry of boxesIn(init, stsd.start + 8, stsd.end)) {
      const codec = codecOf(init, entry);
      if (codec) tracks.push({ id, ...codec, defaultFlags: defaultFlagsOf(init, id) });
    }
  }
  return tracks;
}

function codecOf(init: Buffer, entry: Box): Pick<Track, 'kind' | 'codec'> | null {
  if (entry.type === 'mp4a') return { kind: 'audio', codec: 'mp4a.40.2' };
  if (entry.type !== 'avc1') return null;
  const [avcC] = find(init, ['avcC'], entry.start + 78, entry.end);
  if (!avcC || avcC.start + 4 > avcC.end) return null;
  return { kind: 'video', codec: `avc1.${[1, 2, 3].map((i) => hex(init[avcC.start + i])).join('')}` };
}

function defaultFlagsOf(init: Buffer, id: number): number {
  for (const trex of find(init, ['moov', 'mvex', 'trex']))
    if (trex.start + 24 <= trex.end && init.readUInt32BE(trex.start + 4) === id)
      return init.readUInt32BE(trex.start + 20);
  return 0;
}

/** Flag of a sample that others have to be decoded before. */
const NOT_SYNC = 0x10000;

/** Can decoding begin at this fragment, that is, does it begin with a whole picture (or with sound where there are none)? */
export function isKey(moof: Buffer, tracks: readonly Track[]): boolean {
  const lead = tracks.find((track) => track.kind === 'video') ?? tracks[0];
  for (const traf of find(moof, ['moof', 'traf'])) {
    const [tfhd] = find(moof, ['tfhd'], traf.start, traf.end);
    if (!lead || !tfhd || tfhd.start + 8 > tfhd.end || moof.readUInt32BE(tfhd.start + 4) !== lead.id) continue;
    const [trun] = find(moof, ['trun'], traf.start, traf.end);
    const flags = (trun && firstFlags(moof, trun)) ?? headerFlags(moof, tfhd) ?? lead.defaultFlags;
    return (flags & NOT_SYNC) === 0;
  }
  return false;
}

/** What a run says of its first sample; null where it leaves that to the header. */
function firstFlags(moof: Buffer, trun: Box): number | null {
  if (trun.start + 8 > trun.end) return null;
  const given = moof.readUInt32BE(trun.start) & 0xffffff;
  let at = trun.start + 8 + ((given & 0x1) !== 0 ? 4 : 0);
  if ((given & 0x4) === 0) {
    if ((given & 0x400) === 0) return null;
    at += [0x100, 0x200].filter((bit) => (given & bit) !== 0).length * 4;
  }
  return at + 4 <= trun.end ? moof.readUInt32BE(at) : null;
}

function headerFlags(moof: Buffer, tfhd: Box): number | null {
  const given = moof.readUInt32BE(tfhd.start) & 0xffffff;
  if ((given & 0x20) === 0) return null;
  const before = (given & 0x1 ? 8 : 0) + [0x2, 0x8, 0x10].filter((bit) => (given & bit) !== 0).length * 4;
  const at = tfhd.start + 8 + before;
  return at + 4 <= tfhd.end ? moof.readUInt32BE(at) : null;
}
