// How many bytes of a connection have reached the other side's system. What Node has written may lie in our own kernel for half a
// minute; Linux tells how much does, elsewhere those buffers are small.
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/** @returns bytes since the connection began; at most what was written */
export async function acceptedBytes(socket: Socket): Promise<number> {
  const handedOver = socket.bytesWritten - socket.writableLength;
  return Math.max(0, handedOver - (await inKernel(socket)));
}

async function inKernel(socket: Socket): Promise<number> {
  const { localPort, remotePort, remoteFamily } = socket;
  if (process.platform !== 'linux' || localPort === undefined || remotePort === undefined) return 0;
  try {
    const tables = remoteFamily === 'IPv6' ? ['tcp6'] : ['tcp', 'tcp6'];
    for (const table of tables) {
      const found = queued(await readFile(`/proc/self/net/${table}`, 'latin1'), localPort, remotePort);
      if (found !== null) return found;
    }
    return 0;
  } catch {
    return 0; // not told here: what was handed over counts
  }
}

/** The send queue of a connection in a table as Linux prints it; null when it is not in there. */
export function queued(table: string, localPort: number, remotePort: number): number | null {
  const port = (value: number): string => value.toString(16).toUpperCase().padStart(4, '0');
  const row = new RegExp(
    `^\\s*\\d+: [0-9A-F]+:${port(localPort)} [0-9A-F]+:${port(remotePort)} [0-9A-F]{2} ([0-9A-F]{8}):`,
    'm',
  ).exec(table);
  return row?.[1] === undefined ? null : Number.parseInt(row[1], 16);
}
