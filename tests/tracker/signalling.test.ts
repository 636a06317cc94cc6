// What viewers may and may not do over their connection: reach neighbours only, at a bearable rate, in well-formed messages.
import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { MAX_SIGNAL_CHARS, PROTOCOL_VERSION, SIGNAL_BURST } from '../../protocol/limits.ts';
import { issueTicket } from '../../servers/shared/guard.ts';
import { until } from '../support/until.ts';
import { Rig, type FakeViewer } from './rig.ts';

const offer = (call: string) => ({ kind: 'offer' as const, call, sdp: 'v=0' });

describe('signalling', () => {
  let rig: Rig;
  afterEach(() => rig.close());

  it('[S7] offers, answers and candidates reach the other end of an edge, in both directions', async () => {
    rig = await Rig.start();
    await rig.forward('fone1');
    const [a, b] = (await rig.seated(2)) as [FakeViewer, FakeViewer];
    a.say({ type: 'signal', to: await b.id(), data: offer('one') });
    expect(await b.next('signal')).toEqual({ type: 'signal', from: await a.id(), data: offer('one') });
    const candidate = { kind: 'candidate' as const, call: 'one', candidate: 'x', sdpMid: null, sdpMLineIndex: 0 };
    b.say({ type: 'signal', to: await a.id(), data: candidate });
    expect(await a.next('signal')).toMatchObject({ from: await b.id(), data: candidate });
  });

  it('[S7] a stranger is not reached, and cannot be told from nobody', async () => {
    rig = await Rig.start();
    await rig.forward('fone1');
    const [a] = (await rig.seated(2)) as [FakeViewer, FakeViewer];
    const elsewhere = await rig.viewer({ stream: 'second' });
    const receiver = await rig.viewer({ shares: false });
    await receiver.planned();
    for (const to of [await elsewhere.id(), await receiver.id(), 'vnobody', 'fone1', await a.id()])
      a.say({ type: 'signal', to, data: offer('x') });
    await until('five refusals', () => a.all('refused').length === 5);
    expect(new Set(a.all('refused').map((refusal) => JSON.stringify(refusal))).size).toBe(1);
    expect(a.all('refused')[0]?.reason).toBe('not-here');
    expect([...elsewhere.all('signal'), ...receiver.all('signal'), ...a.all('signal')]).toEqual([]);
    expect(a.closed).toBeNull();
  });

  it('[S7] who stops sharing is reached by nobody any more, former neighbours included', async () => {
    rig = await Rig.start();
    await rig.forward('fone1');
    const [a, b] = (await rig.seated(2)) as [FakeViewer, FakeViewer];
    b.say({ type: 'sharing', shares: false });
    await until('no edge', () => [a, b].every((viewer) => viewer.plan.parents.every((p) => p.kind === 'forward')));
    a.say({ type: 'signal', to: await b.id(), data: offer('x') });
    a.say({ type: 'ping', t: 1 });
    await a.next('pong');
    b.say({ type: 'signal', to: await a.id(), data: offer('y') });
    b.say({ type: 'ping', t: 1 });
    await b.next('pong');
    a.say({ type: 'ping', t: 2 });
    await a.next('pong', (pong) => pong.t === 2);
    expect([...a.all('signal'), ...b.all('signal')]).toEqual([]);
  });

  it('[S7] to call a neighbour that has just left is no offence', async () => {
    rig = await Rig.start();
    await rig.forward('fone1');
    const [a, b] = (await rig.seated(2)) as [FakeViewer, FakeViewer];
    const gone = await b.id();
    b.socket.terminate();
    await until('it has left', () => a.plan.parents.every((parent) => parent.id !== gone));
    a.say({ type: 'signal', to: gone, data: offer('late') });
    a.say({ type: 'signal', to: 'vnobody', data: offer('x') });
    await a.next('refused');
    expect(a.all('refused')).toHaveLength(1);
  });

  it('[S1] a malformed message ends that connection with a reason and no other', async () => {
    rig = await Rig.start();
    await rig.forward('fone1');
    const [bystander] = (await rig.seated(1)) as [FakeViewer];
    const bad = [
      'no json',
      '[]',
      '{"type":"enumerate"}',
      '{"type":"signal","to":5}',
      '{"type":"lost","slice":9,"id":"vabcd","how":"bye"}',
      'x'.repeat(MAX_SIGNAL_CHARS + 1),
      Buffer.from([1, 2, 3]),
    ];
    for (const text of bad) {
      const viewer = await rig.viewer();
      await viewer.planned();
      viewer.socket.send(text);
      const refused = await viewer.next('refused');
      expect(['bad-message', 'too-large']).toContain(refused.reason);
      expect(refused.detail).not.toBe('');
      await viewer.ended();
    }
    const huge = await rig.connect();
    huge.socket.send('x'.repeat(MAX_SIGNAL_CHARS * 4));
    expect((await huge.ended()).code).toBe(1009);
    const early = await rig.connect();
    early.say({ type: 'leave' });
    expect(await early.next('refused')).toMatchObject({ reason: 'bad-message' });
    await until('only the bystander is left', async () => (await rig.debug()).streams[0]?.viewers.length === 1);
    expect(bystander.closed).toBeNull();
    expect(bystander.all('refused')).toEqual([]);
  });

  it('[S1] unknown fields are passed over', async () => {
    rig = await Rig.start();
    const viewer = await rig.connect();
    viewer.socket.send(`{"type":"hello","v":${PROTOCOL_VERSION},"stream":"live","shares":true,"mood":"good"}`);
    await viewer.next('welcome');
  });

  it('[S4] more messages than allowed are dropped with a word, and who goes on is put out', async () => {
    rig = await Rig.start();
    const viewer = await rig.viewer();
    await viewer.next('welcome');
    for (let i = 0; i < SIGNAL_BURST + 20; i++) viewer.say({ type: 'ping', t: i });
    expect(await viewer.next('refused')).toMatchObject({ reason: 'too-fast', retryMs: 1_000 });
    expect(viewer.closed).toBeNull();
    for (let i = 0; i < 300; i++) viewer.say({ type: 'ping', t: i });
    expect(await viewer.ended()).toMatchObject({ code: 1008, reason: 'too-fast' });
    expect(viewer.all('pong').length).toBeLessThan(SIGNAL_BURST + 60);
  });

  it('[S9] the clock is told with how far off it may be', async () => {
    rig = await Rig.start();
    const viewer = await rig.viewer();
    viewer.say({ type: 'ping', t: 12.5 });
    const pong = await viewer.next('pong');
    expect(pong.t).toBe(12.5);
    expect(Math.abs(pong.coordinateMs - Date.now())).toBeLessThan(1_000);
    expect(pong.uncertainMs).toBe(0);
  });

  it('[S3] with a shared secret a ticket is needed, for this stream, in time, and works once', async () => {
    const secret = 'a secret shared by servers';
    rig = await Rig.start({ meshSecret: secret });
    const refusedFor = async (ticket?: string) => {
      const viewer = await rig.viewer(ticket === undefined ? {} : { ticket });
      const { reason } = await viewer.next('refused');
      await viewer.ended();
      return reason;
    };
    expect(await refusedFor()).toBe('bad-ticket');
    expect(await refusedFor(issueTicket('another secret', 'live', 'default', Date.now()))).toBe('bad-ticket');
    expect(await refusedFor(issueTicket(secret, 'other', 'default', Date.now()))).toBe('bad-ticket');
    expect(await refusedFor(issueTicket(secret, 'live', 'default', Date.now() - 3_600_000))).toBe('bad-ticket');
    expect(await refusedFor(issueTicket(secret, 'live', 'elsewhere', Date.now()))).toBe('bad-ticket');
    const forged = `${Buffer.from('null').toString('base64url')}.${createHmac('sha256', 'x').update('').digest('base64url')}`;
    expect(await refusedFor(forged)).toBe('bad-ticket');
    const ticket = issueTicket(secret, 'live', 'default', Date.now());
    const viewer = await rig.viewer({ ticket });
    const welcome = await viewer.next('welcome');
    expect(await refusedFor(ticket)).toBe('bad-ticket');
    // Who lost its connection proves itself by the secret it was given instead.
    viewer.socket.terminate();
    const again = { id: welcome.id, secret: welcome.secret, parents: [], children: [] };
    const back = await rig.viewer({ again });
    expect((await back.next('welcome')).id).toBe(welcome.id);
    const thief = await rig.viewer({
      again: { ...again, secret: again.secret.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) },
    });
    expect((await thief.next('refused')).reason).toBe('bad-ticket');
    expect(back.closed).toBeNull();
  });

  it('[S3] an id in use is given to nobody else without its secret; with it the old connection ends', async () => {
    rig = await Rig.start();
    const viewer = await rig.viewer();
    const { id, secret } = await viewer.next('welcome');
    const thief = await rig.viewer({ again: { id, secret: 'guess', parents: [], children: [] } });
    expect((await thief.next('welcome')).id).not.toBe(id);
    expect(viewer.closed).toBeNull();
    const back = await rig.viewer({ again: { id, secret, parents: [], children: [] } });
    expect((await back.next('welcome')).id).toBe(id);
    await viewer.ended();
  });

  it(
    '[S13] a connection that no longer answers is ended, and its viewer leaves the trees',
    { timeout: 20_000 },
    async () => {
      rig = await Rig.start();
      await rig.forward('fone1');
      // A bare TCP client that says hello over WebSocket and then never reads or answers again.
      const socket = connect(rig.port, '127.0.0.1');
      const ended = new Promise((resolve) => socket.once('close', resolve));
      socket.on('error', () => undefined);
      socket.write(
        'GET /resource HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      );
      await new Promise((resolve) => socket.once('data', resolve));
      const hello = Buffer.from(`{"type":"hello","v":${PROTOCOL_VERSION},"stream":"live","shares":true}`);
      socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | hello.length, 0, 0, 0, 0]), hello]));
      await until('it is seated', async () => (await rig.debug()).streams[0]?.viewers.length === 1);
      const { streams } = await rig.debug();
      expect(streams[0]?.viewers).toHaveLength(1);
      socket.resume();
      await ended;
      await until('it is gone', async () => (await rig.debug()).streams[0]?.viewers.length === 0);
    },
  );

  it('[S11] the STUN responder is advertised under the host name the viewer used', async () => {
    rig = await Rig.start({ iceServers: [{ urls: 'turn:turn.example.org', username: 'u', credential: 'c' }] });
    const viewer = await rig.viewer();
    expect((await viewer.next('welcome')).iceServers).toEqual([
      { urls: `stun:127.0.0.1:${rig.stunPort}` },
      { urls: 'turn:turn.example.org', username: 'u', credential: 'c' },
    ]);
  });
});
