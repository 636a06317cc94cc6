// What the console sees of a capture, made of what its source and its way to the coordinate are doing. Pure.
import type { CaptureState } from '../../../protocol/capture-state.ts';
import type { FeedState } from './feed.ts';
import type { LinkState } from './live-link.ts';

/** @param isExternal somebody else's encoder is the source */
export function stateOf(feed: FeedState, link: LinkState, isExternal: boolean): CaptureState {
  if (isExternal) return { is: 'external' };
  if (feed.is === 'none') return { is: 'idle' };
  const { source, preset } = feed.plan.asked;
  const what = { source, preset };
  switch (feed.is) {
    case 'failed':
      return { is: 'failed', ...what, ...feed.failure };
    case 'waiting':
      return {
        is: 'reconnecting',
        ...what,
        attempt: feed.attempt,
        untilMs: feed.untilMs,
        reason: feed.failure.reason,
      };
    case 'starting':
      return { is: 'starting', ...what, sinceMs: feed.sinceMs };
    case 'running':
      break;
  }
  switch (link.is) {
    case 'off':
      return { is: 'previewing', ...what, sinceMs: feed.sinceMs };
    case 'connecting':
      return { is: 'starting', ...what, sinceMs: link.sinceMs };
    case 'open':
      return { is: 'live', ...what, sinceMs: link.sinceMs };
    case 'waiting': {
      const { attempt, untilMs, failure } = link;
      return { is: 'reconnecting', ...what, attempt, untilMs, reason: failure.reason };
    }
    case 'refused': {
      const { reason, action } = link.failure;
      return { is: 'failed', ...what, reason, action, lastLines: [] };
    }
  }
}
