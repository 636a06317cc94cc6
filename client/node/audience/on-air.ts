// Is there something that an audience could watch? Asked before it joins, since a verdict on nothing takes its whole time to say so.
import * as v from 'valibot';

const ANSWER_WITHIN_MS = 10_000;
const Page = v.object({ streams: v.array(v.object({ name: v.string(), state: v.string() })) });
/** What is interrupted may go on at any moment. */
const ON_AIR = new Set(['live', 'interrupted']);

/** @returns why there is nothing to watch, in a sentence; null: there is, or it may come back at any moment */
export async function whyNothing(coordinate: string, stream: string): Promise<string | null> {
  let answer: Response;
  try {
    answer = await fetch(`${coordinate}/streams`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  } catch {
    return `No coordinate answers at ${coordinate}; start it, or name another with --coordinate URL.`;
  }
  const names = onAir(await answer.json().catch(() => null));
  if (names === null)
    return `What answers at ${coordinate} is no coordinate; name the one that takes the stream in with --coordinate URL.`;
  if (names.includes(stream)) return null;
  const others = names.length === 0 ? '' : `, or name one of ${names.join(', ')} with --stream`;
  return `The stream ${stream} is not on air at ${coordinate}: go live first${others}.`;
}

function onAir(page: unknown): string[] | null {
  const found = v.safeParse(Page, page);
  if (!found.success) return null;
  return found.output.streams.flatMap(({ name, state }) => (ON_AIR.has(state) ? name : []));
}
