// Sentences that say what is wrong and what to do, worst first; "All is well" only when it is. Pure: state, samples and tables in.
import type { PlaneState } from '../../protocol/control.ts';
import type { Sample } from '../../protocol/history.ts';
import type { MeshTables } from '../../protocol/mesh-tables.ts';
import { count, delay, OFFLOAD_SPAN, percent } from '../format.ts';
import { ofCap } from './cap-advice.ts';
import { ofCrowd } from './crowd-advice.ts';
import { ofLedgers, ofTrust } from './trust-advice.ts';

export type Severity = 'bad' | 'warn' | 'note' | 'good';

export interface Advice {
  /** The same for the same trouble, so that a list does not jump. */
  key: string;
  severity: Severity;
  /** What is. */
  says: string;
  /** What to do; empty when nothing is to be done. */
  todo: string;
}

export interface Situation {
  state: PlaneState | null;
  /** Oldest first, one a second. */
  samples: readonly Sample[];
  tables: Partial<MeshTables>;
  nowMs: number;
}

const ORDER: readonly Severity[] = ['bad', 'warn', 'note', 'good'];
/** Figures are means over this long, so that one odd second says nothing. */
const NOW_SAMPLES = 20;
/** What the newest figures are compared with. */
const BEFORE_SAMPLES = 300;
const STALE_MS = 6_000;
/** With fewer the forwards carry most themselves, as they should. */
const MIN_FOR_OFFLOAD = 5;
const LOW_OFFLOAD = 0.5;
const LONG_DELAY_MS = 1_500;
const RISE = 1.5;
const MIN_RISE_MS = 150;
/** Standing picture as a share of watching. */
const STALLED_WARN = 0.005;
const STALLED_BAD = 0.03;
/** Of one core. */
const HIGH_CPU = 0.85;
const HIGH_MEMORY_BYTES = 1.5e9;
const SLOW_SPEED = 0.97;
const DROPPED_SHARE = 0.01;
const REPAIR_SHARE = 0.25;
const LEFT_SHARE = 0.25;

export function adviceFor(situation: Situation): Advice[] {
  const all: Advice[] = [
    ...ofPrograms(situation),
    ...ofCapture(situation),
    ...ofFeeds(situation),
    ...ofFigures(situation),
    ...ofTrust(situation.tables),
    ...ofLedgers(situation.tables),
    ...ofCap(situation.tables),
    ...ofCrowd(situation.tables),
    ...ofNotes(situation),
  ].toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  const isTroubled = all.some(({ severity }) => severity === 'bad' || severity === 'warn');
  if (isTroubled || !situation.state || situation.samples.length === 0) return all;
  return [advice('good', 'well', 'All is well.'), ...all];
}

const advice = (severity: Severity, key: string, says: string, todo = ''): Advice => ({ key, severity, says, todo });
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);

function ofPrograms({ state }: Situation): Advice[] {
  return Object.entries(state?.programs ?? {}).flatMap(([name, program]) => {
    switch (program.is) {
      case 'failed':
        return [
          advice(
            'bad',
            `program ${name}`,
            `${name} cannot run: ${program.detail}`,
            'Put it right in Settings, then start it on the Mesh pane.',
          ),
        ];
      case 'backoff':
        return [
          advice(
            'bad',
            `program ${name}`,
            `${name} has ended (${program.ending}) and starts again by itself, attempt ${program.attempt}.`,
            'If it goes on, its last lines are on the Logs pane.',
          ),
        ];
      case 'starting':
        return [advice('note', `program ${name}`, `${name} is starting.`)];
      case 'stopped':
        return [
          advice('warn', `program ${name}`, `${name} is stopped.`, 'Start it on the Mesh pane when it is needed.'),
        ];
      case 'ready':
        return [];
    }
  });
}

function ofCapture({ state, nowMs }: Situation): Advice[] {
  if (!state) return [];
  const found: Advice[] = [];
  const { state: capture, progress, recording } = state.capture;
  if (state.ffmpeg.problem !== null)
    found.push(
      advice(
        'bad',
        'ffmpeg',
        `There is no usable ffmpeg: ${state.ffmpeg.problem}`,
        'Install ffmpeg or name it in Settings.',
      ),
    );
  if (capture.is === 'failed') found.push(advice('bad', 'capture', capture.reason, capture.action));
  if (capture.is === 'reconnecting')
    found.push(
      advice(
        'bad',
        'capture',
        `The broadcast is interrupted: ${capture.reason}`,
        'It reconnects by itself; Reconnect now on the Broadcast pane tries at once.',
      ),
    );
  if (recording?.problem)
    found.push(
      advice(
        'warn',
        'recording',
        `The recording has stopped: ${recording.problem}`,
        'Make room or choose another place, then record again.',
      ),
    );
  if (!progress) return found;
  if (progress.speed > 0 && progress.speed < SLOW_SPEED)
    found.push(
      advice(
        'bad',
        'speed',
        `The source comes at ${progress.speed.toFixed(2)} times real time: pictures will stand.`,
        'Choose a smaller preset, close other programs or use a hardware encoder.',
      ),
    );
  if ('sinceMs' in capture) {
    const frames = (progress.framesPerSecond * (nowMs - capture.sinceMs)) / 1000;
    if (frames > 300 && progress.droppedFrames / frames > DROPPED_SHARE)
      found.push(
        advice(
          'warn',
          'dropped',
          `${count(progress.droppedFrames, 'frame')} were dropped (${percent(progress.droppedFrames / frames)}).`,
          'The computer or the camera does not keep up: choose a smaller preset.',
        ),
      );
  }
  return found;
}

function ofFeeds({ state, tables }: Situation): Advice[] {
  const feeds = Object.entries(tables.feeds ?? {}).flatMap(([url, feed]) =>
    feed.state === 'lost' || feed.state === 'refused'
      ? [
          advice(
            'warn',
            `feed ${url}`,
            `What the ${feed.kind} at ${hostOf(url)} does is not known: ${feed.why ?? feed.state}.`,
            feed.state === 'refused' ? 'Check its token in Settings.' : 'It is read again as soon as it answers.',
          ),
        ]
      : [],
  );
  const streams = Object.entries(tables.streams ?? {}).flatMap(([name, stream]) =>
    stream.state === 'interrupted'
      ? [
          advice(
            'bad',
            `stream ${name}`,
            `The stream ${name} is interrupted: ${stream.why || 'its source is gone'}.`,
            'Look at the encoder that pushes it; viewers wait and go on by themselves.',
          ),
        ]
      : [],
  );
  const remotes = (state?.remotes ?? []).flatMap((remote) =>
    remote.why === null
      ? []
      : [
          advice(
            'warn',
            `remote ${remote.coordinate}`,
            `${hostOf(remote.coordinate)}: ${remote.why}`,
            'Check its address and token in Settings.',
          ),
        ],
  );
  return [...streams, ...feeds, ...remotes];
}

function ofFigures(situation: Situation): Advice[] {
  const { state, samples, nowMs } = situation;
  const newest = samples.at(-1);
  if (!newest) return state ? [advice('note', 'figures', 'No figures yet: the first come in a moment.')] : [];
  if (nowMs - newest.atMs > STALE_MS)
    return [
      advice(
        'warn',
        'figures',
        `No figures have come for ${Math.round((nowMs - newest.atMs) / 1000)} s.`,
        'The control plane is busy or out of reach.',
      ),
    ];
  const recent = samples.slice(-NOW_SAMPLES);
  const found = [...ofMachine(recent)];
  if (newest.viewers === 0) return [...found, ...ofNobody(situation)];
  return [...found, ...ofOffload(situation, recent), ...ofDelay(samples, recent), ...ofPlaying(recent, newest)];
}

function ofNobody({ state, tables }: Situation): Advice[] {
  const isLive =
    state?.capture.state.is === 'live' || Object.values(tables.streams ?? {}).some((one) => one.state === 'live');
  return isLive
    ? [advice('note', 'nobody', 'You are live and nobody watches yet.', 'Share the link on the Broadcast pane.')]
    : [advice('note', 'nobody', 'Nothing is live, and nobody watches.', 'Go live on the Broadcast pane.')];
}

function ofMachine(recent: readonly Sample[]): Advice[] {
  const names = Object.keys(recent.at(-1)?.programs ?? {});
  return names.flatMap((name) => {
    const rows = recent.flatMap((sample) => sample.programs[name] ?? []);
    const cpu = mean(rows.map((row) => row.cpu));
    const bytes = rows.at(-1)?.memoryBytes ?? 0;
    return [
      ...(cpu > HIGH_CPU
        ? [
            advice(
              'warn',
              `cpu ${name}`,
              `${name} uses ${percent(cpu)} of a core.`,
              'Move it to a stronger machine or add another forward before more viewers come.',
            ),
          ]
        : []),
      ...(bytes > HIGH_MEMORY_BYTES
        ? [
            advice(
              'warn',
              `memory ${name}`,
              `${name} holds ${(bytes / 1e9).toFixed(1)} GB of memory.`,
              'Restart it at a quiet moment if it goes on growing.',
            ),
          ]
        : []),
    ];
  });
}

function ofOffload({ tables }: Situation, recent: readonly Sample[]): Advice[] {
  const newest = recent.at(-1)?.offload ?? null;
  const viewers = recent.at(-1)?.viewers ?? 0;
  const wasLow = mean(known(recent.map((sample) => sample.offload))) < LOW_OFFLOAD;
  if (newest === null || newest >= LOW_OFFLOAD || !wasLow) return [];
  // The figure that stands on the card below.
  const says = `In the ${OFFLOAD_SPAN} viewers had only ${percent(newest)} of the stream from each other.`;
  if (viewers < MIN_FOR_OFFLOAD)
    return [advice('note', 'offload', `${says} With so few viewers that is as it should be.`)];
  const rows = Object.values(tables.viewers ?? {});
  const sharing = rows.filter((row) => row.shares).length;
  return rows.length > 0 && sharing < rows.length / 2
    ? [
        advice(
          'warn',
          'offload',
          `${says} Only ${sharing} of ${count(rows.length, 'viewer')} share.`,
          'Ask viewers to allow sharing and to leave mobile networks; add a forward if it must carry more.',
        ),
      ]
    : [
        advice(
          'warn',
          'offload',
          says,
          'If it does not rise within a minute, viewers cannot reach each other: check STUN and TURN in Settings.',
        ),
      ];
}

function ofDelay(samples: readonly Sample[], recent: readonly Sample[]): Advice[] {
  const now = known(recent.map((sample) => sample.delayP95Ms));
  const before = known(samples.slice(-BEFORE_SAMPLES - NOW_SAMPLES, -NOW_SAMPLES).map((sample) => sample.delayP95Ms));
  if (now.length === 0) return [];
  const p95 = mean(now);
  if (p95 > LONG_DELAY_MS)
    return [
      advice(
        'warn',
        'delay',
        `One viewer in twenty is ${delay(p95)} or more behind.`,
        'Raise the copies that the forwards send, or choose a smaller preset.',
      ),
    ];
  if (before.length < NOW_SAMPLES || p95 < mean(before) * RISE || p95 - mean(before) < MIN_RISE_MS) return [];
  return [
    advice(
      'warn',
      'delay',
      `The delay rises: ${delay(p95)} now, ${delay(mean(before))} in the minutes before (19 of 20 viewers).`,
      'Look for late viewers on the Mesh pane with "Problems only".',
    ),
  ];
}

function ofPlaying(recent: readonly Sample[], newest: Sample): Advice[] {
  const found: Advice[] = [];
  const watchedMs = recent.reduce((sum, sample) => sum + sample.viewers * 1000, 0);
  const stalled = recent.reduce((sum, sample) => sum + sample.stalledMs, 0) / Math.max(1, watchedMs);
  if (stalled > STALLED_WARN)
    found.push(
      advice(
        stalled > STALLED_BAD ? 'bad' : 'warn',
        'stalls',
        `Pictures stand ${percent(stalled)} of the time.`,
        'Choose a smaller preset if the source keeps up; else look for starving viewers on the Mesh pane.',
      ),
    );
  // Each moment with its own viewers: who has come since was not away before.
  const away = Math.floor(mean(recent.map((sample) => Math.max(0, sample.viewers - sample.playing))));
  if (away >= 2 && away > newest.viewers * 0.1)
    found.push(
      advice(
        'warn',
        'playing',
        `${away} of ${count(newest.viewers, 'viewer')} do not play.`,
        'Filter the Mesh pane by state to see who they are.',
      ),
    );
  const left = recent.reduce((sum, sample) => sum + sample.left, 0);
  if (left >= 3 && left > (newest.viewers + left) * LEFT_SHARE)
    found.push(
      advice(
        'warn',
        'leaving',
        `${left} viewers left within ${recent.length} s.`,
        'The markers below show what happened just before.',
      ),
    );
  const { media, repair } = newest.egressBitsPerSecond;
  const repairs = mean(recent.map((sample) => sample.egressBitsPerSecond.repair));
  if (newest.viewers >= MIN_FOR_OFFLOAD && repair > 0 && repairs > Math.max(media, 1) * REPAIR_SHARE)
    found.push(
      advice(
        'warn',
        'repair',
        `The forwards spend much on repair (${percent(repairs / Math.max(media, 1))} of what they send as media).`,
        'Links between viewers lose data: a smaller preset makes it less.',
      ),
    );
  return found;
}

const ofNotes = ({ state }: Situation): Advice[] =>
  (state?.notes ?? []).map((text) => advice('note', `note ${text}`, text));

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}
