// The servers as a deployment runs them: each a program of its own that nobody starts again by itself. A test kills one and decides
// when it comes back, on the ports it had.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as v from 'valibot';
import { CoordinateReady, ForwardReady, TrackerReady } from '../../servers/shared/ready.ts';
import { startEncoder } from './encoder.ts';
import type { Owned } from './processes.ts';
import { eventIn, startCli, untilLive } from './stack.ts';
import { until } from './until.ts';

type Role = 'coordinate' | 'tracker' | 'forward';

/** By the names in the ready line, since a port of 0 is known only from there. */
const PORT_FLAGS: Readonly<Record<Role, Readonly<Record<string, string>>>> = {
  coordinate: { port: '--coordinate-port' },
  tracker: { port: '--tracker-port' },
  forward: { pushPort: '--push-port', pullPort: '--pull-port' },
};

/** One server, over all its lives. */
export class Part<Ready> {
  readonly #role: Role;
  readonly #args: readonly string[];
  readonly #schema: v.GenericSchema<unknown, Ready>;
  #program: Owned | null = null;
  /** As its flags want them. */
  #ports: readonly string[] | null = null;

  constructor(role: Role, schema: v.GenericSchema<unknown, Ready>, args: readonly string[]) {
    this.#role = role;
    this.#schema = schema;
    this.#args = args;
  }

  /** Resolves with its ready line; the first time it takes free ports, afterwards the same again. */
  async start(): Promise<Ready> {
    const flags = Object.entries(PORT_FLAGS[this.#role]);
    const program = startCli([this.#role, ...(this.#ports ?? flags.flatMap(([, flag]) => [flag, '0'])), ...this.#args]);
    this.#program = program;
    const line = await until(`the ${this.#role} to be ready`, () => eventIn(program, 'ready'), {
      withinMs: 30_000,
      describe: () => program.stderr(),
    });
    this.#ports = flags.flatMap(([key, flag]) => [flag, String(Number(line[key]))]);
    return v.parse(this.#schema, line);
  }

  /** At once and without a word; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#program?.stop('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#program?.stop();
  }
}

export interface Parts {
  ready: { coordinate: string; tracker: string; forwards: readonly { pull: string; debug: string }[] };
  coordinate: Part<CoordinateReady>;
  tracker: Part<TrackerReady>;
  forwards: readonly Part<ForwardReady>[];
  stop(): Promise<void>;
}

export interface PartsOptions {
  forwards?: number;
  /** Further flags of the tracker's. */
  tracker?: readonly string[];
}

/** A coordinate, a tracker, forwards and an encoder, on free ports and on air when this resolves. */
export async function startParts({ forwards = 1, tracker: flags = [] }: PartsOptions = {}): Promise<Parts> {
  const data = mkdtempSync(path.join(tmpdir(), 'p2plive-parts-'));
  const coordinate = new Part('coordinate', CoordinateReady, ['--data-dir', data]);
  let encoder: Owned | null = null;
  const running: { stop(): Promise<unknown> }[] = [coordinate];
  const stop = async (): Promise<void> => {
    await encoder?.stop('SIGKILL');
    await Promise.all(running.map((part) => part.stop()));
    rmSync(data, { recursive: true, force: true });
  };
  try {
    const { coordinate: base } = await coordinate.start();
    // Without STUN: everybody is on this machine, and its UDP port could not be kept free for the tracker's next life.
    const tracker = new Part('tracker', TrackerReady, ['--coordinate', base, '--stun-port', 'off', ...flags]);
    running.push(tracker);
    const trackerReady = await tracker.start();
    const relays = Array.from(
      { length: forwards },
      () => new Part('forward', ForwardReady, ['--trackers', trackerReady.tracker]),
    );
    running.push(...relays);
    const relaysReady = await Promise.all(relays.map((relay) => relay.start()));
    encoder = startEncoder(`${base}/stream/live`, '320x180');
    const words = encoder;
    await untilLive(base, () => words.stderr());
    const ready = { coordinate: base, tracker: trackerReady.tracker, forwards: relaysReady };
    return { ready, coordinate, tracker, forwards: relays, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
