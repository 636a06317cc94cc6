// Which doors of a tracker are closed to the pages of other sites, though their browser is on this machine.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { until } from '../support/until.ts';
import { Rig } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig.close());

it('[R9] a page of another site sees nothing and is no forward', async () => {
  const origin = 'https://evil.example';
  for (const path of ['/debug', '/forwards']) {
    expect((await fetch(`${rig.base}${path}`)).status).toBe(200);
    expect((await fetch(`${rig.base}${path}`, { headers: { origin } })).status).toBe(401);
  }
  for (const path of ['/debug/feed', '/forward']) {
    const socket = new WebSocket(`${rig.base.replace('http', 'ws')}${path}`, { origin });
    expect(await new Promise((resolve) => socket.once('error', (e) => resolve(e.message)))).toContain('401');
  }
  // Viewers' pages may stand on any site.
  const viewer = new WebSocket(`${rig.base.replace('http', 'ws')}/resource`, { origin });
  await new Promise((resolve, reject) => viewer.once('open', resolve).once('error', reject));
  viewer.terminate();
});

it('[S14] an operator ends one viewer’s session; nobody without the secret does', async () => {
  const guarded = await Rig.start({ debugToken: 'a-token-for-this-test', meshSecret: 'a-secret-for-this-test' });
  try {
    const end = (id = '', headers: Record<string, string> = {}): Promise<number> =>
      fetch(`${guarded.base}/viewers/${id}`, { method: 'DELETE', headers }).then((answer) => answer.status);
    const hello = guarded.ticket('a-secret-for-this-test');
    const [one, other] = [await guarded.viewer(hello), await guarded.viewer(guarded.ticket('a-secret-for-this-test'))];
    for (const viewer of [one, other]) await until('a welcome', () => viewer.all('welcome').length > 0);
    const [oneId, otherId] = [one, other].map((viewer) => viewer.all('welcome')[0]?.id ?? '');
    expect(await end(oneId)).toBe(401);
    expect(await end(oneId, { authorization: 'Bearer wrong' })).toBe(401);
    expect(await end('v-nobody', { authorization: 'Bearer a-token-for-this-test' })).toBe(404);
    expect(await end(oneId, { authorization: 'Bearer a-token-for-this-test' })).toBe(200);
    await until('its goodbye', () => one.socket.readyState === WebSocket.CLOSED);
    expect(one.told.at(-1)).toMatchObject({ type: 'refused', reason: 'removed' });
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
    expect(await end(otherId, { authorization: 'Bearer a-secret-for-this-test' })).toBe(200);
  } finally {
    await guarded.close();
  }
});
