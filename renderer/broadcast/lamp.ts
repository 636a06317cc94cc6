// Is it live, truly? Green only when somebody has decoded frames: the console's own monitor, which plays what viewers play, or
// viewers. Pure; lamp-card.tsx draws it.
import type { CaptureState } from '../../protocol/capture-state.ts';
import type { StreamState } from '../../protocol/fields.ts';
import { count, delay } from '../format.ts';
import type { Tone } from '../state-mark.tsx';

/** What the console's own monitor says. */
export interface Canary {
  /** How long ago the number of decoded frames last grew; null before the first. */
  frameAgeMs: number | null;
  /** Behind the source; null until known. */
  delayMs: number | null;
  /** Why it shows nothing, if it knows. */
  problem: string | null;
}

export interface LampFacts {
  capture: CaptureState;
  /** What the coordinate says of the stream; null when it says nothing. */
  streamState: StreamState | null;
  /** When the stream became live for this console; counts for an external encoder, whose capture has no beginning. */
  streamLiveSinceMs: number | null;
  isConnected: boolean;
  monitor: Canary | null;
  /** Viewers whose reports say that they play, the monitor left out. */
  playing: number;
  /** By the control plane's clock. */
  nowMs: number;
}

export type Lamp =
  | { is: 'unknown' }
  | { is: 'off'; isPreviewing: boolean }
  | { is: 'waiting' }
  | { is: 'starting' }
  | { is: 'interrupted' }
  | { is: 'undecoded'; forMs: number; problem: string | null }
  | { is: 'decoded'; byMonitor: boolean; viewers: number; delayMs: number | null }
  | { is: 'reconnecting'; inMs: number; attempt: number; reason: string }
  | { is: 'failed'; reason: string; action: string };

/** A picture that has not moved for so long is not being decoded. */
const FRESH_MS = 3_000;
/** So long going live may take before the lamp worries. */
const START_MS = 4_000;

export function lampOf(facts: LampFacts): Lamp {
  const { capture, nowMs } = facts;
  if (!facts.isConnected) return { is: 'unknown' };
  switch (capture.is) {
    case 'idle':
      return isPushed(capture, facts.streamState) ? external(facts) : { is: 'off', isPreviewing: false };
    case 'previewing':
      return { is: 'off', isPreviewing: true };
    case 'starting':
      return { is: 'starting' };
    case 'failed':
      return { is: 'failed', reason: capture.reason, action: capture.action };
    case 'reconnecting':
      return {
        is: 'reconnecting',
        inMs: Math.max(0, capture.untilMs - nowMs),
        attempt: capture.attempt,
        reason: capture.reason,
      };
    case 'external':
      return external(facts);
    case 'live':
      return onAir(facts, capture.sinceMs);
  }
}

/** Does an encoder of one's own push although nothing was chosen here? */
export const isPushed = (capture: CaptureState, streamState: StreamState | null): boolean =>
  capture.is === 'idle' && (streamState === 'live' || streamState === 'interrupted');

function external(facts: LampFacts): Lamp {
  if (facts.streamState === 'interrupted') return { is: 'interrupted' };
  return facts.streamState === 'live' ? onAir(facts, facts.streamLiveSinceMs ?? facts.nowMs) : { is: 'waiting' };
}

function onAir({ monitor, playing, streamState, nowMs }: LampFacts, sinceMs: number): Lamp {
  const byMonitor = monitor !== null && monitor.frameAgeMs !== null && monitor.frameAgeMs <= FRESH_MS;
  const delayMs = byMonitor ? monitor.delayMs : null;
  if (byMonitor) return { is: 'decoded', byMonitor, viewers: playing, delayMs };
  // Viewers' reports are seconds old: they count for a stream that the coordinate has.
  if (playing > 0 && (streamState === null || streamState === 'live'))
    return { is: 'decoded', byMonitor, viewers: playing, delayMs };
  const forMs = Math.max(0, nowMs - sinceMs);
  if (forMs < START_MS) return { is: 'starting' };
  return { is: 'undecoded', forMs, problem: monitor?.problem ?? null };
}

/** The lamp in words: `sentence` says what the word means. */
export function lampText(lamp: Lamp): { tone: Tone; word: string; sentence: string } {
  switch (lamp.is) {
    case 'unknown':
      return {
        tone: 'warn',
        word: 'Unknown',
        sentence: 'The control plane is not connected, so nobody here can tell.',
      };
    case 'off':
      return {
        tone: 'idle',
        word: 'Off air',
        sentence: lamp.isPreviewing
          ? 'Only you see this picture. Go live to send it out.'
          : 'Choose what to show first.',
      };
    case 'waiting':
      return {
        tone: 'busy',
        word: 'Waiting',
        sentence: 'Nothing is pushed yet. Start your encoder with the address on this page.',
      };
    case 'starting':
      return {
        tone: 'busy',
        word: 'Starting',
        sentence: 'On its way. The lamp turns green when the picture is decoded.',
      };
    case 'interrupted':
      return {
        tone: 'warn',
        word: 'Interrupted',
        sentence: 'Your encoder has stopped pushing. Viewers wait; it goes on by itself when the push is back.',
      };
    case 'undecoded':
      return {
        tone: 'warn',
        word: 'Live, unseen',
        sentence: `Live for ${Math.round(lamp.forMs / 1_000)} s, but nobody has decoded it yet. ${lamp.problem ?? 'The monitor of this console is still trying.'}`,
      };
    case 'decoded':
      return { tone: 'good', word: 'Live', sentence: decodedSentence(lamp) };
    case 'reconnecting': {
      const seconds = Math.ceil(lamp.inMs / 1_000);
      return {
        tone: 'warn',
        word: seconds > 0 ? `Reconnecting in ${seconds} s` : 'Reconnecting now',
        sentence: `${lamp.reason} (Try ${lamp.attempt}.)`,
      };
    }
    case 'failed':
      return { tone: 'bad', word: 'Failed', sentence: `${lamp.reason} ${lamp.action}` };
  }
}

function decodedSentence({ byMonitor, viewers, delayMs }: Extract<Lamp, { is: 'decoded' }>): string {
  const who = [byMonitor ? "this console's monitor" : null, viewers > 0 ? count(viewers, 'viewer') : null];
  const behind = delayMs === null ? '' : `, ${delay(delayMs)} behind the source`;
  const but = byMonitor ? '' : " This console's own monitor has no picture.";
  return `Decoded by ${who.filter((one) => one !== null).join(' and ')}${behind}.${but}`;
}
