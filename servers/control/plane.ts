// The control plane: coordinate, tracker and forwards as supervised programs, wired to each other by their real ports and one
// secret, and the source on air. Who asks (command line, console, desktop shell) is no business of this file.
import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { Addresses, Outcome, PlaneState, ProgramState, Source } from '../../protocol/control.ts';
import { StartError } from '../shared/exit-codes.ts';
import { announcedHost, hostInUrl } from '../shared/http.ts';
import type { Log } from '../shared/log.ts';
import { CoordinateReady, ForwardReady, TrackerReady } from '../shared/ready.ts';
import { TRACKER_HERE } from '../shared/settings-mesh.ts';
import { passOn, withoutSettings, type Settings } from '../shared/settings.ts';
import { Capture } from './capture.ts';
import type { Launch, LaunchSpec } from './launch.ts';
import { Supervisor, type ReadyFields } from './supervise.ts';

export interface PlaneSettings {
  up: Settings<'up'>;
  coordinate: Settings<'coordinate'>;
  tracker: Settings<'tracker'>;
  forward: Settings<'forward'>;
}

export interface PlaneOptions {
  launch: Launch;
  settings: PlaneSettings;
  log: Log;
  /** Anything changed; at most once per turn of the event loop. */
  onChange?(state: PlaneState): void;
  /** A log line of a program. */
  onLog?(program: string, line: string): void;
}

export class Plane {
  readonly #options: PlaneOptions;
  readonly #settings: PlaneSettings;
  readonly #coordinate: Supervisor;
  readonly #tracker: Supervisor;
  readonly #forwards: Supervisor[];
  readonly #capture: Capture;
  /** Addresses by which the programs reach each other; known from the start where the port is fixed. */
  readonly #inner: { coordinate: string; tracker: string };
  #addresses: Addresses | null = null;
  #told = false;
  #closing: Promise<void> | null = null;

  constructor(options: PlaneOptions) {
    this.#options = options;
    const secret = options.settings.coordinate.meshSecret ?? randomBytes(32).toString('base64url');
    this.#settings = withSecret(options.settings, secret);
    const { coordinate, tracker, forward, up } = this.#settings;
    this.#inner = { coordinate: at(coordinate.host, coordinate.port), tracker: at(tracker.host, tracker.port) };
    this.#coordinate = this.#program('coordinate', (before) => this.#coordinateSpec(before));
    this.#tracker = this.#program('tracker', (before) => this.#trackerSpec(before));
    this.#forwards = Array.from({ length: up.forwardCount }, (_, i) =>
      this.#program(i === 0 ? 'forward' : `forward-${i + 1}`, (before) => this.#forwardSpec(before, forward, i)),
    );
    this.#capture = new Capture({
      push: () => `${this.#inner.coordinate}/stream/live`,
      ...keyFor(coordinate),
      ...(up.ffmpeg === undefined ? {} : { ffmpeg: up.ffmpeg }),
      log: options.log,
      onChange: () => this.#changed(),
    });
  }

  /**
   * Starts everything; those whose fellow's port is not fixed wait for it.
   * @throws StartError with the sentence of the program that refused; everything is closed again then
   */
  async start(): Promise<Addresses> {
    const { coordinate, tracker } = this.#settings;
    try {
      this.#coordinate.start();
      const coordinateReady = this.#coordinate.ready();
      coordinateReady.catch(() => {}); // awaited below
      if (coordinate.port === 0)
        this.#inner.coordinate = at(coordinate.host, v.parse(CoordinateReady, await coordinateReady).port);
      this.#tracker.start();
      const trackerReady = this.#tracker.ready();
      trackerReady.catch(() => {}); // awaited below
      if (tracker.port === 0) this.#inner.tracker = at(tracker.host, v.parse(TrackerReady, await trackerReady).port);
      for (const forward of this.#forwards) forward.start();
      const [atCoordinate, atTracker, ...atForwards] = await Promise.all([
        coordinateReady,
        trackerReady,
        ...this.#forwards.map((forward) => forward.ready()),
      ]);
      this.#addresses = addressesOf(atCoordinate, atTracker, atForwards, announcedHost(tracker.host));
      this.#changed();
      return this.#addresses;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  getState(): PlaneState {
    return {
      programs: Object.fromEntries(this.#all().map((program) => [program.name, program.state])),
      capture: this.#capture.state,
      addresses: this.#addresses,
    };
  }

  goLive({ source }: { source: Source }): Outcome<null> {
    if (this.#addresses === null) return { ok: false, reason: 'not-now', detail: 'The servers are still starting.' };
    try {
      this.#capture.start(source);
    } catch (error) {
      if (error instanceof StartError) return { ok: false, reason: 'failed', detail: error.message };
      throw error;
    }
    return { ok: true, value: null };
  }

  async stopLive(): Promise<Outcome<null>> {
    await this.#capture.stop();
    return { ok: true, value: null };
  }

  async restartProgram({ name }: { name: string }): Promise<Outcome<null>> {
    const program = this.#all().find((one) => one.name === name);
    if (!program) return { ok: false, reason: 'bad-call', detail: `There is no program ${name}.` };
    await program.restart();
    return { ok: true, value: null };
  }

  /** Ends the source and every program, all at once. */
  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#capture.stop(), ...this.#all().map((program) => program.close())]).then(
      () => {},
    );
    return this.#closing;
  }

  #all(): Supervisor[] {
    return [this.#coordinate, this.#tracker, ...this.#forwards];
  }

  #program(name: string, spec: (before: ReadyFields | null) => LaunchSpec): Supervisor {
    return new Supervisor({
      name,
      launch: this.#options.launch,
      spec,
      onChange: (state: ProgramState) => {
        if (name === 'coordinate' && state.is === 'ready') this.#capture.retryNow();
        this.#changed();
      },
      onLog: (line) => this.#options.onLog?.(name, line),
    });
  }

  #coordinateSpec(before: ReadyFields | null): LaunchSpec {
    const port = before ? v.parse(CoordinateReady, before).port : this.#settings.coordinate.port;
    return spec('coordinate', passOn('coordinate', { ...this.#settings.coordinate, port }));
  }

  #trackerSpec(before: ReadyFields | null): LaunchSpec {
    const ports = before ? pick(v.parse(TrackerReady, before), ['port', 'stunPort']) : {};
    const settings = { ...this.#settings.tracker, ...ports, coordinate: this.#inner.coordinate };
    return spec('tracker', passOn('tracker', settings));
  }

  #forwardSpec(before: ReadyFields | null, settings: Settings<'forward'>, index: number): LaunchSpec {
    const first = index === 0 ? {} : { pushPort: 0, pullPort: 0 };
    const ports = before ? pick(v.parse(ForwardReady, before), ['pushPort', 'pullPort']) : first;
    const others = settings.trackers.filter((tracker) => tracker !== TRACKER_HERE);
    const trackers = [...new Set([this.#inner.tracker, ...others])];
    return spec('forward', passOn('forward', { ...settings, ...ports, trackers }));
  }

  #changed(): void {
    if (this.#told || !this.#options.onChange) return;
    this.#told = true;
    queueMicrotask(() => {
      this.#told = false;
      this.#options.onChange?.(this.getState());
    });
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

function withSecret(settings: PlaneSettings, meshSecret: string): PlaneSettings {
  const { coordinate, tracker, forward, up } = settings;
  return {
    up,
    coordinate: { ...coordinate, meshSecret },
    tracker: { ...tracker, meshSecret },
    forward: { ...forward, meshSecret },
  };
}

function keyFor(settings: Settings<'coordinate'>): { streamKey?: string } {
  const key = settings.streamKeys['live'] ?? settings.streamKey;
  return key === undefined ? {} : { streamKey: key };
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
