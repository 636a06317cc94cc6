// The console's contract: what it may ask of the control plane and what it hears. Carried by Electron IPC or by a WebSocket
// without knowing which; errors cross as data (SPEC.md, C rules).
import * as v from 'valibot';
import { Amount, few, Sentence, Url } from './fields.ts';

const Name = v.pipe(v.string(), v.maxLength(100));
const Line = v.pipe(v.string(), v.maxLength(2_000));

/** A supervised program: three endings, and only a death leads to backoff. */
export const ProgramState = v.variant('is', [
  v.object({ is: v.literal('stopped') }),
  v.object({ is: v.literal('starting'), sinceMs: Amount }),
  v.object({ is: v.literal('ready'), sinceMs: Amount, pid: Amount, ready: v.record(Name, v.unknown()) }),
  v.object({ is: v.literal('backoff'), untilMs: Amount, attempt: Amount, ending: Sentence, lastLines: few(Line, 50) }),
  v.object({ is: v.literal('failed'), code: v.number(), detail: Sentence, lastLines: few(Line, 50) }),
]);
export type ProgramState = v.InferOutput<typeof ProgramState>;

export const Source = v.picklist(['test']);
export type Source = v.InferOutput<typeof Source>;

export const CaptureState = v.variant('is', [
  v.object({ is: v.literal('idle') }),
  v.object({ is: v.literal('live'), source: Source, sinceMs: Amount }),
  v.object({ is: v.literal('reconnecting'), source: Source, attempt: Amount, reason: Sentence }),
  v.object({ is: v.literal('failed'), source: Source, reason: Sentence }),
]);
export type CaptureState = v.InferOutput<typeof CaptureState>;

/** Where everything is once all programs are up: also the `ready` line of `p2plive up --json`. */
export const Addresses = v.object({
  coordinate: Url,
  push: Url,
  watch: Url,
  tracker: Url,
  forwards: few(v.object({ push: Url, pull: Url, debug: Url }), 16),
});
export type Addresses = v.InferOutput<typeof Addresses>;

export const PlaneState = v.object({
  /** By program name: coordinate, tracker, forward, forward-2, ... */
  programs: v.record(Name, ProgramState),
  capture: CaptureState,
  /** null until everything was ready once. */
  addresses: v.nullable(Addresses),
});
export type PlaneState = v.InferOutput<typeof PlaneState>;

/** Why a call was not done, as data: it crosses every wire whole. */
export type Outcome<T> =
  | { ok: true; value: T }
  | { ok: false; reason: 'bad-call' | 'not-now' | 'failed'; detail: string };

/** What the console may ask. No call takes a command line or a path. */
export interface Calls {
  getState(): Outcome<PlaneState>;
  goLive(ask: { source: Source }): Outcome<null>;
  stopLive(): Outcome<null>;
  restartProgram(ask: { name: string }): Outcome<null>;
}

/** The argument of each call, checked before it is named. */
export const CallArguments = {
  getState: v.undefined(),
  goLive: v.object({ source: Source }),
  stopLive: v.undefined(),
  restartProgram: v.object({ name: Name }),
} satisfies Record<keyof Calls, v.GenericSchema>;

export const Events = {
  /** Whole state with a number: a reader that missed one reads this one and is right again. */
  changed: v.object({ serial: Amount, state: PlaneState }),
  /** A log line of a program. */
  logged: v.object({ program: Name, line: Line }),
} as const;
export type Events = { [E in keyof typeof Events]: v.InferOutput<(typeof Events)[E]> };
