// A coordinate on a free port with a forward that only listens, and pushes made by the real ffmpeg.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { startCoordinate } from '../../servers/coordinate/coordinate.ts';
import type { CoordinateSettings } from '../../servers/coordinate/settings.ts';
import { requireFfmpeg } from '../../servers/shared/ffmpeg.ts';
import { FakeForward } from './fake-forward.ts';

export const ffmpeg = requireFfmpeg();

export interface Stand {
  url: string;
  ready: Record<string, unknown>;
  forward: FakeForward;
  dataDir: string;
  logs: Record<string, unknown>[];
  /** Runs ffmpeg with its output pushed to the stream. */
  push(name: string, args: readonly string[]): Push;
  close(): Promise<void>;
}

export interface Push {
  child: ChildProcess;
  ended: Promise<{ code: number | null; stderr: string }>;
}

export function settingsOf(over: Partial<CoordinateSettings>): CoordinateSettings {
  return {
    host: '127.0.0.1',
    port: 0,
    carry: false,
    dataDir: over.dataDir ?? mkdtempSync(join(tmpdir(), 'coordinate-')),
    streamKeys: {},
    trackers: [],
    forwards: [],
    ingestIdleMs: 5_000,
    unitMs: 66,
    maxTranscodes: 16,
    trustedProxies: [],
    region: { lans: [], default: 'default' },
    ...over,
  };
}

export async function stand(over: Partial<CoordinateSettings> = {}): Promise<Stand> {
  const forward = await FakeForward.listen();
  const settings = settingsOf({ forwards: [forward.push], ...over });
  const logs: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logs.push(JSON.parse(line)) });
  const running = await startCoordinate(settings, log);
  const url = running.ready['coordinate'] as string;
  const local = `http://127.0.0.1:${String(running.ready['port'])}`;
  await forward.until('the coordinate dials', () => forward.news.some((n) => n.type === 'hello'));
  return {
    url: local,
    ready: { ...running.ready, coordinate: url },
    forward,
    dataDir: settings.dataDir,
    logs,
    push: (name, args) => pushTo(`${local}/stream/${name}`, args),
    close: async () => {
      await running.close();
      await forward.close();
      if (over.dataDir === undefined) rmSync(settings.dataDir, { recursive: true, force: true });
    },
  };
}

export function pushTo(url: string, args: readonly string[]): Push {
  const child = spawn(ffmpeg, ['-hide_banner', '-loglevel', 'error', '-nostdin', ...args, url], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr?.on('data', (text) => {
    stderr += String(text);
  });
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, stderr }));
  });
  return { child, ended };
}

/** Runs ffmpeg beside us: the coordinate under test lives in this process and must not stand still. */
function run(
  args: readonly string[],
  input?: Uint8Array,
): Promise<{ stdout: Buffer; stderr: string; code: number | null }> {
  const child = spawn(ffmpeg, ['-hide_banner', '-nostdin', ...args]);
  const out: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (text) => {
    stderr += String(text);
  });
  child.stdin.on('error', () => {}); // it may end before it has read everything
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ stdout: Buffer.concat(out), stderr, code }));
  });
}

/** The media of a short clip in some format. */
export async function clip(args: readonly string[]): Promise<Buffer> {
  const { stdout, stderr, code } = await run(['-v', 'error', ...args, 'pipe:1']);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** A file as ffmpeg writes it where it can go back. */
export async function file(args: readonly string[], name: string): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'media-'));
  try {
    const { stderr, code } = await run(['-v', 'error', ...args, join(folder, name)]);
    if (code !== 0) throw new Error(stderr);
    return readFileSync(join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What ffmpeg makes of some media. */
export async function pipe(input: Uint8Array, args: readonly string[]): Promise<Buffer> {
  const { stdout, stderr, code } = await run(['-v', 'error', ...args, 'pipe:1'], input);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

export interface Probed {
  frames: number;
  audio: boolean;
  size: string | null;
  errors: string;
}

/** What ffmpeg makes of the media that viewers get. */
export async function probe(media: Buffer): Promise<Probed> {
  // Every frame at its own time: a grid of frames would complain of rounding.
  const exact = ['-vsync', 'passthrough', '-enc_time_base', '1:90000'];
  const { stderr } = await run(['-i', 'pipe:0', ...exact, '-f', 'null', '-'], media);
  return {
    frames: Number(/frame=\s*(\d+)(?!.*frame=)/s.exec(stderr)?.[1] ?? 0),
    audio: /Stream #0:\d.*Audio: aac/.test(stderr),
    size: /Stream #0:\d.*Video: h264.*?, (\d+x\d+)/.exec(stderr)?.[1] ?? null,
    errors: stderr
      .split(/[\r\n]+/)
      .filter((line) => /^\[(?!null|aac @.*Qavg)|error|invalid/i.test(line))
      .join('\n'),
  };
}

export const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=30'];
export const SOUND = ['-f', 'lavfi', '-i', 'sine=f=440:r=48000'];
/** H.264 as a live encoder sends it. */
export const H264 = [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-tune',
  'zerolatency',
  '-g',
  '15',
  '-pix_fmt',
  'yuv420p',
];
export const AAC = ['-c:a', 'aac', '-b:a', '64k'];
/** At the speed at which it would happen. */
export const live = (input: readonly string[]): string[] => ['-re', ...input];

export async function post(
  url: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const bytes = typeof body === 'string' ? body : new Uint8Array(body);
  const response = await fetch(url, { method: 'POST', body: bytes, headers });
  return { status: response.status, text: await response.text() };
}
