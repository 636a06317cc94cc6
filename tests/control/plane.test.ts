import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as v from 'valibot';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CallArguments, PlaneState } from '../../protocol/control.ts';
import { launchNode, type LaunchSpec } from '../../servers/control/launch.ts';
import { Plane } from '../../servers/control/plane.ts';
import { createLog } from '../../servers/shared/log.ts';
import { resolve, sourcesOf } from '../../servers/shared/settings.ts';
import { parseFlags } from '../../servers/shared/settings-flags.ts';
import { FREE_PORTS, OUT } from '../support/stack.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

function makePlane(args: string[] = []) {
  const data = mkdtempSync(path.join(tmpdir(), 'p2plive-plane-'));
  const flags = parseFlags(['up', 'coordinate', 'tracker', 'forward'], [...FREE_PORTS, '--data-dir', data, ...args]);
  const sources = sourcesOf(flags, {});
  const launched: LaunchSpec[] = [];
  const states: PlaneState[] = [];
  const plane = new Plane({
    launch(spec) {
      launched.push(spec);
      return launchNode(OUT)(spec);
    },
    settings: {
      up: resolve('up', sources),
      coordinate: resolve('coordinate', sources),
      tracker: resolve('tracker', sources),
      forward: resolve('forward', sources),
    },
    log: createLog('test', 'silent'),
    onChange: (state) => states.push(state),
  });
  onTestFinished(async () => {
    await plane.close();
    rmSync(data, { recursive: true, force: true });
  });
  return { plane, launched, states };
}

const pidsOf = (plane: Plane): number[] =>
  Object.values(plane.getState().programs).flatMap((state) => (state.is === 'ready' ? [state.pid] : []));

describe('the control plane', () => {
  it('wires the programs by their real ports and one secret that no command line shows', async () => {
    const { plane, launched } = makePlane();
    const { coordinate, tracker } = await plane.start();
    const of = (program: string) => launched.find((one) => one.program === program);
    expect(of('tracker')?.args).toContain(coordinate);
    expect(of('forward')?.args).toContain(tracker);
    expect(of('forward')?.args.join(' ')).not.toContain('9090');
    const secrets = new Set(launched.map((one) => one.env['P2PLIVE_MESH_SECRET']));
    expect(secrets.size).toBe(1);
    const [secret = ''] = secrets;
    expect(secret.length).toBeGreaterThan(40);
    expect(launched.flatMap((one) => one.args).join(' ')).not.toContain(secret);
  });

  it('has a state that the contract describes, at every change', async () => {
    const { plane, states } = makePlane();
    expect(plane.getState()).toMatchObject({ capture: { is: 'idle' }, addresses: null });
    await plane.start();
    await until('the last change', () => states.at(-1)?.addresses);
    for (const state of states) expect(v.parse(PlaneState, JSON.parse(JSON.stringify(state)))).toEqual(state);
    expect(Object.keys(plane.getState().programs)).toEqual(['coordinate', 'tracker', 'forward']);
  });

  it('ends every program, called once or twice, and within 3 s', async () => {
    const { plane } = makePlane();
    await plane.start();
    const pids = pidsOf(plane);
    expect(pids).toHaveLength(3);
    const beganMs = performance.now();
    await Promise.all([plane.close(), plane.close()]);
    expect(performance.now() - beganMs).toBeLessThan(3_000);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('can be closed while it starts', async () => {
    const { plane } = makePlane();
    const starting = expect(plane.start()).rejects.toThrow('was stopped');
    await plane.close();
    await starting;
    expect(pidsOf(plane)).toEqual([]);
  });

  it('[C7] restarts a program by name, at the same address', async () => {
    const { plane, launched } = makePlane();
    const { tracker } = await plane.start();
    expect(await plane.restartProgram({ name: 'tracker' })).toEqual({ ok: true, value: null });
    await until('the tracker to answer again', () =>
      fetch(`${tracker}/healthz`).then(
        (answer) => answer.ok,
        () => false,
      ),
    );
    expect(launched.filter((one) => one.program === 'tracker')).toHaveLength(2);
    expect(await plane.restartProgram({ name: 'nobody' })).toMatchObject({ ok: false, reason: 'bad-call' });
  });

  it('goes live only once the servers are there, and off again', async () => {
    const { plane } = makePlane();
    expect(plane.goLive({ source: 'test' })).toMatchObject({ ok: false, reason: 'not-now' });
    const { coordinate } = await plane.start();
    expect(plane.goLive({ source: 'test' })).toEqual({ ok: true, value: null });
    await until('the stream to be live', async () => {
      const answer = await fetch(`${coordinate}/streams`, { headers: { accept: 'application/json' } });
      return /"state":\s*"live"/.test(await answer.text());
    });
    expect(plane.getState().capture.is).toBe('live');
    await plane.stopLive();
    expect(plane.getState().capture.is).toBe('idle');
  });

  it('[C7] refuses calls that are not in the contract', () => {
    expect(v.is(CallArguments.goLive, { source: '/etc/passwd' })).toBe(false);
    expect(v.is(CallArguments.goLive, { source: 'test' })).toBe(true);
    expect(v.is(CallArguments.restartProgram, { name: 7 })).toBe(false);
    expect(v.is(CallArguments.getState, {})).toBe(false);
  });
});
