// Tickets open doors for ten minutes; a viewer that stays for hours must still get in.
import { expect, it } from 'vitest';
import { TICKET_MS } from '../../servers/shared/guard.ts';
import { MeshRig } from '../support/mesh-rig.ts';

it('[S3] a seated viewer asks for a fresh ticket well before the old one expires, and shows it to a forward', async () => {
  const rig = new MeshRig();
  let issued = 0;
  const answer = rig.net.getJson;
  rig.net.getJson = (url) => ({ ...(answer(url) as object), ticket: `ticket-${++issued}` });
  const seat = await rig.join();
  expect(rig.net.socketTo('forward').messages()[0]).toMatchObject({ type: 'hello', ticket: 'ticket-1' });
  await rig.net.pass(TICKET_MS / 2, 50);
  expect(issued).toBeGreaterThanOrEqual(2);
  expect(rig.net.sockets.filter((s) => s.url.includes('tracker'))).toHaveLength(1); // seated viewers stay where they are
  rig.net.socketTo('forward').close();
  await rig.net.pass(1_000);
  expect(rig.net.socketTo('forward').messages()[0]).toMatchObject({ type: 'hello', ticket: `ticket-${issued}` });
  seat.peer.close();
}, 60_000);
