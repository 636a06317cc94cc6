// One line alone: what a neighbour may do to it.
import { expect, it } from 'vitest';
import { Backoff } from '../../client/mesh/backoff.ts';
import { Link } from '../../client/mesh/link.ts';
import { Links } from '../../client/mesh/links.ts';
import type { PeerEnv, PeerWire, WireEvents } from '../../client/mesh/env.ts';
import { streamTag } from '../../protocol/chunk.ts';
import { MAX_DROPPED, PEER_BURST, PEER_PER_SECOND, PROTOCOL_VERSION } from '../../protocol/limits.ts';
import type { SignalData } from '../../protocol/signalling.ts';

const common = {
  stream: 'live',
  streamTag: streamTag('live'),
  self: 'v00001',
  ticket: () => undefined,
  wants: () => true,
};

it('[P17] a neighbour that says too much is not listened to, and loses the line when it goes on', () => {
  let nowMs = 0;
  const heard: string[] = [];
  const closed: string[] = [];
  let wire: WireEvents | null = null;
  const link = new Link(
    { ...common, id: 'v00002', kind: 'peer', now: () => nowMs },
    {
      opened() {},
      message: (_link, { type }) => void heard.push(type),
      slice() {},
      duplicate: () => 'twice',
      original() {},
      closed: (_link, why) => void closed.push(why),
    },
  );
  link.connect((events) => {
    wire = events;
    return { bufferedBytes: 0, send() {}, close() {} };
  });
  const say = (message: object): void => wire?.message(JSON.stringify(message));
  const pings = (count: number): void => {
    for (let i = 0; i < count; i++) say({ type: 'ping', t: i });
  };
  (wire as WireEvents | null)?.open();
  say({ type: 'hello', v: PROTOCOL_VERSION, stream: 'live', id: 'v00002' });
  pings(PEER_BURST - 1 + 50);
  expect(heard).toHaveLength(PEER_BURST - 1);
  expect(closed).toEqual([]);
  nowMs += 1_000;
  pings(PEER_PER_SECOND);
  expect(heard).toHaveLength(PEER_BURST - 1 + PEER_PER_SECOND);
  pings(MAX_DROPPED - 50);
  expect(closed).toEqual([]);
  pings(1);
  expect(closed).toEqual(['it says too much']);
});

it('[P18] offers without end open a few connections, and nobody else is held up by them', () => {
  let nowMs = 0;
  const opened: string[] = [];
  const env = {
    now: () => nowMs,
    random: () => 0.5,
    peer: ({ call }: { call: string }): PeerWire => {
      opened.push(call);
      return { bufferedBytes: 0, send() {}, close() {}, signal() {} } as unknown as PeerWire;
    },
  } as unknown as PeerEnv;
  const backoff = new Backoff(
    () => nowMs,
    () => 0.5,
  );
  const links = new Links(
    { env, common: { ...common, now: () => nowMs }, iceServers: () => [], sendSignal() {}, drained() {}, backoff },
    { opened() {}, message() {}, slice() {}, duplicate: () => 'twice', original() {}, closed() {} },
  );
  const offer = (call: string): SignalData => ({ kind: 'offer', call, sdp: 'v=0' });
  for (let i = 0; i < 200; i++) links.signal('v00002', offer(`a${i}`));
  expect(opened).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5']);
  links.signal('v00003', offer('b'));
  expect(opened.at(-1)).toBe('b');
  nowMs += 4_000;
  for (let i = 0; i < 200; i++) links.signal('v00002', offer(`c${i}`));
  expect(opened).toHaveLength(9);
  expect(links.all()).toHaveLength(2);
});
