// Two people at home, each behind a router, watch the same stream: they meet by STUN and one feeds the other.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { NatRig, whyNoRig } from '../support/nat-rig.ts';
import { openViewer, playsOn, type ViewerPage } from '../support/pages.ts';
import { CLI, eventIn } from '../support/stack.ts';
import { until } from '../support/until.ts';

const SECRET = 'a-secret-that-only-this-test-knows';

/** In a network of their own the servers have their usual ports. */
async function servers(rig: NatRig): Promise<string> {
  const data = mkdtempSync(path.join(tmpdir(), 'p2plive-nat-'));
  const flags = ['--json', '--no-console', '--source', 'test', '--host', '0.0.0.0', '--data-dir', data];
  const up = rig.start('host', process.execPath, [CLI, 'up', ...flags], { P2PLIVE_MESH_SECRET: SECRET });
  onTestFinished(async () => {
    await up.stop();
    rmSync(data, { recursive: true, force: true });
  });
  const ready = await until('the ready line', () => eventIn(up, 'ready'), {
    withinMs: 30_000,
    describe: () => up.stderr(),
  });
  return String(ready['watch']);
}

async function viewerAt(rig: NatRig, home: 'home-a' | 'home-b', watch: string): Promise<ViewerPage> {
  const browser = await openBrowser({ through: rig.at(home) });
  onTestFinished(() => browser.close());
  return openViewer(browser, watch);
}

const whyNot = whyNoRig();

it('two viewers behind two NATs feed each other by STUN', async ({ skip }) => {
  skip(whyNot !== null, whyNot ?? '');
  const rig = NatRig.build();
  onTestFinished(() => rig.remove());
  const watch = await servers(rig);
  expect(watch).toBe(`http://${rig.host}:8080/watch/live`);
  const first = await viewerAt(rig, 'home-a', watch);
  await playsOn(first, 5, 30_000);
  const second = await viewerAt(rig, 'home-b', watch);
  await playsOn(second, 5, 30_000);
  const firstId = (await first.stats()).id;
  await until(
    'the second to be fed by the first',
    async () => (await second.stats()).parents.some((p) => p.kind === 'peer' && p.id === firstId),
    { withinMs: 20_000, describe: async () => JSON.stringify([await first.stats(), await second.stats()]) },
  );
  const before = (await second.stats()).receivedBytes.peers;
  await playsOn(second, 90);
  expect((await second.stats()).receivedBytes.peers - before).toBeGreaterThan(100_000);

  const ways = [...(await first.ways()), ...(await second.ways())];
  expect(ways.length).toBeGreaterThanOrEqual(2);
  // The homes' own addresses are of no use to the other: each end is the outside of a router, as STUN has told it (srflx) or as the
  // first check from there has shown it (prflx).
  for (const { local, remote } of ways) expect([local, remote].join()).toMatch(/^(srflx|prflx),(srflx|prflx)$/);
  expect(ways.map((way) => way.remote)).toContain('srflx');
  for (const { remote, address } of ways)
    if (remote === 'srflx') expect([rig.outside.a, rig.outside.b]).toContain(address);
  expect([...first.errors, ...second.errors]).toEqual([]);
});
