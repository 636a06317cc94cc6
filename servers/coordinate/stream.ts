// One stream by its name: who publishes it, in which state and epoch it is, and the sealed units since the last keyframe, which
// every newly connected forward is given first. Sealing happens here, in order; delivery is the audience's.
import { FLAG, streamTag } from '../../protocol/chunk.ts';
import type { StreamState } from '../../protocol/fields.ts';
import { coordinateNowMs } from './clock.ts';
import type { MediaUnit } from './media/packager.ts';
import type { TrackConfig } from './media/sample.ts';
import { sealUnit } from './seal.ts';
import type { SigningKey } from './signing-key.ts';

/** A group of pictures larger than this is not kept for newcomers: they wait for the next keyframe. */
const MAX_RECENT_BYTES = 32 * 1024 * 1024;

export interface StreamAudience {
  stateChanged(stream: Stream): void;
  unitSealed(stream: Stream, wire: Buffer, about: { init: boolean; key: boolean }): void;
}

/** What a person and the debug feed see of it. */
export interface StreamFacts {
  state: StreamState;
  epoch: number;
  unit: number;
  units: number;
  bytes: number;
  tracks: readonly TrackConfig[];
  sinceMs: number;
  why: string;
}

export class Stream {
  readonly name: string;
  readonly tag: number;
  readonly facts: StreamFacts;
  readonly #key: SigningKey;
  readonly #audience: StreamAudience;
  /** Sealing is asynchronous; whatever leaves this stream leaves in the order it came. */
  #tail: Promise<void> = Promise.resolve();
  #publisher: object | null = null;
  #epoch = 0;
  #unit = 0;
  #recent: Buffer[] = [];
  #recentBytes = 0;

  constructor(name: string, key: SigningKey, audience: StreamAudience) {
    this.name = name;
    this.tag = streamTag(name);
    this.#key = key;
    this.#audience = audience;
    this.facts = {
      state: 'waiting',
      epoch: 0,
      unit: 0,
      units: 0,
      bytes: 0,
      tracks: [],
      sinceMs: coordinateNowMs(),
      why: 'nobody has published yet',
    };
  }

  /** Takes the name for one publisher. @returns false when another has it [I4] */
  claim(publisher: object): boolean {
    if (this.#publisher !== null && this.#publisher !== publisher) return false;
    this.#publisher = publisher;
    return true;
  }

  get claimed(): boolean {
    return this.#publisher !== null;
  }

  /** Was there ever media of it? */
  get hasBegun(): boolean {
    return this.#epoch > 0;
  }

  /** The init segment and everything since the last keyframe, in order. */
  get recent(): readonly Buffer[] {
    return this.#recent;
  }

  /** A new epoch, higher than any before it, over restarts too [I3]. */
  begin(init: Uint8Array, tracks: readonly TrackConfig[]): void {
    this.#epoch = Math.max(this.#epoch + 1, Math.floor(Date.now() / 1_000));
    this.#unit = 0;
    const epoch = this.#epoch;
    const sourceMs = Math.round(coordinateNowMs());
    this.#then(async () => {
      const head = {
        stream: this.tag,
        epoch,
        unit: 0,
        flags: FLAG.init,
        unitBytes: init.length,
        sourceMs,
        durationMs: 0,
      };
      const wire = await sealUnit(this.#key.privateKey, this.name, head, init);
      this.#recent = [wire];
      this.#recentBytes = wire.length;
      this.#become('live', epoch, 'a publisher sends');
      this.facts.tracks = tracks;
      this.#audience.unitSealed(this, wire, { init: true, key: false });
    });
  }

  /** @param sourceMs whole milliseconds on the coordinate's clock */
  publish(unit: MediaUnit, sourceMs: number): void {
    const head = {
      stream: this.tag,
      epoch: this.#epoch,
      unit: ++this.#unit,
      flags: unit.key ? FLAG.key : 0,
      unitBytes: unit.bytes.length,
      sourceMs,
      durationMs: unit.durationMs,
    };
    this.#then(async () => {
      const wire = await sealUnit(this.#key.privateKey, this.name, head, unit.bytes);
      this.#remember(wire, unit.key);
      this.facts.unit = head.unit;
      this.facts.units++;
      this.facts.bytes += unit.bytes.length;
      this.#audience.unitSealed(this, wire, { init: false, key: unit.key });
    });
  }

  /** Nothing comes, though the publisher is still there. */
  pause(why: string): void {
    if (this.facts.state === 'live') this.#then(() => this.#become('interrupted', this.facts.epoch, why));
  }

  /** It comes again. */
  resume(): void {
    this.#then(() => {
      if (this.facts.state === 'interrupted' && this.#publisher !== null && this.#recent.length > 0)
        this.#become('live', this.facts.epoch, 'a publisher sends');
    });
  }

  /** The publisher is gone. One that never sent a picture leaves the state as it was. */
  release(publisher: object, state: 'ended' | 'interrupted', why: string): void {
    if (this.#publisher !== publisher) return;
    this.#publisher = null;
    this.#then(() => {
      if (this.facts.state === 'live' && this.#publisher === null) this.#become(state, this.facts.epoch, why);
    });
  }

  /** Settles when everything so far has been handed out. */
  settled(): Promise<void> {
    return this.#tail;
  }

  #become(state: StreamState, epoch: number, why: string): void {
    Object.assign(this.facts, { state, epoch, why, sinceMs: coordinateNowMs() });
    if (state === 'ended') {
      this.#recent = [];
      this.#recentBytes = 0;
    }
    this.#audience.stateChanged(this);
  }

  #remember(wire: Buffer, key: boolean): void {
    const init = this.#recent[0];
    if (key && init) {
      this.#recent = [init];
      this.#recentBytes = init.length;
    }
    this.#recentBytes += wire.length;
    if (this.#recentBytes > MAX_RECENT_BYTES) this.#recent.length = 1;
    else this.#recent.push(wire);
  }

  #then(step: () => void | Promise<void>): void {
    this.#tail = this.#tail.then(step);
  }
}
