// How many slices one viewer may serve, from what is known of its uplink: a pure step from one second to the next (MESH.md section 3,
// rule T13). A slot is one slice, 1/K of the stream.
import type { SliceCount } from '../../protocol/fields.ts';
import type { UplinkWord } from '../../protocol/signalling.ts';

/** More children than this cost a browser more than they help the trees. */
export const MOST_SLOTS = 12;
/** One slot more at the soonest after this, while no slice has ever had to wait. */
const GROW_EVERY_MS = 2_000;
/** After a decrease, so long without a wait before one slot more; doubled by each further decrease. */
const CALM_MS = 10_000;
const MOST_PATIENCE_MS = 5 * 60_000;
const SHRINK_EVERY_MS = 2_000;
/** Waits of the oldest slice: longer than this, and the uplink has more to carry than it can. */
const LATE_MS = 300;
const VERY_LATE_MS = 800;
/** A keyframe's slices wait for each other up to here on a line that carries them well. */
const CALM_WAIT_MS = 200;
/** One more child only for an uplink that carries those it has without a wait to speak of. */
const EASY_WAIT_MS = 60;
/** Above what was measured, headroom taken off, an uplink is tried this much more rarely, and still more rarely above all that was measured. */
const BEYOND_FACTOR = 6;
const UNPROVEN_FACTOR = 30;
/** A queue that is so much shorter than a second ago is being worked off: what it holds came from before. */
const DRAINS_MS = 50;
/**
 * One late report may be a busy moment of the machine; two in a row are the line. Where the line is measured and carries what it has, it is
 * more likely the burst after its own parent was lost, which takes longer to pass.
 */
const LATE_REPORTS = 2;
const LATE_REPORTS_WITHIN = 4;
/** What a forward measured in half a second counts for so much: in a crowd there is more to give than the plan says (decision 011). */
const PROBED_SHARE = 0.85;

/**
 * What a newcomer is trusted with: one copy in halves, three quarters of one in quarters. The commonest uplink carries one copy of the bare
 * stream and not its headers; with four children it falls behind, slowly, and half the audience with it (docs/decisions).
 */
export const trustedSlots = (K: number): number => (K === 4 ? 3 : K);

export interface Capacity {
  slots: number;
  /** When slots last became more, and less. */
  grewMs: number;
  shrankMs: number;
  /** Since when no slice has had to wait. */
  calmSinceMs: number;
  patienceMs: number;
  lateReports: number;
  /** The longest wait in the report before. */
  oldestMs: number;
  /** Upload as it was measured last, bits a second; null: its uplink has never been full. */
  bitsPerSecond: number | null;
}

/** What bounds a viewer's slots from outside. */
export interface Allowance {
  K: SliceCount;
  /** The stream with headers and retransmissions; null while nobody has said. */
  streamBitsPerSecond: number | null;
  /** Share of the measured upload that is planned with, 0.7 to 0.9. */
  headroom: number;
  /** The broadcaster's cap, in slots. */
  most: number;
  /** The swarm has use for more than one copy of each; what is there already stays in any case. */
  isMoreWanted: boolean;
  /** The viewer's own cap. */
  capBitsPerSecond: number | null;
}

/** @param slots what it is trusted with at the start: one copy, or what an earlier visit has shown */
export const newCapacity = (slots: number, nowMs: number, bitsPerSecond: number | null = null): Capacity => ({
  slots,
  grewMs: nowMs,
  shrankMs: Number.NEGATIVE_INFINITY,
  calmSinceMs: nowMs,
  patienceMs: CALM_MS,
  lateReports: 0,
  oldestMs: 0,
  bitsPerSecond,
});

/** What a viewer serves now, in slices. */
export interface Load {
  /** Children by the plan. */
  used: number;
  /** What it really passes on: a child that is still connecting says nothing about the uplink. */
  carried: number;
}

/** Slots that carry so many bits a second; no bound while the stream's rate is unknown. */
export function slotsFor(
  bitsPerSecond: number,
  { K, streamBitsPerSecond }: Pick<Allowance, 'K' | 'streamBitsPerSecond'>,
) {
  if (streamBitsPerSecond === null || streamBitsPerSecond <= 0) return MOST_SLOTS;
  return Math.floor((bitsPerSecond * K) / streamBitsPerSecond + 1e-9);
}

/** The most that is allowed whatever the uplink can do. */
export function mostSlots(allowed: Allowance): number {
  const own = allowed.capBitsPerSecond === null ? MOST_SLOTS : slotsFor(allowed.capBitsPerSecond, allowed);
  return Math.max(0, Math.min(MOST_SLOTS, allowed.most, own));
}

/** The capacity after a report. */
export function nextCapacity(
  before: Capacity,
  word: UplinkWord,
  { used, carried }: Load,
  allowed: Allowance,
  nowMs: number,
): Capacity {
  const most = mostSlots(allowed);
  const measured = word.bitsPerSecond ?? before.bitsPerSecond;
  const share = allowed.headroom * (word.probed ? PROBED_SHARE : 1);
  const carries = measured === null ? MOST_SLOTS : slotsFor(measured * share, allowed);
  const drains = word.oldestMs < before.oldestMs - DRAINS_MS;
  const lateReports = word.oldestMs > LATE_MS && !drains ? before.lateReports + 1 : 0;
  const calmSinceMs = word.oldestMs < CALM_WAIT_MS ? before.calmSinceMs : nowMs;
  const now = { ...before, bitsPerSecond: measured, lateReports, calmSinceMs, oldestMs: word.oldestMs };
  const inUse = Math.min(before.slots, used);
  // Without children by the plan there is nothing to give up: what waits was meant for those who have moved on, or stood in for.
  const mayShrink = nowMs - before.shrankMs >= SHRINK_EVERY_MS && inUse > 0 && !drains;
  const isMeasured = measured !== null && !word.probed && allowed.streamBitsPerSecond !== null;
  const isMeasuredWithin = isMeasured && inUse <= slotsFor(measured, allowed);
  // More than the line carries, by its own measure: back to what it carries with headroom, and no further. To have found that out is no
  // failure the first time.
  if (word.bitsPerSecond !== null && before.slots > slotsFor(word.bitsPerSecond, allowed)) {
    const fewer = shrunk(now, Math.min(most, carries), nowMs);
    return before.bitsPerSecond === null ? { ...fewer, patienceMs: before.patienceMs } : fewer;
  }
  // A forward has measured it for a newcomer, since slots are short. Whether children reach it no forward can tell: the first one does.
  const proved = Math.min(most, carries);
  const hasNeverFailed = before.shrankMs === Number.NEGATIVE_INFINITY && lateReports === 0;
  if (word.probed && carried > 0 && hasNeverFailed && before.slots < proved)
    return { ...now, slots: proved, grewMs: nowMs };
  if (mayShrink && word.oldestMs > VERY_LATE_MS && lateReports >= (isMeasuredWithin ? LATE_REPORTS_WITHIN : 1))
    return shrunk(now, Math.floor(inUse / 2), nowMs);
  if (mayShrink && lateReports >= (isMeasuredWithin ? LATE_REPORTS_WITHIN : LATE_REPORTS))
    return shrunk(now, inUse - 1, nowMs);
  if (before.slots > most) return { ...now, slots: most };
  if (before.slots >= (allowed.isMoreWanted ? most : Math.min(most, trustedSlots(allowed.K)))) return now;
  const isWithin = before.slots < carries;
  // A line that has not been too narrow lately is filled up to what it is known to carry, or as long as nobody knows.
  const isRested = nowMs - before.shrankMs >= before.patienceMs;
  // Nobody knows what it carries: only while it carries all it may, with hardly a wait.
  const isQuiet =
    measured === null ? carried >= before.slots && word.oldestMs < EASY_WAIT_MS : word.oldestMs < CALM_WAIT_MS;
  if (isWithin && isRested && isQuiet && nowMs - before.grewMs >= GROW_EVERY_MS)
    return { ...now, slots: before.slots + 1, grewMs: nowMs };
  // Above what was measured only where more is wanted, and by trying: all slots in use, and nothing has had to wait for long.
  // An uplink of one copy carries four quarters without their headers, so it falls behind, slowly, and everybody below it.
  const fits = measured === null || before.slots < slotsFor(measured, allowed);
  const restMs = (fits ? BEYOND_FACTOR : UNPROVEN_FACTOR) * before.patienceMs;
  const isCalm = nowMs - Math.max(calmSinceMs, before.grewMs) >= restMs;
  if (isCalm && allowed.isMoreWanted && carried >= before.slots)
    return { ...now, slots: before.slots + 1, grewMs: nowMs };
  return now;
}

function shrunk(now: Capacity, slots: number, nowMs: number): Capacity {
  return {
    ...now,
    slots: Math.max(0, slots),
    shrankMs: nowMs,
    calmSinceMs: nowMs,
    lateReports: 0,
    patienceMs: Math.min(MOST_PATIENCE_MS, now.patienceMs * 2),
  };
}
