// What a made-up control plane says: its first state, samples, markers, log lines and settings. All valid by protocol/control.ts.
import type { Devices, LogLine, PlaneState, SettingRow } from '../../protocol/control.ts';
import type { Marker, Sample } from '../../protocol/history.ts';

const PROGRAMS = ['coordinate', 'tracker', 'forward'] as const;

export function firstState(nowMs: number): PlaneState {
  const program = (i: number) =>
    ({ is: 'ready', sinceMs: nowMs - 1_830_000 + i * 400, pid: 4_100 + i, ready: {} }) as const;
  return {
    version: '0.1.0',
    platform: 'linux',
    programs: { coordinate: program(0), tracker: program(1), forward: program(2) },
    capture: { state: { is: 'idle' }, progress: null, recording: null },
    destination: { to: 'here' },
    addresses: {
      coordinate: 'http://127.0.0.1:8080',
      push: 'http://127.0.0.1:8080/stream',
      watch: 'http://127.0.0.1:8080/watch/live',
      tracker: 'ws://127.0.0.1:9090',
      forwards: [{ push: 'ws://127.0.0.1:9999', pull: 'ws://127.0.0.1:9998', debug: 'http://127.0.0.1:9999' }],
    },
    link: 'http://127.0.0.1:8080/watch/live',
    push: { url: 'http://127.0.0.1:8080/stream', key: 'q7Wn2kUa0sXbE5vT' },
    ffmpeg: { path: '/usr/bin/ffmpeg', version: '7.1', encoder: 'libx264', problem: null },
    remotes: [],
    audience: { is: 'none' },
    audienceLimits: { viewers: 200, says: 'About fifty are what two processor cores carry.' },
    drill: { running: null, problem: null, reports: [] },
    notes: [],
  };
}

export const DEVICES: Devices = {
  cameras: [
    { id: '/dev/video0', name: 'Integrated camera' },
    { id: '/dev/video2', name: 'USB capture' },
  ],
  microphones: [{ id: 'default', name: 'Default microphone' }],
  screens: [{ id: ':0', name: 'Whole screen' }],
  files: [{ id: 'intro.mp4', name: 'intro.mp4' }],
  mediaFolder: '/home/someone/Videos/p2plive',
  problem: null,
};

/** A calm curve with a dip in the middle of each ten minutes. */
/** @param calmFromMs before it there were twenty bad seconds in every ten minutes, and none since: what a test sees is not the hour's */
export function sampleAt(atMs: number, viewers: number, calmFromMs = 0): Sample {
  const t = atMs / 1_000;
  const ago = (calmFromMs - atMs) / 1_000;
  const isDip = ago > 0 && ago % 600 > 290 && ago % 600 < 310;
  const egress = 1_700_000 + 200_000 * Math.sin(t / 40);
  return {
    atMs,
    viewers,
    playing: Math.max(0, viewers - (isDip ? Math.ceil(viewers / 10) : 0)),
    offload: viewers === 0 ? null : Math.max(0, (isDip ? 0.71 : 0.86) + 0.02 * Math.sin(t / 25)),
    delayP50Ms: viewers === 0 ? null : 310 + 20 * Math.sin(t / 9) + (isDip ? 180 : 0),
    delayP95Ms: viewers === 0 ? null : 520 + 40 * Math.sin(t / 13) + (isDip ? 420 : 0),
    stalledMs: isDip ? 240 : 0,
    joined: Math.floor(t) % 7 === 0 ? 1 : 0,
    left: Math.floor(t) % 11 === 0 ? 1 : 0,
    egressBitsPerSecond: { media: egress, bootstrap: 60_000, repair: isDip ? 300_000 : 12_000, control: 8_000 },
    ingressBitsPerSecond: 860_000,
    programs: Object.fromEntries(
      PROGRAMS.map((name, i) => [
        name,
        { cpu: 0.03 + i * 0.02 + 0.01 * Math.sin(t / 7 + i), memoryBytes: (68 + 9 * i) * 2 ** 20 },
      ]),
    ),
  };
}

export function pastSamples(nowMs: number, viewers: number): Sample[] {
  return Array.from({ length: 1_800 }, (_, i) => sampleAt(nowMs - (1_799 - i) * 1_000, viewers, nowMs));
}

export function pastMarkers(nowMs: number): Marker[] {
  const at = (minutes: number): number => nowMs - minutes * 60_000;
  return [
    { atMs: at(29), kind: 'program', subject: 'coordinate', text: 'coordinate is ready.' },
    { atMs: at(28), kind: 'live', subject: 'live', text: 'Went live.' },
    { atMs: at(12), kind: 'program', subject: 'forward', text: 'forward died (signal SIGKILL) and is started again.' },
    { atMs: at(12) + 2_000, kind: 'viewer', subject: 'v00003', text: 'v00003 lost its parent.' },
    { atMs: at(4), kind: 'stream', subject: 'live', text: 'The stream was interrupted for 2 s.' },
  ];
}

const TEXTS: readonly (readonly [number, string])[] = [
  [30, 'viewer seated under fwest, slice 0'],
  [30, 'viewer left'],
  [20, 'clock of a viewer is known to 2 ms'],
  [40, 'a child of v00012 lost its parent; taken over by fnorth'],
  [30, 'children placed: 4'],
  [50, 'push refused: the key is not the one of this stream'],
];

export function logLine(serial: number, atMs: number): LogLine {
  const [level, text] = TEXTS[serial % 29 === 0 ? 5 : serial % 5] ?? TEXTS[0] ?? [30, ''];
  return { serial, atMs, program: PROGRAMS[serial % 3] ?? 'coordinate', level, text: `${text} (${serial})` };
}

export const SETTINGS: SettingRow[] = [
  row('coordinate.port', 'Ports', 'The port of the coordinate.', 8080, 'number'),
  row('tracker.port', 'Ports', 'The port of the tracker.', 9090, 'number'),
  row('forward.pull-port', 'Ports', 'Where viewers reach the forward.', 9998, 'number'),
  row('share', 'Sharing', 'Who can reach the link.', 'machine', 'choice', ['machine', 'network', 'world']),
  row('stun', 'Network', 'STUN servers that viewers are told, separated by commas.', 'stun:stun.example.org', 'text'),
  row('turn-secret', 'Network', 'The secret shared with the TURN server.', null, 'secret'),
  row('regions', 'Network', 'Which addresses are which region.', '{"campus":["10.0.0.0/8"]}', 'json'),
  row('max-viewers', 'Limits', 'Viewers that are taken at most.', 5_000, 'number'),
  row('require-key', 'Limits', 'A push needs the stream key.', true, 'yes-no'),
  {
    ...row('log-level', 'Limits', 'What is logged.', 'info', 'choice', ['debug', 'info', 'warn', 'error']),
    isEditable: false,
  },
];

function row(
  name: string,
  group: string,
  detail: string,
  value: SettingRow['value'],
  kind: SettingRow['kind'],
  choices?: readonly string[],
): SettingRow {
  return { name, group, detail, value, usual: value, kind, isEditable: true, ...(choices ? { choices } : {}) };
}
