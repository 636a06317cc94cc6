// The newest figures of the Health pane, in words. Pure.
import type { Sample } from '../../protocol/history.ts';
import { bitRate, delay, OFFLOAD_SPAN, percent } from '../format.ts';

/** @param sample null: there is none yet */
export function figuresOf(sample: Sample | null): [label: string, value: string][] {
  const or = (value: number | null | undefined, say: (value: number) => string): string =>
    value === null || value === undefined ? 'none' : say(value);
  const egress = sample && Object.values(sample.egressBitsPerSecond).reduce((sum, bits) => sum + bits, 0);
  return [
    ['Viewers', or(sample?.viewers, (value) => value.toLocaleString('en'))],
    ['Playing', or(sample?.playing, (value) => value.toLocaleString('en'))],
    [`Offload, ${OFFLOAD_SPAN}`, or(sample?.offload, percent)],
    ['Delay, median', or(sample?.delayP50Ms, delay)],
    ['Delay, 19 of 20', or(sample?.delayP95Ms, delay)],
    ['Standing, a second', or(sample?.stalledMs, delay)],
    ['Forwards send', or(egress, bitRate)],
  ];
}
