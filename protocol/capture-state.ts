// What is captured, how, and what it is doing: the part of the console's contract that the capture fills.
import * as v from 'valibot';
import { Amount, few, Sentence } from './fields.ts';

const Id = v.pipe(v.string(), v.maxLength(500));
const Line = v.pipe(v.string(), v.maxLength(2_000));

/** Ids are those of `listDevices`; anything else is refused. */
export const Source = v.variant('kind', [
  v.object({ kind: v.literal('test') }),
  v.object({ kind: v.literal('camera'), camera: Id, microphone: v.nullable(Id) }),
  v.object({ kind: v.literal('screen'), screen: Id, microphone: v.nullable(Id) }),
  /** A file of the media folder, in a loop. */
  v.object({ kind: v.literal('file'), file: Id }),
  /** Somebody else's encoder pushes; nothing is captured here. */
  v.object({ kind: v.literal('external') }),
]);
export type Source = v.InferOutput<typeof Source>;

export const PRESET_NAMES = ['360p', '480p', '720p', '1080p'] as const;
export const PresetName = v.picklist(PRESET_NAMES);
export type PresetName = (typeof PRESET_NAMES)[number];

const what = { source: Source, preset: PresetName };

/** idle: nothing runs. external: the programs wait for somebody's push. Times are Date.now() milliseconds. */
export const CaptureState = v.variant('is', [
  v.object({ is: v.literal('idle') }),
  v.object({ is: v.literal('external') }),
  v.object({ is: v.literal('starting'), ...what, sinceMs: Amount }),
  v.object({ is: v.literal('previewing'), ...what, sinceMs: Amount }),
  v.object({ is: v.literal('live'), ...what, sinceMs: Amount }),
  v.object({ is: v.literal('reconnecting'), ...what, attempt: Amount, untilMs: Amount, reason: Sentence }),
  /** `action`: what the person can do, a few words for a button or a sentence. */
  v.object({ is: v.literal('failed'), ...what, reason: Sentence, action: Sentence, lastLines: few(Line, 20) }),
]);
export type CaptureState = v.InferOutput<typeof CaptureState>;

export const CaptureView = v.object({
  state: CaptureState,
  /** ffmpeg's own numbers, once a second; null while nothing is captured. */
  progress: v.nullable(
    v.object({
      framesPerSecond: Amount,
      bitsPerSecond: Amount,
      droppedFrames: Amount,
      /** 1 = real time. */
      speed: Amount,
      /** Loudness of the last moment, dB below full scale (0 is loudest); null without sound. */
      soundDb: v.nullable(v.pipe(v.number(), v.finite())),
      encoder: v.nullable(Id),
    }),
  ),
  /** Where the recording goes; null while none runs. */
  recording: v.nullable(v.object({ file: Line, bytes: Amount, sinceMs: Amount, problem: v.nullable(Sentence) })),
});
export type CaptureView = v.InferOutput<typeof CaptureView>;
