// The ledger against honest reports, reports in flight, and liars.
import { expect, it } from 'vitest';
import { Ledger } from '../../servers/tracker/ledger.ts';

const RATE = 1_000_000;
const SECOND_BYTES = RATE / 8;

/** So many seconds in which `from` says it gave, and `to` says it had, these shares of the stream. */
function seconds(ledger: Ledger, count: number, gave: number, got: number, lag = 0): void {
  for (let s = 0; s < count; s++) {
    ledger.gave('va', 'vb', SECOND_BYTES * gave, s * 1_000);
    if (s >= lag) ledger.got('va', 'vb', SECOND_BYTES * got, 1_000, RATE, s * 1_000 + 500);
  }
  ledger.tick(count * 1_000 + 10_000);
}

it('[S15] honest words agree, also where the last one is still on its way', () => {
  const ledger = new Ledger();
  seconds(ledger, 10, 0.5, 0.5, 1);
  ledger.forward('f1', SECOND_BYTES * 5);
  expect(ledger.row().mismatches).toEqual([]);
  expect(ledger.gapOf('va')).toBeCloseTo(0.1, 2);
  expect(ledger.row().offload).toBeCloseTo(4.5 / 9.5, 3);
});

it('[S15] who says that it gave a hundred times as much is shown, and contributes what its child confirms', () => {
  const ledger = new Ledger();
  seconds(ledger, 10, 50, 0.5);
  const { mismatches, peerReceivedBytes } = ledger.row();
  expect(mismatches).toEqual([{ from: 'va', to: 'vb', gave: SECOND_BYTES * 500, got: SECOND_BYTES * 5 }]);
  expect(ledger.gapOf('va')).toBeGreaterThan(0.95);
  expect(peerReceivedBytes).toBe(SECOND_BYTES * 5);
});

it('[S15] a child that had more than the stream could bring is believed two copies, and shown', () => {
  const ledger = new Ledger();
  expect(ledger.got('va', 'vb', 1e9, 1_000, RATE, 0)).toBe(SECOND_BYTES * 2 + 128 * 1024);
  ledger.tick(10_000);
  expect(ledger.row().mismatches).toHaveLength(1);
});

it('[S15] a forward that begins anew goes on counting; who leaves is forgotten; the list has an end', () => {
  const ledger = new Ledger();
  ledger.forward('f1', 1_000);
  ledger.forward('f1', 200);
  expect(ledger.row().forwardBytes).toBe(1_200);
  for (let i = 0; i < 50; i++) ledger.gave(`v${i}`, 'vb', 1e9, 0);
  ledger.tick(10_000);
  expect(ledger.row().mismatches).toHaveLength(20);
  ledger.forget('vb');
  expect(ledger.row().mismatches).toEqual([]);
});
