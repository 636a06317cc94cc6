// What a tracker takes for a viewer's place in the network.
import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { networkOf } from '../../servers/tracker/addresses.ts';

const from = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage;

it('neighbours are of one network, whatever their family', () => {
  expect(networkOf(from('203.0.113.7'), false)).toBe(networkOf(from('::ffff:203.0.113.99'), false));
  expect(networkOf(from('203.0.113.7'), false)).not.toBe(networkOf(from('203.0.114.7'), false));
  expect(networkOf(from('2001:db8:1::5'), false)).toBe(networkOf(from('2001:db8:1:0:9::5'), false));
});

it('carried viewers have the place that the coordinate names, others have none to name', () => {
  expect(networkOf(from('127.0.0.1', '203.0.113.7'), true)).toBe(networkOf(from('203.0.113.8'), false));
  expect(networkOf(from('127.0.0.1', '203.0.113.7'), false)).toBe(networkOf(from('127.0.0.1'), false));
  expect(networkOf(from('203.0.113.7'), true)).toBe(networkOf(from('203.0.113.8'), false));
});
