// Listening and answering over HTTP: what every server needs and nothing else. Routing is each program's own.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { EXIT, StartError } from './exit-codes.ts';

/** For every server: who is slower than that with the head of a request is cut off; looked at every few seconds. */
export const PATIENCE = { headersTimeout: 10_000, connectionsCheckingInterval: 2_500 } as const;

/**
 * Listens and returns the real port.
 * @param port 0 takes any free one
 * @throws StartError(portTaken) with the setting to change in its sentence
 */
export async function listen(server: Server, host: string, port: number, flag: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE')
        reject(
          new StartError(
            EXIT.portTaken,
            `Port ${port} is already in use. Stop the program that has it, or choose another with ${flag} (0 takes any free one).`,
          ),
        );
      else if (error.code === 'EACCES')
        reject(
          new StartError(
            EXIT.portTaken,
            `Port ${port} needs administrator rights. Choose one above 1023 with ${flag}.`,
          ),
        );
      else if (error.code === 'EADDRNOTAVAIL')
        reject(
          new StartError(
            EXIT.badSettings,
            `This machine has no address ${host}. Choose one of its own with --host (0.0.0.0 means all).`,
          ),
        );
      else reject(error);
    };
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

/** Closes a server and every connection it holds. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

export const isLoopback = (address: string | undefined): boolean =>
  address !== undefined &&
  (address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.') || address === 'localhost');

/** What to call this machine in addresses: loopback stays 127.0.0.1, all interfaces are named by the caller. */
export const hostInUrl = (host: string): string =>
  host.includes(':') ? `[${host}]` : host === 'localhost' ? '127.0.0.1' : host;

export const wantsJson = (request: IncomingMessage): boolean =>
  (request.headers.accept ?? '').includes('application/json');

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/**
 * Reads a small request body as text.
 * @returns null when it is larger than `mostBytes`
 */
export async function readBody(request: IncomingMessage, mostBytes: number): Promise<string | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > mostBytes) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** The request's path and query; a malformed target gives '/'. */
export function targetOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? '/', 'http://here');
  } catch {
    return new URL('http://here/');
  }
}

/** The address by which others reach a server that listens on `host`: itself, or this machine's first address when it is all of them. */
export function announcedHost(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return hostInUrl(host);
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find((a) => a.family === 'IPv4' && !a.internal)?.address ?? '127.0.0.1';
}
