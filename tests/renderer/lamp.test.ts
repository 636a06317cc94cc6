import { describe, expect, it } from 'vitest';
import { lampOf, lampText, type LampFacts } from '../../renderer/broadcast/lamp.ts';

const NOW = 1_000_000;
const what = { source: { kind: 'test' }, preset: '720p' } as const;
const facts = (change: Partial<LampFacts>): LampFacts => ({
  capture: { is: 'idle' },
  streamState: null,
  streamLiveSinceMs: null,
  isConnected: true,
  monitor: null,
  playing: 0,
  nowMs: NOW,
  ...change,
});
const live = (sinceMs: number): LampFacts['capture'] => ({ is: 'live', ...what, sinceMs });
const canary = (frameAgeMs: number | null, problem: string | null = null) => ({ frameAgeMs, delayMs: 340, problem });

describe('the lamp', () => {
  it('is off while nothing or only a preview runs', () => {
    expect(lampOf(facts({}))).toEqual({ is: 'off', isPreviewing: false });
    expect(lampOf(facts({ capture: { is: 'previewing', ...what, sinceMs: 0 } }))).toEqual({
      is: 'off',
      isPreviewing: true,
    });
  });

  it('is as true for a stream that is pushed although nothing was chosen here', () => {
    const pushed = { streamState: 'live', streamLiveSinceMs: NOW - 9_000 } as const;
    expect(lampOf(facts({ ...pushed, monitor: canary(200) })).is).toBe('decoded');
    expect(lampOf(facts(pushed)).is).toBe('undecoded');
    expect(lampOf(facts({ streamState: 'interrupted' })).is).toBe('interrupted');
    expect(lampOf(facts({ streamState: 'ended' })).is).toBe('off');
    // What one previews oneself is still not sent.
    expect(lampOf(facts({ ...pushed, capture: { is: 'previewing', ...what, sinceMs: 0 } })).is).toBe('off');
  });

  it('claims nothing while the plane is not connected', () => {
    expect(lampOf(facts({ isConnected: false, capture: live(0), playing: 3 }))).toEqual({ is: 'unknown' });
  });

  it('is not green before anybody has decoded, and worries after some seconds', () => {
    expect(lampOf(facts({ capture: live(NOW - 1_000), monitor: canary(null) })).is).toBe('starting');
    const late = lampOf(facts({ capture: live(NOW - 9_000), monitor: canary(null, 'The server cannot be reached.') }));
    expect(late).toEqual({ is: 'undecoded', forMs: 9_000, problem: 'The server cannot be reached.' });
    expect(lampText(late)).toMatchObject({ tone: 'warn' });
    expect(lampText(late).sentence).toContain('The server cannot be reached.');
  });

  it('is green when the monitor decodes, with its delay, and says how many viewers do', () => {
    const lamp = lampOf(facts({ capture: live(NOW - 9_000), monitor: canary(200), playing: 2, streamState: 'live' }));
    expect(lamp).toEqual({ is: 'decoded', byMonitor: true, viewers: 2, delayMs: 340 });
    expect(lampText(lamp)).toMatchObject({ tone: 'good', word: 'Live' });
    expect(lampText(lamp).sentence).toContain('2 viewers');
  });

  it('is green by viewers alone, and not by reports older than the stream', () => {
    expect(lampOf(facts({ capture: live(NOW - 9_000), playing: 1, streamState: 'live' })).is).toBe('decoded');
    expect(lampOf(facts({ capture: live(NOW - 9_000), playing: 1, streamState: 'interrupted' })).is).toBe('undecoded');
  });

  it('goes out when the picture stands', () => {
    expect(lampOf(facts({ capture: live(NOW - 60_000), monitor: canary(4_000) })).is).toBe('undecoded');
  });

  it('counts down to the next try, and never below zero', () => {
    const capture = {
      is: 'reconnecting',
      ...what,
      attempt: 2,
      untilMs: NOW + 3_200,
      reason: 'The server is gone.',
    } as const;
    expect(lampText(lampOf(facts({ capture }))).word).toBe('Reconnecting in 4 s');
    expect(lampText(lampOf(facts({ capture, nowMs: NOW + 9_000 }))).word).toBe('Reconnecting now');
  });

  it('says why it failed and what to do', () => {
    const capture: LampFacts['capture'] = {
      is: 'failed',
      ...what,
      reason: 'The camera is busy.',
      action: 'Retry',
      lastLines: [],
    };
    expect(lampText(lampOf(facts({ capture })))).toEqual({
      tone: 'bad',
      word: 'Failed',
      sentence: 'The camera is busy. Retry',
    });
  });

  it('follows the stream where the encoder is somebody else’s', () => {
    const external = { capture: { is: 'external' } } as const;
    expect(lampOf(facts(external)).is).toBe('waiting');
    expect(lampOf(facts({ ...external, streamState: 'live', streamLiveSinceMs: NOW })).is).toBe('starting');
    expect(lampOf(facts({ ...external, streamState: 'live', monitor: canary(100) })).is).toBe('decoded');
    expect(lampOf(facts({ ...external, streamState: 'interrupted' })).is).toBe('interrupted');
    expect(lampOf(facts({ ...external, streamState: 'ended' })).is).toBe('waiting');
  });
});
