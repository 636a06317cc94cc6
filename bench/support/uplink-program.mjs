// An encoder's uplink: passes what comes on its port to another one, as it is told by lines of JSON
// on stdin: open, so many bytes a second, nothing, or all that has gathered every so often. Says
// its port, and twice a second how many bytes have come.
//
// In its own hands it has next to nothing while it is slow: what an encoder sends meanwhile waits
// in the two sockets' buffers, some hundreds of kilobytes on loopback, and when they are full the
// encoder's next write blocks. While it holds or gathers, it takes everything.
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const [host, port] = process.argv.slice(2);
/**
 * As it is told: {is: 'open'}, {is: 'rate', bytesPerSecond}, {is: 'hold'}, {is: 'bursts', everyMs}.
 */
let way = JSON.parse(process.argv[4] ?? '{"is":"open"}');
const SLOW_BYTES = 8_192;
/** Half a minute of 8 Mbit/s. */
const GATHERED_BYTES = 32_000_000;
const TICK_MS = 20;
const lines = new Set();
let received = 0;
let allowance = 0;
let tickedMs = performance.now();
let releasedMs = performance.now();

class Line {
  queue = [];
  queued = 0;
  ended = false;
  upstream = null;

  constructor(encoder) {
    this.encoder = encoder;
    encoder.on('data', (bytes) => {
      received += bytes.length;
      this.queue.push(bytes);
      this.queued += bytes.length;
      if (way.is === 'open') this.send(this.queued);
      this.look();
    });
    encoder.on('end', () => ((this.ended = true), this.send(0)));
    encoder.on('error', () => this.close());
    encoder.on('close', () => this.close());
  }

  /** Passes on so many bytes of what has come, and connects for the first of them. */
  send(bytes) {
    if (!this.upstream && bytes > 0) this.connect();
    let left = bytes;
    while (left > 0 && this.queue.length > 0) {
      const [first] = this.queue;
      const part = first.subarray(0, left);
      if (part.length === first.length) this.queue.shift();
      else this.queue[0] = first.subarray(part.length);
      left -= part.length;
      this.queued -= part.length;
      this.upstream.write(part);
    }
    if (this.ended && this.queued === 0) this.upstream?.end();
    this.look();
    return bytes - left;
  }

  /** Takes more, or not. */
  look() {
    const most = way.is === 'hold' || way.is === 'bursts' ? GATHERED_BYTES : SLOW_BYTES;
    // Also what the far end does not take counts.
    if (this.queued + (this.upstream?.writableLength ?? 0) >= most) this.encoder.pause();
    else this.encoder.resume();
  }

  connect() {
    this.upstream = connect(Number(port), host);
    this.upstream.on('data', (bytes) => this.encoder.write(bytes));
    this.upstream.on('drain', () => this.look());
    this.upstream.on('end', () => this.encoder.end());
    this.upstream.on('error', () => this.close());
    this.upstream.on('close', () => this.close());
  }

  close() {
    lines.delete(this);
    this.encoder.destroy();
    this.upstream?.destroy();
  }
}

const server = createServer({ allowHalfOpen: true, highWaterMark: SLOW_BYTES, noDelay: true }, (encoder) =>
  lines.add(new Line(encoder)),
);
server.listen(0, '127.0.0.1', () => say({ event: 'ready', port: server.address().port }));

setInterval(() => {
  const nowMs = performance.now();
  if (way.is === 'rate') {
    // What was not used is not saved up for later: a line that is free is not faster afterwards.
    allowance = Math.min(allowance, way.bytesPerSecond * 0.1) + (way.bytesPerSecond * (nowMs - tickedMs)) / 1_000;
    for (const line of lines) allowance -= line.send(Math.floor(allowance));
  }
  const releases = way.is === 'open' || (way.is === 'bursts' && nowMs - releasedMs >= way.everyMs);
  if (releases) {
    releasedMs = nowMs;
    for (const line of lines) line.send(line.queued);
  }
  tickedMs = nowMs;
}, TICK_MS);
setInterval(() => say({ event: 'bytes', received, atMs: performance.now() }), 500);

createInterface({ input: process.stdin })
  .on('line', (text) => {
    way = JSON.parse(text);
    allowance = 0;
    releasedMs = performance.now();
    for (const line of lines) line.send(way.is === 'open' ? line.queued : 0);
  })
  .on('close', () => process.exit(0));

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
