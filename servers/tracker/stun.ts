// A STUN binding responder (RFC 8489): it tells a viewer's browser under which address the world sees it, and nothing else. It answers
// well-formed binding requests with one small datagram each and ignores everything else.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { EXIT, StartError } from '../shared/exit-codes.ts';

const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const MAGIC_COOKIE = 0x2112a442;
const XOR_MAPPED_ADDRESS = 0x0020;
const HEADER_BYTES = 20;
/** A binding request of a browser has under 200 bytes; larger ones are none. */
const MAX_REQUEST_BYTES = 548;

/** The answer to a datagram, or null when it is not a binding request. Never throws [S12]. */
export function answerStun(request: Uint8Array, address: string, port: number): Uint8Array | null {
  if (request.length < HEADER_BYTES || request.length > MAX_REQUEST_BYTES) return null;
  const view = new DataView(request.buffer, request.byteOffset, request.byteLength);
  if (view.getUint16(0) !== BINDING_REQUEST || view.getUint32(4) !== MAGIC_COOKIE) return null;
  const length = view.getUint16(2);
  if (length % 4 !== 0 || HEADER_BYTES + length !== request.length || !attributesFit(view)) return null;
  const host = addressBytes(address);
  if (!host) return null;
  const answer = new Uint8Array(HEADER_BYTES + 8 + host.length);
  const out = new DataView(answer.buffer);
  out.setUint16(0, BINDING_SUCCESS);
  out.setUint16(2, 8 + host.length);
  answer.set(request.subarray(4, HEADER_BYTES), 4); // cookie and transaction id
  out.setUint16(20, XOR_MAPPED_ADDRESS);
  out.setUint16(22, 4 + host.length);
  out.setUint8(25, host.length === 4 ? 1 : 2);
  out.setUint16(26, port ^ (MAGIC_COOKIE >>> 16));
  // The mask is the cookie, for IPv6 followed by the transaction id: the header's bytes 4 to 19.
  for (const [i, byte] of host.entries()) answer[28 + i] = byte ^ out.getUint8(4 + i);
  return answer;
}

/** Every attribute ends inside the message. */
function attributesFit(view: DataView): boolean {
  let offset = HEADER_BYTES;
  while (offset + 4 <= view.byteLength) offset += 4 + ((view.getUint16(offset + 2) + 3) & ~3);
  return offset === view.byteLength;
}

/** 4 or 16 bytes; an IPv4 address in IPv6 clothes is IPv4. */
function addressBytes(address: string): number[] | null {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (/^\d+\.\d+\.\d+\.\d+$/.test(plain)) {
    const bytes = plain.split('.').map(Number);
    return bytes.every((byte) => byte <= 255) ? bytes : null;
  }
  if (!isIPv6(plain) || plain.includes('.')) return null;
  const [head = '', tail] = plain.split('::');
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)));
  const [left, right] = [groups(head), groups(tail ?? '')];
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
  return all.flatMap((group) => [group >> 8, group & 0xff]);
}

export interface StunResponder {
  port: number;
  close(): Promise<void>;
}

/**
 * @param port 0 takes any free one
 * @throws StartError(portTaken)
 */
export async function startStun(host: string, port: number): Promise<StunResponder> {
  const socket: Socket = createSocket(host.includes(':') ? { type: 'udp6' } : { type: 'udp4' });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE' || error.code === 'EACCES';
      const sentence = `UDP port ${port} for STUN cannot be used (${error.code}). Choose another with --stun-port, or switch STUN off with --no-stun.`;
      reject(taken ? new StartError(EXIT.portTaken, sentence) : error);
    });
    socket.bind(port, host === 'localhost' ? '127.0.0.1' : host, resolve);
  });
  socket.removeAllListeners('error');
  socket.on('error', () => undefined); // of single datagrams: nobody waits for them
  socket.on('message', (request: Buffer, from: RemoteInfo) => {
    const answer = answerStun(request, from.address, from.port);
    if (answer) socket.send(answer, from.port, from.address, () => undefined);
  });
  return {
    port: socket.address().port,
    close: () => new Promise((resolve) => void socket.close(() => resolve())),
  };
}
