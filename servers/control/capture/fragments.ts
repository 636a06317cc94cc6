// The bytes that ffmpeg writes, cut into the init segment and its fragments (moof and mdat), however they arrive. Pure; what is read
// inside a box is boxes.ts's business. Anything but fragmented MP4 is refused, and nothing grows above a limit.
import { isKey, tracksOf, type Track } from './boxes.ts';

export interface Init {
  bytes: Buffer;
  tracks: readonly Track[];
  /** For a `SourceBuffer`, e.g. `video/mp4; codecs="avc1.4d401e,mp4a.40.2"`. */
  mime: string;
}

export interface Fragment {
  bytes: Buffer;
  /** Decoding can begin here. */
  key: boolean;
}

export interface FragmentSink {
  init(init: Init): void;
  fragment(fragment: Fragment): void;
}

/** The head and one frame at 1080p are far below; more is no stream of ours. */
const MAX_BOX_BYTES = 16 * 1024 * 1024;
const HEAD = ['ftyp', 'styp', 'moov', 'free', 'skip', 'sidx', 'mfra', 'moof', 'mdat', 'udta', 'emsg', 'prft'];

export class FragmentSplitter {
  readonly #sink: FragmentSink;
  #parts: Buffer[] = [];
  #length = 0;
  /** Boxes that belong together and are not complete yet. */
  #pending: Buffer[] = [];
  #init: Init | null = null;
  #moof: Buffer | null = null;
  #problem: string | null = null;

  constructor(sink: FragmentSink) {
    this.#sink = sink;
  }

  /** @returns why these bytes can not be used, and the same for everything after them; null when all is well */
  push(bytes: Uint8Array): string | null {
    if (this.#problem !== null) return this.#problem;
    this.#parts.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#length += bytes.length;
    while (this.#problem === null && this.#step());
    return this.#problem;
  }

  #step(): boolean {
    if (this.#length < 8) return false;
    const head = this.#peek(8);
    const size = head.readUInt32BE(0);
    const type = head.toString('latin1', 4, 8);
    if (!HEAD.includes(type)) return this.#refuse('what came is no MP4');
    if (size < 8 || size > MAX_BOX_BYTES) return this.#refuse(`its box ${type} has an impossible length`);
    if (this.#length < size) return false;
    this.#box(type, this.#take(size));
    return true;
  }

  #refuse(problem: string): false {
    this.#problem = problem;
    this.#parts = [];
    this.#length = 0;
    return false;
  }

  #box(type: string, box: Buffer): void {
    if (type === 'ftyp') this.#pending = [box];
    else if (type === 'moov') this.#begin(box);
    else if (type === 'moof') this.#moof = box;
    else if (type === 'mdat') this.#data(box);
  }

  #begin(moov: Buffer): void {
    const bytes = Buffer.concat([...this.#pending, moov]);
    this.#pending = [];
    const tracks = tracksOf(bytes);
    if (tracks.length === 0) {
      this.#refuse('it has neither H.264 nor AAC in it');
      return;
    }
    const codecs = tracks.map((track) => track.codec).join(',');
    const kind = tracks.some((track) => track.kind === 'video') ? 'video' : 'audio';
    this.#init = { bytes, tracks, mime: `${kind}/mp4; codecs="${codecs}"` };
    this.#sink.init(this.#init);
  }

  #data(mdat: Buffer): void {
    const [init, moof] = [this.#init, this.#moof];
    this.#moof = null;
    if (!init || !moof) {
      this.#refuse('it has data without an index before them');
      return;
    }
    this.#sink.fragment({ bytes: Buffer.concat([moof, mdat]), key: isKey(moof, init.tracks) });
  }

  #peek(count: number): Buffer {
    const [first] = this.#parts;
    if (first && first.length >= count) return first;
    const whole = Buffer.concat(this.#parts, this.#length);
    this.#parts = [whole];
    return whole;
  }

  #take(count: number): Buffer {
    const whole = this.#peek(count);
    const rest = whole.subarray(count);
    // Joined parts are replaced by what is left of the first one.
    this.#parts[0] = rest;
    if (rest.length === 0) this.#parts.shift();
    this.#length -= count;
    return whole.subarray(0, count);
  }
}
