// Where the playhead should be and how to get there. Pure: the player asks every 40 ms.

export interface Playhead {
  currentTime: number;
  /** Where the whole audience is by plan, seconds on the same line. */
  wanted: number;
  /** Buffered ranges, seconds, in order. */
  ranges: readonly { start: number; end: number }[];
  /** Seconds to keep in hand: with less it plays more slowly, and it never aims nearer to the end of the buffer. */
  reserve: number;
}

export type Move =
  | { kind: 'rate'; rate: number }
  | { kind: 'seek'; to: number; why: 'start' | 'behind' | 'ahead' | 'hole' };

/** Farther off than this, the playhead jumps; nearer, it drifts back by rate. */
const JUMP_S = 1;
const DEAD_ZONE_S = 0.02;
/** Rates beyond these are seen and heard. */
const SLOWEST = 0.9;
const FASTEST = 1.25;
const GAIN = 1.5;

export function steer({ currentTime, wanted, ranges, reserve }: Playhead): Move {
  const last = ranges.at(-1);
  if (!last) return { kind: 'rate', rate: 1 };
  const inside = ranges.find((r) => currentTime >= r.start - 0.001 && currentTime <= r.end);
  const reachable = (time: number): number => {
    const range = ranges.find((r) => time >= r.start && time < r.end) ?? ranges.find((r) => r.start > time) ?? last;
    return Math.max(range.start, Math.min(time, range.end - reserve));
  };
  if (!inside) {
    const to = reachable(wanted);
    // Waiting for the swarm's time to reach a range that is still ahead.
    return to > wanted + JUMP_S
      ? { kind: 'rate', rate: 1 }
      : { kind: 'seek', to, why: currentTime === 0 ? 'start' : 'hole' };
  }
  const error = wanted - currentTime;
  const next = ranges.find((r) => r.start > inside.end);
  // At the end of a range with more behind a hole: a <video> would wait there for good.
  if (next && inside.end - currentTime < 0.05 && wanted >= next.start - 0.1)
    return { kind: 'seek', to: reachable(Math.max(wanted, next.start)), why: 'hole' };
  if (error > JUMP_S && reachable(wanted) > currentTime + JUMP_S / 2)
    return { kind: 'seek', to: reachable(wanted), why: 'behind' };
  if (error < -JUMP_S && wanted >= inside.start) return { kind: 'seek', to: wanted, why: 'ahead' };
  const drift = Math.min(error, last.end - reserve - currentTime);
  if (Math.abs(drift) < DEAD_ZONE_S) return { kind: 'rate', rate: 1 };
  const rate = 1 + GAIN * drift;
  return { kind: 'rate', rate: Math.round(Math.max(SLOWEST, Math.min(FASTEST, rate)) * 100) / 100 };
}
