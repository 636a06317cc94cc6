import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as v from 'valibot';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PlaneState } from '../../protocol/control.ts';
import { launchNode, type LaunchSpec } from '../../servers/control/launch.ts';
import { Plane } from '../../servers/control/plane.ts';
import { createLog } from '../../servers/shared/log.ts';
import { sourcesOf } from '../../servers/shared/settings.ts';
import { parseFlags } from '../../servers/shared/settings-flags.ts';
import { FREE_PORTS, OUT } from '../support/stack.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

const DONE = { ok: true, value: null };

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
    sources,
    makesStreamKey: true,
    log: createLog('test', 'silent'),
    onChange: (state) => states.push(state),
  });
  onTestFinished(async () => {
    await plane.close();
    rmSync(data, { recursive: true, force: true });
  });
  return { plane, launched, states, sources };
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
    expect(plane.getState()).toMatchObject({ capture: { state: { is: 'idle' } }, addresses: null, link: null });
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
    expect(await plane.call('restartProgram', { name: 'tracker' })).toEqual({ ok: true, value: null });
    await until('the tracker to answer again', () =>
      fetch(`${tracker}/healthz`).then(
        (answer) => answer.ok,
        () => false,
      ),
    );
    expect(launched.filter((one) => one.program === 'tracker')).toHaveLength(2);
    expect(await plane.call('restartProgram', { name: 'nobody' })).toMatchObject({ ok: false, reason: 'bad-call' });
  });

  it('goes live only once the servers are there, and off again', async () => {
    const { plane } = makePlane();
    expect(await plane.call('setSource', { source: { kind: 'test' }, preset: '360p' })).toEqual(DONE);
    expect(await plane.call('goLive', undefined)).toMatchObject({ ok: false, reason: 'not-now' });
    const { coordinate } = await plane.start();
    expect(await plane.call('goLive', undefined)).toEqual(DONE);
    await until('the stream to be live', () => stateOfStream(coordinate, 'live'), { withinMs: 15_000 });
    expect(plane.getState().capture.state.is).toBe('live');
    expect(await plane.call('stopLive', undefined)).toEqual(DONE);
    expect(plane.getState().capture.state.is).toBe('previewing');
    expect(await plane.call('stopPreview', undefined)).toEqual(DONE);
    expect(plane.getState().capture.state.is).toBe('idle');
    await until('the stream to end', () => stateOfStream(coordinate, 'ended'));
  });

  it('[C7] refuses calls that are not in the contract, and says why', async () => {
    const { plane } = makePlane();
    for (const [name, argument] of [
      ['exec', 'rm'],
      ['constructor', undefined],
      [7, undefined],
      ['getState', {}],
      ['restartProgram', { name: 7 }],
      ['setSource', { source: { kind: 'file', file: 5 }, preset: '360p' }],
      ['setSource', { source: { kind: 'test' }, preset: '8K' }],
      ['saveSettings', { values: { host: { toString: 'x' } } }],
    ] as const) {
      const outcome = await plane.call(name, argument);
      expect(outcome).toMatchObject({ ok: false, reason: 'bad-call' });
      expect(v.is(v.object({ detail: v.pipe(v.string(), v.minLength(10)) }), outcome)).toBe(true);
    }
  });

  it('sees the mesh of its own programs, remembers it, and says what each takes', async () => {
    const { plane } = makePlane();
    const heard: string[] = [];
    plane.listen((event) => heard.push(event));
    await plane.start();
    await until('all three feeds to be read', () => Object.keys(plane.mesh.view.tables['feeds'] ?? {}).length === 3);
    await until('the forward to be described by both', () =>
      Object.values(plane.mesh.view.tables['forwards'] ?? {}).some(
        (row) => row['tracker'] !== null && row['program'] === 'forward',
      ),
    );
    const [tracker] = Object.values(plane.mesh.view.tables['trackers'] ?? {});
    expect(tracker).toMatchObject({ program: 'tracker', state: 'here' });
    await until('a sample with every program’s use', () => {
      const { samples } = plane.history.between(0, Number.MAX_SAFE_INTEGER);
      return Object.keys(samples.at(-1)?.programs ?? {}).length === 3;
    });
    const idsOf = (tables: object | undefined): string[][] =>
      Object.values(tables ?? {}).map((rows: object) => Object.keys(rows));
    expect(idsOf(plane.history.meshAt(Date.now())?.tables)).toEqual(idsOf(plane.mesh.view.tables));
    expect(new Set(heard)).toEqual(new Set(['changed', 'meshChanged', 'sampled', 'marked', 'logged']));
  });

  it('goes on after a lost program: the mesh shows it, and a marker tells', async () => {
    const { plane } = makePlane();
    await plane.start();
    await until('the tracker’s feed', () => feedStates(plane).filter((state) => state === 'open').length === 3);
    const tracker = plane.getState().programs['tracker'];
    if (tracker?.is === 'ready') process.kill(tracker.pid, 'SIGKILL');
    await until('its feed to be lost', () => feedStates(plane).some((state) => state !== 'open'));
    await until('all feeds again', () => feedStates(plane).filter((state) => state === 'open').length === 3, {
      withinMs: 15_000,
    });
    const texts = plane.history.between(0, Number.MAX_SAFE_INTEGER).markers.map((marker) => marker.text);
    expect(texts.some((text) => /^The tracker ended .* and is started again\.$/.test(text))).toBe(true);
  });

  it('changes settings for good: refused with a sentence, kept over a restart, given ones untouched', async () => {
    const { plane, sources } = makePlane();
    const { coordinate } = await plane.start();
    const save = (values: Record<string, string | number | boolean | null>) => plane.call('saveSettings', { values });
    expect(await save({ 'unit-ms': 7 })).toMatchObject({
      ok: false,
      detail: expect.stringContaining('from 40 to 120') as string,
    });
    expect(await save({ nonsense: 1 })).toMatchObject({ ok: false });
    expect(await save({ 'coordinate-port': 8080 })).toMatchObject({
      ok: false,
      detail: expect.stringContaining('given when') as string,
    });
    expect(await save({ 'unit-ms': 80 })).toEqual(interrupting('coordinate'));
    expect(plane.programs.settings.coordinate.unitMs).toBe(80);
    expect(plane.getState().addresses?.coordinate).toBe(coordinate);
    const rows = await plane.call('getSettings', undefined);
    expect(rows).toMatchObject({ ok: true });
    const again = new Plane({
      launch: launchNode(OUT),
      sources,
      makesStreamKey: true,
      log: createLog('test', 'silent'),
    });
    expect(again.programs.settings.coordinate.unitMs).toBe(80);
    await again.close();
  });

  it('restarts only what a changed setting concerns: pictures and broadcast go on while the tracker changes', async () => {
    const { plane } = makePlane();
    const { coordinate } = await plane.start();
    await plane.call('setSource', { source: { kind: 'test' }, preset: '360p' });
    await plane.call('goLive', undefined);
    await until('the stream to be live', () => stateOfStream(coordinate, 'live'), { withinMs: 15_000 });
    const captured: string[] = [];
    plane.listen(() => captured.push(plane.capture.view.state.is));
    const values = { slices: 4 };
    expect(await plane.call('checkSettings', { values })).toEqual(interrupting('tracker'));
    const [atFirst, trackerAtFirst, forwardAtFirst] = pidsOf(plane);
    expect(await plane.call('saveSettings', { values })).toEqual(interrupting('tracker'));
    const [now, trackerNow, forwardNow] = pidsOf(plane);
    expect(now).toBe(atFirst);
    expect(forwardNow).toBe(forwardAtFirst);
    expect(trackerNow).not.toBe(trackerAtFirst);
    expect(new Set(captured)).toEqual(new Set(['live']));
    expect(await plane.call('checkSettings', { values: { 'forward-count': 2 } })).toEqual(interrupting());
    expect(await plane.call('saveSettings', { values: { 'forward-count': 2 } })).toEqual(interrupting());
    expect(pidsOf(plane).slice(0, 3)).toEqual([now, trackerNow, forwardNow]);
    expect(pidsOf(plane)).toHaveLength(4);
    expect(await plane.call('saveSettings', { values: { 'forward-count': 1 } })).toEqual(interrupting('forward-2'));
    expect(pidsOf(plane)).toEqual([now, trackerNow, forwardNow]);
    expect(await plane.call('checkSettings', { values: { slices: 99 } })).toMatchObject({ reason: 'bad-call' });
  });

  it('opens to this network with a random key, and closes again', async () => {
    const { plane } = makePlane();
    const { coordinate } = await plane.start();
    expect(coordinate).toContain('127.0.0.1');
    expect(await plane.call('setDestination', { to: 'network' })).toEqual(DONE);
    const open = plane.getState();
    expect(plane.programs.settings.forward.host).toBe('0.0.0.0');
    expect(open.push?.key).toMatch(/^[\w-]{16}$/);
    const refused = await fetch(open.push?.url ?? '', { method: 'POST', body: 'x'.repeat(500) });
    expect(refused.status).toBe(401);
    expect(await plane.call('setDestination', { to: 'here' })).toEqual(DONE);
    expect(plane.getState()).toMatchObject({ link: `${coordinate}/watch/live`, push: { key: null } });
  });

  it('knows a server of one’s own and never shows its key', async () => {
    const { plane } = makePlane();
    await plane.start();
    const ask = { to: 'server', coordinate: 'https://live.example.org/', key: 'a-secret-key' };
    expect(await plane.call('setDestination', ask)).toEqual(DONE);
    expect(plane.target()).toEqual({ url: 'https://live.example.org/stream/live', key: 'a-secret-key' });
    const { destination, link } = plane.getState();
    expect(destination).toEqual({ to: 'server', coordinate: 'https://live.example.org', hasKey: true });
    expect(link).toBe('https://live.example.org/watch/live');
    expect(await plane.call('setDestination', { to: 'server' })).toMatchObject({ ok: false, reason: 'bad-call' });
  });
});

const interrupting = (...interrupted: string[]) => ({ ok: true, value: { interrupted } });

const feedStates = (plane: Plane): unknown[] =>
  Object.values(plane.mesh.view.tables['feeds'] ?? {}).map((row) => row['state']);

async function stateOfStream(coordinate: string, state: string): Promise<boolean> {
  const answer = await fetch(`${coordinate}/streams`);
  return (await answer.text()).includes(`"state":"${state}"`);
}
