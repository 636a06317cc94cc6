// What a viewer's report becomes: rates, delays for the target, and whether its claims agree with the trees. A report never moves
// anybody [S10].
import type { Swarm } from './swarm.ts';
import { isForwardId } from './rejoin.ts';
import type { Report, Viewer } from './viewer.ts';

const ARRIVALS_KEPT = 2;

export function takeReport(swarm: Swarm, viewer: Viewer, report: Report, nowMs: number): void {
  const before = viewer.report;
  const seconds = (nowMs - viewer.reportedMs) / 1_000;
  if (before && seconds > 0.2) {
    const rate = (now: number, then: number): number => Math.max(0, Math.round(((now - then) * 8) / seconds));
    viewer.rates = {
      forwardBitsPerSecond: rate(report.received.forward, before.received.forward),
      peersBitsPerSecond: rate(report.received.peers, before.received.peers),
      sentBitsPerSecond: rate(report.sent, before.sent),
    };
  }
  // Reports that come faster than that are kept for their state only, so that rates keep their meaning.
  viewer.report = before && seconds <= 0.2 ? { ...report, received: before.received, sent: before.sent } : report;
  if (!before || seconds > 0.2) viewer.reportedMs = nowMs;
  const counts = report.state === 'playing' || report.state === 'buffering' || report.state === 'starving';
  if (report.arrivalMs !== undefined && counts && viewer.role === 'viewer')
    viewer.arrivals = [...viewer.arrivals, report.arrivalMs].slice(-ARRIVALS_KEPT);
  account(swarm, viewer, report, nowMs);
  viewer.mismatch = contradiction(swarm, viewer, report);
}

/** [S15] Both sides of each edge into the ledger; only words about edges of the trees count. */
function account(swarm: Swarm, viewer: Viewer, report: Report, nowMs: number): void {
  const { ledger } = swarm;
  for (const { id, bytes } of report.gave ?? []) {
    const child = swarm.viewers.get(id);
    if (child && swarm.joined(viewer, child)) ledger.gave(viewer.id, id, bytes, nowMs);
  }
  const forMs = nowMs - viewer.accountedMs;
  viewer.accountedMs = nowMs;
  for (const { id, bytes } of report.receipts ?? []) {
    const parent = swarm.viewers.get(id);
    if (!parent || !swarm.joined(viewer, parent)) continue;
    parent.confirmedBytes += ledger.got(id, viewer.id, bytes, forMs, swarm.capacities.bitsPerSecond, nowMs);
  }
}

/** The first claim that the trees do not know, as a sentence for the debug page. */
function contradiction(swarm: Swarm, viewer: Viewer, report: Report): string | null {
  const stranger = (id: string): boolean => {
    const other = swarm.viewers.get(id);
    return id === viewer.id || !other || !swarm.joined(viewer, other);
  };
  for (const { slice, id } of report.receipts ?? [])
    if (!isForwardId(id) && stranger(id))
      return `It says that ${id} gives it slice ${slice}; the tracker did not join them.`;
  for (const { slice, id } of report.children ?? [])
    if (stranger(id)) return `It says that it gives ${id} slice ${slice}; the tracker did not join them.`;
  return null;
}
