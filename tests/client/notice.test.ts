// What a viewer reads over the picture.
import { expect, it } from 'vitest';
import { needsSlate, noticeOf, type NoticeFacts } from '../../client/web/notice.ts';
import { shownState, Standing, type StateFacts } from '../../client/web/shown-state.ts';

const factsOf = (facts: Partial<NoticeFacts>): NoticeFacts => ({
  streamState: 'live',
  peerProblem: null,
  playerState: 'playing',
  playerProblem: null,
  isPaused: false,
  bufferMs: 0,
  hasPlayed: false,
  isStanding: true,
  serversAnswer: true,
  ...facts,
});
const says = (facts: Partial<NoticeFacts>): string | null => noticeOf(factsOf(facts));

it('waits for a broadcast to begin, but not for one that has been seen', () => {
  const waiting = { streamState: 'waiting', playerState: 'opening' } as const;
  expect(says(waiting)).toBe('Waiting for the broadcast to begin.');
  expect(says({ ...waiting, peerProblem: 'No tracker is there yet.' })).toBe('No tracker is there yet.');
  expect(says({ ...waiting, hasPlayed: true })).toContain('The broadcast is interrupted.');
});

it('[S18] tells servers that do not answer from a broadcast that has ended, pauses or catches up', () => {
  const gone = { serversAnswer: false, hasPlayed: true } as const;
  for (const streamState of ['live', 'interrupted', 'waiting'] as const)
    for (const playerState of ['opening', 'filling', 'playing', 'stalled'] as const)
      expect(says({ ...gone, streamState, playerState })).toContain('The servers do not answer.');
  expect(says({ ...gone, peerProblem: 'The server cannot be reached. Trying again.' })).toContain('cannot be reached');
  // Peers go on feeding each other meanwhile, and an end that was told is one.
  expect(says({ ...gone, isStanding: false })).toBeNull();
  expect(says({ ...gone, streamState: 'ended' })).toBe('The broadcast has ended.');
});

it('says nothing while the picture moves, and else why it does not', () => {
  expect(says({ hasPlayed: true })).toBeNull();
  expect(says({ playerState: 'stalled' })).toBe('Catching up.');
  expect(says({ playerState: 'filling', isPaused: true, bufferMs: 200 })).toContain('Paused.');
  expect(says({ playerState: 'opening' })).toBe('Connecting.');
  expect(says({ streamState: 'ended', hasPlayed: true })).toBe('The broadcast has ended.');
  expect(says({ playerProblem: 'This browser cannot decode it.' })).toBe('This browser cannot decode it.');
});

const state = (facts: Partial<StateFacts>): string =>
  shownState({
    peerState: 'playing',
    streamState: 'live',
    playerState: 'playing',
    playerProblem: null,
    isPaused: false,
    isStanding: false,
    serversAnswer: true,
    ...facts,
  });

it('[S18] is `playing` only while the picture moves', () => {
  expect(state({})).toBe('playing');
  expect(state({ serversAnswer: false })).toBe('playing'); // peers feed it
  expect(state({ isStanding: true })).toBe('stalled');
  expect(state({ playerState: 'stalled' })).toBe('stalled');
  expect(state({ isStanding: true, playerState: 'filling' })).toBe('buffering');
  expect(state({ isStanding: true, isPaused: true })).toBe('paused');
  expect(state({ isStanding: true, peerState: 'starving', streamState: 'interrupted' })).toBe('interrupted');
});

it('is `unreachable` where nothing moves and no server answers, and never `ended` for that', () => {
  for (const peerState of ['finding', 'joining', 'buffering', 'playing', 'starving'] as const)
    expect(state({ isStanding: true, serversAnswer: false, peerState })).toBe('unreachable');
  expect(state({ peerState: 'ended', isStanding: true, serversAnswer: false })).toBe('ended');
  expect(state({ peerState: 'finding', isStanding: true })).toBe('finding');
  expect(state({ playerProblem: 'This browser cannot decode it.' })).toBe('failed');
});

it('a picture stands when it has not moved for a moment, and not when nobody looked', () => {
  const standing = new Standing();
  expect(standing.isStanding).toBe(true);
  let nowMs = 0;
  const look = (time: number, passedMs = 40): boolean => {
    nowMs += passedMs;
    standing.look(time, nowMs);
    return standing.isStanding;
  };
  expect([look(0), look(1), look(1.04), look(1.04), look(1.04)]).toEqual([true, false, false, false, false]);
  expect(look(1.04, 5_000)).toBe(true);
  expect(look(6.2)).toBe(false);
  expect(look(6.2, 5_000)).toBe(false); // this page itself stood still
  expect([look(6.2), look(6.2), look(6.24)]).toEqual([false, true, false]);
});

it('covers the last picture when nobody sends and it has stood for three seconds', () => {
  const stood = (ms: number, facts: Partial<NoticeFacts>): boolean =>
    needsSlate(factsOf({ hasPlayed: true, ...facts }), ms);
  expect(stood(3_500, { streamState: 'interrupted' })).toBe(true);
  expect(stood(2_500, { streamState: 'interrupted' })).toBe(false);
  expect(stood(3_500, { serversAnswer: false })).toBe(true);
  expect(stood(3_500, {})).toBe(false); // a stall of ours
  expect(stood(3_500, { streamState: 'interrupted', hasPlayed: false })).toBe(false);
  expect(stood(3_500, { streamState: 'interrupted', isPaused: true })).toBe(false);
});
