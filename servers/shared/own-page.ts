// Does a request come from a page of somebody else's making? A browser on this machine is local, but the page in it may be any
// site's: what is open to this machine without a password must not be open to every page that it visits.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** True for programs (no origin) and for pages that this server served under a name of its own. */
export function isOwnPage(request: IncomingMessage, publicUrl: string | undefined): boolean {
  const host = request.headers.host ?? '';
  if (!isOwnName(host, publicUrl)) return false; // a foreign name that was made to point here
  const { origin } = request.headers;
  if (origin === undefined) return request.headers['sec-fetch-site'] !== 'cross-site';
  return URL.canParse(origin) && new URL(origin).host === host;
}

function isOwnName(host: string, publicUrl: string | undefined): boolean {
  if (!URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  if (hostname === 'localhost' || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return true;
  return publicUrl !== undefined && new URL(publicUrl).hostname === hostname;
}
