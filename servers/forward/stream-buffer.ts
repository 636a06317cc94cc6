// One stream as the forward holds it: the init segment, the units since the keyframe before last, and each unit cut into the slices
// that viewers ask for, encoded once for all of them.
import { createHash } from 'node:crypto';
import { FLAG, isParity, sliceRange } from '../../protocol/chunk.ts';
import type { SliceCount, StreamState } from '../../protocol/fields.ts';
import { RING_MS } from '../../protocol/limits.ts';
import type { NextKeys } from '../../protocol/peering.ts';
import { parityOf } from '../../protocol/parity.ts';
import { fragmentsOf, type Slice } from '../../protocol/slice.ts';
import { merkleTree, proofOf } from '../../protocol/unit.ts';
import { Starts } from './starts.ts';

/** Over a WebSocket a slice is one message: TCP has its own segments. */
const WHOLE = Number.MAX_SAFE_INTEGER;
/** The most kept for one stream, whatever its keyframe interval. */
const MAX_BYTES = 64 * 1024 * 1024;
/** A newcomer's run begins at the last keyframe that is at least this old, so that it reaches back to the swarm's playout point. */
const START_BACK_MS = 400;

/** A keyframe that a newcomer can wait for. */
const SOON_MS = 2_000;

export interface BufferedUnit {
  number: number;
  isKey: boolean;
  sourceMs: number;
  durationMs: number;
  bytes: number;
  /** Slice k of K as one wire message, made when it is asked for the first time; k = K is the parity slice. */
  message(k: number, K: SliceCount): Promise<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer>;
}

export class StreamBuffer {
  readonly name: string;
  state: StreamState = 'waiting';
  epoch = 0;
  newest: BufferedUnit | null = null;
  init: BufferedUnit | null = null;
  k: SliceCount = 2;
  layout = 1;
  readonly starts = new Starts();
  readonly #units = new Map<number, BufferedUnit>();
  #bytes = 0;

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Takes a whole unit (slice 0 of 1) from the coordinate.
   * @returns the unit, or null when it is old or known
   */
  take(slice: Slice): BufferedUnit | null {
    const { head } = slice;
    if (head.epoch < this.epoch) return null;
    if (head.epoch > this.epoch) this.#open(head.epoch);
    if (this.get(head.unit)) return null;
    const unit = bufferedUnit(slice, this.layout);
    if (head.unit === 0) {
      this.init = unit;
      return unit;
    }
    this.#units.set(unit.number, unit);
    this.#bytes += unit.bytes;
    if (!this.newest || unit.number > this.newest.number) this.newest = unit;
    this.#prune();
    return unit;
  }

  get(number: number): BufferedUnit | undefined {
    return number === 0 ? (this.init ?? undefined) : this.#units.get(number);
  }

  /** The units a newcomer starts with, oldest first. @param backMs its keyframe is so old, where one is */
  startRun(backMs = START_BACK_MS): BufferedUnit[] {
    const newest = this.newest;
    if (!newest) return [];
    let from: BufferedUnit | null = null;
    for (const unit of this.#backwards()) {
      if (!unit.isKey) continue;
      from = unit;
      if (newest.sourceMs - unit.sourceMs >= backMs) break;
    }
    return from ? this.since(from.number) : [];
  }

  /** When keyframes are expected, by the distance of the last two; null where the next is not soon, or nothing is known. */
  nextKeys(): NextKeys | null {
    const keys: BufferedUnit[] = [];
    for (const unit of this.#backwards()) if (unit.isKey && keys.push(unit) === 2) break;
    const [last, before] = keys;
    const { newest } = this;
    if (!newest || !last || !before) return null;
    const [every, everyMs] = [last.number - before.number, last.sourceMs - before.sourceMs];
    if (everyMs <= 0 || everyMs > SOON_MS) return null;
    const next = Math.max(last.number + every, newest.number + 1);
    return { epoch: this.epoch, next, inMs: Math.max(0, last.sourceMs + everyMs - newest.sourceMs), every, everyMs };
  }

  since(number: number): BufferedUnit[] {
    return [...this.#units.values()].filter((u) => u.number >= number).sort((a, b) => a.number - b.number);
  }

  *#backwards(): Generator<BufferedUnit> {
    for (let n = this.newest?.number ?? 0; n > 0; n--) {
      const unit = this.#units.get(n);
      if (!unit) return;
      yield unit;
    }
  }

  #open(epoch: number): void {
    this.epoch = epoch;
    this.newest = null;
    this.init = null;
    this.#units.clear();
    this.#bytes = 0;
  }

  /** Keeps RING_MS and never loses the start run, unless the memory bound says so. */
  #prune(): void {
    const newest = this.newest;
    if (!newest) return;
    const runStart = this.startRun()[0]?.number ?? newest.number;
    for (const [number, unit] of this.#units) {
      const isOld = newest.sourceMs - unit.sourceMs > RING_MS && number < runStart;
      if (!isOld && this.#bytes <= MAX_BYTES) break;
      this.#units.delete(number);
      this.#bytes -= unit.bytes;
    }
  }
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

function bufferedUnit(whole: Slice, layout: number): BufferedUnit {
  const { head } = whole;
  const messages = new Map<string, Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>>();
  let tree: ReturnType<typeof merkleTree> | null = null;
  const cut = async (k: number, K: SliceCount): Promise<Uint8Array<ArrayBuffer>> => {
    tree ??= merkleTree(sha256, whole.bytes);
    const seal = { signature: whole.seal.signature, proof: proofOf(await tree, k, K) };
    const slice: Slice = { ...whole, layout, k, K, seal, bytes: sliceBytes(whole.bytes, k, K) };
    const [message] = fragmentsOf(slice, whole.hops + 1, WHOLE);
    if (!message) throw new Error('a slice has at least one fragment');
    messages.set(`${k}/${K}`, message);
    return message;
  };
  return {
    number: head.unit,
    isKey: (head.flags & FLAG.key) !== 0,
    sourceMs: head.sourceMs,
    durationMs: head.durationMs,
    bytes: whole.bytes.length,
    message(k, K) {
      const key = `${k}/${K}`;
      const known = messages.get(key);
      if (known) return known;
      const coming = cut(k, K);
      messages.set(key, coming);
      return coming;
    },
  };
}

function sliceBytes(unit: Uint8Array, k: number, K: SliceCount): Uint8Array {
  if (K !== 1 && isParity(k, K)) return parityOf(unit, K);
  const { start, end } = sliceRange(unit.length, k, K);
  return unit.subarray(start, end);
}
