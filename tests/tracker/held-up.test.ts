// A tracker whose machine is so busy that it does not run for seconds: those who spoke meanwhile
// are not lost.
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { Rig } from './rig.ts';

/** Longer than a forward (3.5 s) and a viewer (7.5 s) may be silent. */
const HELD_UP_MS = 9_000;

it('[R10] [S13] a tracker that was held up ends neither forwards nor viewers', async () => {
  const rig = await Rig.start();
  onTestFinished(() => rig.close());
  const forward = await rig.forward('fone1');
  const viewers = await rig.seated(2);
  for (const endMs = performance.now() + HELD_UP_MS; performance.now() < endMs;);
  // By the second round that a viewer hears of, the tracker has swept whatever it takes for silent.
  const [viewer] = viewers;
  if (!viewer) throw new Error('nobody is seated');
  for (let round = 0; round < 2; round++) await once(viewer.socket, 'ping');
  expect(forward.socket.readyState).toBe(WebSocket.OPEN);
  expect(viewers.map(({ closed }) => closed)).toEqual([null, null]);
  const { forwards, streams } = await rig.debug();
  expect([forwards.map(({ id }) => id), streams[0]?.viewers.length]).toEqual([['fone1'], 2]);
});
