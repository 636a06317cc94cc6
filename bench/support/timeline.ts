// A tab's life second by second, so that a row that fails can be looked into. Pure.
import type { Probe } from './probe.ts';

export interface Second {
  /** Since the moment that is looked at, such as the begin of a disturbance. */
  second: number;
  trueMs: number;
  toldMs: number | null;
  bufferMs: number | null;
  targetMs: number | null;
  state: string | null;
  /** Shown so far, and decoded. */
  frames: number;
  decoded: number;
}

/** The last sample of each second. */
export function timelineOf({ samples }: Probe, zeroMs: number): Second[] {
  const last = new Map<number, Second>();
  for (const { atMs, ...sample } of samples) {
    const second = Math.floor((atMs - zeroMs) / 1_000);
    last.set(second, { second, ...sample });
  }
  return [...last.values()];
}
