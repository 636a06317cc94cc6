// The viewer of one stream in a page: peer, player and view put together, and the numbers it shows to scripts.
import type { JournalEntry } from '../mesh/journal.ts';
import { MeshPeer } from '../mesh/peer.ts';
import { createBrowserEnv } from './browser-env.ts';
import { Busy } from './busy.ts';
import { needsSlate, noticeOf } from './notice.ts';
import { mediaSourceClass, Player, type Delay } from './player.ts';
import { watchCircumstance } from './circumstance.ts';
import { shownState, Standing, type ShownState } from './shown-state.ts';
import { View } from './view.ts';

export interface ViewerOptions {
  /** Base URL of the coordinate. */
  coordinate: string;
  stream: string;
  /** false: receive only, no peer connection is ever opened. */
  shares?: boolean;
}

export interface ViewerStats {
  state: ShownState;
  receivedBytes: { forward: number; peers: number };
  sentBytes: number;
  parents: { slice: number; id: string; kind: 'peer' | 'forward' }[];
  children: { slice: number; id: string }[];
  /** The picture's delay behind the source, ms; null until playing. */
  delayMs: number | null;
  /** What that is counted from: the capture, where the source told its time, or else the encoder's best of the last minutes. */
  delaySince: 'capture' | 'best' | null;
  stalls: { count: number; ms: number };
  id: string | null;
  targetDelayMs: number;
  bufferMs: number;
  duplicateBytes: number;
  hedges: number;
  pulls: number;
  skippedUnits: number;
  droppedSlices: number;
  clockUncertainMs: number | null;
}

const PLAYER_TICK_MS = 40;
const SHOW_MS = 500;

export interface Viewer {
  stats(): ViewerStats;
  /** What has happened to the supply lately, oldest first. */
  journal(): readonly JournalEntry[];
  close(): void;
}

/** What is missing in this browser, as a sentence; null when all is there. */
export function missingPart(): string | null {
  if (typeof WebSocket === 'undefined')
    return 'This browser has no WebSocket. Open the link in a current Chrome, Edge, Firefox or Safari.';
  if (!mediaSourceClass())
    return 'This browser has no Media Source Extensions. Open the link in a current Chrome, Edge, Firefox or Safari.';
  return null;
}

/** Mounts a viewer in an element of the page; the <video> is a plain child of it. */
export async function mountViewer(root: HTMLElement, options: ViewerOptions): Promise<Viewer> {
  const coordinate = options.coordinate.replace(/\/$/, '');
  const canShare = typeof RTCPeerConnection !== 'undefined';
  const env = await createBrowserEnv();
  const peer: MeshPeer = new MeshPeer(
    env,
    {
      coordinate,
      stream: options.stream,
      shares: canShare && options.shares !== false,
      role: 'viewer',
      history: recall(),
    },
    {
      init: (bytes) => player.init(bytes),
      unit: (playable) => player.unit(playable),
      changed: () => show(),
      remember,
    },
  );
  const view = new View(root, {
    share: (shares) => {
      peer.setShares(canShare && shares);
      show();
    },
  });
  const player = new Player(view.video, {
    coordinateMs: () => peer.coordinateMs(),
    targetDelayMs: () => peer.playout.targetDelayMs,
    now: () => env.now(),
  });
  player.onRestart = () => peer.playout.replay();
  const standing = new Standing();
  peer.player = () => ({
    arrivals: player.arrivals,
    bufferMs: player.bufferMs(),
    delay: player.delay(),
    stalls: player.stallsNow(),
    hidden: document.hidden,
    isStanding: standing.isStanding && !view.video.paused,
  });

  const stats = (): ViewerStats => {
    const totals = peer.totals();
    const { clock } = peer.tracker;
    return {
      state: shownState({
        peerState: peer.state,
        streamState: peer.streamState,
        playerState: player.state,
        playerProblem: player.problem,
        isPaused: view.video.paused,
        isStanding: standing.isStanding,
        serversAnswer: peer.serversAnswer,
      }),
      receivedBytes: { forward: totals.forward, peers: totals.peers },
      sentBytes: totals.sent,
      parents: peer.supplies.parents(),
      children: peer.children.list(),
      delayMs: player.delayMs(),
      delaySince: since(player.delay()),
      stalls: player.stallsNow(),
      id: peer.id,
      targetDelayMs: Math.round(peer.playout.targetDelayMs),
      bufferMs: player.bufferMs(),
      duplicateBytes: totals.duplicate,
      hedges: totals.hedges,
      pulls: totals.pulls,
      skippedUnits: totals.skipped,
      droppedSlices: totals.dropped,
      clockUncertainMs: clock.isKnown ? Math.round(clock.uncertainAt(env.now()) * 10) / 10 : null,
    };
  };

  const show = (): void => {
    const now = stats();
    const isPlaying = peer.streamState === 'live' && player.state === 'playing' && !standing.isStanding;
    const facts = {
      streamState: peer.streamState,
      peerProblem: peer.problem,
      playerState: player.state,
      playerProblem: player.problem,
      isPaused: view.video.paused,
      bufferMs: player.bufferMs(),
      hasPlayed: view.video.played.length > 0,
      isStanding: standing.isStanding,
      serversAnswer: peer.serversAnswer,
    };
    view.show({
      notice: noticeOf(facts),
      slate: needsSlate(facts, standing.stoodMs(env.now())) ? { url: slateUrl } : null,
      isLive: isPlaying,
      delayMs: now.delayMs,
      shares: peer.shares,
      sentBytes: now.sentBytes,
      children: new Set(now.children.map((c) => c.id)).size,
      details: details(now),
    });
  };

  let isClosed = false;
  const repeat = (ms: number, call: () => void): void => {
    env.after(ms, () => {
      if (isClosed) return;
      call();
      repeat(ms, call);
    });
  };
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    leaving.abort();
    peer.close();
    player.close();
    view.close();
  };
  const leaving = new AbortController();
  // Fetched while the coordinate is there: it may be gone when the picture is needed.
  let slateUrl: string | null = null;
  void slateOf(coordinate, options.stream, leaving.signal).then((url) => (slateUrl = url));
  // Bye to everybody before the page goes; a page that comes back from the cache starts anew.
  addEventListener('pagehide', () => peer.close(), { signal: leaving.signal });
  document.addEventListener('freeze', () => peer.close(), { signal: leaving.signal });
  addEventListener('pageshow', (event) => (event.persisted ? location.reload() : undefined), {
    signal: leaving.signal,
  });
  document.addEventListener('resume', () => location.reload(), { signal: leaving.signal });

  const busy = new Busy();
  const tellBusy = watchCircumstance((leaf) => peer.setLeaf(leaf), leaving.signal);
  view.video.play().catch(() => undefined); // where autoplay is refused, the picture waits for a tap
  repeat(PLAYER_TICK_MS, () => {
    player.tick(peer.streamState === 'live');
    busy.tick(env.now(), PLAYER_TICK_MS);
    tellBusy(busy.isBusy);
    standing.look(view.video.currentTime, env.now());
  });
  repeat(SHOW_MS, show);
  peer.start();
  show();
  return { stats, journal: () => peer.journal.entries(), close };
}

/** The broadcaster's picture for interruptions, as an address of this page; null where there is none. */
async function slateOf(coordinate: string, stream: string, signal: AbortSignal): Promise<string | null> {
  try {
    const answer = await fetch(`${coordinate}/slate/${encodeURIComponent(stream)}`, { signal });
    return answer.status === 200 ? URL.createObjectURL(await answer.blob()) : null;
  } catch {
    return null; // then it is a plain card
  }
}

const HISTORY = 'p2plive-history';

/** What a tracker has signed of this browser's upload. Where storage is closed to us it is simply not known the next time. */
function recall(): string | undefined {
  try {
    return localStorage.getItem(HISTORY) ?? undefined;
  } catch {
    return undefined;
  }
}

function remember(token: string): void {
  try {
    localStorage.setItem(HISTORY, token);
  } catch {
    // not known the next time
  }
}

const since = (delay: Delay | null): ViewerStats['delaySince'] => delay && (delay.isSinceCapture ? 'capture' : 'best');

const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

const SINCE = { capture: 'since it was captured', best: "behind the encoder's best" } as const;

function details(s: ViewerStats): [string, string][] {
  const total = s.receivedBytes.forward + s.receivedBytes.peers;
  return [
    ['State', s.state],
    ['My name in the mesh', s.id ?? '-'],
    ['Delay', s.delayMs === null ? '-' : `${s.delayMs} ms, ${SINCE[s.delaySince ?? 'best']}`],
    ['The audience aims at', `${s.targetDelayMs} ms`],
    ['Buffer', `${s.bufferMs} ms`],
    [
      'Received from viewers',
      `${mega(s.receivedBytes.peers)} (${total > 0 ? Math.round((100 * s.receivedBytes.peers) / total) : 0} %)`,
    ],
    ['Received from the server', mega(s.receivedBytes.forward)],
    ['Sent to viewers', mega(s.sentBytes)],
    ['Parents', s.parents.map((p) => `slice ${p.slice}: ${p.kind === 'forward' ? 'server' : p.id}`).join(', ') || '-'],
    ['Children', s.children.map((c) => `slice ${c.slice}: ${c.id}`).join(', ') || '-'],
    ['Stalls', `${s.stalls.count} (${s.stalls.ms} ms)`],
    ['Asked again', `${s.hedges} early, ${s.pulls} late`],
    ['Clock uncertainty', s.clockUncertainMs === null ? '-' : `${s.clockUncertainMs} ms`],
  ];
}
