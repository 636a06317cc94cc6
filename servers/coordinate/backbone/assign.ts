// Which tracker a viewer is given: one of its region, then of the default region, then any; there the least loaded. Pure; the
// sentence says why.
import { refuse, type Result } from '../../../protocol/refusal.ts';
import type { KnownTracker } from './roster.ts';

/** Loads nearer than this are equal: then the number of viewers decides. */
const LOAD_STEP = 0.05;
const FULL = 1;

export interface Placement {
  /** Names of the viewer's region, the most particular first, and where they come from. */
  names: readonly string[];
  why: string;
}

export interface Choice {
  tracker: KnownTracker;
  region: string;
  why: string;
}

export function chooseTracker(
  trackers: readonly KnownTracker[],
  place: Placement,
  defaultRegion: string,
): Result<Choice> {
  const here = trackers.filter((t) => t.state === 'here');
  if (here.length === 0)
    return refuse('no-tracker', 'No tracker is there yet: start one (p2plive tracker), or wait a moment.');
  const open = here.filter((t) => t.record.load < FULL);
  if (open.length === 0) return refuse('full', 'All trackers are full: try again in a minute.');
  for (const region of [...place.names, defaultRegion]) {
    const near = open.filter((t) => t.record.region === region);
    const best = leastLoaded(near);
    if (best) return chosen(best, region, `${place.why}; ${ofHow(near.length)} of region ${region}`);
  }
  const best = leastLoaded(open) as KnownTracker;
  return chosen(
    best,
    place.names[0] ?? defaultRegion,
    `${place.why}; no tracker there, so ${ofHow(open.length)} of any region`,
  );
}

const chosen = (tracker: KnownTracker, region: string, why: string): Result<Choice> => ({
  ok: true,
  value: { tracker, region, why: `${why} (${tracker.record.viewers} viewers, load ${tracker.record.load.toFixed(2)})` },
});

const ofHow = (count: number): string => (count === 1 ? 'the only tracker' : `the least loaded of ${count} trackers`);

/** One that has forwards before one that has none. */
function leastLoaded(trackers: readonly KnownTracker[]): KnownTracker | undefined {
  const rank = (t: KnownTracker): number[] => [
    t.record.forwards.length > 0 ? 0 : 1,
    Math.round(t.record.load / LOAD_STEP),
    t.record.viewers + t.sent,
  ];
  return trackers.toSorted((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    const first = x.findIndex((value, i) => value !== y[i]);
    return first < 0 ? a.record.id.localeCompare(b.record.id) : (x[first] ?? 0) - (y[first] ?? 0);
  })[0];
}
