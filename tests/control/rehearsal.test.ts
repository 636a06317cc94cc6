// Drills as the control plane runs them, on an audience that is only pretended: what is refused, and what a drill that comes to nothing says.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import type { AudienceSecond } from '../../protocol/rehearsal.ts';
import type { AudienceTarget } from '../../servers/control/rehearsal/carrier.ts';
import { Rehearsal } from '../../servers/control/rehearsal/rehearsal.ts';
import { createLog } from '../../servers/shared/log.ts';
import { until } from '../support/until.ts';

const ON_AIR: AudienceTarget = { coordinate: 'http://127.0.0.1:1', stream: 'live', debugToken: undefined };
const CALM: Omit<AudienceSecond, 'second'> = {
  viewers: 12,
  playing: 12,
  parents: { peers: 22, forwards: 2 },
  units: 180,
  late: 0,
  missing: 0,
  longestGapMs: 90,
  delayP50Ms: 80,
};

function rehearsing() {
  const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-drills-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const stdout = new PassThrough();
  const orders: string[] = [];
  const owner = { target: ON_AIR as AudienceTarget | string, pid: null as number | null };
  let exit: (code: number | null, signal: string | null) => void = () => {};
  const hear = (event: object): void => void stdout.write(`${JSON.stringify(event)}\n`);
  const rehearsal = new Rehearsal(
    {
      carrier: {
        limits: { viewers: 40, says: '' },
        start: () => ({
          pid: 1,
          stdout,
          stderr: new PassThrough(),
          onExit: (done) => (exit = done),
          say: (line) => void orders.push(line),
          stop: () => exit(0, null),
          kill: () => {},
        }),
      },
      target: () => owner.target,
      pidOf: () => owner.pid,
      convicted: () => [],
      changed: () => {},
      mark: () => {},
      log: createLog('test', 'silent'),
    },
    folder,
  );
  onTestFinished(() => rehearsal.close());
  const calm = (): void => {
    hear({ event: 'settled' });
    for (let second = 1; second <= 3; second++) hear({ event: 'second', second, ...CALM });
  };
  return { rehearsal, owner, orders, hear, calm, die: (signal: string) => exit(null, signal) };
}

it('refuses a drill where nothing is on air, with the plane’s own sentence, and one on a program that does not run', () => {
  const { rehearsal, owner } = rehearsing();
  expect(rehearsal.startDrill('kill-forward')).toEqual({
    ok: false,
    reason: 'not-now',
    detail: 'The forward does not run, so it cannot be killed: start it first.',
  });
  owner.target = 'The broadcast goes elsewhere.';
  for (const outcome of [rehearsal.startDrill('cut-30'), rehearsal.startDrill('kill-forward')])
    expect(outcome).toEqual({ ok: false, reason: 'not-now', detail: 'The broadcast goes elsewhere.' });
  expect(rehearsal.drill).toMatchObject({ running: null, reports: [] });
});

it('has no verdict on harm that could not be done, but the reason', async () => {
  const { rehearsal, orders, hear, calm } = rehearsing();
  const drilled = rehearsal.drillNow('cut-50');
  calm();
  await until('the order', () => orders.length > 0);
  hear({ event: 'refused', detail: 'There is no link to cut.' });
  expect(await drilled).toBe('There is no link to cut.');
  expect(rehearsal.drill).toMatchObject({ problem: 'There is no link to cut.', reports: [] });
});

it('does not wait for calm when the broadcast has gone off the air', async () => {
  const { rehearsal, owner } = rehearsing();
  const drilled = rehearsal.drillNow('cut-50');
  owner.target = 'Nothing is on air.';
  expect(await drilled).toBe('The broadcast went off the air before the drill began.');
});

it('tells how its audience ended', async () => {
  const { rehearsal, orders, calm, die } = rehearsing();
  const drilled = rehearsal.drillNow('cut-50');
  calm();
  await until('the order', () => orders.length > 0);
  die('SIGSEGV');
  expect(await drilled).toContain('The audience ended before it obeyed.');
  expect(rehearsal.audience).toMatchObject({ is: 'failed', detail: expect.stringContaining('(SIGSEGV)') });
});

it('starts nobody once it is closed', async () => {
  const { rehearsal } = rehearsing();
  await rehearsal.close();
  expect(await rehearsal.drillNow('cut-50')).toBe('Everything is being closed.');
  expect(rehearsal.audience).toEqual({ is: 'none' });
});
