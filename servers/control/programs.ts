// The programs of one system: coordinate, tracker and forwards as supervised children, wired to each other by their real ports and
// one secret. How each is started is program-specs.ts; what is on air and who looks on is plane.ts.
import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { Addresses, ProgramState } from '../../protocol/control.ts';
import { announcedHost } from '../shared/http.ts';
import { CoordinateReady, ForwardReady, TrackerReady } from '../shared/ready.ts';
import type { Launch } from './launch.ts';
import { innerAt, innerOf, programNames, specOf, type Inner, type ProgramSettings } from './program-specs.ts';
import { Supervisor, type ReadyFields } from './supervise.ts';

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
  #inner: Inner;
  #addresses: Addresses | null = null;
  #closed = false;

  constructor(options: ProgramsOptions) {
    this.#options = options;
    this.#secret = options.settings.coordinate.meshSecret ?? randomBytes(32).toString('base64url');
    this.#settings = withSecret(options.settings, this.#secret);
    this.#inner = innerOf(this.#settings, null);
    this.#supervisors = programNames(this.#settings).map((name) => this.#program(name));
  }

  /** Addresses by which the programs reach each other; known from the start where the port is fixed. */
  get inner(): Inner {
    return this.#inner;
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

  /** The programs that `apply` would end, most of them to start again: their command line or environment becomes another. */
  changedBy(settings: ProgramSettings): string[] {
    const next = withSecret(settings, this.#secret);
    const [names, inner] = [programNames(next), innerOf(next, this.#inner)];
    return this.#supervisors
      .filter((one) => !names.includes(one.name) || this.#line(one) !== lineOf(one, next, inner))
      .map((one) => one.name);
  }

  /**
   * Goes on with other settings: the programs that they change end and start again, at the ports they had where those are not
   * fixed; the others go on undisturbed. Whatever does not run is started.
   * @returns the names of those that ended
   */
  async apply(settings: ProgramSettings): Promise<string[]> {
    const changed = this.changedBy(settings);
    const before = new Map(this.#supervisors.map((program) => [program.name, program]));
    this.#settings = withSecret(settings, this.#secret);
    this.#inner = innerOf(this.#settings, this.#inner);
    const names = programNames(this.#settings);
    this.#supervisors = names.map((name) => before.get(name) ?? this.#program(name));
    await Promise.all(
      [...before.values()]
        .filter(({ name }) => changed.includes(name))
        .map((program) => (names.includes(program.name) ? program.stop() : program.close())),
    );
    if (this.#closed) throw new Error('the programs were closed meanwhile');
    await this.#bringUp();
    return changed;
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
    if (coordinate.port === 0) {
      const { port } = v.parse(CoordinateReady, await coordinateReady);
      await this.#moved({ ...this.#inner, coordinate: innerAt(coordinate.host, port) });
    }
    second.start();
    const trackerReady = second.ready();
    trackerReady.catch(() => {}); // awaited below
    if (tracker.port === 0) {
      const { port } = v.parse(TrackerReady, await trackerReady);
      await this.#moved({ ...this.#inner, tracker: innerAt(tracker.host, port) });
    }
    for (const forward of forwards) forward.start();
    const [atCoordinate, atTracker, ...atForwards] = await Promise.all([
      coordinateReady,
      trackerReady,
      ...forwards.map((forward) => forward.ready()),
    ]);
    this.#addresses = addressesOf(atCoordinate, atTracker, atForwards, announcedHost(tracker.host));
    return this.#addresses;
  }

  /** A fellow's address became known: who was started with another one ends, and is started with the rest. */
  async #moved(inner: Inner): Promise<void> {
    const stale = this.#supervisors.filter((one) => this.#line(one) !== lineOf(one, this.#settings, inner));
    this.#inner = inner;
    await Promise.all(stale.filter((one) => one.state.is !== 'stopped').map((one) => one.stop()));
  }

  #line(program: Supervisor): string {
    return lineOf(program, this.#settings, this.#inner);
  }

  #program(name: string): Supervisor {
    return new Supervisor({
      name,
      launch: this.#options.launch,
      spec: (before) => specOf(name, this.#settings, this.#inner, before),
      onChange: (state: ProgramState) => this.#options.onChange(name, state),
      onLog: (line) => this.#options.onLog(name, line),
    });
  }
}

/** What a program would be started with now, to be compared. */
const lineOf = ({ name, lastReady }: Supervisor, settings: ProgramSettings, inner: Inner): string =>
  JSON.stringify(specOf(name, settings, inner, lastReady));

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
