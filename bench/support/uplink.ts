// An encoder's uplink that can be made slow, silent or lumpy, in a process of its own. What the
// encoder has from it: uplink-program.mjs.
import path from 'node:path';
import { eventIn } from '../../tests/support/stack.ts';
import { start } from '../../tests/support/processes.ts';
import { until } from '../../tests/support/until.ts';

export type Way =
  | { is: 'open' }
  | { is: 'rate'; bytesPerSecond: number }
  | { is: 'hold' }
  /** All that has gathered, every so often. */
  | { is: 'bursts'; everyMs: number };

export interface Uplink {
  /** The target's address, through this line. */
  url: string;
  set(way: Way): void;
  /** Bytes from the encoder so far; half a second old. */
  received(): number;
  /** ... and in the last seconds. */
  bytesPerSecond(): number;
  close(): Promise<void>;
}

/** Over how much the encoder's rate is measured. */
const MEASURED_MS = 5_000;

/** @param target where an encoder pushes to */
export async function startUplink(target: string, way: Way = { is: 'open' }): Promise<Uplink> {
  const url = new URL(target);
  const program = path.join(import.meta.dirname, 'uplink-program.mjs');
  const owned = start(process.execPath, [program, url.hostname, url.port, JSON.stringify(way)]);
  const ready = await until('the uplink', () => eventIn(owned, 'ready'), { describe: () => owned.stderr() });
  url.host = `127.0.0.1:${Number(ready['port'])}`;
  const reports = (): { received: number; atMs: number }[] =>
    owned
      .stdout()
      .split('\n')
      .filter((line) => line.endsWith('}') && line.includes('"bytes"'))
      .map((line) => JSON.parse(line) as { received: number; atMs: number });
  return {
    url: url.href,
    set: (next) => void owned.child.stdin?.write(`${JSON.stringify(next)}\n`),
    received: () => reports().at(-1)?.received ?? 0,
    bytesPerSecond() {
      const all = reports();
      const last = all.at(-1);
      const first = last && all.find(({ atMs }) => atMs >= last.atMs - MEASURED_MS);
      if (!last || !first || last === first) throw new Error('The uplink has not been measured yet.');
      return ((last.received - first.received) * 1_000) / (last.atMs - first.atMs);
    },
    async close() {
      await owned.stop();
    },
  };
}
