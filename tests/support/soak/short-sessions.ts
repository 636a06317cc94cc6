// Viewers that stay for a moment: each joins at the tracker, has its plan, takes a few units from the forward, and leaves.
import { WebSocket } from 'ws';
import { PROTOCOL_VERSION } from '../../../protocol/limits.ts';
import { issueTicket, TICKET_MS } from '../../../servers/shared/guard.ts';

/** Tickets are remembered until they expire: these soon do, so that a soak of minutes sees them forgotten. */
const TICKET_VALID_MS = 20_000;
/** What the servers of a soak share. */
export const SECRET = 'only-this-bench-knows-this-secret';

/** Media messages that a session takes: two units of two slices, after the init segment. */
const TAKES = 6;
const GIVE_UP_MS = 15_000;

interface Told {
  type: string;
  forwards?: { url: string }[];
}

/** @returns whether it had all it came for */
function session(resource: string, shares: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const tracker = new WebSocket(resource, { perMessageDeflate: false });
    let forward: WebSocket | null = null;
    let pull: string | null = null;
    let taken = 0;
    let open = 1;
    const ticket = issueTicket(SECRET, 'live', 'default', Date.now() - TICKET_MS + TICKET_VALID_MS);
    const say = (socket: WebSocket, message: object): void =>
      socket.send(JSON.stringify({ v: PROTOCOL_VERSION, ...message }));
    const giveUp = setTimeout(() => {
      tracker.terminate();
      forward?.terminate();
    }, GIVE_UP_MS);
    const closed = (): void => {
      if (--open > 0) return;
      clearTimeout(giveUp);
      resolve(taken >= TAKES);
    };
    const take = (url: string): void => {
      open++;
      const socket = new WebSocket(url, { perMessageDeflate: false });
      forward = socket;
      socket.on('open', () => {
        say(socket, { type: 'hello', stream: 'live', id: 'vsoak1', ticket });
        for (const slice of [0, 1]) say(socket, { type: 'subscribe', slice, of: 2, why: 'bootstrap' });
      });
      socket.on('message', (_data, isBinary) => {
        if (!isBinary || ++taken !== TAKES) return;
        say(socket, { type: 'bye' });
        say(tracker, { type: 'leave' });
      });
      socket.on('error', () => socket.terminate());
      socket.on('close', closed);
    };
    tracker.on('open', () => say(tracker, { type: 'hello', stream: 'live', shares, ticket }));
    tracker.on('message', (data) => {
      const told = JSON.parse((data as Buffer).toString()) as Told;
      if (told.type === 'welcome') pull = told.forwards?.[0]?.url ?? null;
      if (told.type === 'plan' && !forward && pull !== null) take(pull);
    });
    tracker.on('error', () => tracker.terminate());
    tracker.on('close', closed);
  });
}

/** Runs so many sessions, at most `atOnce` at a time. @returns how many had all they came for */
export async function shortSessions(resource: string, count: number, atOnce: number): Promise<number> {
  let begun = 0;
  let good = 0;
  const one = async (): Promise<void> => {
    while (begun < count) {
      const mine = begun++;
      if (await session(resource, mine % 4 !== 0)) good++;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, one));
  return good;
}
