// The control plane: the programs, the source on air, the mesh as all servers tell it, what is remembered of it, and the calls by which a
// console moves all this. Electron and headless have the same one; they differ in how a program is started and who calls.
import path from 'node:path';
import type { CaptureView } from '../../protocol/capture-state.ts';
import type { Addresses, Events, Outcome, PlaneState, ProgramState } from '../../protocol/control.ts';
import type { Marker } from '../../protocol/history.ts';
import type { Log } from '../shared/log.ts';
import { isLoopback } from '../shared/http.ts';
import type { Sources } from '../shared/settings.ts';
import { Capture } from './capture/capture.ts';
import { consoleCalls } from './console-calls.ts';
import { dispatch, type CallTable } from './dispatch.ts';
import { History } from './history.ts';
import type { Launch } from './launch.ts';
import { LogBook } from './log-book.ts';
import { Mesh, type System } from './mesh.ts';
import type { ProgramSettings } from './program-specs.ts';
import { Programs } from './programs.ts';
import { programAudience, type AudienceCarrier, type AudienceTarget } from './rehearsal/carrier.ts';
import { Rehearsal } from './rehearsal/rehearsal.ts';
import { Sampler } from './sampler.ts';
import { newStreamKey, newToken, SavedState } from './saved.ts';
import { SettingsDesk } from './settings-desk.ts';
import { version } from './version.ts';

const SAMPLE_MS = 1_000;
const STREAM = 'live';

export interface PlaneOptions {
  launch: Launch;
  /** What synthetic audiences run in; a program of plain Node when not said. */
  audience?: AudienceCarrier;
  /** Flags, environment and file; what was saved in the console comes after them. */
  sources: Sources;
  /** Open to other machines and without a stream key of the person's own: make one at random? */
  makesStreamKey: boolean;
  log: Log;
  /** Anything changed; at most once per turn of the event loop. */
  onChange?(state: PlaneState): void;
  /** A log line of a program. */
  onLog?(program: string, line: string): void;
}

type Hear = (event: keyof Events, value: unknown) => void;

export class Plane {
  readonly saved: SavedState;
  readonly desk: SettingsDesk;
  readonly programs: Programs;
  readonly capture: Capture;
  readonly mesh: Mesh;
  readonly history = new History();
  readonly logs: LogBook;
  readonly rehearsal: Rehearsal;
  readonly #options: PlaneOptions;
  readonly #sampler = new Sampler();
  readonly #table: CallTable;
  readonly #listeners = new Set<Hear>();
  #ffmpeg: PlaneState['ffmpeg'] = { path: null, version: null, encoder: null, problem: null };
  #serial = 0;
  #told = false;
  #sampling: NodeJS.Timeout | null = null;
  #captureIs = 'idle';
  #closing: Promise<void> | null = null;

  /** @throws StartError when a setting is wrong */
  constructor(options: PlaneOptions) {
    this.#options = options;
    const { log } = options;
    this.desk = new SettingsDesk(options.sources);
    const { dataDir } = this.desk.resolve({}).coordinate;
    this.saved = new SavedState(dataDir, log);
    const settings = this.settings();
    this.programs = new Programs({
      launch: options.launch,
      settings,
      onChange: (name, state) => this.#programChanged(name, state),
      onLog: (program, line) => {
        this.logs.add(program, line);
        options.onLog?.(program, line);
      },
    });
    this.capture = new Capture({
      target: () => this.target(),
      ffmpeg: settings.up.ffmpeg,
      recordingsFolder: path.resolve(dataDir, 'recordings'),
      mediaFolder: path.resolve(dataDir, 'media'),
      log,
      onChange: (view) => this.#captureChanged(view),
    });
    this.mesh = new Mesh((base) => this.#programAt(base), {
      changed: (serial, changes) => {
        this.history.meshChanged(Date.now(), this.mesh.view.tables, changes);
        this.#tell('meshChanged', { serial, changes });
        this.#changed(); // the remotes' states are rows of it
      },
      usage: (program, cpu, memoryBytes) => this.#sampler.usage(program, cpu, memoryBytes),
    });
    this.logs = new LogBook((lines) => this.#tell('logged', { lines }));
    this.rehearsal = new Rehearsal(
      {
        carrier: options.audience ?? programAudience(options.launch),
        target: () => this.#rehearsalTarget(),
        pidOf: (program) => {
          const state = this.programs.get(program)?.state;
          return state?.is === 'ready' ? state.pid : null;
        },
        convicted: () =>
          Object.entries(this.mesh.view.tables['viewers'] ?? {}).flatMap(([id, row]) =>
            row['trust'] === 'convicted' ? id : [],
          ),
        changed: () => this.#changed(),
        mark: (text) => this.mark({ kind: 'drill', subject: 'drill', text }),
        log,
      },
      path.resolve(dataDir, 'drills'),
    );
    this.#table = consoleCalls(this);
  }

  /**
   * Starts every program.
   * @throws StartError with the sentence of the program that refused; everything is closed again then
   */
  async start(): Promise<Addresses> {
    const addresses = await this.programs.start();
    this.showSystems();
    this.#sampling = setInterval(() => this.#sample(), SAMPLE_MS);
    void this.capture.ffmpegFacts().then((facts) => {
      this.#ffmpeg = facts;
      this.#changed();
    });
    this.#changed();
    return addresses;
  }

  /** Any call of the contract, from any wire. */
  call(name: unknown, argument: unknown): Promise<Outcome<unknown>> {
    return dispatch(this.#table, name, argument, this.#options.log);
  }

  listen(hear: Hear): () => void {
    this.#listeners.add(hear);
    return () => void this.#listeners.delete(hear);
  }

  preview(hear: (data: string | Uint8Array) => void): () => void {
    return this.capture.preview(hear);
  }

  getState(): PlaneState {
    const { value } = this.saved;
    const to = value.destination ?? 'here';
    return {
      version: version(),
      platform: process.platform,
      programs: this.programs.states(),
      capture: this.capture.view,
      destination:
        to === 'server' && value.server
          ? { to, coordinate: value.server.coordinate, hasKey: value.server.key !== undefined }
          : { to: to === 'network' ? 'network' : 'here' },
      addresses: this.programs.addresses,
      link: this.#link(),
      push: this.#push(),
      ffmpeg: this.#ffmpeg,
      remotes: value.remotes.map(({ coordinate, token }) => ({
        coordinate,
        hasToken: token !== undefined,
        ...this.mesh.stateOf(coordinate),
      })),
      audience: this.rehearsal.audience,
      audienceLimits: this.rehearsal.limits,
      drill: this.rehearsal.drill,
      notes: [this.saved.note].flatMap((note) => note ?? []),
    };
  }

  /** Where live goes now. */
  target(): { url: string; key?: string | undefined } | null {
    const { destination, server } = this.saved.value;
    if (destination === 'server' && server) return { url: `${server.coordinate}/stream/${STREAM}`, key: server.key };
    if (this.programs.addresses === null) return null;
    return { url: `${this.programs.inner.coordinate}/stream/${STREAM}`, key: this.#streamKey() };
  }

  /** The settings as they are to be: what was given, what was saved, and what the destination asks for. */
  settings(): ProgramSettings {
    const { settings, streamKey } = this.saved.value;
    const { isMade, ...resolved } = this.#settingsWith(settings, streamKey ?? newStreamKey());
    const key = resolved.coordinate.streamKey;
    if (isMade && key !== streamKey) this.saved.change({ streamKey: key });
    return resolved;
  }

  /** The programs that saving these texts would end, most of them to start again. */
  changedBy(texts: Readonly<Record<string, string>>): string[] {
    return this.programs.changedBy(this.#settingsWith(texts, this.saved.value.streamKey ?? newStreamKey()));
  }

  /**
   * After a change of what was saved: everything that it concerns goes on with it.
   * @returns the programs that ended for it
   */
  async applySettings(): Promise<string[]> {
    const before = JSON.stringify(this.target());
    const changed = await this.programs.apply(this.settings());
    this.showSystems();
    if (changed.includes('coordinate') || JSON.stringify(this.target()) !== before) await this.capture.targetChanged();
    this.#changed();
    return changed;
  }

  /** The random key that encoders need now, if it is one. */
  get madeStreamKey(): string | null {
    const { streamKey } = this.saved.value;
    return streamKey !== undefined && this.#streamKey() === streamKey ? streamKey : null;
  }

  /** Is the server at this base one of our own programs? */
  isOwn(base: string): boolean {
    return this.#programAt(base) !== null;
  }

  showSystems(): void {
    const { remotes, destination, server } = this.saved.value;
    const { debugToken } = this.programs.settings.coordinate;
    const systems: System[] = remotes.map(({ coordinate, token }) => ({ coordinate, token }));
    if (destination === 'server' && server && !systems.some((one) => one.coordinate === server.coordinate))
      systems.push({ coordinate: server.coordinate, token: undefined });
    this.mesh.show([{ coordinate: this.programs.inner.coordinate, token: debugToken }, ...systems]);
    this.#changed();
  }

  mark(marker: Omit<Marker, 'atMs'>): void {
    const whole = { atMs: Date.now(), ...marker, text: marker.text.slice(0, 1_000) };
    this.history.marked(whole);
    this.#tell('marked', whole);
  }

  renewToken(): string {
    this.saved.change({ token: newToken() });
    return this.saved.value.token;
  }

  changed(): void {
    this.#changed();
  }

  /** Ends the source and every program, all at once. */
  close(): Promise<void> {
    if (this.#sampling) clearInterval(this.#sampling);
    this.#closing ??= Promise.all([this.rehearsal.close(), this.capture.close(), this.programs.close()]).then(() => {
      this.mesh.close();
      this.logs.close();
    });
    return this.#closing;
  }

  /** The stream on air on our own servers, as an audience on this machine reaches it; or why there is none. */
  #rehearsalTarget(): AudienceTarget | string {
    const isLive = this.mesh.view.tables['streams']?.[STREAM]?.['state'] === 'live';
    if (!isLive || this.programs.addresses === null) {
      const { destination, server } = this.saved.value;
      return destination === 'server' && server
        ? `The broadcast goes to ${server.coordinate}, and only what is on air on this machine can be rehearsed here. Choose This computer on the Broadcast pane, or run p2plive audience 20 --coordinate ${server.coordinate}.`
        : 'Nothing is on air that an audience could watch: go live first.';
    }
    const { debugToken } = this.programs.settings.coordinate;
    return { coordinate: this.programs.inner.coordinate, stream: STREAM, debugToken };
  }

  /** @param madeKey what encoders need where a key is made for them, which `isMade` says */
  #settingsWith(texts: Readonly<Record<string, string>>, madeKey: string): ProgramSettings & { isMade: boolean } {
    const resolved = this.desk.resolve(texts);
    const host =
      this.saved.value.destination === 'network' && !this.desk.isGiven('host') ? '0.0.0.0' : resolved.coordinate.host;
    const coordinate = { ...resolved.coordinate, host };
    const isMade =
      this.#options.makesStreamKey &&
      !isLoopback(host) &&
      coordinate.streamKey === undefined &&
      !(STREAM in coordinate.streamKeys);
    if (isMade) coordinate.streamKey = madeKey;
    return {
      up: resolved.up,
      coordinate,
      tracker: { ...resolved.tracker, host },
      forward: { ...resolved.forward, host },
      isMade,
    };
  }

  #streamKey(): string | undefined {
    const { streamKeys, streamKey } = this.programs.settings.coordinate;
    return streamKeys[STREAM] ?? streamKey;
  }

  #link(): string | null {
    const { destination, server } = this.saved.value;
    if (destination === 'server') return server ? `${server.coordinate}/watch/${STREAM}` : null;
    return this.programs.addresses?.watch ?? null;
  }

  #push(): PlaneState['push'] {
    const { destination, server } = this.saved.value;
    if (destination === 'server' && server)
      return { url: `${server.coordinate}/stream/${STREAM}`, key: server.key ?? null };
    const { addresses } = this.programs;
    return addresses && { url: addresses.push, key: this.#streamKey() ?? null };
  }

  #programAt(base: string): string | null {
    const { inner, addresses } = this.programs;
    if (base === inner.coordinate) return 'coordinate';
    if (samePort(base, inner.tracker)) return 'tracker';
    const index = addresses?.forwards.findIndex((one) => samePort(one.debug, base)) ?? -1;
    return index < 0 ? null : index === 0 ? 'forward' : `forward-${index + 1}`;
  }

  #programChanged(name: string, state: ProgramState): void {
    if (name === 'coordinate' && state.is === 'ready') this.capture.retryNow();
    if (state.is === 'backoff')
      this.mark({ kind: 'program', subject: name, text: `The ${name} ended (${state.ending}) and is started again.` });
    if (state.is === 'failed')
      this.mark({ kind: 'program', subject: name, text: `The ${name} failed: ${state.detail}` });
    if (state.is === 'ready') this.mark({ kind: 'program', subject: name, text: `The ${name} is ready.` });
    if (state.is === 'stopped' || state.is === 'backoff') this.#sampler.forgetUsage(name);
    this.#changed();
  }

  #captureChanged({ state }: CaptureView): void {
    if (state.is !== this.#captureIs) {
      this.#captureIs = state.is;
      const why = 'reason' in state ? `: ${state.reason}` : '.';
      this.mark({
        kind: state.is === 'live' ? 'live' : 'capture',
        subject: 'source',
        text: `The source is ${state.is}${why}`,
      });
    }
    this.#changed();
  }

  #sample(): void {
    const { sample, markers } = this.#sampler.take(Date.now(), this.mesh.view.tables);
    this.history.sampled(sample);
    this.#tell('sampled', sample);
    for (const marker of markers) {
      this.history.marked(marker);
      this.#tell('marked', marker);
    }
  }

  #tell<E extends keyof Events>(event: E, value: Events[E]): void {
    for (const hear of this.#listeners) hear(event, value);
  }

  #changed(): void {
    if (this.#told || this.#closing) return;
    this.#told = true;
    queueMicrotask(() => {
      this.#told = false;
      const state = this.getState();
      this.#options.onChange?.(state);
      const text = JSON.stringify(state);
      if (this.#listeners.size === 0 || text === this.#lastText) return;
      this.#lastText = text;
      this.#tell('changed', { serial: ++this.#serial, state });
    });
  }

  #lastText = '';
}

/** The same port, under whichever name of this machine. */
function samePort(a: string, b: string): boolean {
  if (!URL.canParse(a) || !URL.canParse(b)) return false;
  return new URL(a).port === new URL(b).port;
}
