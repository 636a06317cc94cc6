// What a running stack's own counters say: who carried the stream, and how it is cut.
import type { Stack } from '../../tests/support/stack.ts';

/** How the tracker has cut the stream, and with what supply: as "2 x 1.15". */
export async function layoutOf(stack: Stack): Promise<string> {
  const response = await fetch(`${stack.ready.tracker}/debug`, { headers: { accept: 'application/json' } });
  const { streams } = (await response.json()) as { streams: { k: number; supply: number }[] };
  return streams.map(({ k, supply }) => `${k} x ${supply.toFixed(2)}`).join(', ');
}

export interface Bytes {
  egress: number;
  ingress: number;
}

export async function bytesOf(stack: Stack): Promise<Bytes> {
  const sum = { egress: 0, ingress: 0 };
  for (const { debug } of stack.ready.forwards) {
    const response = await fetch(debug, { headers: { accept: 'application/json' } });
    const state = (await response.json()) as { egressBytes: Record<string, number>; ingressBytes: number };
    sum.egress +=
      (state.egressBytes['media'] ?? 0) + (state.egressBytes['bootstrap'] ?? 0) + (state.egressBytes['repair'] ?? 0);
    sum.ingress += state.ingressBytes;
  }
  return sum;
}

/** 1 - (what the forward sent to viewers) / (one copy of the stream for each of them). */
export const offload = (before: Bytes, after: Bytes, viewers: number): number =>
  100 * (1 - (after.egress - before.egress) / ((after.ingress - before.ingress) * viewers));
