// What the Health pane says: each trouble has its sentence and its deed, the worst comes first, and all is well only when it is.
import { describe, expect, it } from 'vitest';
import type { PlaneState, ProgramState } from '../../protocol/control.ts';
import type { Sample } from '../../protocol/history.ts';
import { adviceFor, type Situation } from '../../renderer/health/advice.ts';
import { figuresOf } from '../../renderer/health/figures.ts';
import { chartsOf, minuteSums, sampleAt, shownIndices, timesOf } from '../../renderer/health/series.ts';
import { markerBeside, outlineOf, scaleOf, ticksOf } from '../../renderer/health/time-scale.ts';
import { FakeMesh } from '../support/fake-mesh.ts';
import { firstState, pastMarkers, PROGRAM_NAMES, sampleOf } from './advice-figures.ts';

const NOW_MS = 1_800_000_000_000;

function situation(change: Partial<Situation> = {}, sample: Partial<Sample> = {}): Situation {
  const samples = Array.from({ length: 400 }, (_, i) => sampleOf(NOW_MS - (399 - i) * 1000, i >= 370 ? sample : {}));
  return { state: live(), samples, tables: new FakeMesh(20).tables, nowMs: NOW_MS, ...change };
}

function live(change: Partial<PlaneState> = {}): PlaneState {
  const state = firstState(NOW_MS);
  const capture = { is: 'live', source: { kind: 'test' }, preset: '720p', sinceMs: NOW_MS - 60_000 } as const;
  const progress = { framesPerSecond: 30, bitsPerSecond: 2e6, droppedFrames: 0, speed: 1, soundDb: -20, encoder: 'x' };
  return { ...state, capture: { state: capture, progress, recording: null }, ...change };
}

const keysOf = (of: Situation): string[] => adviceFor(of).map(({ key }) => key);

it('all is well only when it is', () => {
  expect(adviceFor(situation())).toEqual([{ key: 'well', severity: 'good', says: 'All is well.', todo: '' }]);
  expect(keysOf(situation({ samples: [] }))).not.toContain('well');
  expect(keysOf(situation({ state: null }))).not.toContain('well');
  expect(keysOf(situation({ nowMs: NOW_MS + 30_000 }))).toEqual(['figures']);
});

describe('each trouble', () => {
  const programs = live().programs;
  const progress = live().capture.progress;
  const capture = live().capture;
  const ready = programs['forward'];
  const tables = new FakeMesh(20).tables;
  const few = Object.fromEntries(
    Object.entries(tables.viewers).map(([id, row], i) => [id, { ...row, shares: i < 4 }] as const),
  );
  const backoff = {
    is: 'backoff',
    untilMs: 0,
    attempt: 2,
    ending: 'signal SIGKILL',
    lastLines: [],
  } satisfies ProgramState;
  const failed = { is: 'failed', code: 2, detail: 'port 9090 is taken.', lastLines: [] } satisfies ProgramState;
  const broken = { ...capture.state, is: 'failed', reason: 'The camera is in use.', action: 'Retry', lastLines: [] };
  const lost = { kind: 'tracker', state: 'lost', why: 'connection refused' } as const;
  const stream = tables.streams['live'];

  it.each<[string, string, Situation, RegExp]>([
    [
      'program that restarts',
      'bad',
      situation({ state: live({ programs: { ...programs, forward: backoff } }) }),
      /forward has ended.*attempt 2/,
    ],
    [
      'program that cannot run',
      'bad',
      situation({ state: live({ programs: { ...programs, tracker: failed } }) }),
      /tracker cannot run: port 9090/,
    ],
    [
      'program that was stopped',
      'warn',
      situation({ state: live({ programs: { ...programs, tracker: { is: 'stopped' } } }) }),
      /tracker is stopped/,
    ],
    [
      'capture that failed',
      'bad',
      situation({ state: live({ capture: { ...capture, state: broken as never } }) }),
      /camera is in use/,
    ],
    [
      'source slower than real time',
      'bad',
      situation({ state: live({ capture: { ...capture, progress: progress && { ...progress, speed: 0.8 } } }) }),
      /0\.80 times real time/,
    ],
    [
      'frames dropped',
      'warn',
      situation({ state: live({ capture: { ...capture, progress: progress && { ...progress, droppedFrames: 90 } } }) }),
      /90 frames were dropped/,
    ],
    [
      'feed lost',
      'warn',
      situation({ tables: { ...tables, feeds: { 'http://h:9090/debug/feed': lost } } }),
      /tracker at h:9090/,
    ],
    [
      'stream interrupted',
      'bad',
      situation({ tables: { ...tables, streams: stream ? { live: { ...stream, state: 'interrupted' } } : {} } }),
      /stream live is interrupted/,
    ],
    ['low offload', 'warn', situation({}, { offload: 0.2 }), /only 20\.0 % of the stream/],
    [
      'low offload because few share',
      'warn',
      situation({ tables: { ...tables, viewers: few } }, { offload: 0.2 }),
      /Only 4 of 20 viewers share/,
    ],
    ['long delay', 'warn', situation({}, { delayP95Ms: 1_900 }), /One viewer in twenty/],
    ['rising delay', 'warn', situation({}, { delayP95Ms: 900 }), /delay rises: 900 ms now, 4\d\d ms/],
    ['some standing pictures', 'warn', situation({}, { stalledMs: 300 }), /Pictures stand 1\.5 %/],
    ['many standing pictures', 'bad', situation({}, { stalledMs: 3_000 }), /Pictures stand 15\.0 %/],
    ['viewers that do not play', 'warn', situation({}, { playing: 12 }), /8 of 20 viewers do not play/],
    ['viewers that leave', 'warn', situation({}, { left: 2 }), /viewers left within/],
    [
      'busy program',
      'warn',
      situation({}, { programs: { forward: { cpu: 0.95, memoryBytes: 1e8 } } }),
      /forward uses 95\.0 % of a core/,
    ],
    [
      'much memory',
      'warn',
      situation({}, { programs: { forward: { cpu: 0.1, memoryBytes: 2e9 } } }),
      /forward holds 2\.0 GB/,
    ],
    [
      'much repair',
      'warn',
      situation({}, { egressBitsPerSecond: { media: 1e6, bootstrap: 0, repair: 5e5, control: 0 } }),
      /spend much on repair/,
    ],
  ])('%s', (_name, severity, of, says) => {
    const [first] = adviceFor(of);
    expect(first).toMatchObject({ severity, says: expect.stringMatching(says) });
    expect(first?.todo).not.toBe('');
    expect(keysOf(of)).not.toContain('well');
  });

  it('says the offload that the card shows, with its span, and none that is no longer low', () => {
    const rising = (to: number) => [
      ...situation().samples.slice(0, -20),
      ...Array.from({ length: 20 }, (_, i) =>
        sampleOf(NOW_MS - (19 - i) * 1000, { offload: i < 15 ? 0.2 : i < 19 ? 0.3 : to }),
      ),
    ];
    const [low] = adviceFor(situation({ samples: rising(0.439) }));
    expect(low?.says).toBe('In the last 10 s viewers had only 43.9 % of the stream from each other.');
    expect(figuresOf(sampleOf(NOW_MS, { offload: 0.439 }))).toContainEqual(['Offload, last 10 s', '43.9 %']);
    expect(keysOf(situation({ samples: rising(0.647) }))).toEqual(['well']);
  });

  it('is not told where there is none', () => {
    expect(ready?.is).toBe('ready');
    // Few viewers get most from the forward, as they should.
    expect(adviceFor(situation({}, { viewers: 3, playing: 3, offload: 0.1 })).map(({ severity }) => severity)).toEqual([
      'good',
      'note',
    ]);
    expect(
      keysOf(situation({}, { viewers: 0, playing: 0, offload: null, delayP50Ms: null, delayP95Ms: null })),
    ).toEqual(['well', 'nobody']);
    // Who has just come was not away before.
    const fresh = Array.from({ length: 20 }, (_, i) =>
      sampleOf(NOW_MS - (19 - i) * 1000, { viewers: i, playing: Math.max(0, i - 1) }),
    );
    expect(keysOf(situation({ samples: fresh }))).not.toContain('playing');
    // One slow second among twenty is none.
    const calm = situation();
    const samples = [...calm.samples.slice(0, -1), sampleOf(NOW_MS, { delayP95Ms: 1_200 })];
    expect(keysOf({ ...calm, samples })).toEqual(['well']);
  });

  it('is none where a crowd waits for its parents, which is told', () => {
    const starts = [{ stream: 'live', limit: 20, newcomers: 40, putOff: 14 }];
    const forwards = Object.fromEntries(Object.entries(tables.forwards).map(([id, row]) => [id, { ...row, starts }]));
    expect(keysOf(situation({ tables: { ...tables, forwards } }))).toEqual(['well', 'crowd live']);
  });

  it('comes in order, the worst first', () => {
    const many = situation(
      { state: live({ programs: { ...programs, tracker: failed }, notes: ['A settings file was set aside.'] }) },
      { delayP95Ms: 1_900, stalledMs: 3_000 },
    );
    expect(adviceFor(many).map(({ severity }) => severity)).toEqual(['bad', 'bad', 'warn', 'note']);
  });
});

describe('figures over time', () => {
  const samples = Array.from({ length: 3_600 }, (_, i) =>
    sampleOf(NOW_MS + i * 1000, { viewers: i, joined: i % 60 === 0 ? 1 : 0 }),
  );

  it('show the newest half hour with no more points than can be seen, and the same ones a second later', () => {
    const shown = timesOf(samples, shownIndices(samples));
    expect(shown.length).toBeLessThanOrEqual(901);
    expect(shown.at(-1)).toBe((samples.at(-1)?.atMs ?? 0) / 1000);
    const later = [...samples, sampleOf(NOW_MS + 3_600_000, {})];
    const after = new Set(timesOf(later, shownIndices(later)));
    expect(shown.slice(1, -1).filter((at) => !after.has(at))).toEqual([]);
    expect(shownIndices([])).toEqual([]);
  });

  it('have a value for every time in every line', () => {
    const indices = shownIndices(samples);
    for (const chart of chartsOf(samples, indices))
      for (const line of chart.lines) expect(line.values).toHaveLength(indices.length);
    expect(
      chartsOf(samples, indices)
        .find(({ id }) => id === 'cpu')
        ?.lines.map(({ name }) => name),
    ).toEqual(PROGRAM_NAMES);
  });

  it('count by the minute', () => {
    expect(minuteSums(samples, (sample) => sample.joined).slice(60, 200)).toEqual(Array.from({ length: 140 }, () => 1));
  });

  it('are found by their moment', () => {
    expect(sampleAt(samples, NOW_MS + 5_400)?.viewers).toBe(5);
    expect(sampleAt(samples, NOW_MS - 1)).toBeNull();
    expect(sampleAt(samples, NOW_MS + 1e9)?.viewers).toBe(3_599);
  });
});

describe('the time scrubber', () => {
  const samples = Array.from({ length: 1_800 }, (_, i) => sampleOf(NOW_MS - (1_799 - i) * 1000, {}));
  const scale = scaleOf(samples);
  const markers = pastMarkers(NOW_MS);

  it('spans what was recorded', () => {
    expect(scale).toEqual({ fromMs: NOW_MS - 1_799_000, toMs: NOW_MS });
    expect(scaleOf(samples.slice(0, 1))).toBeNull();
    expect(outlineOf(samples, scale ?? { fromMs: 0, toMs: 1 })).toMatch(/^M0 100L0 0\.0.*Z$/);
    // Where all have left nobody is shown, though the samples are few.
    const few = [12, 12, 12, 0, 0].map((viewers, i) => sampleOf(NOW_MS + i * 1000, { viewers }));
    const outline = outlineOf(few, { fromMs: NOW_MS, toMs: NOW_MS + 4_000 });
    expect(outline).toContain('L224 0.0L225 100.0');
    expect(outline).toContain('L298 100.0');
  });

  it('has a tick for each marker within, a burst of a kind being one', () => {
    const ticks = ticksOf(
      [...markers, ...markers, { ...markers[0], atMs: 5 } as never],
      scale ?? { fromMs: 0, toMs: 1 },
    );
    expect(ticks).toHaveLength(markers.length);
    for (const { at } of ticks) expect(at >= 0 && at <= 1).toBe(true);
  });

  it('steps from event to event', () => {
    const times = markers.map(({ atMs }) => atMs);
    expect(markerBeside(markers, NOW_MS, -1)?.atMs).toBe(times.at(-1));
    expect(markerBeside(markers, times.at(-1) ?? 0, -1)?.atMs).toBe(times.at(-2));
    expect(markerBeside(markers, times[0] ?? 0, 1)?.atMs).toBe(times[1]);
    expect(markerBeside(markers, times[0] ?? 0, -1)).toBeNull();
  });
});
