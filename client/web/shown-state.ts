// The one word for what a viewer has, as scripts read it: never `playing` while nothing moves,
// never `ended` because nobody answers.
import type { StreamState } from '../../protocol/fields.ts';
import type { ViewerState } from '../../protocol/signalling.ts';
import type { PlayerState } from './player.ts';

/**
 * Beside the peer's own words: `stalled`, the picture should move and does not; `paused` by whoever
 * watches; `interrupted`, nothing is being broadcast; `unreachable`, nothing moves and the servers
 * do not answer; `failed`, this browser cannot play the stream.
 */
export type ShownState = ViewerState | 'stalled' | 'paused' | 'interrupted' | 'unreachable' | 'failed';

export interface StateFacts {
  peerState: ViewerState;
  streamState: StreamState;
  playerState: PlayerState;
  /** What keeps this browser from playing at all. */
  playerProblem: string | null;
  isPaused: boolean;
  isStanding: boolean;
  serversAnswer: boolean;
}

export function shownState(facts: StateFacts): ShownState {
  const { peerState, playerState } = facts;
  if (facts.playerProblem !== null) return 'failed';
  if (peerState === 'ended') return 'ended';
  const isUnderWay = peerState === 'playing' || peerState === 'starving';
  const stands = facts.isStanding || playerState === 'stalled';
  if (isUnderWay && !stands) return peerState;
  if (facts.isPaused && isUnderWay) return 'paused';
  if (!facts.serversAnswer) return 'unreachable';
  if (!isUnderWay) return peerState;
  if (facts.streamState === 'interrupted') return 'interrupted';
  return playerState === 'opening' || playerState === 'filling' ? 'buffering' : 'stalled';
}

/** Longer than this without a move at three looks in a row, and the picture stands. */
const STANDS_MS = 150;
const LOOKS = 3;

/**
 * Does the picture move? Looked at every 40 ms or so; the time between two looks that come late is
 * no time in which it stood.
 */
export class Standing {
  #time = 0;
  #movedMs: number | null = null;
  #looks = 0;
  isStanding = true;

  /** Since when it has not moved, milliseconds; 0 before the first move. */
  stoodMs(nowMs: number): number {
    return this.#movedMs === null ? 0 : nowMs - this.#movedMs;
  }

  look(currentTime: number, nowMs: number): void {
    if (currentTime === this.#time) this.#looks++;
    else {
      this.#time = currentTime;
      this.#movedMs = nowMs;
      this.#looks = 0;
    }
    this.isStanding = this.#movedMs === null || (this.#looks >= LOOKS && nowMs - this.#movedMs > STANDS_MS);
  }
}
