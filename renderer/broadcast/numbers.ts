// The six numbers of the Broadcast pane, in words. Pure.
import type { Sample } from '../../protocol/history.ts';
import { bitRate, delay, OFFLOAD_SPAN, percent } from '../format.ts';

export function numbersOf(
  sample: Sample | null,
  uplink: number | null,
): [name: string, value: string, title: string][] {
  const egress = sample && Object.values(sample.egressBitsPerSecond).reduce((sum, part) => sum + part, 0);
  const or = (value: number | null | undefined, text: (value: number) => string): string =>
    value === null || value === undefined ? '-' : text(value);
  return [
    ['Viewers', or(sample?.viewers, (n) => n.toLocaleString('en')), 'Pages that watch now, without consoles'],
    ['Offload', or(sample?.offload, percent), `Share that viewers had from each other in the ${OFFLOAD_SPAN}`],
    ['Delay p50', or(sample?.delayP50Ms, delay), 'Half of the viewers are nearer'],
    ['Delay p95', or(sample?.delayP95Ms, delay), '95 of 100 viewers are nearer'],
    ['Uplink', or(uplink, bitRate), 'What the source sends in'],
    ['Servers send', or(egress, bitRate), 'What the forwards send to viewers'],
  ];
}
