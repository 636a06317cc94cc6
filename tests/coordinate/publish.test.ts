// What a publisher is answered, and what the viewers are told when a push begins, ends, breaks, stalls or comes back.
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { FLAG } from '../../protocol/chunk.ts';
import { AAC, clip, H264, live, PICTURE, post, probe, SOUND, stand, type Stand } from './harness.ts';

const LIVE_TS = [...live(PICTURE), ...H264, '-f', 'mpegts'];

describe('a publisher', () => {
  let coordinate: Stand;
  let forward: Stand['forward'];
  beforeAll(async () => {
    coordinate = await stand({ streamKeys: { locked: 'sesame' } });
    forward = coordinate.forward;
  });
  afterAll(() => coordinate.close());

  const isLive = (name: string): Promise<void> =>
    forward.until(`${name} live`, () => forward.stateOf(name) === 'live' && forward.of(name).length > 2);

  it('[I3] that is killed leaves the stream interrupted, and its return is a new, higher epoch with another picture size', async () => {
    const first = coordinate.push('again', LIVE_TS);
    await isLive('again');
    first.child.kill('SIGKILL');
    await forward.until('interrupted', () => forward.stateOf('again') === 'interrupted');
    const before = forward.of('again').at(-1)?.epoch ?? 0;
    const small = ['-f', 'lavfi', '-i', 'testsrc2=s=192x108:r=30'];
    const second = coordinate.push('again', [...live(small), ...H264, '-t', '1', '-f', 'flv']);
    await second.ended;
    await forward.until('ended', () => forward.stateOf('again') === 'ended');
    const after = forward.of('again').at(-1)?.epoch ?? 0;
    expect(after).toBeGreaterThan(before);
    expect((await probe(forward.media('again', after))).size).toBe('192x108');
    expect(await forward.faults('again')).toEqual([]);
  });

  it('[I3] that falls silent is interrupted after the idle time and answered 408', async () => {
    // Elsewhere an encoder may be held up by a busy machine for a moment.
    const impatient = await stand({ ingestIdleMs: 600 });
    onTestFinished(() => impatient.close());
    const media = await clip([...PICTURE, ...H264, '-t', '0.5', '-f', 'flv']);
    const socket = connect(Number(impatient.ready['port']), '127.0.0.1');
    let answer = '';
    socket.on('data', (text) => {
      answer += String(text);
    });
    socket.write('POST /stream/silent HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n');
    socket.write(`${media.length.toString(16)}\r\n`);
    socket.write(media);
    await impatient.forward.until('interrupted', () => impatient.forward.stateOf('silent') === 'interrupted');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toContain('nothing came for 0.6 s');
  });

  it('[I4] is refused with 409 while another has the name, and the first goes on undisturbed', async () => {
    const first = coordinate.push('taken', LIVE_TS);
    await isLive('taken');
    const second = await post(
      `${coordinate.url}/stream/taken`,
      await clip([...PICTURE, ...H264, '-t', '0.2', '-f', 'flv']),
    );
    expect(second.status).toBe(409);
    expect(second.text).toContain('Somebody else publishes "taken"');
    const units = forward.of('taken').length;
    await forward.until('more units', () => forward.of('taken').length > units + 3);
    expect(forward.stateOf('taken')).toBe('live');
    first.child.kill('SIGKILL');
    await first.ended;
  });

  it('[I5] needs the key of a name that has one, by query, bearer or password', async () => {
    const media = await clip([...PICTURE, ...H264, '-t', '0.2', '-f', 'flv']);
    const url = `${coordinate.url}/stream/locked`;
    const none = await post(url, media);
    expect(none.status).toBe(401);
    expect(none.text).toContain('?key=KEY');
    expect((await post(`${url}?key=wrong`, media)).status).toBe(401);
    expect((await post(`${url}?key=sesame`, media)).status).toBe(200);
    expect((await post(url, media, { authorization: 'Bearer sesame' })).status).toBe(200);
    const basic = `Basic ${Buffer.from('any:sesame').toString('base64')}`;
    expect((await post(url, media, { authorization: basic })).status).toBe(200);
  });

  it('[I5] of another web site is refused: a page must not publish through its visitor', async () => {
    const { status } = await post(`${coordinate.url}/stream/page`, 'x', { origin: 'https://evil.example' });
    expect(status).toBe(401);
  });

  it('[I6] of garbage, a bad name, or nothing at all is told so in a sentence', async () => {
    const garbage = await post(`${coordinate.url}/stream/garbage`, Buffer.alloc(5_000, 'nonsense '));
    expect(garbage.status).toBe(415);
    expect(garbage.text).toContain('no media format that is known here');
    const torn = await post(
      `${coordinate.url}/stream/torn`,
      Buffer.concat([Buffer.from('000001b3', 'hex'), Buffer.alloc(40_000, 7)]),
    );
    expect(torn.status).toBe(415);
    expect(torn.text).toMatch(/^[A-Z].*[.:].*\n$/i);
    expect((await post(`${coordinate.url}/stream/..%2fx`, 'x')).status).toBe(400);
    expect((await post(`${coordinate.url}/stream/empty`, '')).status).toBe(415);
    expect(forward.of('garbage')).toEqual([]);
  });

  it('[I6] that is refused leaves no stream behind', async () => {
    const streamsNow = async (): Promise<string[]> => {
      const answer = await fetch(`${coordinate.url}/debug`, { headers: { accept: 'application/json' } });
      return Object.keys(((await answer.json()) as { streams: object }).streams);
    };
    const before = await streamsNow();
    const url = `${coordinate.url}/stream`;
    expect((await post(`${url}/locked-out`, 'x', { origin: 'https://evil.example' })).status).toBe(401);
    expect((await post(`${url}/no%20name`, 'x')).status).toBe(400);
    expect((await post(`${url}/nonsense`, Buffer.alloc(5_000, 'nonsense '))).status).toBe(415);
    expect((await post(`${url}/nothing`, '')).status).toBe(415);
    expect(await streamsNow()).toEqual(before);
    expect(await (await fetch(`${coordinate.url}/streams`)).text()).not.toContain('waiting');
  });

  it('[I6] of a playlist, concat script or session description is refused, and nothing is opened or dialled', async () => {
    const asked: string[] = [];
    const bait = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => bait.listen(0, '127.0.0.1', resolve));
    const address = bait.address();
    const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    const file = join(coordinate.dataDir, 'bait.ts');
    writeFileSync(file, await clip([...PICTURE, ...H264, '-t', '0.3', '-f', 'mpegts']));
    const baits = [
      `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${base}/hls.ts\n#EXTINF:1,\nfile://${file}\n#EXT-X-ENDLIST\n`,
      `ffconcat version 1.0\nfile '${file}'\n`,
      `file '${file}'\nfile '${base}/concat.ts'\n`,
      `v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 40000 RTP/AVP 96\r\n`,
      `<?xml version="1.0"?><MPD><BaseURL>${base}/dash</BaseURL></MPD>`,
      `${base}/address.ts\n`,
    ];
    for (const [i, bait_] of baits.entries()) {
      const { status, text } = await post(`${coordinate.url}/stream/bait-${i}`, bait_);
      expect(status).toBe(415);
      expect(text).toContain('push the media itself');
      expect(forward.of(`bait-${i}`)).toEqual([]);
    }
    // Under a format that is let in, ffmpeg is still told to follow nothing: a playlist behind an MPEG start code.
    await post(
      `${coordinate.url}/stream/bait-x`,
      Buffer.concat([Buffer.from('000001ba', 'hex'), Buffer.from(baits[0] ?? '')]),
    );
    expect(forward.of('bait-x')).toEqual([]);
    expect(asked).toEqual([]);
    await new Promise((resolve) => bait.close(resolve));
  });

  it('[I7] that is refused while sending still gets its sentence, and the connection is closed after a bounded rest', async () => {
    const socket = connect(Number(coordinate.ready['port']), '127.0.0.1');
    let answer = '';
    let sent = 0;
    socket.on('data', (text) => {
      answer += String(text);
    });
    socket.on('error', () => {}); // our own writes break when it closes
    socket.write('POST /stream/endless HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n');
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 'x'), Buffer.from('\r\n')]);
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk)) sent += chunk.length;
      sent += chunk.length;
    };
    socket.on('drain', more);
    more();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toMatch(/^HTTP\/1.1 415 /);
    expect(answer).toContain('no media format');
    expect(sent).toBeLessThan(16 * 1024 * 1024); // a megabyte here, the rest in the kernel's buffers
  });

  it('[I1] with the literal command of the first description plays', async () => {
    const length = ['-t', '1'];
    const { child, ended } = coordinate.push('', [
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=640x480:r=30',
      ...length,
      '-r',
      '30',
      '-f',
      'mpeg1video',
      '-vf',
      'crop=iw-mod(iw\\,2):ih-mod(ih\\,2)',
      '-b',
      '100K',
      '-r',
      '30',
    ]);
    await ended;
    expect(child.spawnargs.at(-1)).toBe(`${coordinate.url}/stream/`);
    await forward.until('ended', () => forward.stateOf('live') === 'ended');
    const told = await probe(forward.media('live'));
    expect(told).toMatchObject({ size: '640x480', errors: '', audio: false });
    expect(told.frames).toBeGreaterThanOrEqual(28);
  });

  it('[I2] with sound and pictures is cut at each keyframe, and units are of the asked length', async () => {
    const { ended } = coordinate.push('cut', [
      ...live(PICTURE),
      ...live(SOUND),
      ...H264,
      ...AAC,
      '-t',
      '1.2',
      '-f',
      'flv',
    ]);
    await ended;
    await forward.until('ended', () => forward.stateOf('cut') === 'ended');
    const units = forward.of('cut').filter((u) => u.unit > 0);
    const keys = units.filter((u) => (u.flags & FLAG.key) !== 0);
    expect(keys).toHaveLength(3); // a keyframe each half second
    const lengths = units.map((u) => u.durationMs).toSorted((a, b) => a - b);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeGreaterThanOrEqual(60);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(70);
  });
});

describe('time', () => {
  it('[I8] what came before its time is still shown when the sender has long closed', async () => {
    const coordinate = await stand();
    const media = await clip([...PICTURE, ...H264, '-t', '2.5', '-f', 'flv']);
    const socket = connect(Number(coordinate.ready['port']), '127.0.0.1');
    socket.write('POST /stream/early HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n');
    for (let at = 0; at < media.length; at += 8_000) {
      const part = media.subarray(at, at + 8_000);
      socket.write(`${part.length.toString(16)}\r\n`);
      socket.write(part);
      socket.write('\r\n');
    }
    socket.end('0\r\n\r\n');
    await coordinate.forward.until('ended', () => coordinate.forward.stateOf('early') === 'ended');
    expect((await probe(coordinate.forward.media('early'))).frames).toBe(75);
    await coordinate.close();
  });

  it('[I8] passes for the viewers as it does at the source, however fast a file is pushed; nothing is buffered without limit', async () => {
    const coordinate = await stand();
    const { forward } = coordinate;
    // Two minutes of media at once, more than all socket buffers on the way take: a source that never slows down by itself.
    const push = coordinate.push('fast', [...PICTURE, ...H264, '-t', '120', '-b:v', '4M', '-f', 'mpegts']);
    await forward.until('four seconds of it', () => {
      const units = forward.of('fast').filter((u) => u.unit > 0);
      return (units.at(-1)?.sourceMs ?? 0) - (units[0]?.sourceMs ?? 0) > 4_000;
    });
    const units = forward.of('fast').filter((u) => u.unit > 0);
    const [first, last] = [units[0], units.at(-1)];
    const passed = (last?.arrivedMs ?? 0) - (first?.arrivedMs ?? 0);
    const media = (last?.sourceMs ?? 0) - (first?.sourceMs ?? 0);
    expect(media - passed).toBeLessThan(1_600); // the first burst may be early by a second
    expect(push.child.exitCode).toBe(null); // the encoder is held back
    push.child.kill('SIGKILL');
    await push.ended;
    await coordinate.close();
  });
});
