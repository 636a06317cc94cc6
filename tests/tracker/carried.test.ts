// Viewers whose sockets the coordinate carries on its one public port.
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { startTracker } from '../../servers/tracker/tracker.ts';
import { stand } from '../coordinate/harness.ts';
import { quietLog } from '../support/quiet-log.ts';
import { until } from '../support/until.ts';

it('[S11] a carried viewer is told the STUN responder under the public name', async () => {
  const coordinate = await stand({ publicUrl: 'https://live.example.org' });
  onTestFinished(() => coordinate.close());
  const settings = { host: '127.0.0.1', port: 0, stunPort: 0, coordinate: coordinate.url, region: 'default' };
  const tracker = await startTracker(
    { ...settings, k: 2, uploadCap: 1, parity: 'off', trustAfterMs: 0, iceServers: [], stun: true },
    quietLog(),
  );
  onTestFinished(() => tracker.close());
  const { port } = new URL(coordinate.url);
  const assigned = async (): Promise<string | undefined> => {
    const answer = await fetch(`${coordinate.url}/tracker?stream=live`);
    return answer.ok ? ((await answer.json()) as { tracker: string }).tracker : undefined;
  };
  const given = await until('the tracker to be registered', assigned);
  expect(given).toMatch(/^wss:\/\/live\.example\.org\/at\//);
  const welcomeAt = async (url: string): Promise<{ iceServers: { urls: string }[] }> => {
    const socket = new WebSocket(url);
    onTestFinished(() => socket.terminate());
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const answered = new Promise<Buffer>((resolve) => socket.once('message', resolve));
    socket.send(JSON.stringify({ type: 'hello', v: PROTOCOL_VERSION, stream: 'live', shares: true }));
    return JSON.parse((await answered).toString()) as { iceServers: { urls: string }[] };
  };
  const stun = Number(tracker.ready['stunPort']);
  const carried = await welcomeAt(`ws://127.0.0.1:${port}${new URL(given).pathname}`);
  expect(carried.iceServers).toEqual([{ urls: `stun:live.example.org:${stun}` }]);
  const direct = await welcomeAt(`ws://127.0.0.1:${Number(tracker.ready['port'])}/resource`);
  expect(direct.iceServers).toEqual([{ urls: `stun:127.0.0.1:${stun}` }]);
});
