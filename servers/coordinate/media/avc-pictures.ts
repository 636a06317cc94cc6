// One H.264 track picture by picture, whatever container it came in: which parameter sets apply,
// where decoding can begin, and whether browsers can decode it at all. Pure. Source: ITU-T H.264
// 7.3, 7.4.1.2 and D.2.8.
//
// Chromium (156, tried) begins at an IDR picture or at a recovery point that says 0; after the
// latter it fails on pictures that are shown before it and refer to what came earlier. So a picture
// that is taken as a key without being IDR says 0 here, and what would be shown before it is left
// out: that is why such keys are only taken as often as newcomers need them.
import { avcCOf, lengthPrefixed, NAL, readSps, unplayableAvc, unprefixed, videoConfig, type Sps } from './avc.ts';
import { Bits, rbsp } from './bits.ts';
import type { VideoConfig } from './sample.ts';
import { marked, recoveryCount } from './sei.ts';

/**
 * Newcomers see a picture within 2 s: keys that cost something are taken when the last one is this
 * old.
 */
const KEY_WANTED_US = 1_500_000;
/**
 * An intra picture without a word about it is taken for a key when this long nothing better came.
 */
const ANY_INTRA_US = 2_000_000;
const SLICE_HEAD_BYTES = 24;
const MAX_PPS_ID = 255;

export interface Picture {
  /** Applies from this picture on. */
  config: VideoConfig | null;
  key: boolean;
  nals: Uint8Array[];
  /** `nals` are no longer what was given. */
  altered: boolean;
}

export interface Seen {
  /** The container says that decoding can start here. */
  random: boolean;
  dtsUs: number;
  ptsUs: number;
}

interface Pps {
  spsId: number;
  nal: Uint8Array;
}

export class AvcPictures {
  #lengthBytes = 4;
  readonly #sps = new Map<number, { nal: Uint8Array; about: Sps }>();
  readonly #pps = new Map<number, Pps>();
  /** The sets that the sink knows, as text. */
  #told: string | null = null;
  #lastKeyUs = -Infinity;
  /** What is shown before this can not be decoded by who begins at the last key. */
  #leadPtsUs: number | null = null;
  /** What browsers can not decode, once it has been seen. */
  unplayable: { what: string; interlaced: boolean } | null = null;

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /**
   * A configuration record that the container brings.
   * @returns null when it is not one, or its sets stand in the pictures
   */
  record(avcC: Uint8Array): VideoConfig | null {
    if (avcC.length < 7 || avcC[0] !== 1) return null;
    this.#lengthBytes = ((avcC[4] ?? 3) & 3) + 1;
    this.#sps.clear();
    this.#pps.clear();
    for (const nal of setsOf(avcC)) this.#remember(nal);
    const config = videoConfig(avcC);
    const first = this.#sps.values().next().value;
    if (!config || !first) return null;
    this.#check(first.about);
    this.#told = this.#signature(first.about.id);
    return config;
  }

  /** One access unit. @returns null when nothing of it is to be given on */
  take(nals: readonly Uint8Array[], { random, dtsUs, ptsUs }: Seen): Picture | null {
    const seen = this.#look(nals);
    if (!seen) return null;
    const key = this.#isKey(seen, random, dtsUs);
    if (!key && this.#told === null) return null;
    const config = key ? this.#configFor(seen.ppsId) : null;
    if (key && this.#told === null) return null; // its parameter sets are missing
    if (key) {
      this.#lastKeyUs = dtsUs;
      this.#leadPtsUs = seen.idr ? null : ptsUs;
    } else if (this.#leadPtsUs !== null) {
      if (ptsUs < this.#leadPtsUs) return null;
      this.#leadPtsUs = null;
    }
    const mark = key && !seen.idr && seen.recovery !== 0;
    return { config, key, nals: mark ? marked(nals) : [...nals], altered: mark };
  }

  /** Several pictures in one run of NAL units, apart. Both fields of a picture stay together. */
  split(nals: readonly Uint8Array[]): Uint8Array[][] {
    const pictures: Uint8Array[][] = [];
    let here: Uint8Array[] = [];
    let coded = false;
    for (const nal of nals) {
      const type = typeOf(nal);
      const slice = type === NAL.slice || type === NAL.idr;
      const begins = slice
        ? this.#firstOfFrame(nal)
        : (type >= NAL.sei && type <= NAL.aud) || (type >= 14 && type <= 18);
      if (coded && begins) {
        pictures.push(here);
        here = [];
        coded = false;
      }
      here.push(nal);
      coded ||= slice;
    }
    return here.length > 0 ? [...pictures, here] : pictures;
  }

  /**
   * Does this NAL unit repeat what the sink knows already? Such sets need not stand in the sample.
   */
  isKnown(nal: Uint8Array): boolean {
    return this.#told !== null && this.#told.includes(hex(nal));
  }

  #firstOfFrame(slice: Uint8Array): boolean {
    const head = new Bits(rbsp(slice.subarray(1, SLICE_HEAD_BYTES)));
    if (head.ue() !== 0) return false;
    head.ue();
    const sps = this.#sps.get(this.#pps.get(head.ue())?.spsId ?? -1)?.about;
    if (!sps?.interlaced) return true;
    if (sps.separatePlanes) head.read(2);
    head.read(sps.frameNumBits);
    return !(head.read(1) === 1 && head.read(1) === 1); // a bottom field goes with its top field
  }

  #look(nals: readonly Uint8Array[]): Look | null {
    const seen: Look = { idr: false, intra: true, recovery: null, sets: false, ppsId: -1 };
    for (const nal of nals) {
      const type = typeOf(nal);
      if (type === NAL.sps || type === NAL.pps) {
        seen.sets = true;
        this.#remember(nal);
      } else if (type === NAL.sei) seen.recovery ??= recoveryCount(nal);
      else if (type === NAL.slice || type === NAL.idr) {
        const head = new Bits(rbsp(nal.subarray(1, SLICE_HEAD_BYTES)));
        head.ue();
        seen.intra &&= head.ue() % 5 === 2;
        seen.idr ||= type === NAL.idr;
        if (seen.ppsId < 0) seen.ppsId = head.ue();
      }
    }
    return seen.ppsId < 0 ? null : seen;
  }

  #isKey({ idr, intra, recovery, sets }: Look, random: boolean, dtsUs: number): boolean {
    if (idr) return true;
    // Times that step back say nothing of how long ago the last key was.
    const agoUs = dtsUs < this.#lastKeyUs ? Infinity : dtsUs - this.#lastKeyUs;
    if (recovery !== null || (intra && (sets || random))) return agoUs >= KEY_WANTED_US;
    return intra && agoUs >= ANY_INTRA_US;
  }

  #remember(nal: Uint8Array): void {
    const known = (before: Uint8Array | undefined): boolean =>
      before !== undefined && Buffer.compare(before, nal) === 0;
    if (typeOf(nal) === NAL.sps) {
      if ([...this.#sps.values()].some((sps) => known(sps.nal))) return;
      const about = readSps(nal);
      if (about) this.#sps.set(about.id, { nal: nal.slice(), about });
    } else {
      const bits = new Bits(rbsp(nal.subarray(1, SLICE_HEAD_BYTES)));
      const id = bits.ue();
      const spsId = bits.ue();
      if (id <= MAX_PPS_ID && !known(this.#pps.get(id)?.nal)) this.#pps.set(id, { spsId, nal: nal.slice() });
    }
  }

  #ppsOf(spsId: number): Uint8Array[] {
    return [...this.#pps].filter(([, pps]) => pps.spsId === spsId).map(([, pps]) => pps.nal);
  }

  #signature(spsId: number): string {
    const sets = this.#ppsOf(spsId).map(hex).toSorted();
    return [hex(this.#sps.get(spsId)?.nal ?? new Uint8Array()), ...sets].join(' ');
  }

  /**
   * The configuration for a picture that begins with this PPS, if it is another than the one in
   * force.
   */
  #configFor(ppsId: number): VideoConfig | null {
    const sps = this.#sps.get(this.#pps.get(ppsId)?.spsId ?? -1);
    if (!sps) return null;
    const signature = this.#signature(sps.about.id);
    if (signature === this.#told) return null;
    const config = videoConfig(avcCOf(sps.nal, this.#ppsOf(sps.about.id), this.#lengthBytes));
    if (!config) return null;
    this.#told = signature;
    this.#check(sps.about);
    return config;
  }

  #check(sps: Sps): void {
    const what = unplayableAvc(sps);
    if (what !== null) this.unplayable = { what, interlaced: sps.interlaced };
  }
}

/**
 * The same for a sample whose NAL units stand behind their lengths.
 * @returns null when nothing of it is to be given on
 */
export function pictureOf(
  pictures: AvcPictures,
  data: Uint8Array,
  seen: Seen,
): { config: VideoConfig | null; key: boolean; data: Uint8Array } | null {
  const nals = unprefixed(data, pictures.lengthBytes);
  if (!nals) return null; // damaged
  const taken = pictures.take(nals, seen);
  if (!taken) return null;
  const { config, key, altered } = taken;
  return { config, key, data: altered ? lengthPrefixed(taken.nals, pictures.lengthBytes) : data };
}

interface Look {
  idr: boolean;
  /** All slices are I. */
  intra: boolean;
  /** recovery_frame_cnt of a recovery point. */
  recovery: number | null;
  /** Parameter sets stand before it. */
  sets: boolean;
  ppsId: number;
}

const typeOf = (nal: Uint8Array): number => (nal[0] ?? 0) & 31;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** SPS and PPS within a configuration record. */
function* setsOf(avcC: Uint8Array): Iterable<Uint8Array> {
  let at = 5;
  for (const mask of [31, 255]) {
    let count = (avcC[at++] ?? 0) & mask;
    while (count-- > 0) {
      const length = ((avcC[at] ?? 0) << 8) | (avcC[at + 1] ?? 0);
      at += 2;
      if (length === 0 || at + length > avcC.length) return;
      yield avcC.subarray(at, at + length);
      at += length;
    }
  }
}
