// How a connection of wrtc's ends: what its native half takes ill is not done to it.
import { expect, it } from 'vitest';
import type { Connection, NewConnection } from '../../client/mesh/rtc-wire.ts';
import { RtcWire } from '../../client/mesh/rtc-wire.ts';
import { closedWithCare } from '../../client/node/careful-closing.ts';
import { createNodeEnv } from '../../client/node/node-env.ts';
import { until } from '../support/until.ts';

/** A connection that writes down what is done to it, and answers when it is told to. */
function recorded() {
  const done: string[] = [];
  const answers: (() => void)[] = [];
  const later = <T>(what: string, value: T): Promise<T> => {
    done.push(what);
    return new Promise((resolve) => answers.push(() => resolve(value)));
  };
  const connection: Connection = {
    connectionState: 'new',
    onicecandidate: null,
    onconnectionstatechange: null,
    createDataChannel: (label) => ({
      binaryType: '',
      bufferedAmount: 0,
      bufferedAmountLowThreshold: 0,
      readyState: 'open',
      onopen: null,
      onclose: null,
      onbufferedamountlow: null,
      onmessage: null,
      send: () => void done.push(`send on ${label}`),
      close: () => void done.push(`close ${label}`),
    }),
    createOffer: () => later('createOffer', { type: 'offer', sdp: '' }),
    createAnswer: () => later('createAnswer', { type: 'answer', sdp: '' }),
    setLocalDescription: () => later('setLocalDescription', undefined),
    setRemoteDescription: () => later('setRemoteDescription', undefined),
    addIceCandidate: () => later('addIceCandidate', undefined),
    close: () => void done.push('close'),
  };
  const answer = (): void => {
    for (const one of answers.splice(0)) one();
  };
  return { connection, done, answer, hasPending: () => answers.length > 0 };
}

const events = { open() {}, message() {}, closed() {}, signal() {}, drained() {} };
const wireOver = (create: NewConnection, initiator: boolean): RtcWire =>
  new RtcWire(create, createNodeEnv(), { initiator, call: 'c', iceServers: [] }, events);

it('is closed when nothing of it is pending, channels first, and nothing is asked of it from then on', async () => {
  const { connection, done, answer, hasPending } = recorded();
  const wire = wireOver(() => closedWithCare(connection), false);
  for (let i = 0; i < 3; i++)
    wire.signal({ kind: 'candidate', call: 'c', candidate: 'x', sdpMid: null, sdpMLineIndex: 0 });
  wire.signal({ kind: 'offer', call: 'c', sdp: '' });
  answer();
  await until('the first candidate', () => hasPending() && done.includes('addIceCandidate'));
  wire.close();
  wire.send('words');
  wire.signal({ kind: 'candidate', call: 'c', candidate: 'y', sdpMid: null, sdpMLineIndex: 0 });
  const before = ['setRemoteDescription', 'addIceCandidate'];
  expect(done).toEqual(before);
  answer();
  await until('its end', () => done.includes('close'));
  expect(done).toEqual([...before, 'close control', 'close media', 'close']);
  expect(hasPending()).toBe(false);
  wire.close();
  expect(wire.bufferedBytes).toBe(0);
});

it('is not closed from within its own callback', async () => {
  const { connection, done } = recorded();
  const wire = wireOver(() => closedWithCare(connection), false);
  connection.connectionState = 'failed';
  connection.onconnectionstatechange?.();
  expect(done).toEqual([]);
  await until('its end', () => done.includes('close'));
  wire.close();
  expect(done.filter((what) => what === 'close')).toHaveLength(1);
});

it('is closed though a description never comes back', async () => {
  const { connection, done } = recorded();
  wireOver(() => closedWithCare(connection), true).close();
  expect(done).toEqual(['createOffer']);
  await until('its end', () => done.includes('close'));
});
