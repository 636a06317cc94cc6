// The built viewer page: which path means it, and what it may do. The files themselves are servers/shared/static-files.ts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { StaticFiles } from '../shared/static-files.ts';

/** Data channels and media need no more than this; connections go to trackers and forwards anywhere. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  'connect-src *',
  "media-src 'self' blob:",
  "worker-src 'self' blob:",
  "img-src 'self' data: blob:",
  "style-src 'self' 'unsafe-inline'",
  "object-src 'none'",
  "base-uri 'none'",
].join('; ');

const FAVICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="#0b1f33"/><path d="M6 4.5v7l6-3.5z" fill="#5ad1ff"/></svg>';

export class ViewerFiles {
  readonly #files: StaticFiles;

  constructor(dir: string | undefined) {
    this.#files = new StaticFiles(dir ?? fileURLToPath(new URL('./web/', import.meta.url)), {
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'access-control-allow-origin': '*',
    });
  }

  /** Answers a GET or HEAD of the page or one of its files. @returns false when it is none of them */
  serve(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const page = path === '/' || path === '/watch' || path.startsWith('/watch/');
    if (this.#files.serve(request, response, page ? '/watch.html' : path)) return true;
    if (page) {
      const text = 'The viewer page is not built: run npm run build.\n';
      response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
      response.end(text);
      return true;
    }
    if (path !== '/favicon.ico') return false;
    response.writeHead(200, { 'content-type': 'image/svg+xml', 'cache-control': 'public, max-age=86400' });
    response.end(request.method === 'HEAD' ? undefined : FAVICON);
    return true;
  }
}
