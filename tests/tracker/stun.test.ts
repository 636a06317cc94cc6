// The STUN responder: the answer's bytes, over a real socket, and nothing at all to anything else.
import { createSocket } from 'node:dgram';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerStun, startStun } from '../../servers/tracker/stun.ts';

const id = Buffer.from('b7e7a701bc34d686fa87dfae', 'hex');
const cookie = Buffer.from('2112a442', 'hex');
const request = (attributes = Buffer.alloc(0)): Buffer =>
  Buffer.concat([Buffer.from([0, 1, attributes.length >> 8, attributes.length & 255]), cookie, id, attributes]);

describe('STUN', () => {
  // The two addresses and their masked forms are the test vectors of RFC 5769, sections 2.2 and 2.3.
  it('[S12] answers a binding request with the masked address it came from, IPv4', () => {
    const answer = Buffer.from(answerStun(request(), '192.0.2.1', 32853) ?? []);
    expect(answer.toString('hex')).toBe(`0101000c2112a442${id.toString('hex')}002000080001a147e112a643`);
    expect(answerStun(request(), '::ffff:192.0.2.1', 32853)).toEqual(new Uint8Array(answer));
  });

  it('[S12] answers a binding request with the masked address it came from, IPv6', () => {
    const answer = Buffer.from(answerStun(request(), '2001:db8:1234:5678:11:2233:4455:6677', 32853) ?? []);
    expect(answer.toString('hex')).toBe(
      `010100182112a442${id.toString('hex')}002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9`,
    );
    expect(answerStun(request(), 'fe80::1%eth0', 1)?.length).toBe(44);
    expect(answerStun(request(), '::1', 1)?.length).toBe(44);
  });

  it('[S12] attributes of a request are passed over when they fit', () => {
    const software = Buffer.from('80220005' + Buffer.from('abcde').toString('hex') + '000000', 'hex');
    expect(answerStun(request(software), '127.0.0.1', 1)).not.toBeNull();
    const overlong = Buffer.from('80220009' + '0000000000000000', 'hex');
    expect(answerStun(request(overlong), '127.0.0.1', 1)).toBeNull();
  });

  it('[S12] ignores everything else', () => {
    const twist = (at: number, byte: number): Buffer => {
      const bytes = request();
      bytes[at] = byte;
      return bytes;
    };
    const others = [
      Buffer.alloc(0),
      request().subarray(0, 19),
      twist(0, 1), // a response
      twist(1, 3), // another method
      twist(4, 0), // no cookie
      twist(3, 4), // a length that is not there
      Buffer.concat([request(), Buffer.from([0])]),
      request(Buffer.alloc(2_000)),
    ];
    for (const bytes of others) expect(answerStun(bytes, '127.0.0.1', 1)).toBeNull();
    expect(answerStun(request(), 'nonsense', 1)).toBeNull();
  });

  it('[S12] never throws and never answers with more than 44 bytes', () => {
    const attributes = fc.uint8Array({ maxLength: 64 });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 700 }),
          attributes.map((a) => request(Buffer.from(a))),
        ),
        (bytes) => {
          const answer = answerStun(bytes, '10.0.0.1', 5);
          expect(answer === null || answer.length <= 44).toBe(true);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('[S12] over a real socket', async () => {
    const stun = await startStun('127.0.0.1', 0);
    const client = createSocket('udp4');
    const answered = new Promise<Buffer>((resolve) => client.once('message', resolve));
    client.send(Buffer.from('garbage'), stun.port, '127.0.0.1');
    client.send(request(), stun.port, '127.0.0.1');
    const answer = await answered;
    expect(answer.readUInt16BE(26) ^ 0x2112).toBe(client.address().port);
    client.close();
    await expect(startStun('127.0.0.1', stun.port)).rejects.toThrow(/UDP port/);
    await stun.close();
  });
});
