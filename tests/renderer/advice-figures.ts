// Calm figures of a running system, to which a test adds the trouble it is about.
import type { Sample } from '../../protocol/history.ts';
import { sampleAt } from '../support/fake-plane-data.ts';

export { firstState, pastMarkers } from '../support/fake-plane-data.ts';

const calm = sampleAt(0, 20);
export const PROGRAM_NAMES = Object.keys(calm.programs).toSorted();

export function sampleOf(atMs: number, change: Partial<Sample>): Sample {
  return { ...calm, atMs, joined: 0, left: 0, stalledMs: 0, delayP95Ms: 480, playing: change.viewers ?? 20, ...change };
}
