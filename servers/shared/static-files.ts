// Built pages and their assets, from one folder. The files are listed at the start and when one is missing, so a request can only name
// what is there: no path of a request ever reaches the disk. Which page a path means is the caller's.
import { createReadStream, readdirSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';

const MAX_FILES = 200;
const MAX_DEPTH = 3;
/** The folder is listed again at most so often (a build may have come after the start). */
const RELIST_MS = 1_000;

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};

/** A name with a build's hash in it never changes its contents. */
const HASHED = /[.-][A-Za-z0-9_-]{8,}\.(js|css|woff2|svg|png)$/;

export class StaticFiles {
  readonly #dir: string;
  readonly #headers: Record<string, string>;
  /** Path in the URL to path on the disk. */
  #files = new Map<string, string>();
  #listedMs = -Infinity;

  /** @param headers sent with every file beside the usual ones */
  constructor(dir: string, headers: Record<string, string>) {
    this.#dir = dir;
    this.#headers = headers;
  }

  /** Answers a GET or HEAD of `path`. @returns false when there is no such file */
  serve(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const file = this.#find(path);
    if (file === undefined) return false;
    send(request, response, file, this.#headers);
    return true;
  }

  #find(path: string): string | undefined {
    const known = this.#files.get(path);
    if (known !== undefined || performance.now() - this.#listedMs < RELIST_MS) return known;
    this.#listedMs = performance.now();
    this.#files = new Map();
    this.#list(this.#dir, 0);
    return this.#files.get(path);
  }

  #list(dir: string, depth: number): void {
    let entries;
    try {
      entries = readdirSync(dir, { withFileTypes: true });
    } catch {
      return; // not built yet
    }
    for (const entry of entries) {
      const path = join(dir, entry.name);
      if (entry.isDirectory() && depth < MAX_DEPTH) this.#list(path, depth + 1);
      else if (entry.isFile() && !entry.name.startsWith('.') && this.#files.size < MAX_FILES)
        this.#files.set(`/${relative(this.#dir, path).split(sep).join('/')}`, path);
    }
  }
}

function send(request: IncomingMessage, response: ServerResponse, file: string, own: Record<string, string>): void {
  let stat;
  try {
    stat = statSync(file);
  } catch {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
    response.end('That file is gone.\n');
    return;
  }
  const etag = `"${stat.size.toString(36)}-${Math.floor(stat.mtimeMs).toString(36)}"`;
  const headers = {
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    'cache-control': HASHED.test(file) ? 'public, max-age=31536000, immutable' : 'no-cache',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...own,
    etag,
  };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers);
    response.end();
    return;
  }
  response.writeHead(200, { ...headers, 'content-length': stat.size });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const body = createReadStream(file);
  body.on('error', () => response.destroy());
  body.pipe(response);
}
