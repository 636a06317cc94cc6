// Which state a stream is in, from what several sources say: the newest epoch wins, and within it the most telling word.
import type { StreamState } from '../../protocol/fields.ts';
import type { News } from './forwards.ts';

/** Within one epoch: an end is final, and a source that still sees it live knows better than one that lost its connection. */
const TELLING: Record<StreamState, number> = { ended: 3, live: 2, interrupted: 1, waiting: 0 };

/** The best of what is said; null when nobody says anything. */
export function newest(said: Iterable<News>): News | null {
  let best: News | null = null;
  for (const news of said) {
    if (!best || news.epoch > best.epoch) best = news;
    else if (news.epoch === best.epoch && TELLING[news.state] > TELLING[best.state]) best = news;
  }
  return best;
}
