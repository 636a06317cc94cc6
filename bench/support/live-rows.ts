// What can happen between a camera and the coordinate, a row of the bench `live` each.
import type { ClockSource, SourceOptions } from './clock-source.ts';
import { keepBusy, starve } from './load.ts';
import type { Uplink, Way } from './uplink.ts';
import { wait } from './watching.ts';

/** What a disturbance may lay its hands on. */
export interface Scene {
  source: ClockSource;
  uplink: Uplink;
  /** Of the undisturbed stream. */
  bytesPerSecond: number;
}

export interface LiveRow {
  name: string;
  what: string;
  /**
   * The disturbance begins with the push; before it there is nothing to compare with but an
   * undisturbed stream.
   */
  atStart?: boolean;
  /** The uplink when the push begins. */
  way?: Way;
  source?: SourceOptions;
  /** Resolves when it is over. */
  disturb(scene: Scene): Promise<void>;
  /** Nothing is undone at the end: the row has no time after. */
  lastsOn?: boolean;
  /** No stall is allowed later than this after the disturbance's begin, while it lasts. */
  smoothAfterMs?: number;
}

const THROTTLED_MS = 8_000;
const THROTTLED_TO = 0.6;
const BURST_MS = 4_000;
const BURSTS = 10;
/** A core's fifth of its time. */
const STARVED = { runsMs: 100, ofMs: 500 };
const STARVED_MS = 5_000;
const CALM_MS = 60_000;
const DRIFT_MS = 45_000;

async function throttle({ uplink, bytesPerSecond }: Scene): Promise<void> {
  uplink.set({ is: 'rate', bytesPerSecond: bytesPerSecond * THROTTLED_TO });
  await wait(THROTTLED_MS);
  uplink.set({ is: 'open' });
}

async function drift(): Promise<void> {
  await wait(DRIFT_MS);
}

export const LIVE_ROWS: readonly LiveRow[] = [
  { name: 'a', what: 'nothing happens', disturb: () => wait(CALM_MS), lastsOn: true },
  { name: 'b', what: 'the uplink carries 60 % for 8 s', disturb: throttle },
  {
    name: 'c',
    what: 'silent for 3 s, then everything at once',
    async disturb({ uplink }) {
      uplink.set({ is: 'hold' });
      await wait(3_000);
      uplink.set({ is: 'open' });
    },
  },
  {
    name: 'd',
    what: 'begins with 5 s of media at once',
    atStart: true,
    way: { is: 'hold' },
    async disturb({ uplink }) {
      await wait(5_000);
      uplink.set({ is: 'open' });
    },
  },
  {
    name: 'e-start',
    what: 'the encoder has a fifth of a core for its first 5 s',
    atStart: true,
    disturb: ({ source }) => starve(source.encoderPid, STARVED, STARVED_MS),
  },
  {
    name: 'e-middle',
    what: 'the encoder has a fifth of a core for 5 s',
    disturb: ({ source }) => starve(source.encoderPid, STARVED, STARVED_MS),
  },
  {
    name: 'f',
    what: 'a camera that counts its frames loses 1 s of them',
    source: { stamps: 'count' },
    async disturb({ source }) {
      source.hold(1_000);
      await wait(1_000);
    },
  },
  {
    name: 'g-fast',
    what: "the camera's clock is 300 ppm fast",
    source: { stamps: 'count', rate: 1.0003 },
    disturb: drift,
    lastsOn: true,
  },
  {
    name: 'g-slow',
    what: "the camera's clock is 300 ppm slow",
    source: { stamps: 'count', rate: 0.9997 },
    disturb: drift,
    lastsOn: true,
  },
  {
    name: 'i',
    what: 'bursts of 4 s for 40 s, from the first on',
    atStart: true,
    way: { is: 'bursts', everyMs: BURST_MS },
    smoothAfterMs: 2 * BURST_MS,
    async disturb({ uplink }) {
      await wait(BURSTS * BURST_MS);
      uplink.set({ is: 'open' });
    },
  },
  {
    name: 'j',
    what: 'ten times b, 8 s apart',
    async disturb(scene) {
      for (let time = 0; time < 10; time++) {
        if (time > 0) await wait(THROTTLED_MS);
        await throttle(scene);
      }
    },
  },
  { name: 'k', what: 'two programs that compute for 20 s', disturb: () => keepBusy(2, 20_000) },
];
