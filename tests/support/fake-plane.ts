// A control plane that is only pretended: a static server for the console's bundle and a WebSocket that speaks protocol/control.ts
// with made-up data, a few changes a second. For the console's tests and for looking at it. As a program of its own:
// `rolldown tests/support/fake-plane.ts --platform node --file .tsbuild/fake-plane.mjs && node .tsbuild/fake-plane.mjs 40`
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import * as v from 'valibot';
import { WebSocket, WebSocketServer } from 'ws';
import {
  CallArguments,
  ConsoleCall,
  ConsoleHello,
  Events,
  type Outcome,
  type PlaneState,
} from '../../protocol/control.ts';
import type { Marker, Sample } from '../../protocol/history.ts';
import type { Change } from '../../protocol/mesh-view.ts';
import { DEVICES, firstState, logLine, pastMarkers, pastSamples, sampleAt, SETTINGS } from './fake-plane-data.ts';
import { FakeMesh } from './fake-mesh.ts';

export interface FakePlaneOptions {
  viewers?: number;
  port?: number;
  /** Milliseconds between changes of the mesh; 0: only by hand. */
  meshEveryMs?: number;
  /** Milliseconds between samples and log lines; 0: only by hand. */
  sampleEveryMs?: number;
  /** Pictures for /preview: needs an ffmpeg. */
  ffmpeg?: string;
  /** The folder of the bundle; out/renderer when not said. */
  bundle?: string;
}

/** What the real plane sends with every file, and what the bundle must be content with. */
export const CONSOLE_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; " +
  "connect-src 'self' ws: wss: http: https:; font-src 'self'; worker-src 'self' blob:";
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
  '.woff2': 'font/woff2',
};
const PREVIEW_MIME = 'video/mp4; codecs="avc1.42c01e"';

export class FakePlane {
  readonly token = 'fake-token-0123456789abcdef';
  readonly mesh: FakeMesh;
  /** Names and arguments of every call taken. */
  readonly calls: { name: string; argument: unknown }[] = [];
  state: PlaneState = firstState(Date.now());
  /** Calls are taken and not answered. */
  isSilent = false;
  /** Of the mesh's batches. */
  serial = 1;
  readonly #options: FakePlaneOptions;
  readonly #server: Server;
  readonly #consoles = new Set<WebSocket>();
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #children = new Set<ChildProcess>();
  readonly #startedMs = Date.now();
  readonly #samples: Sample[];
  readonly #markers: Marker[];
  #stateSerial = 1;
  #logSerial = 400;
  #timers: NodeJS.Timeout[] = [];

  constructor(options: FakePlaneOptions = {}) {
    this.#options = options;
    this.mesh = new FakeMesh(options.viewers ?? 24);
    this.#samples = pastSamples(this.#startedMs, this.mesh.viewerCount);
    this.#markers = pastMarkers(Date.now());
    this.#server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://here');
      if (pathname === '/tracker') {
        // The monitor's coordinate: an answer that no viewer understands, so that it waits without an error in the page's log.
        response.writeHead(200, { 'content-type': 'application/json', 'access-control-allow-origin': '*' }).end('{}');
        return;
      }
      const root = options.bundle ?? path.resolve(import.meta.dirname, '../../out/renderer');
      const file = path.join(root, pathname === '/' ? 'index.html' : path.normalize(pathname));
      const type = TYPES[path.extname(file)];
      if (!file.startsWith(root) || type === undefined || !existsSync(file)) return void response.writeHead(404).end();
      response.writeHead(200, {
        'content-type': type,
        'content-security-policy': CONSOLE_CSP,
        'cache-control': 'no-store',
      });
      response.end(readFileSync(file));
    });
    this.#server.on('upgrade', (request, socket, head) =>
      this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#greet(ws, request.url ?? '')),
    );
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The console's link. */
  get url(): string {
    return `${this.base}/#token=${this.token}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.#options.port ?? 0, '127.0.0.1', resolve));
    const { meshEveryMs = 250, sampleEveryMs = 1_000 } = this.#options;
    if (meshEveryMs > 0) this.#timers.push(setInterval(() => this.changeMesh(this.mesh.step()), meshEveryMs));
    if (sampleEveryMs > 0) this.#timers.push(setInterval(() => this.sample(), sampleEveryMs));
    this.state = { ...this.state, link: `${this.base}/watch/live` };
    return this;
  }

  /** Says a new state to everybody. */
  change(change: Partial<PlaneState>): void {
    this.state = { ...this.state, ...change };
    this.say('changed', { serial: ++this.#stateSerial, state: this.state });
  }

  capture(state: PlaneState['capture']['state'], rest: Partial<PlaneState['capture']> = {}): void {
    this.change({ capture: { ...this.state.capture, ...rest, state } });
  }

  /** @param skip so many numbers are left out first, as if their batches were lost */
  changeMesh(changes: Change[], skip = 0): void {
    this.serial += 1 + skip;
    this.say('meshChanged', { serial: this.serial, changes });
  }

  sample(): void {
    const sample = sampleAt(Date.now(), this.mesh.viewerCount, this.#startedMs);
    this.#samples.push(sample);
    this.say('sampled', sample);
    this.log();
  }

  log(): void {
    this.say('logged', { lines: [logLine(this.#logSerial++, Date.now())] });
  }

  mark(marker: Marker): void {
    this.#markers.push(marker);
    this.say('marked', marker);
  }

  say<E extends keyof Events>(name: E, value: Events[E]): void {
    for (const ws of this.#consoles) ws.send(JSON.stringify({ type: 'event', name, value }));
  }

  get consoles(): number {
    return this.#consoles.size;
  }

  /** Every connection breaks; the server stays. */
  drop(): void {
    for (const ws of this.#sockets.clients) ws.terminate();
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    for (const child of this.#children) child.kill('SIGKILL');
    this.drop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #greet(ws: WebSocket, url: string): void {
    ws.once('message', (data) => {
      const hello = v.safeParse(ConsoleHello, JSON.parse((data as Buffer).toString()));
      if (!hello.success || hello.output.token !== this.token) {
        ws.send(JSON.stringify({ type: 'refused', detail: 'The token is not the one of this console.' }));
        return ws.close();
      }
      if (url === '/preview') return this.#preview(ws);
      ws.send(JSON.stringify({ type: 'welcome' }));
      this.#consoles.add(ws);
      ws.on('close', () => this.#consoles.delete(ws));
      ws.on('message', (more) => {
        const { id, name, argument } = v.parse(ConsoleCall, JSON.parse((more as Buffer).toString()));
        this.calls.push({ name, argument });
        const outcome = v.is(CallArguments[name] as v.GenericSchema, argument)
          ? this.#answer(name, argument as Record<string, unknown>)
          : ({ ok: false, reason: 'bad-call', detail: `${name}: the argument is not allowed.` } as const);
        if (!this.isSilent) ws.send(JSON.stringify({ type: 'answer', id, outcome }));
      });
    });
  }

  #answer(name: string, argument: Record<string, unknown>): Outcome<unknown> {
    const done = (value: unknown = null): Outcome<unknown> => ({ ok: true, value });
    const sinceMs = Date.now();
    switch (name) {
      case 'getState':
        return done(this.state);
      case 'listDevices':
        return done(DEVICES);
      case 'getSettings':
        return done(SETTINGS);
      case 'getMesh':
        return done({ serial: this.serial, tables: this.mesh.tables });
      case 'getMeshAt':
        return done({ atMs: argument['atMs'], tables: this.mesh.tables });
      case 'getHistory':
        return done({ samples: this.#samples, markers: this.#markers, oldestMs: this.#samples[0]?.atMs ?? sinceMs });
      case 'getLogs': {
        const toMs = typeof argument['toMs'] === 'number' ? argument['toMs'] : sinceMs;
        return done(Array.from({ length: 400 }, (_, i) => logLine(i, toMs - (400 - i) * 1_500)));
      }
      case 'setSource': {
        const { source, preset } = argument as unknown as { source: { kind: 'test' | 'external' }; preset: '720p' };
        this.capture(
          source.kind === 'external'
            ? { is: 'external' }
            : { is: 'previewing', source: source as never, preset, sinceMs },
          { progress: source.kind === 'external' ? null : PROGRESS },
        );
        return done();
      }
      case 'goLive': {
        const { state } = this.state.capture;
        if (!('source' in state)) return { ok: false, reason: 'not-now', detail: 'Choose a source first.' };
        this.capture({ is: 'live', source: state.source, preset: state.preset, sinceMs });
        return done();
      }
      case 'stopLive': {
        const { state } = this.state.capture;
        if ('source' in state) this.capture({ is: 'previewing', source: state.source, preset: state.preset, sinceMs });
        return done();
      }
      case 'stopPreview':
        this.capture({ is: 'idle' }, { progress: null });
        return done();
      case 'setDestination': {
        const { to, coordinate = 'https://live.example.org' } = argument as {
          to: 'here' | 'network' | 'server';
          coordinate?: string;
        };
        this.change({ destination: to === 'server' ? { to, coordinate, hasKey: true } : { to } });
        return done();
      }
      case 'setRecording': {
        const recording = argument['on']
          ? { file: '/home/someone/Videos/p2plive/2026-11-24 20-14.mp4', bytes: 12_400_000, sinceMs, problem: null }
          : null;
        this.change({ capture: { ...this.state.capture, recording } });
        return done();
      }
      case 'checkSettings':
      case 'saveSettings': {
        const { 'coordinate.port': port } = argument['values'] as Record<string, unknown>;
        if (port === 1)
          return { ok: false, reason: 'bad-call', detail: 'coordinate.port: must be 0 or at least 1024.' };
        return done({ interrupted: port === undefined ? [] : ['coordinate', 'tracker'] });
      }
      case 'addRemote':
        this.change({
          remotes: [{ coordinate: String(argument['coordinate']), hasToken: true, state: 'open', why: null }],
        });
        return done();
      case 'removeRemote':
        this.change({ remotes: [] });
        return done();
      default:
        return done();
    }
  }

  #preview(ws: WebSocket): void {
    const { ffmpeg } = this.#options;
    if (ffmpeg === undefined) return;
    ws.send(PREVIEW_MIME);
    const input = ['-re', '-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=30', '-c:v', 'libx264', '-profile:v', 'baseline'];
    const output = ['-level', '3.0', '-pix_fmt', 'yuv420p', '-preset', 'ultrafast', '-g', '30', '-f', 'mp4'];
    const flags = ['-movflags', 'empty_moov+default_base_moof+frag_every_frame', '-'];
    const child = spawn(ffmpeg, ['-v', 'error', ...input, ...output, ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.add(child);
    child.stdout.on('data', (bytes: Buffer) => ws.send(bytes));
    ws.on('close', () => child.kill('SIGKILL'));
  }
}

export const PROGRESS: NonNullable<PlaneState['capture']['progress']> = {
  framesPerSecond: 30,
  bitsPerSecond: 2_480_000,
  droppedFrames: 2,
  speed: 1,
  soundDb: -18,
  encoder: 'libx264',
};

if (process.argv[1] !== undefined && /fake-plane\.m?[jt]s$/.test(process.argv[1])) {
  const [, , viewers = '24', port = '0', ffmpeg] = process.argv;
  const plane = await new FakePlane({
    viewers: Number(viewers),
    port: Number(port),
    bundle: path.resolve('out/renderer'),
    ...(ffmpeg === undefined ? {} : { ffmpeg }),
  }).start();
  console.log(plane.url);
}
