// What a viewer reads over the picture.
import { expect, it } from 'vitest';
import { noticeOf, type NoticeFacts } from '../../client/web/notice.ts';

const says = (facts: Partial<NoticeFacts>): string | null =>
  noticeOf({
    streamState: 'live',
    peerProblem: null,
    playerState: 'playing',
    playerProblem: null,
    isPaused: false,
    bufferMs: 0,
    hasPlayed: false,
    ...facts,
  });

it('waits for a broadcast to begin, but not for one that has been seen', () => {
  const waiting = { streamState: 'waiting', playerState: 'opening' } as const;
  expect(says(waiting)).toBe('Waiting for the broadcast to begin.');
  expect(says({ ...waiting, peerProblem: 'No tracker is there yet.' })).toBe('No tracker is there yet.');
  expect(says({ ...waiting, hasPlayed: true })).toContain('The broadcast is interrupted.');
});

it('says nothing while the picture moves, and else why it does not', () => {
  expect(says({ hasPlayed: true })).toBeNull();
  expect(says({ playerState: 'stalled' })).toBe('Catching up.');
  expect(says({ playerState: 'filling', isPaused: true, bufferMs: 200 })).toContain('Paused.');
  expect(says({ playerState: 'opening' })).toBe('Connecting.');
  expect(says({ streamState: 'ended', hasPlayed: true })).toBe('The broadcast has ended.');
  expect(says({ playerProblem: 'This browser cannot decode it.' })).toBe('This browser cannot decode it.');
});
