// One synthetic viewer: a real headless peer with an uplink of its own, and the account of what it would have shown.
import type { PeerEnv, Wire, WireEvents } from '../mesh/env.ts';
import { HeadlessPeer } from './headless-peer.ts';
import { evilEnv, type EvilWay } from './evil.ts';
import { farEnv } from './far-env.ts';
import { shapedEnv } from './shaped-env.ts';

/** A newcomer's first units are old on purpose: they say nothing about the mesh. */
const SETTLE_MS = 3_000;
/** Units that came later after their making than this would be missing with a playout buffer of a second. */
const BUFFER_MS = 1_000;

export interface MemberOptions {
  coordinate: string;
  stream: string;
  /** Upload in copies of the stream; null: no limit. */
  copies: number | null;
  loss: number;
  /** One way to the middle of the network. */
  accessMs: number;
  evilWay: EvilWay;
  isEvil: boolean;
  /** Bits a second of one copy of the stream; null while nobody knows. */
  streamBitsPerSecond: () => number | null;
  random: () => number;
}

/** Counts since the member settled. */
export interface Tally {
  units: number;
  /** Later than the audience's own playout delay: what a viewer would have seen as a stall. */
  late: number;
  /** Later than a second, or never. */
  missing: number;
  longestGapMs: number;
}

export class Member {
  readonly peer: HeadlessPeer;
  readonly copies: number | null;
  readonly sinceMs: number;
  isEvil: boolean;
  /** Since it was last asked, for the numbers of each second. */
  #tally: Tally = { units: 0, late: 0, missing: 0, longestGapMs: 0 };
  #delays: number[] = [];
  #media = { bytes: 0, ms: 0 };
  #lastMs: number | null = null;
  #skipped = 0;
  readonly #now: () => number;
  /** To other peers, by the id of the call, which both ends know. */
  readonly #links = new Map<string, Wire & { cut(): void }>();
  readonly #ends: (() => void)[];
  #isGone = false;

  constructor(real: PeerEnv, options: MemberOptions) {
    this.#now = () => real.now();
    this.sinceMs = real.now();
    this.copies = options.copies;
    this.isEvil = options.isEvil;
    const rate = (): number | null => {
      const stream = options.streamBitsPerSecond();
      return this.copies === null || stream === null ? null : this.copies * stream;
    };
    const evil = evilEnv(farEnv(real, options.accessMs), options.evilWay, () => this.isEvil);
    const shaped = shapedEnv(evil.env, { bitsPerSecond: rate, loss: options.loss, random: options.random });
    this.#ends = [evil.close, shaped.close];
    this.peer = new HeadlessPeer(
      this.#breakable(shaped.env),
      { coordinate: options.coordinate, stream: options.stream, shares: true, role: 'viewer' },
      {
        unit: ({ held }) => {
          this.#media.bytes += held.head.unitBytes;
          this.#media.ms += held.head.durationMs;
          this.#shown(held.head.sourceMs, held.wholeMs);
        },
      },
    );
  }

  start(): void {
    this.peer.start();
  }

  /** Goes with a word to everybody, or without one to anybody. */
  close(silently = false): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (silently) for (const link of this.#links.values()) link.close();
    this.peer.close();
    for (const end of this.#ends) end();
  }

  /** Links to other peers. */
  calls(): readonly string[] {
    return [...this.#links.keys()];
  }

  /** Cuts a link; the peer itself stays and hears that it is closed. */
  cut(call: string): void {
    this.#links.get(call)?.cut();
  }

  takeTally(): Tally & { delays: number[] } {
    const skipped = this.peer.stats().skippedUnits;
    const never = Math.max(0, skipped - this.#skipped);
    this.#skipped = skipped;
    const nowMs = this.#now();
    const gapMs = this.#lastMs === null ? 0 : nowMs - this.#lastMs;
    const { units, late, missing, longestGapMs } = this.#tally;
    const taken = {
      units: units + never,
      late: late + never,
      missing: missing + never,
      longestGapMs: Math.max(longestGapMs, gapMs),
      delays: this.#delays,
    };
    this.#tally = { units: 0, late: 0, missing: 0, longestGapMs: 0 };
    this.#delays = [];
    return taken;
  }

  /** The media it was given since it was last asked, and the time that it fills. */
  takeMedia(): { bytes: number; ms: number } {
    const media = this.#media;
    this.#media = { bytes: 0, ms: 0 };
    return media;
  }

  #shown(sourceMs: number, wholeMs: number | null): void {
    const nowMs = this.#now();
    const coordinateMs = this.peer.peer.coordinateMs();
    const isSettled = nowMs - this.sinceMs > SETTLE_MS;
    if (isSettled && this.#lastMs !== null)
      this.#tally.longestGapMs = Math.max(this.#tally.longestGapMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    if (coordinateMs === null || wholeMs === null || !isSettled) return;
    const delayMs = coordinateMs - (nowMs - wholeMs) - sourceMs;
    this.#delays.push(delayMs);
    this.#tally.units++;
    if (delayMs > this.peer.peer.playout.targetDelayMs) this.#tally.late++;
    if (delayMs > BUFFER_MS) this.#tally.missing++;
  }

  #breakable(env: PeerEnv): PeerEnv {
    return {
      ...env,
      peer: (options, events) => {
        const { call } = options;
        const forget = (): void => {
          if (this.#links.get(call) === breakable) this.#links.delete(call);
        };
        const told: WireEvents['closed'] = (why) => {
          forget();
          events.closed(why);
        };
        const wire = env.peer(options, { ...events, closed: told });
        const close = wire.close.bind(wire);
        const breakable = Object.assign(wire, {
          close: () => {
            forget();
            close();
          },
          cut: () => {
            breakable.close();
            told('cut');
          },
        });
        this.#links.set(call, breakable);
        return breakable;
      },
    };
  }
}
