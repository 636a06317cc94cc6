// Who may come in as a viewer: tickets, used once each, and the secret by which a viewer that lost its connection is known again.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { accept, refuse, type Result } from '../../protocol/refusal.ts';
import { Expiring } from '../shared/expiring.ts';
import { checkTicket } from '../shared/guard.ts';

/** Used tickets remembered until they expire: ten minutes of a thousand joins a second would not fit, and is refused. */
const MAX_USED_TICKETS = 200_000;

export class Gate {
  readonly #meshSecret: string | undefined;
  /** With a shared secret a viewer is known again even by a restarted tracker. */
  readonly key: Buffer;
  readonly #used = new Expiring<true>(MAX_USED_TICKETS);

  constructor(meshSecret: string | undefined) {
    this.#meshSecret = meshSecret;
    this.key =
      meshSecret === undefined
        ? randomBytes(32)
        : createHash('sha256').update(`viewer identity|${meshSecret}`).digest();
  }

  newId(): string {
    return `v${randomBytes(9).toString('base64url')}`;
  }

  /** Proves that a viewer was given this id for this stream. */
  secretOf(id: string, stream: string): string {
    return createHmac('sha256', this.key).update(`${id}|${stream}`).digest('base64url');
  }

  knows(id: string, stream: string, secret: string): boolean {
    const [a, b] = [Buffer.from(secret), Buffer.from(this.secretOf(id, stream))];
    return a.length === b.length && timingSafeEqual(a, b);
  }

  /** Takes a ticket: for this stream and region, and for the first time here [S3]. Without a shared secret everyone may come in. */
  admit(ticket: string | undefined, stream: string, region: string, nowMs: number): Result<null> {
    if (this.#meshSecret === undefined) return accept(null);
    const checked = checkTicket(this.#meshSecret, ticket, stream, nowMs);
    if (!checked.ok) return checked;
    const { nonce, expiresMs } = checked.value;
    if (checked.value.region !== region)
      return refuse('bad-ticket', 'This ticket is for another region; reload the page for one of this region.');
    if (this.#used.get(nonce))
      return refuse('bad-ticket', 'This ticket was used already; reload the page for a new one.');
    if (!this.#used.set(nonce, true, expiresMs, nowMs))
      return refuse('full', 'Too many viewers are joining; try again in a minute.');
    return accept(null);
  }
}
