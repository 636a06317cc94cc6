// Who may do what: the shared secret between servers, the token for `/debug`, and tickets for viewers.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import { StreamName } from '../../protocol/fields.ts';
import { accept, refuse, type Result } from '../../protocol/refusal.ts';
import { isLoopback } from './http.ts';
import { isOwnPage } from './own-page.ts';

const sameText = (a: string, b: string): boolean => {
  const x = Buffer.from(a);
  const y = Buffer.from(b);
  return x.length === y.length && timingSafeEqual(x, y);
};

/** The bearer token of a request, from its header or, for links and WebSockets, `?token=`. */
export function bearerOf(request: IncomingMessage): string | null {
  const header = request.headers.authorization;
  if (header?.startsWith('Bearer ')) return header.slice(7).trim();
  return new URL(request.url ?? '/', 'http://here').searchParams.get('token');
}

/**
 * Is this request allowed? With a secret set, only with it; without one, only from this machine.
 * A forwarded request is never local, whatever its socket says.
 */
export function mayEnter(request: IncomingMessage, secret: string | undefined): boolean {
  if (secret !== undefined) {
    const given = bearerOf(request);
    return given !== null && sameText(given, secret);
  }
  return isLocal(request);
}

/** Is this another server of ours? With the shared secret, or without one any program of this machine; a web page never is. */
export const isServer = (request: IncomingMessage, meshSecret: string | undefined): boolean =>
  mayEnter(request, meshSecret) && request.headers.origin === undefined;

/** [R9] May it see what this server shows of itself? A page of another site may not, though its browser is on this machine. */
export const mayLook = (
  request: IncomingMessage,
  debugToken: string | undefined,
  publicUrl: string | undefined,
): boolean => mayEnter(request, debugToken) && (debugToken !== undefined || isOwnPage(request, publicUrl));

/** The request comes from this machine itself, not through a proxy. */
export const isLocal = (request: IncomingMessage): boolean =>
  isLoopback(request.socket.remoteAddress) &&
  request.headers['x-forwarded-for'] === undefined &&
  request.headers['forwarded'] === undefined;

const TicketBody = v.object({ s: StreamName, r: v.string(), e: v.number(), n: v.string() });

/** How long after its issue a ticket opens a door. */
export const TICKET_MS = 10 * 60_000;

/** A ticket for one viewer, bound to the stream and to the region of the tracker it is sent to, signed with the servers' shared secret. */
export function issueTicket(secret: string, stream: string, region: string, nowMs: number): string {
  const body = Buffer.from(
    JSON.stringify({ s: stream, r: region, e: nowMs + TICKET_MS, n: randomBytes(9).toString('base64url') }),
  ).toString('base64url');
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

/** Checks a ticket. `nonce` lets the caller refuse a second use. */
export function checkTicket(
  secret: string,
  ticket: string | undefined,
  stream: string,
  nowMs: number,
): Result<{ nonce: string; region: string; expiresMs: number }> {
  const no = refuse('bad-ticket', 'Ask the coordinate for a new ticket (reload the page).');
  const [body, mac] = (ticket ?? '').split('.');
  if (!body || !mac || !sameText(mac, createHmac('sha256', secret).update(body).digest('base64url'))) return no;
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
  } catch {
    return no;
  }
  const parsed = v.safeParse(TicketBody, json);
  if (!parsed.success || parsed.output.s !== stream || parsed.output.e < nowMs) return no;
  return accept({ nonce: parsed.output.n, region: parsed.output.r, expiresMs: parsed.output.e });
}
