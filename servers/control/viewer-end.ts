// Asks a tracker to end one viewer's session.

const ANSWER_WITHIN_MS = 3_000;

/** @returns null when it is done, otherwise a sentence */
export async function endViewer(tracker: string, viewer: string, token: string | undefined): Promise<string | null> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  try {
    const url = `${tracker.replace(/\/+$/, '')}/viewers/${encodeURIComponent(viewer)}`;
    const answer = await fetch(url, { method: 'DELETE', headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    if (answer.ok) return null;
    return (await answer.text()).trim().slice(0, 300) || `The tracker answers with status ${answer.status}.`;
  } catch (error) {
    return `The tracker does not answer (${(error as Error).message}).`;
  }
}
