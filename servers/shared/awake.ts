// How long this program has really been listening, and waits that count by it: whoever judges the
// silence of another must not count the time in which it did not run itself. The arithmetic is
// protocol/awake.ts.
import { availableParallelism, loadavg } from 'node:os';
import { AwakeClock, patiently } from '../../protocol/awake.ts';

/** More often than the clock takes for a pause. */
const LOOK_EVERY_MS = 100;
/** A machine that is busier than this many times its cores is too busy for anything. */
const MOST_BUSY = 6;

let clock: AwakeClock | null = null;

/**
 * Milliseconds in which this program ran. For times at which others were heard, and for what is
 * compared with them.
 */
export function awakeMs(): number {
  if (!clock) {
    clock = new AwakeClock(performance.now());
    setInterval(awakeMs, LOOK_EVERY_MS).unref();
  }
  return clock.at(performance.now());
}

/**
 * A wait for a sign of life: what arrived while this program stood still is read before it ends.
 * @returns what ends it early
 */
export const patience = (ms: number, call: () => void): (() => void) => patiently(timers, ms, call);

/**
 * ... of another program on this machine, which shares its processors: where they are busy it takes
 * as much longer.
 */
export const localPatience = (ms: number, call: () => void): (() => void) => patiently(busyTimers, ms, call);

/** For what takes a signal. */
export function patienceSignal(ms: number): AbortSignal {
  const over = new AbortController();
  patience(ms, () => over.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError')));
  return over.signal;
}

const timers = {
  after(ms: number, call: () => void): () => void {
    const timer = setTimeout(call, ms).unref();
    return () => clearTimeout(timer);
  },
};

const busyTimers = {
  after: (ms: number, call: () => void): (() => void) =>
    timers.after(ms * busyness(loadavg()[0] ?? 0, availableParallelism()), call),
};

/**
 * How many times as long things take. @param load programs that want a core, over the last minute;
 * Windows tells none
 */
export const busyness = (load: number, cores: number): number => Math.min(MOST_BUSY, Math.max(1, load / cores));
