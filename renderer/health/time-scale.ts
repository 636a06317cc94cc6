// The recorded time as the scrubber shows it: its two ends, the viewers as an outline, the markers as shares of the width. Pure.
import type { Marker, Sample } from '../../protocol/history.ts';

export interface TimeScale {
  fromMs: number;
  toMs: number;
}

const BUCKETS = 300;
const HEIGHT = 100;

/** null until two samples were recorded. */
export function scaleOf(samples: readonly Sample[]): TimeScale | null {
  const [first, last] = [samples[0], samples.at(-1)];
  return first && last && last.atMs > first.atMs ? { fromMs: first.atMs, toMs: last.atMs } : null;
}

/** An area in a box of 300 x 100: how many watched. */
export function outlineOf(samples: readonly Sample[], { fromMs, toMs }: TimeScale): string {
  const seen = Array.from<number | undefined>({ length: BUCKETS });
  let most = 1;
  for (const { atMs, viewers } of samples) {
    const at = Math.min(BUCKETS - 1, Math.floor(((atMs - fromMs) / (toMs - fromMs)) * BUCKETS));
    seen[at] = Math.max(seen[at] ?? 0, viewers);
    most = Math.max(most, viewers);
  }
  // While there are fewer samples than steps, what was seen last stands until the next one.
  let last = 0;
  const tops = seen.map((viewers) => (last = viewers ?? (samples.length < BUCKETS ? last : 0)));
  const points = tops.map((top, i) => `L${i} ${(HEIGHT - (top / most) * HEIGHT).toFixed(1)}`);
  return `M0 ${HEIGHT}${points.join('')}L${BUCKETS} ${(HEIGHT - ((tops.at(-1) ?? 0) / most) * HEIGHT).toFixed(1)}L${BUCKETS} ${HEIGHT}Z`;
}

export interface Tick {
  key: string;
  /** 0..1 of the width. */
  at: number;
  kind: Marker['kind'];
}

/** At most one of a kind for each hundredth of the width: a burst of markers is one tick. */
export function ticksOf(markers: readonly Marker[], { fromMs, toMs }: TimeScale): Tick[] {
  const ticks = new Map<string, Tick>();
  for (const { atMs, kind } of markers) {
    if (atMs < fromMs || atMs > toMs) continue;
    const at = (atMs - fromMs) / (toMs - fromMs);
    const key = `${kind} ${Math.round(at * 200)}`;
    if (!ticks.has(key)) ticks.set(key, { key, at, kind });
  }
  return [...ticks.values()];
}

/** The nearest marker before or after a moment, not the one right there. */
export function markerBeside(markers: readonly Marker[], atMs: number, way: -1 | 1): Marker | null {
  const ahead = markers.filter((marker) => (way === 1 ? marker.atMs > atMs + 500 : marker.atMs < atMs - 500));
  return ahead.toSorted((a, b) => way * (a.atMs - b.atMs))[0] ?? null;
}

/** What had happened last at a moment, within two minutes. */
export function lastMarker(markers: readonly Marker[], atMs: number): Marker | null {
  return markers.findLast((marker) => marker.atMs <= atMs + 500 && marker.atMs > atMs - 120_000) ?? null;
}
