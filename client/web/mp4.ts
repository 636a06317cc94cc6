// The little that the player must read in the MP4 it appends: codecs of an init segment, media time of a unit. Everything has been
// verified before; what is malformed all the same gives null.

interface Box {
  type: string;
  start: number;
  end: number;
}

function* boxes(bytes: Uint8Array, start: number, end: number): Generator<Box> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = start; at + 8 <= end;) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > end) return;
    yield { type: String.fromCharCode(...bytes.subarray(at + 4, at + 8)), start: at + 8, end: at + size };
    at += size;
  }
}

function find(bytes: Uint8Array, path: readonly string[], from = 0, to = bytes.length): Box[] {
  const [first, ...rest] = path;
  const hits = [...boxes(bytes, from, to)].filter((box) => box.type === first);
  return rest.length === 0 ? hits : hits.flatMap((box) => find(bytes, rest, box.start, box.end));
}

/** The unsigned number of 4 or 8 bytes at this place of a box; null when the box ends before it. */
function numberAt(bytes: Uint8Array, box: Box, offset: number, length: 4 | 8 = 4): number | null {
  const at = box.start + offset;
  if (at + length > box.end) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return length === 4 ? view.getUint32(at) : Number(view.getBigUint64(at));
}

const hex = (value: number): string => value.toString(16).padStart(2, '0');

/** `codecs` of an init segment with H.264 and AAC tracks, e.g. `avc1.64001f,mp4a.40.2`; null when it has neither. */
export function codecsOf(init: Uint8Array): string | null {
  const codecs: string[] = [];
  for (const stsd of find(init, ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd'])) {
    for (const entry of boxes(init, stsd.start + 8, stsd.end)) {
      if (entry.type === 'avc1' || entry.type === 'avc3') {
        const [avcC] = find(init, ['avcC'], entry.start + 78, entry.end);
        if (avcC) codecs.push(`${entry.type}.${[1, 2, 3].map((i) => hex(init[avcC.start + i] ?? 0)).join('')}`);
      } else if (entry.type === 'mp4a') codecs.push('mp4a.40.2');
    }
  }
  return codecs.length > 0 ? codecs.join(',') : null;
}

/** Timescale of each track by its id. */
export function timescalesOf(init: Uint8Array): Map<number, number> {
  const scales = new Map<number, number>();
  for (const trak of find(init, ['moov', 'trak'])) {
    const [tkhd] = find(init, ['tkhd'], trak.start, trak.end);
    const [mdhd] = find(init, ['mdia', 'mdhd'], trak.start, trak.end);
    if (!tkhd || !mdhd) continue;
    const id = numberAt(init, tkhd, init[tkhd.start] === 1 ? 20 : 12);
    const scale = numberAt(init, mdhd, init[mdhd.start] === 1 ? 20 : 12);
    if (id !== null && scale !== null) scales.set(id, scale);
  }
  return scales;
}

/** What a unit says of its time. */
export interface UnitTime {
  /** Where its first sample is shown on the media timeline, milliseconds: of the pictures, where there are any. */
  mediaMs: number;
  hasPicture: boolean;
  /** When that was captured, on the coordinate's clock; null where it does not say. */
  capturedMs: number | null;
  /** The source knew the time of capture. */
  isCaptureKnown: boolean;
}

/** Seconds from 1900, where NTP counts from, to 1970. */
const NTP_EPOCH_S = 2_208_988_800;
/** The flags of a producer reference time that is the capture's. */
const CAPTURED = 24;

/** Reads a unit's producer reference time, or else its first fragment's decode time. */
export function timeOfUnit(unit: Uint8Array, timescales: ReadonlyMap<number, number>): UnitTime | null {
  const [trun] = find(unit, ['moof', 'traf', 'tfhd']);
  const lead = trun ? numberAt(unit, trun, 4) : null;
  const hasPicture = lead === 1;
  const [prft] = find(unit, ['prft']);
  if (prft && unit[prft.start] === 1) {
    const scale = timescales.get(numberAt(unit, prft, 4) ?? 0);
    const [seconds, fraction] = [numberAt(unit, prft, 8), numberAt(unit, prft, 12)];
    const at = numberAt(unit, prft, 16, 8);
    if (scale && seconds !== null && fraction !== null && at !== null)
      return {
        mediaMs: (at * 1_000) / scale,
        hasPicture,
        capturedMs: (seconds - NTP_EPOCH_S) * 1_000 + (fraction * 1_000) / 0x1_0000_0000,
        isCaptureKnown: unit[prft.start + 3] === CAPTURED,
      };
  }
  const mediaMs = decodeTimeOf(unit, timescales);
  return mediaMs === null ? null : { mediaMs, hasPicture, capturedMs: null, isCaptureKnown: false };
}

/** Pictures stand first where there are any; the sound beside them may be older, since encoders send it in bursts. */
function decodeTimeOf(unit: Uint8Array, timescales: ReadonlyMap<number, number>): number | null {
  for (const traf of find(unit, ['moof', 'traf'])) {
    const [tfhd] = find(unit, ['tfhd'], traf.start, traf.end);
    const [tfdt] = find(unit, ['tfdt'], traf.start, traf.end);
    if (!tfhd || !tfdt) continue;
    const scale = timescales.get(numberAt(unit, tfhd, 4) ?? 0);
    const at = numberAt(unit, tfdt, 4, unit[tfdt.start] === 1 ? 8 : 4);
    if (scale && at !== null) return (at * 1_000) / scale;
  }
  return null;
}
