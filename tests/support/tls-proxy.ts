// What an operator puts in front of the servers: it ends TLS, names the client, and passes requests and upgrades to one port.
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { TEST_CERT, TEST_KEY } from '../coordinate/self-signed.ts';

export interface TlsProxy {
  /** `https://127.0.0.1:PORT` */
  url: string;
  /** Paths of the upgrades that went through. */
  upgrades: string[];
  close(): void;
}

/** The address as which a viewer of the outside appears (documentation range). */
const CLIENT = '203.0.113.7';

/** @param inside the port behind it, once it is known */
export async function openTlsProxy(inside: () => number): Promise<TlsProxy> {
  const upgrades: string[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer({ key: TEST_KEY, cert: TEST_CERT }, (request, response) => {
    const headers = { ...request.headers, 'x-forwarded-for': CLIENT };
    const { method, url: path } = request;
    const inner = httpRequest({ host: '127.0.0.1', port: inside(), method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    inner.on('error', () => response.destroy());
    request.pipe(inner);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => {
    upgrades.push(request.url ?? '');
    const inner = connect(inside(), '127.0.0.1', () => {
      const headers = { ...request.headers, 'x-forwarded-for': CLIENT };
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
      inner.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      inner.write(head);
      inner.pipe(socket).pipe(inner);
    });
    inner.on('error', () => socket.destroy());
    inner.on('close', () => socket.destroy());
    socket.on('error', () => inner.destroy());
    socket.on('close', () => inner.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    upgrades,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
