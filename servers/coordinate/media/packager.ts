// From samples on the timeline to epochs: an init segment when the tracks are known, then units. A changed configuration (other
// size, other codec settings, a track more) is a new epoch.
import { Cutter, type Cut } from './cutter.ts';
import { muxFragment, muxInit, timescaleOf, type Capture, type TrackRun } from './mp4-mux.ts';
import { MAX_SAMPLE_BYTES, sameConfig, type Sample, type TrackConfig, type TrackKind } from './sample.ts';
import { SoundLine } from './sound-line.ts';

/** A track that was announced and has not come by then does not belong to the epoch. */
const WAIT_FOR_TRACK_US = 1_000_000;
const MAX_HELD_BYTES = 8 * 1024 * 1024;

export interface MediaUnit {
  bytes: Uint8Array;
  key: boolean;
  /** On the timeline, when the unit's first frame is decoded: what its fragment says as its time. */
  startUs: number;
  durationMs: number;
}

export interface PackagerSink {
  epochBegan(init: Uint8Array, configs: readonly TrackConfig[]): void;
  unit(unit: MediaUnit): void;
  /** When this moment of the timeline was captured, on the coordinate's clock. */
  captured(ptsUs: number): Capture;
}

type State =
  | { is: 'gathering'; held: Sample[]; bytes: number }
  | {
      is: 'running';
      cutter: Cutter;
      sound: SoundLine | null;
      configs: TrackConfig[];
      baseUs: number;
      sequence: number;
      /** Since the last keyframe: where a track more begins an epoch in the middle, it begins with that. */
      group: Sample[];
      groupBytes: number;
    };

export class Packager {
  readonly #unitMs: number;
  readonly #sink: PackagerSink;
  #announced: readonly TrackKind[] = ['video', 'audio'];
  readonly #configs = new Map<TrackKind, TrackConfig>();
  #state: State = { is: 'gathering', held: [], bytes: 0 };

  constructor(unitMs: number, sink: PackagerSink) {
    this.#unitMs = unitMs;
    this.#sink = sink;
  }

  tracks(kinds: readonly TrackKind[]): void {
    this.#announced = kinds;
  }

  config(config: TrackConfig): void {
    const before = this.#configs.get(config.kind);
    if (before && sameConfig(before, config)) return;
    this.#configs.set(config.kind, config);
    if (this.#state.is === 'gathering') return;
    this.flush();
    // Pictures go on in the new epoch from their last keyframe, unless it is they that have changed.
    const held = config.kind === 'video' ? [] : this.#state.group.filter((sample) => sample.track === 'video');
    this.#state = { is: 'gathering', held, bytes: held.reduce((sum, sample) => sum + sample.data.length, 0) };
  }

  /** A picture waits for others to go with. */
  get hasPictures(): boolean {
    return this.#state.is === 'running' && this.#state.cutter.hasPictures;
  }

  sample(sample: Sample): void {
    if (sample.data.length > MAX_SAMPLE_BYTES) return; // no demuxer gives such a one
    if (this.#state.is === 'running') return this.#add(this.#state, sample);
    this.#hold(this.#state, sample);
  }

  flush(): void {
    if (this.#state.is !== 'running') return;
    const cut = this.#state.cutter.flush();
    if (cut) this.#emit(this.#state, cut);
  }

  #hold(state: State & { is: 'gathering' }, sample: Sample): void {
    if (sample.track === 'video' && sample.key) {
      // Decoding starts at the newest keyframe; sound from then on is enough.
      state.held = state.held.filter((s) => s.track === 'audio' && s.dtsUs >= sample.dtsUs);
      state.bytes = state.held.reduce((sum, s) => sum + s.data.length, 0);
    }
    // Nothing can decode a picture before the first keyframe.
    if (sample.track === 'video' && !sample.key && !state.held.some((s) => s.track === 'video')) return;
    state.held.push(sample);
    state.bytes += sample.data.length;
    const first = state.held[0];
    const waited = first ? sample.dtsUs - first.dtsUs : 0;
    const complete = this.#announced.every((kind) => this.#configs.has(kind));
    if (!complete && waited < WAIT_FOR_TRACK_US && state.bytes < MAX_HELD_BYTES) return;
    this.#begin(state);
  }

  #begin(state: State & { is: 'gathering' }): void {
    const configs = (['video', 'audio'] as const).flatMap((kind) => this.#configs.get(kind) ?? []);
    const video = this.#configs.has('video');
    const lead = state.held.findIndex((s) => (video ? s.track === 'video' && s.key : this.#configs.has(s.track)));
    const first = state.held[lead];
    if (!first) {
      if (state.bytes >= MAX_HELD_BYTES) this.#state = { is: 'gathering', held: [], bytes: 0 };
      return;
    }
    const audio = configs.find((config) => config.kind === 'audio') ?? null;
    const running: State = {
      is: 'running',
      cutter: new Cutter(this.#unitMs, { video, audioSampleRate: audio?.sampleRate ?? null }),
      sound: audio && new SoundLine(audio),
      configs,
      baseUs: first.dtsUs,
      sequence: 0,
      group: [],
      groupBytes: 0,
    };
    this.#state = running;
    this.#sink.epochBegan(muxInit(configs), configs);
    for (const sample of state.held) this.#add(running, sample);
  }

  #add(state: State & { is: 'running' }, given: Sample): void {
    const here = state.configs.some((c) => c.kind === given.track);
    const dtsUs = given.dtsUs - state.baseUs;
    if (!here || dtsUs < 0) return; // before the first picture, or of a track that came too late
    if (given.track === 'video') this.#remember(state, given);
    const sample = { ...given, dtsUs, ptsUs: given.ptsUs - state.baseUs };
    const next =
      sample.track === 'audio' ? (state.sound?.take(sample) ?? []) : [...(state.sound?.reach(dtsUs) ?? []), sample];
    for (const one of next) for (const cut of state.cutter.add(one)) this.#emit(state, cut);
  }

  #remember(state: State & { is: 'running' }, sample: Sample): void {
    if (sample.key) [state.group, state.groupBytes] = [[], 0];
    state.group.push(sample);
    state.groupBytes += sample.data.length;
    if (state.groupBytes > MAX_HELD_BYTES) [state.group, state.groupBytes] = [[], 0];
  }

  #emit(state: State & { is: 'running' }, cut: Cut): void {
    const runs: TrackRun[] = state.configs.flatMap((config) => {
      const samples = cut[config.kind];
      return samples.length > 0 ? [{ kind: config.kind, timescale: timescaleOf(config), samples }] : [];
    });
    const capture = { ...this.#sink.captured(cut.shownUs + state.baseUs), mediaUs: cut.shownUs };
    this.#sink.unit({
      bytes: muxFragment(++state.sequence, runs, capture),
      key: cut.key,
      startUs: cut.startUs + state.baseUs,
      durationMs: Math.min(0xffff, Math.round(cut.durationUs / 1_000)),
    });
  }
}
