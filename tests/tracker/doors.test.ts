// Which doors of a tracker are closed to the pages of other sites, though their browser is on this machine.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
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
