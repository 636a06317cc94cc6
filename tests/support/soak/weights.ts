// Memory after a garbage collection, open handles and files, and CPU of programs that were started with gc-on-signal.cjs. Linux only.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../until.ts';

export interface Weight {
  serial: number;
  rss: number;
  heapUsed: number;
  external: number;
  handles: number;
  fds: number;
  cpuMs: number;
}

export class Weights {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'p2plive-weights-'));
  readonly #serials = new Map<number, number>();
  /** For the programs to be weighed, and all that they start. */
  readonly env = {
    NODE_OPTIONS: `--require ${path.join(import.meta.dirname, 'gc-on-signal.cjs')}`,
    P2PLIVE_WEIGH: this.#folder,
  };

  async of(pid: number): Promise<Weight> {
    const file = path.join(this.#folder, `${pid}.json`);
    const before = this.#serials.get(pid) ?? 0;
    process.kill(pid, 'SIGUSR2');
    const weight = await until(`process ${pid} to weigh itself`, () => {
      const read = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Weight) : null;
      return read && read.serial > before ? read : null;
    });
    this.#serials.set(pid, weight.serial);
    return weight;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface Trend {
  /** Growth of the heap after collection from the first part to the last, MB. */
  heapMb: number;
  externalMb: number;
  handles: number;
  fds: number;
  /** CPU of the last part over that of the first. */
  cpuRatio: number;
  isFlat: boolean;
}

/** What may differ between two collections though nothing leaks. */
const HEAP_SLACK_MB = 3;
const HANDLE_SLACK = 3;
const CPU_SLACK = 1.35;

/**
 * The first third after warm-up against the last third, by medians.
 * @param weights in order of time, taken while nothing was going on or always the same was
 */
export function trendOf(weights: readonly Weight[], warm = Math.ceil(weights.length / 10)): Trend {
  const settled = weights.slice(warm);
  const third = Math.max(1, Math.floor(settled.length / 3));
  const growth = (of: (weight: Weight) => number): number =>
    median(settled.slice(-third).map(of)) - median(settled.slice(0, third).map(of));
  const spent = weights
    .map((weight, i) => weight.cpuMs - (weights[i - 1]?.cpuMs ?? weight.cpuMs))
    .slice(Math.max(1, warm));
  const cpuRatio = median(spent.slice(-third)) / Math.max(1, median(spent.slice(0, third)));
  const trend = {
    heapMb: growth((weight) => weight.heapUsed) / 1e6,
    externalMb: growth((weight) => weight.external) / 1e6,
    handles: growth((weight) => weight.handles),
    fds: growth((weight) => weight.fds),
    cpuRatio,
  };
  const isFlat =
    trend.heapMb + trend.externalMb < HEAP_SLACK_MB &&
    trend.handles <= HANDLE_SLACK &&
    trend.fds <= HANDLE_SLACK &&
    cpuRatio < CPU_SLACK;
  return { ...trend, isFlat };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
