// The canary: plays the watch link as any viewer does, but only receives, and says whether frames are decoded. It has no view of its
// own: its <video> is the caller's.
import type { PeerEnv } from '../../client/mesh/env.ts';
import { MeshPeer } from '../../client/mesh/peer.ts';
import { createBrowserEnv } from '../../client/web/browser-env.ts';
import { Player } from '../../client/web/player.ts';
import { missingPart } from '../../client/web/viewer.ts';

export interface MonitorReport {
  /** Its name in the mesh; null before it has one. */
  id: string | null;
  frames: number;
  /** When the number of decoded frames last grew, Date.now(); null before the first. */
  lastFrameAtMs: number | null;
  /** Behind the source; null until known. */
  delayMs: number | null;
  /** Why it shows nothing, if it knows. */
  problem: string | null;
}

const PLAYER_TICK_MS = 40;
const REPORT_MS = 500;

/** One for all monitors of the page: it holds a worker. */
let shared: Promise<PeerEnv> | null = null;

/** @returns where a watch link leads; null when it is none */
export function watchTarget(link: string): { coordinate: string; stream: string } | null {
  if (!URL.canParse(link)) return null;
  const url = new URL(link);
  const [, before, stream] = /^(.*)\/watch\/([A-Za-z0-9_-]+)$/.exec(url.pathname) ?? [];
  return stream === undefined ? null : { coordinate: `${url.origin}${before ?? ''}`, stream };
}

/** Plays until it is closed. @returns closes it */
export function startMonitor(
  video: HTMLVideoElement,
  link: string,
  report: (report: MonitorReport) => void,
): () => void {
  const closers: (() => void)[] = [];
  let isClosed = false;
  const target = watchTarget(link);
  const missing = target === null ? 'The watch link leads to no stream.' : missingPart();
  if (target === null || missing !== null) {
    report({ id: null, frames: 0, lastFrameAtMs: null, delayMs: null, problem: missing });
    return () => undefined;
  }
  void (shared ??= createBrowserEnv()).then((env) => {
    if (!isClosed) closers.push(play(env, video, target, report));
  });
  return () => {
    if (isClosed) return;
    isClosed = true;
    for (const close of closers) close();
  };
}

function play(
  env: PeerEnv,
  video: HTMLVideoElement,
  target: { coordinate: string; stream: string },
  report: (report: MonitorReport) => void,
): () => void {
  const peer: MeshPeer = new MeshPeer(
    env,
    { ...target, shares: false, role: 'monitor' },
    {
      init: (bytes) => player.init(bytes),
      unit: (playable) => player.unit(playable),
      changed: () => undefined,
    },
  );
  const player = new Player(video, {
    coordinateMs: () => peer.coordinateMs(),
    targetDelayMs: () => peer.playout.targetDelayMs,
    now: () => env.now(),
  });
  player.onRestart = () => peer.playout.replay();
  peer.player = () => ({
    arrivals: player.arrivals,
    bufferMs: player.bufferMs(),
    delay: player.delay(),
    stalls: player.stallsNow(),
    hidden: document.hidden,
  });
  let frames = 0;
  let lastFrameAtMs: number | null = null;
  const look = (): void => {
    const now = video.getVideoPlaybackQuality().totalVideoFrames;
    if (now !== frames && now > 0) lastFrameAtMs = Date.now();
    frames = now;
    report({ id: peer.id, frames, lastFrameAtMs, delayMs: player.delayMs(), problem: player.problem ?? peer.problem });
  };
  video.muted = true;
  video.play().catch(() => undefined); // muted video may always play; a page in the background waits
  const timers = [
    setInterval(() => player.tick(peer.streamState === 'live'), PLAYER_TICK_MS),
    setInterval(look, REPORT_MS),
  ];
  const leave = (): void => peer.close();
  addEventListener('pagehide', leave);
  peer.start();
  return () => {
    removeEventListener('pagehide', leave);
    for (const timer of timers) clearInterval(timer);
    peer.close();
    player.close();
  };
}
