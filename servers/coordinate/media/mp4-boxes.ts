// Reading the boxes of MP4, and what a fragment says of its samples. Everything is bounded by the
// box it stands in. Source: ISO/IEC 14496-12 (8.8 movie fragments), 14496-14.
import type { Defaults, Mp4Track } from './mp4-tracks.ts';

export interface Box {
  type: string;
  body: DataView;
}

/** The boxes that stand one after the other in `view`; stops at the first that makes no sense. */
export function* boxesOf(view: DataView, from = 0): Iterable<Box> {
  let at = from;
  while (at + 8 <= view.byteLength) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > view.byteLength) return;
    const type = String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(at + i)));
    yield { type, body: new DataView(view.buffer, view.byteOffset + at + 8, size - 8) };
    at += size;
  }
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The first box on that path. */
export function find(view: DataView, ...path: string[]): DataView | null {
  let here = view;
  for (const type of path) {
    const next = [...boxesOf(here)].find((box) => box.type === type);
    if (!next) return null;
    here = next.body;
  }
  return here;
}

/** A sample as a fragment describes it; its data lie elsewhere. */
export interface SampleEntry {
  track: Mp4Track;
  /** From the start of the moof box. */
  offset: number;
  size: number;
  dts: number;
  cts: number;
  flags: number;
}

const NOT_SYNC = 0x10000;
export const isSync = (flags: number): boolean => (flags & NOT_SYNC) === 0;

const MAX_SAMPLES = 20_000;

/**
 * The samples of one moof box, in order of their place.
 * @param next decoding time that follows for a track, where the fragment does not say; kept up to
 * date
 * @returns null when it is more than a fragment may be, or broken
 */
export function samplesOf(
  moof: DataView,
  tracks: readonly Mp4Track[],
  next: Map<number, number>,
): SampleEntry[] | null {
  const samples: SampleEntry[] = [];
  let place = moof.byteLength + 16; // behind this box and the header of mdat, where nothing else is said
  for (const traf of boxesOf(moof)) {
    if (traf.type !== 'traf') continue;
    const tfhd = find(traf.body, 'tfhd');
    if (!tfhd || tfhd.byteLength < 8) return null;
    const track = tracks.find((t) => t.id === tfhd.getUint32(4));
    const base = headerOf(tfhd, track?.defaults ?? { duration: 0, size: 0, flags: 0 });
    if (!base) return null;
    const tfdt = find(traf.body, 'tfdt');
    const id = tfhd.getUint32(4);
    let dts = next.get(id) ?? 0;
    if (tfdt && tfdt.byteLength >= 8)
      dts = tfdt.getUint8(0) === 1 && tfdt.byteLength >= 12 ? Number(tfdt.getBigUint64(4)) : tfdt.getUint32(4);
    for (const trun of boxesOf(traf.body)) {
      if (trun.type !== 'trun') continue;
      const run = readRun(trun.body, base, place);
      if (!run || samples.length + run.length > MAX_SAMPLES) return null;
      for (const { offset, size, duration, cts, flags } of run) {
        if (track) samples.push({ track, offset, size, dts, cts, flags });
        dts += duration;
        place = offset + size;
      }
    }
    next.set(id, dts);
  }
  return samples.toSorted((a, b) => a.offset - b.offset);
}

/** Only data that lie relative to the moof box can be streamed. */
function headerOf(tfhd: DataView, defaults: Defaults): Defaults | null {
  const flags = tfhd.getUint32(0) & 0xffffff;
  let at = 8 + ((flags & 0x1) !== 0 ? 8 : 0) + ((flags & 0x2) !== 0 ? 4 : 0);
  const field = (bit: number, otherwise: number): number => {
    if ((flags & bit) === 0) return otherwise;
    const value = at + 4 <= tfhd.byteLength ? tfhd.getUint32(at) : otherwise;
    at += 4;
    return value;
  };
  return {
    duration: field(0x8, defaults.duration),
    size: field(0x10, defaults.size),
    flags: field(0x20, defaults.flags),
  };
}

interface RunEntry {
  offset: number;
  size: number;
  duration: number;
  cts: number;
  flags: number;
}

function readRun(trun: DataView, base: Defaults, place: number): RunEntry[] | null {
  if (trun.byteLength < 8) return null;
  const flags = trun.getUint32(0) & 0xffffff;
  const count = trun.getUint32(4);
  const fields = [0x100, 0x200, 0x400, 0x800].filter((bit) => (flags & bit) !== 0).length;
  let at = 8;
  let offset = place;
  if ((flags & 0x1) !== 0) {
    if (at + 4 > trun.byteLength) return null;
    offset = trun.getInt32(at);
    at += 4;
  }
  let first: number | null = null;
  if ((flags & 0x4) !== 0) {
    if (at + 4 > trun.byteLength) return null;
    first = trun.getUint32(at);
    at += 4;
  }
  if (count > MAX_SAMPLES || at + count * fields * 4 > trun.byteLength || offset < 0) return null;
  const run: RunEntry[] = [];
  const read = (bit: number, otherwise: number): number => {
    if ((flags & bit) === 0) return otherwise;
    at += 4;
    return trun.getUint32(at - 4);
  };
  for (let i = 0; i < count; i++) {
    const duration = read(0x100, base.duration);
    const size = read(0x200, base.size);
    const own = read(0x400, i === 0 && first !== null ? first : base.flags);
    const cts = read(0x800, 0) | 0; // signed in version 1, and small enough in version 0
    run.push({ offset, size, duration, cts, flags: own });
    offset += size;
  }
  return run;
}
