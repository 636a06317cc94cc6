// Reads the servers' debug pages, with the token that opens them.
import type { ReadJson } from '../../audience/server-counters.ts';

const ANSWER_WITHIN_MS = 3_000;

export function debugReader(debugToken: string | undefined): ReadJson {
  const headers = {
    accept: 'application/json',
    ...(debugToken === undefined ? {} : { authorization: `Bearer ${debugToken}` }),
  };
  return async (url) => {
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    if (!answer.ok) throw new Error(`${url} answers ${answer.status}`);
    return answer.json();
  };
}
