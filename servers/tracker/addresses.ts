// The addresses under which others reach this tracker.
import { networkInterfaces } from 'node:os';
import type { IncomingMessage } from 'node:http';
import type { IceServer } from '../../protocol/fields.ts';
import { hostInUrl } from '../shared/http.ts';

export interface Addresses {
  /** `http://host:9090` */
  base: string;
  /** `ws://host:9090/resource` */
  resource: string;
}

/** @param publicUrl as the deployer set it; without one, this machine's own address */
export function addressesOf(host: string, port: number, publicUrl: string | undefined): Addresses {
  const base = (publicUrl ?? `http://${hostInUrl(ownAddress(host))}:${port}`).replace(/\/+$/, '');
  return { base, resource: `${base.replace(/^http/, 'ws')}/resource` };
}

/** All interfaces have no address of their own: the first one that others can reach stands for them. */
function ownAddress(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host;
  for (const addresses of Object.values(networkInterfaces()))
    for (const one of addresses ?? []) if (!one.internal && one.family === 'IPv4') return one.address;
  return '127.0.0.1';
}

/** Names and addresses as they may stand in a Host header; anything else is not echoed. */
const HOST = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]{1,253})(:\d{1,5})?$/;

/** This program's STUN responder, under the host name by which the viewer came [S11]. */
export function ownIceServer(request: IncomingMessage, publicUrl: string | undefined, stunPort: number): IceServer[] {
  const host =
    publicUrl === undefined ? (HOST.exec(request.headers.host ?? '')?.[1] ?? null) : new URL(publicUrl).hostname;
  return host === null ? [] : [{ urls: `stun:${host}:${stunPort}` }];
}

/**
 * A coarse place in the network: viewers with the same one are near each other.
 * @param carries the coordinate carries viewers here and names them: without that they all seemed to be in its own network
 */
export function networkOf(request: IncomingMessage, carries: boolean): string {
  const [named] = carries ? [request.headers['x-forwarded-for'] ?? []].flat() : [];
  const address = (named ?? request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const parts = address.includes(':') ? address.split(':').slice(0, 3) : address.split('.').slice(0, 3);
  return parts.join('.');
}
