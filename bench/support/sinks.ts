// A crowd of sockets as a program: opens them, says the given first messages on each, counts what comes, acknowledges as viewers do.
// `node sinks.mjs URL COUNT FIRST-MESSAGES-AS-JSON`; prints the bytes received so far, once a second.
import { WebSocket } from 'ws';
import { ACK_EVERY_MS } from '../../protocol/limits.ts';

const [url = '', count = '0', first = '[]'] = process.argv.slice(2);
const messages = JSON.parse(first) as string[];
let bytes = 0;
let open = 0;
for (let i = 0; i < Number(count); i++) {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  let newest = { epoch: 0, unit: 0 };
  socket.on('open', () => {
    open++;
    for (const message of messages) socket.send(message.replaceAll('$', String(i).padStart(6, '0')));
  });
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    bytes += data.length;
    if (isBinary && data.length > 20) newest = { epoch: data.readUInt32BE(8), unit: data.readUInt32BE(16) };
  });
  socket.on('error', () => undefined);
  if (messages.length > 0)
    setInterval(() => {
      if (newest.unit > 0 && socket.readyState === WebSocket.OPEN)
        socket.send(JSON.stringify({ type: 'ack', ...newest, bytes: 0 }));
    }, ACK_EVERY_MS);
}
setInterval(() => process.stdout.write(`${JSON.stringify({ bytes, open })}\n`), 1_000);
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
