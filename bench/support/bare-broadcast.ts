// A bare `ws` broadcast as a program: the least that a WebSocket server can do with a stream. Units come on stdin as length-prefixed
// messages; every socket gets each of them.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
const all = new Set<WebSocket>();
sockets.on('connection', (socket) => {
  all.add(socket);
  socket.on('close', () => all.delete(socket));
  socket.on('error', () => socket.terminate());
});
let rest = Buffer.alloc(0);
process.stdin.on('data', (data: Buffer) => {
  rest = Buffer.concat([rest, data]);
  while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
    const message = Buffer.from(rest.subarray(4, 4 + rest.readUInt32BE(0)));
    rest = rest.subarray(4 + message.length);
    for (const socket of all) socket.send(message);
  }
});
process.stdin.on('end', () => process.exit(0));
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ event: 'ready', port: (server.address() as AddressInfo).port })}\n`),
);
