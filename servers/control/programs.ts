// The programs of one system: coordinate, tracker and forwards as supervised children, wired to each other by their real ports and
// one secret. What is on air and who looks on is plane.ts.
import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { Addresses, ProgramState } from '../../protocol/control.ts';
import { announcedHost, hostInUrl } from '../shared/http.ts';
import { CoordinateReady, ForwardReady, TrackerReady } from '../shared/ready.ts';
import { TRACKER_HERE } from '../shared/settings-mesh.ts';
import { passOn, withoutSettings, type Settings } from '../shared/settings.ts';
import type { Launch, LaunchSpec } from './launch.ts';
import { Supervisor, type ReadyFields } from './supervise.ts';

export interface ProgramSettings {
  up: Settings<'up'>;
  coordinate: Settings<'coordinate'>;
  tracker: Settings<'tracker'>;
  forward: Settings<'forward'>;
}

export interface ProgramsOptions {
  launch: Launch;
  settings: ProgramSettings;
  onChange(name: string, state: ProgramState): void;
  /** A log line of a program. */
  onLog(program: string, line: string): void;
}

export class Programs {
  readonly #options: ProgramsOptions;
  readonly #secret: string;
  #settings: ProgramSettings;
  #supervisors: Supervisor[];
  /** Addresses by which the programs reach each other; known from the start where the port is fixed. */
  readonly inner: { coordinate: string; tracker: string };
  #addresses: Addresses | null = null;
  #closed = false;

  constructor(options: ProgramsOptions) {
    this.#options = options;
    this.#secret = options.settings.coordinate.meshSecret ?? randomBytes(32).toString('base64url');
    this.#settings = withSecret(options.settings, this.#secret);
    const { coordinate, tracker } = this.#settings;
    this.inner = { coordinate: at(coordinate.host, coordinate.port), tracker: at(tracker.host, tracker.port) };
    this.#supervisors = this.#programsOf();
  }

  get settings(): ProgramSettings {
    return this.#settings;
  }

  get addresses(): Addresses | null {
    return this.#addresses;
  }

  get meshSecret(): string {
    return this.#secret;
  }

  states(): Record<string, ProgramState> {
    return Object.fromEntries(this.#supervisors.map((program) => [program.name, program.state]));
  }

  get(name: string): Supervisor | undefined {
    return this.#supervisors.find((one) => one.name === name);
  }

  /**
   * Starts everything; those whose fellow's port is not fixed wait for it.
   * @throws StartError with the sentence of the program that refused; everything is closed again then
   */
  async start(): Promise<Addresses> {
    try {
      return await this.#bringUp();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Goes on with other settings: all programs end and start again, at the ports they had where those are not fixed. */
  async apply(settings: ProgramSettings): Promise<Addresses> {
    await Promise.all(this.#supervisors.map((program) => program.stop()));
    const before = new Map(this.#supervisors.map((program) => [program.name, program]));
    this.#settings = withSecret(settings, this.#secret);
    const { coordinate, tracker } = this.#settings;
    if (coordinate.port !== 0) this.inner.coordinate = at(coordinate.host, coordinate.port);
    if (tracker.port !== 0) this.inner.tracker = at(tracker.host, tracker.port);
    this.#supervisors = this.#programsOf().map((program) => before.get(program.name) ?? program);
    if (this.#closed) throw new Error('the programs were closed meanwhile');
    return this.#bringUp();
  }

  /** From here on nothing is started again. */
  get isClosed(): boolean {
    return this.#closed;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#supervisors.map((program) => program.close()));
  }

  async #bringUp(): Promise<Addresses> {
    const { coordinate, tracker } = this.#settings;
    const [first, second, ...forwards] = this.#supervisors;
    if (!first || !second) throw new Error('a system has a coordinate and a tracker');
    first.start();
    const coordinateReady = first.ready();
    coordinateReady.catch(() => {}); // awaited below
    if (coordinate.port === 0)
      this.inner.coordinate = at(coordinate.host, v.parse(CoordinateReady, await coordinateReady).port);
    second.start();
    const trackerReady = second.ready();
    trackerReady.catch(() => {}); // awaited below
    if (tracker.port === 0) this.inner.tracker = at(tracker.host, v.parse(TrackerReady, await trackerReady).port);
    for (const forward of forwards) forward.start();
    const [atCoordinate, atTracker, ...atForwards] = await Promise.all([
      coordinateReady,
      trackerReady,
      ...forwards.map((forward) => forward.ready()),
    ]);
    this.#addresses = addressesOf(atCoordinate, atTracker, atForwards, announcedHost(tracker.host));
    return this.#addresses;
  }

  #programsOf(): Supervisor[] {
    const forwards = Array.from({ length: this.#settings.up.forwardCount }, (_, i) =>
      this.#program(i === 0 ? 'forward' : `forward-${i + 1}`, (before) => this.#forwardSpec(before, i)),
    );
    return [
      this.#program('coordinate', (before) => this.#coordinateSpec(before)),
      this.#program('tracker', (before) => this.#trackerSpec(before)),
      ...forwards,
    ];
  }

  #program(name: string, spec: (before: ReadyFields | null) => LaunchSpec): Supervisor {
    return new Supervisor({
      name,
      launch: this.#options.launch,
      spec,
      onChange: (state: ProgramState) => this.#options.onChange(name, state),
      onLog: (line) => this.#options.onLog(name, line),
    });
  }

  #coordinateSpec(before: ReadyFields | null): LaunchSpec {
    const settings = this.#settings.coordinate;
    const port = before && settings.port === 0 ? v.parse(CoordinateReady, before).port : settings.port;
    return spec('coordinate', passOn('coordinate', { ...settings, port }));
  }

  #trackerSpec(before: ReadyFields | null): LaunchSpec {
    const own = this.#settings.tracker;
    const known = before ? v.parse(TrackerReady, before) : null;
    const ports = known ? { port: own.port === 0 ? known.port : own.port, stunPort: known.stunPort } : {};
    return spec('tracker', passOn('tracker', { ...own, ...ports, coordinate: this.inner.coordinate }));
  }

  #forwardSpec(before: ReadyFields | null, index: number): LaunchSpec {
    const settings = this.#settings.forward;
    const own = index === 0 ? pick(settings, ['pushPort', 'pullPort']) : { pushPort: 0, pullPort: 0 };
    const known = before ? v.parse(ForwardReady, before) : null;
    const ports = {
      pushPort: own.pushPort === 0 && known ? known.pushPort : own.pushPort,
      pullPort: own.pullPort === 0 && known ? known.pullPort : own.pullPort,
    };
    const others = settings.trackers.filter((tracker) => tracker !== TRACKER_HERE);
    const trackers = [...new Set([this.inner.tracker, ...others])];
    return spec('forward', passOn('forward', { ...settings, ...ports, trackers }));
  }
}

const spec = (program: string, { args, env }: { args: string[]; env: Record<string, string> }): LaunchSpec => ({
  program,
  args,
  env: { ...withoutSettings(process.env), ...env },
});

const WILDCARDS = ['0.0.0.0', '::', ''];
/** How programs on this machine reach one bound to `host`. */
const at = (host: string, port: number): string =>
  `http://${WILDCARDS.includes(host) ? '127.0.0.1' : hostInUrl(host)}:${port}`;

function withSecret(settings: ProgramSettings, meshSecret: string): ProgramSettings {
  const { coordinate, tracker, forward, up } = settings;
  return {
    up,
    coordinate: { ...coordinate, meshSecret },
    tracker: { ...tracker, meshSecret },
    forward: { ...forward, meshSecret },
  };
}

/** @param host stands for "all of this machine's" in what a person reads */
function addressesOf(coordinate: ReadyFields, tracker: ReadyFields, forwards: ReadyFields[], host: string): Addresses {
  const base = v.parse(CoordinateReady, coordinate).coordinate;
  return {
    coordinate: base,
    push: `${base}/stream/live`,
    watch: `${base}/watch/live`,
    tracker: v.parse(TrackerReady, tracker).tracker.replace(/(?<=\/\/)(0\.0\.0\.0|\[::\])(?=:)/, host),
    forwards: forwards.map((forward) => pick(v.parse(ForwardReady, forward), ['push', 'pull', 'debug'])),
  };
}

const pick = <T extends object, const K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> =>
  Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
