// Addresses of clients: what they are, and whose word counts when there is a proxy in between.
import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import { EXIT, StartError } from '../../shared/exit-codes.ts';

export type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

const MAX_HOPS = 16;

/** An address without its IPv6 wrapping, or null when it is none. */
export function normalAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  return ipaddr.isValid(text) ? ipaddr.process(text) : null;
}

/** @throws StartError(badSettings) */
export function networkOf(cidr: string): Network {
  try {
    return ipaddr.parseCIDR(cidr.includes('/') ? cidr : `${cidr}/${cidr.includes(':') ? 128 : 32}`);
  } catch {
    throw new StartError(EXIT.badSettings, `${cidr} is not a network: write it like 10.1.0.0/16 or 2001:db8::/32.`);
  }
}

export interface ClientAddress {
  address: string;
  /** A trusted proxy handed the request on. */
  throughProxy: boolean;
}

/**
 * Who asks: the socket's address, or behind trusted proxies the last address in `x-forwarded-for` that is not one of them [R6].
 */
export function clientOf(request: IncomingMessage, proxies: readonly Network[]): ClientAddress {
  const isProxy = (address: string): boolean => {
    const ip = normalAddress(address);
    return ip !== null && proxies.some((network) => ip.kind() === network[0].kind() && ip.match(network));
  };
  let address = request.socket.remoteAddress ?? '';
  if (!isProxy(address)) return { address: normalAddress(address)?.toString() ?? address, throughProxy: false };
  const header = request.headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').slice(-MAX_HOPS);
  for (const hop of hops.map((h) => h.trim()).toReversed()) {
    const ip = normalAddress(hop);
    if (!ip) break; // what stands before nonsense is nonsense too
    address = ip.toString();
    if (!isProxy(address)) break;
  }
  return { address: normalAddress(address)?.toString() ?? address, throughProxy: true };
}
