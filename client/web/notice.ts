// The sentence over the picture, or none while it moves. Pure.
import type { StreamState } from '../../protocol/fields.ts';
import type { PlayerState } from './player.ts';

export interface NoticeFacts {
  streamState: StreamState;
  /** What keeps the peer from its media, in a sentence. */
  peerProblem: string | null;
  playerState: PlayerState;
  /** What keeps this browser from playing at all. */
  playerProblem: string | null;
  isPaused: boolean;
  bufferMs: number;
  /** The picture has moved since the page was opened. */
  hasPlayed: boolean;
  /** It does not move now. */
  isStanding: boolean;
  /** false: nobody who could say more is there, and what was heard last may be old. */
  serversAnswer: boolean;
}

/** A picture that stands for so long is covered, once it is known that nobody sends. */
const SLATE_AFTER_MS = 3_000;

/** Is the last picture to be covered by the slate? @param stoodMs since when nothing has moved */
export function needsSlate(facts: NoticeFacts, stoodMs: number): boolean {
  if (!facts.hasPlayed || facts.playerProblem !== null || facts.isPaused || stoodMs < SLATE_AFTER_MS) return false;
  return facts.streamState !== 'live' || !facts.serversAnswer;
}

const NO_ANSWER = 'The servers do not answer. The picture comes back here by itself when they do.';

export function noticeOf(facts: NoticeFacts): string | null {
  const { streamState, peerProblem, playerState, playerProblem } = facts;
  if (playerProblem !== null) return playerProblem;
  if (streamState !== 'ended' && facts.isStanding && !facts.serversAnswer) return peerProblem ?? NO_ANSWER;
  // A server that has just come back knows of no broadcast yet, but who has seen it does.
  switch (streamState === 'waiting' && facts.hasPlayed ? 'interrupted' : streamState) {
    case 'ended':
      return 'The broadcast has ended.';
    case 'interrupted':
      return 'The broadcast is interrupted. It goes on here by itself when the broadcaster is back.';
    case 'waiting':
      return peerProblem ?? 'Waiting for the broadcast to begin.';
    case 'live':
      break;
  }
  if (playerState === 'playing') return null;
  if (playerState === 'stalled') return 'Catching up.';
  if (facts.isPaused && facts.bufferMs > 0) return 'Paused. Tap the picture to watch live.';
  return peerProblem ?? 'Connecting.';
}
