// What a tracker says of a stream's mesh as a whole, in words: how large an audience it holds, why so many slices, and whether everybody's
// account of what was carried agrees. Pure; what a tracker of an earlier release leaves out is left out here too.
import type { Ledger, SwarmRow } from '../../protocol/mesh-tables.ts';
import { bitRate, byteSize, count, percent } from '../format.ts';

export interface SwarmWords {
  name: string;
  /** One sentence, and the reason for it; null where the tracker does not say. */
  forecast: { says: string; why: string } | null;
  slices: { says: string; why: string };
  pairs: [label: string, value: string][];
  ledger: LedgerWords | null;
}

export interface LedgerWords {
  agrees: boolean;
  says: string;
  pairs: [label: string, value: string][];
  mismatches: { from: string; to: string; gave: string; got: string; gap: string }[];
}

/** The tracker sends the worst; more than this nobody reads. */
const MOST_MISMATCHES = 12;

export function swarmWords(name: string, row: SwarmRow): SwarmWords {
  const { k, kWhy, forecast, bitsPerSecond, supply, parity, parityWhy, ledger } = row;
  const rate = bitsPerSecond ? ` at ${bitRate(bitsPerSecond)}` : '';
  return {
    name,
    forecast: forecast
      ? { says: `This mesh holds about ${count(forecast.viewers, 'viewer')}${rate}.`, why: forecast.why }
      : null,
    slices: { says: `The stream is cut into ${count(k, 'slice')}.`, why: kWhy ?? '' },
    pairs: [
      ...pair('Supply', supply, (value) => `${value.toFixed(2)} slots for each one taken`),
      ...pair('Parity', parity, (is) => `${is ? 'sent along' : 'not sent'}${parityWhy ? `: ${parityWhy}` : ''}`),
      ...pair('Copies from the forwards, as planned', row.directCopies, String),
    ],
    ledger: ledger ? ledgerWords(ledger) : null,
  };
}

function ledgerWords(ledger: Ledger): LedgerWords {
  const mismatches = ledger.mismatches ?? [];
  const agrees = mismatches.length === 0;
  return {
    agrees,
    says: agrees
      ? 'What viewers say they gave is what their neighbours say they got.'
      : `On ${count(mismatches.length, 'link')} the two ends do not agree about what was carried.`,
    pairs: [
      ...pair('Forwards sent, by their counters', ledger.forwardBytes, byteSize),
      ...pair('Viewers gave, by their word', ledger.peerGivenBytes, byteSize),
      ...pair('Viewers got, by receipts', ledger.peerReceivedBytes, byteSize),
      ...pair('Offload since this audience began, by receipts', ledger.offload, percent),
    ],
    mismatches: mismatches.slice(0, MOST_MISMATCHES).map(({ from, to, gave, got }) => ({
      from,
      to,
      gave: byteSize(gave),
      got: byteSize(got),
      gap: percent(Math.abs(gave - got) / Math.max(1, gave, got)),
    })),
  };
}

const pair = <T>(label: string, value: T | null | undefined, say: (value: T) => string): [string, string][] =>
  value === null || value === undefined ? [] : [[label, say(value)]];
