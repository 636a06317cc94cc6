// How well a viewer and its edges are, in seven words, worst first in SEVERITY. Decided here and nowhere else.
import type { ForwardLinkRow, ViewerTableRow } from '../../protocol/mesh-tables.ts';

export type Health = 'ok' | 'late' | 'accused' | 'takeover' | 'lossy' | 'convicted' | 'off';
export const SEVERITY: readonly Health[] = ['convicted', 'lossy', 'takeover', 'accused', 'late', 'off', 'ok'];
export const HEALTH_WORDS: Record<Health, string> = {
  ok: 'well',
  late: 'late',
  takeover: 'stand-in',
  lossy: 'interrupted',
  accused: 'accused',
  convicted: 'convicted',
  off: 'waiting',
};
/** What each word means, for legend and inspector. */
export const HEALTH_MEANING: Record<Health, string> = {
  ok: 'The stream arrives in time.',
  late: 'Arrives later than it is to be shown.',
  takeover: 'Another one stands in for a lost parent.',
  lossy: 'Starving, contradictory or lost.',
  accused: 'Said to send bad media; not proven.',
  convicted: 'Sent bad media: forwards feed it, and it feeds nobody.',
  off: 'Nothing flows here yet.',
};
/** Where no target is known: nobody watches live with more delay than this. */
const LATE_MS = 1_500;
const WAITING = new Set(['finding', 'joining', 'returning', 'ended']);

export const isProblem = (health: Health): boolean => health !== 'ok' && health !== 'off';

/** @param targetMs the delay everybody shows the stream at; what arrives later is too late */
export function viewerHealth(row: ViewerTableRow, targetMs: number | null): Health {
  if (row.trust === 'convicted') return 'convicted';
  if (row.state === 'starving' || row.mismatch) return 'lossy';
  if (row.state !== undefined && WAITING.has(row.state)) return 'off';
  if (row.trust === 'accused') return 'accused';
  return isLate(row, targetMs) ? 'late' : 'ok';
}

/** @param taken slices that a forward gives this viewer in a lost parent's place, as `takenOver` says */
export function edgeHealth(
  row: ViewerTableRow,
  parent: { slice: number; kind: string },
  targetMs: number | null,
  taken: string,
): Health {
  if (row.state === 'starving' || row.mismatch) return 'lossy';
  if (
    parent.kind === 'forward' &&
    (taken.includes(`${parent.slice}`) || /\btake(s|n)?[- ]?over\b/i.test(row.why ?? ''))
  )
    return 'takeover';
  if (row.state !== undefined && WAITING.has(row.state)) return 'off';
  return isLate(row, targetMs) ? 'late' : 'ok';
}

/** By viewer: the slices that a forward serves as a takeover, as digits. */
export function takenOver(links: Record<string, ForwardLinkRow>): Map<string, string> {
  const taken = new Map<string, string>();
  for (const key in links) {
    const link = links[key];
    for (const slice of link?.slices ?? []) {
      const { k, why } = (slice ?? {}) as { k?: unknown; why?: unknown };
      if (link && why === 'takeover') taken.set(link.viewer, `${taken.get(link.viewer) ?? ''}${Number(k)}`);
    }
  }
  return taken;
}

/** The worst of several, where it concerns at least a tenth of them; a single one in a crowd does not paint all of it. */
export function prevailing(counts: Readonly<Record<Health, number>>): Health {
  const all = SEVERITY.reduce((sum, health) => sum + counts[health], 0);
  return SEVERITY.find((health) => counts[health] > 0 && counts[health] >= all / 10) ?? 'ok';
}

export const noCounts = (): Record<Health, number> => ({
  ok: 0,
  late: 0,
  accused: 0,
  takeover: 0,
  lossy: 0,
  convicted: 0,
  off: 0,
});

const isLate = (row: ViewerTableRow, targetMs: number | null): boolean =>
  row.arrivalMs !== null && row.arrivalMs !== undefined && row.arrivalMs > Math.max(targetMs ?? LATE_MS, 150);
