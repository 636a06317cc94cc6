import { describe, expect, it } from 'vitest';
import { reconnectMs } from '../../../servers/control/capture/reconnect.ts';
import { awakeMs } from '../../../servers/shared/awake.ts';
import { until } from '../../support/until.ts';
import { hole, rig, sink, TEST } from './rig.ts';

/** Less than any wait that it could be held up by: half a second for an answer, and longer. */
const AT_ONCE_MS = 400;

/** A capture that wants to be live, with its picture running. */
async function wantsToBeLive(url: string) {
  const one = rig(url);
  await one.capture.setSource(TEST);
  await until('the preview', () => one.is() === 'previewing');
  one.capture.goLive();
  return one;
}

describe('a server that takes connections and reads nothing', () => {
  it('is seen within seconds and tried again', async () => {
    const { url, sockets } = await hole();
    const { states } = await wantsToBeLive(url);
    const seen = (): unknown => states.find((state) => state.is === 'reconnecting');
    // 3 s after its buffers are full, in time in which this process ran; on a busy machine they
    // take longer to fill.
    const beganMs = awakeMs();
    await until('it to be seen', seen, { withinMs: 20_000 });
    expect(awakeMs() - beganMs).toBeLessThan(8_000);
    expect(seen()).toMatchObject({ attempt: 1, reason: expect.stringContaining('hangs') as string });
    await until('another try', () => sockets.length === 2);
  });

  it('holds nothing up: stopping, reconnecting and closing answer at once', async () => {
    const { url, sockets } = await hole();
    const { capture, is } = await wantsToBeLive(url);
    await until('the connection', () => sockets.length === 1 && is() === 'live');
    let beganMs = performance.now();
    expect(capture.reconnectNow()).toMatchObject({ ok: true });
    expect(performance.now() - beganMs).toBeLessThan(AT_ONCE_MS);
    await until('the other connection', () => sockets.length === 2 && is() === 'live');
    beganMs = performance.now();
    await capture.stopLive();
    expect(performance.now() - beganMs).toBeLessThan(AT_ONCE_MS);
    expect(is()).toBe('previewing');
    capture.goLive();
    await until('the third connection', () => sockets.length === 3);
    beganMs = performance.now();
    await capture.close();
    expect(performance.now() - beganMs).toBeLessThan(1_500);
  });
});

describe('a server that stops taking', () => {
  it('is left when it has taken nothing for a while, after it took much', async () => {
    const { url, pushes } = await sink();
    const { capture, states, is } = await wantsToBeLive(url);
    await until('it to take', () => (pushes[0]?.fragments ?? 0) > 30);
    pushes[0]?.request.pause();
    const seen = (): unknown => states.find((state) => state.is === 'reconnecting');
    await until('it to be seen', seen, { withinMs: 7_000, describe: () => capture.view });
    await until('another push', () => (pushes[1]?.fragments ?? 0) > 10 && is() === 'live');
    expect(pushes[1]).toMatchObject({ beginsWithKey: true, problem: null });
  });
});

describe('a server that refuses', () => {
  it('is not tried again where that is no use; its own sentence is shown, and the preview goes on', async () => {
    const { url, pushes } = await sink(({ response }) => {
      response.writeHead(401).end('The stream key is wrong.\n');
    });
    const { capture, is } = await wantsToBeLive(url);
    await until('it to fail', () => is() === 'failed');
    expect(capture.view.state).toMatchObject({ reason: 'The stream key is wrong.', action: 'Correct the stream key.' });
    expect(pushes).toHaveLength(1);
    await capture.stopLive();
    expect(is()).toBe('previewing');
    capture.goLive();
    await until('another try', () => pushes.length === 2 && is() === 'failed');
  });

  it('is waited for while another publishes under the name', async () => {
    const { url } = await sink(({ response }) => {
      response.writeHead(409).end('Somebody publishes there.\n');
    });
    const { capture, is } = await wantsToBeLive(url);
    await until('it to reconnect', () => is() === 'reconnecting');
    expect(capture.view.state).toMatchObject({ reason: 'Somebody publishes there.' });
  });

  it('gets no wrong kind of media twice', async () => {
    const { url, pushes } = await sink(({ response }) => {
      response.writeHead(415).end('<html>no</html>');
    });
    const { capture, is } = await wantsToBeLive(url);
    await until('it to fail', () => is() === 'failed');
    expect(capture.view.state).toMatchObject({ reason: 'The server ended the stream with status 415.' });
    expect(pushes).toHaveLength(1);
  });
});

describe('a server that is not there', () => {
  it('is waited for, longer each time, and reached at once when it is back', async () => {
    let url = 'http://127.0.0.1:9/stream/live';
    const { capture, states, is } = rig(null, { target: () => ({ url }) });
    await capture.setSource(TEST);
    await until('the preview', () => is() === 'previewing');
    capture.goLive();
    await until('the third wait', () => {
      const { state } = capture.view;
      return state.is === 'reconnecting' && state.attempt === 3;
    });
    expect(capture.view.state).toMatchObject({ reason: 'The coordinate is not there (nothing listens there).' });
    const waits = states.filter((state) => state.is === 'reconnecting');
    expect(waits.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    const there = await sink();
    ({ url } = there);
    const beganMs = performance.now();
    capture.retryNow();
    await until('it to be live', () => is() === 'live' && (there.pushes[0]?.fragments ?? 0) > 0);
    expect(performance.now() - beganMs).toBeLessThan(1_000); // the wait that it cut short lasts 1.2 s and more
  });

  it('may be nowhere yet', async () => {
    const { capture, is } = rig(null);
    await capture.setSource(TEST);
    capture.goLive();
    await until('it to wait', () => is() === 'reconnecting');
    await capture.stopLive();
    expect(is()).not.toBe('reconnecting');
  });

  it('is asked again at once when it cut us off', async () => {
    const { url, pushes } = await sink((push) => {
      if (pushes.length === 1) push.request.once('data', () => push.request.destroy());
    });
    const { is } = await wantsToBeLive(url);
    await until('the second try to be live', () => pushes.length === 2 && is() === 'live');
    expect(pushes[0]?.ended).toBe('cut');
  });
});

it('waits for the connection before, so that the name is free, but not for ever', async () => {
  const { url, pushes } = await sink(({ response }) => {
    response.end = () => response; // it has the end, and does not answer
  });
  const { capture, is } = await wantsToBeLive(url);
  await until('it to be live', () => is() === 'live' && (pushes[0]?.fragments ?? 0) > 10);
  const beganMs = performance.now();
  await capture.stopLive();
  capture.goLive();
  await until('the other push', () => pushes.length === 2);
  expect(performance.now() - beganMs).toBeGreaterThan(400);
});

it('moves to another place: a clean end there, a beginning here', async () => {
  const [before, after] = [await sink(), await sink()];
  let { url } = before;
  const { capture, is } = rig(null, { target: () => ({ url }) });
  await capture.setSource(TEST);
  capture.goLive();
  await until('it to be live', () => is() === 'live' && (before.pushes[0]?.fragments ?? 0) > 10);
  ({ url } = after);
  await capture.targetChanged();
  await until('it to be live there', () => is() === 'live' && (after.pushes[0]?.fragments ?? 0) > 10);
  await until('a clean end', () => before.pushes[0]?.ended === 'clean');
  expect(before.pushes).toHaveLength(1);
});

it('reconnects at 0, 0.3, 1.2, 2.7, 4.8, then every 7 s, up to a quarter later', () => {
  expect([0, 1, 2, 3, 4, 5, 50].map((breaks) => reconnectMs(breaks, 0))).toEqual([
    0, 300, 1200, 2700, 4800, 7000, 7000,
  ]);
  expect(reconnectMs(1, 1)).toBe(375);
});
