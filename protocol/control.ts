// The console's contract: what it may ask of the control plane and what it hears. Carried by Electron IPC or by a WebSocket
// without knowing which; errors cross as data (SPEC.md, C rules). The states of a capture are in capture-state.ts.
import * as v from 'valibot';
import { CaptureView, PresetName, Source } from './capture-state.ts';
import { Amount, few, Sentence, Url } from './fields.ts';
import { Marker, Sample } from './history.ts';
import { Change, Row } from './mesh-view.ts';
import { AudienceAsk, AudienceLimits, AudienceView, DrillName, DrillView } from './rehearsal.ts';

const Name = v.pipe(v.string(), v.maxLength(100));
const Line = v.pipe(v.string(), v.maxLength(2_000));
const Secret = v.pipe(v.string(), v.maxLength(500));

/** A supervised program: three endings, and only a death leads to backoff. */
export const ProgramState = v.variant('is', [
  v.object({ is: v.literal('stopped') }),
  v.object({ is: v.literal('starting'), sinceMs: Amount }),
  v.object({ is: v.literal('ready'), sinceMs: Amount, pid: Amount, ready: v.record(Name, v.unknown()) }),
  v.object({ is: v.literal('backoff'), untilMs: Amount, attempt: Amount, ending: Sentence, lastLines: few(Line, 50) }),
  v.object({ is: v.literal('failed'), code: v.number(), detail: Sentence, lastLines: few(Line, 50) }),
]);
export type ProgramState = v.InferOutput<typeof ProgramState>;

/** Where everything is once all programs are up: also the `ready` line of `p2plive up --json`. */
export const Addresses = v.object({
  coordinate: Url,
  push: Url,
  watch: Url,
  tracker: Url,
  forwards: few(v.object({ push: Url, pull: Url, debug: Url }), 16),
});
export type Addresses = v.InferOutput<typeof Addresses>;

/** Where *Go live* goes. The key of a server of one's own stays in the control plane: it is set and never read back. */
export const Destination = v.variant('to', [
  v.object({ to: v.literal('here') }),
  v.object({ to: v.literal('network') }),
  v.object({ to: v.literal('server'), coordinate: Url, hasKey: v.boolean() }),
]);
export type Destination = v.InferOutput<typeof Destination>;

/** Another system whose mesh is shown too; its trackers and forwards are found through its coordinate. */
export const Remote = v.object({ coordinate: Url, hasToken: v.boolean(), state: Name, why: v.nullable(Sentence) });
export type Remote = v.InferOutput<typeof Remote>;

export const PlaneState = v.object({
  version: Name,
  platform: Name,
  /** By program name: coordinate, tracker, forward, forward-2, ... */
  programs: v.record(Name, ProgramState),
  capture: CaptureView,
  destination: Destination,
  /** null until everything was ready once. */
  addresses: v.nullable(Addresses),
  /** The link to hand out for the chosen destination; null while there is none. */
  link: v.nullable(Url),
  /** For an encoder of one's own: where to push, and the key that belongs in it; null when none is needed. */
  push: v.nullable(v.object({ url: Url, key: v.nullable(Secret) })),
  /** The ffmpeg in use, or why there is none. */
  ffmpeg: v.object({
    path: v.nullable(Line),
    version: v.nullable(Name),
    encoder: v.nullable(Name),
    problem: v.nullable(Sentence),
  }),
  remotes: few(Remote, 16),
  audience: AudienceView,
  audienceLimits: AudienceLimits,
  drill: DrillView,
  /** Things a person should know, such as a settings file that was set aside. */
  notes: few(Sentence, 16),
});
export type PlaneState = v.InferOutput<typeof PlaneState>;

export const Device = v.object({ id: Line, name: Line });
export type Device = v.InferOutput<typeof Device>;
export interface Devices {
  cameras: Device[];
  microphones: Device[];
  screens: Device[];
  /** Files of the media folder that may be played in a loop. */
  files: Device[];
  mediaFolder: string;
  /** Why something is missing, as a sentence; null when all could be listed. */
  problem: string | null;
}

/** One line of a program's log. `serial` grows by one over all programs. */
export const LogLine = v.object({
  serial: Amount,
  atMs: Amount,
  program: Name,
  /** pino's numbers: 20 debug, 30 info, 40 warn, 50 error. */
  level: v.number(),
  text: Line,
});
export type LogLine = v.InferOutput<typeof LogLine>;

/** One setting as the console shows it. */
export interface SettingRow {
  name: string;
  group: string;
  /** What it means, one sentence. */
  detail: string;
  value: string | number | boolean | null;
  /** What it is when the file says nothing. */
  usual: string | number | boolean | null;
  kind: 'text' | 'number' | 'yes-no' | 'secret' | 'choice' | 'json';
  choices?: readonly string[];
  /** false: it stands in a flag or the environment, and the file can't change it. */
  isEditable: boolean;
}

export interface SettingsEffect {
  /** Programs that read one of the changed settings and therefore end, to start again unless they are asked for no more. */
  interrupted: readonly string[];
}

export interface MeshSnapshot {
  serial: number;
  tables: Record<string, Record<string, Row>>;
}

/** Why a call was not done, as data: it crosses every wire whole. */
export type Outcome<T> =
  | { ok: true; value: T }
  | { ok: false; reason: 'bad-call' | 'not-now' | 'failed'; detail: string };

/** What the console may ask. No call takes a command line or a path. */
export interface Calls {
  getState(): PlaneState;
  listDevices(): Devices;
  /** Starts the preview, or switches a running one or the live stream over; viewers stay. */
  setSource(ask: { source: Source; preset: PresetName }): null;
  stopPreview(): null;
  goLive(): null;
  stopLive(): null;
  reconnectNow(): null;
  setRecording(ask: { on: boolean }): null;
  setDestination(ask: {
    to: 'here' | 'network' | 'server';
    coordinate?: string | undefined;
    key?: string | undefined;
  }): null;
  startProgram(ask: { name: string }): null;
  stopProgram(ask: { name: string }): null;
  restartProgram(ask: { name: string }): null;
  disconnectViewer(ask: { viewer: string }): null;
  /** A synthetic audience watches what is on air here; its numbers and verdict stand in the state. */
  startAudience(ask: AudienceAsk): null;
  stopAudience(): null;
  /** Does harm on purpose to our own programs and synthetic viewers, and judges what follows; the report stands in the state. */
  startDrill(ask: { name: DrillName }): null;
  addRemote(ask: { coordinate: string; token?: string | undefined }): null;
  removeRemote(ask: { coordinate: string }): null;
  newStreamKey(): null;
  getSettings(): SettingRow[];
  /** What saving these would do, without saving them. */
  checkSettings(ask: { values: Record<string, string | number | boolean | null> }): SettingsEffect;
  saveSettings(ask: { values: Record<string, string | number | boolean | null> }): SettingsEffect;
  getMesh(): MeshSnapshot;
  /** The mesh as it was: `atMs` is the nearest moment kept at or before the one asked for. */
  getMeshAt(ask: { atMs: number }): { atMs: number; tables: MeshSnapshot['tables'] };
  getHistory(ask: { fromMs: number; toMs: number }): { samples: Sample[]; markers: Marker[]; oldestMs: number };
  /** The newest `most` lines at or before `toMs`, oldest first. */
  getLogs(ask: { toMs?: number | undefined; most: number }): LogLine[];
}

const Nothing = v.undefined();
const OneProgram = v.object({ name: Name });
const Value = v.union([v.pipe(v.string(), v.maxLength(10_000)), v.number(), v.boolean(), v.null()]);

/** The argument of each call, checked before it is named. */
export const CallArguments = {
  getState: Nothing,
  listDevices: Nothing,
  setSource: v.object({ source: Source, preset: PresetName }),
  stopPreview: Nothing,
  goLive: Nothing,
  stopLive: Nothing,
  reconnectNow: Nothing,
  setRecording: v.object({ on: v.boolean() }),
  setDestination: v.object({
    to: v.picklist(['here', 'network', 'server']),
    coordinate: v.optional(Url),
    key: v.optional(Secret),
  }),
  startProgram: OneProgram,
  stopProgram: OneProgram,
  restartProgram: OneProgram,
  disconnectViewer: v.object({ viewer: Name }),
  startAudience: AudienceAsk,
  stopAudience: Nothing,
  startDrill: v.object({ name: DrillName }),
  addRemote: v.object({ coordinate: Url, token: v.optional(Secret) }),
  removeRemote: v.object({ coordinate: Url }),
  newStreamKey: Nothing,
  getSettings: Nothing,
  checkSettings: v.object({ values: v.record(Name, Value) }),
  saveSettings: v.object({ values: v.record(Name, Value) }),
  getMesh: Nothing,
  getMeshAt: v.object({ atMs: Amount }),
  getHistory: v.object({ fromMs: Amount, toMs: Amount }),
  getLogs: v.object({
    toMs: v.optional(Amount),
    most: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(5_000)),
  }),
} satisfies Record<keyof Calls, v.GenericSchema>;

export type CallName = keyof Calls;

/** What the console hears without asking. */
export const Events = {
  /** Whole state with a number: a reader that missed one reads this one and is right again. */
  changed: v.object({ serial: Amount, state: PlaneState }),
  /** Numbered changes of the mesh (mesh-view.ts); a skipped number asks for `getMesh`. */
  meshChanged: v.object({ serial: Amount, changes: v.array(Change) }),
  /** Once a second. */
  sampled: Sample,
  marked: Marker,
  logged: v.object({ lines: v.array(LogLine) }),
} as const;
export type Events = { [E in keyof typeof Events]: v.InferOutput<(typeof Events)[E]> };

/** What carries calls and events: the preload's bridge or a WebSocket. Calls in flight at a break are answered `not-now`, not resent. */
export interface ConsoleWire {
  call<N extends CallName>(name: N, argument: Parameters<Calls[N]>[0]): Promise<Outcome<ReturnType<Calls[N]>>>;
  /** @returns stops listening */
  listen(hear: <E extends keyof Events>(event: E, value: Events[E]) => void): () => void;
  /** The capture's picture: a MIME type as text first, then fragmented MP4, init segment first; anew after each switch. @returns stops it */
  preview(hear: (data: string | ArrayBuffer) => void): () => void;
}

/** First on a console's WebSocket: who does not know the token hears nothing. */
export const ConsoleHello = v.object({ type: v.literal('hello'), token: Secret });
export const ConsoleCall = v.object({
  type: v.literal('call'),
  id: Amount,
  name: v.picklist(Object.keys(CallArguments) as CallName[]),
  argument: v.optional(v.unknown()),
});
/** What a console hears on its WebSocket: `/console`; `/preview` carries the picture after the same hello. */
export type ConsoleAnswer =
  | { type: 'welcome' }
  | { type: 'refused'; detail: string }
  | { type: 'answer'; id: number; outcome: Outcome<unknown> }
  | { type: 'event'; name: keyof Events; value: unknown };
