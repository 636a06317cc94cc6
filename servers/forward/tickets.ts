// [S3] A ticket opens this forward to one viewer, over one connection at a time.
import type { WebSocket } from 'ws';
import { accept, refuse, type Result } from '../../protocol/refusal.ts';
import { Expiring } from '../shared/expiring.ts';

/** Remembered until they expire, as the tracker does; more viewers than that do not fit here anyway. */
const MAX_TICKETS = 100_000;

interface Use {
  viewer: string;
  /** null: it is closed; nothing else of it is kept. */
  socket: WebSocket | null;
}

export class Tickets {
  readonly #used = new Expiring<Use>(MAX_TICKETS);

  /**
   * The same viewer may come back with it: its former connection is ended, half open or not.
   * @param ticket one whose signature was found good
   */
  admit(ticket: { nonce: string; expiresMs: number }, viewer: string, socket: WebSocket, nowMs: number): Result<null> {
    const former = this.#used.get(ticket.nonce);
    if (former && former.viewer !== viewer)
      return refuse('bad-ticket', 'This ticket is in use by another viewer; reload the page for a new one.');
    if (former && former.socket !== socket) former.socket?.close(1008, 'bad-ticket');
    const use: Use = { viewer, socket };
    if (!this.#used.set(ticket.nonce, use, ticket.expiresMs, nowMs))
      return refuse('full', 'Too many viewers are joining; try again in a minute.');
    socket.once('close', () => (use.socket = null));
    return accept(null);
  }
}
