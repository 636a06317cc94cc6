// `p2plive audience` and `p2plive drill` as a person types them: real programs, real peers, few of them.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { descendantsOf, isAlive } from '../support/processes.ts';
import { eventIn, startCli, startLiveStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

const run = async (args: readonly string[]) => {
  const owned = startCli(args);
  onTestFinished(async () => void (await owned.stop('SIGKILL')));
  const { code } = await owned.ended;
  return { code, stdout: owned.stdout(), stderr: owned.stderr(), done: eventIn(owned, 'done') };
};

describe('an audience', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startLiveStack();
  });
  afterAll(() => stack?.stop());

  it('watches, is counted by the servers’ own counters, and ends with a verdict', async () => {
    const { done, code } = await run([
      'audience',
      '6',
      '--coordinate',
      stack.ready.coordinate,
      '--seconds',
      '6',
      '--json',
    ]);
    expect(done).toMatchObject({ viewers: 6, verdict: expect.stringMatching(/passed|failed/) });
    const { units, missing } = done as { units: number; missing: number };
    expect(units).toBeGreaterThan(200);
    expect(missing / units).toBeLessThan(0.1); // none on a machine that has time
    expect(Number(done?.['offload'])).toBeGreaterThan(0.5);
    expect(code).toBe(done?.['verdict'] === 'passed' ? 0 : 1);
  });

  it('is refused where there is nothing to watch, and where its report could not be kept, before anybody joins', async () => {
    const to = ['audience', '3', '--coordinate', stack.ready.coordinate];
    const elsewhere = await run([...to, '--stream', 'other']);
    expect(elsewhere).toMatchObject({ code: 1, stdout: '' });
    expect(elsewhere.stderr).toBe(
      `The stream other is not on air at ${stack.ready.coordinate}: go live first, or name one of live with --stream.\n`,
    );
    const lost = await run([...to, '--report', '/nowhere/report.json']);
    expect(lost).toMatchObject({ code: 2, stdout: '' });
    expect(lost.stderr).toBe(
      'The report cannot be written to /nowhere/report.json (ENOENT); name another file with --report.\n',
    );
  });

  it('is told to stop, and says what it saw until then', async () => {
    const owned = startCli(['audience', '3', '--coordinate', stack.ready.coordinate, '--seconds', '600', '--json']);
    onTestFinished(async () => void (await owned.stop('SIGKILL')));
    await until('it watches', () => eventIn(owned, 'settled'), { withinMs: 30_000 });
    owned.child.kill('SIGINT');
    await owned.ended;
    expect(eventIn(owned, 'done')).toMatchObject({ viewers: 3 });
  });

  it.each([
    [['audience', 'many'], 'a whole number'],
    [['audience', '3', '--uplink', 'none'], '--uplink is one of'],
    [['audience', '3', '--speed', '4'], '--speed'],
    [['audience'], 'p2plive audience needs <N>'],
    [['audience', '3', '--coordinate', 'http://127.0.0.1:1'], 'No coordinate answers at http://127.0.0.1:1;', 1],
  ])('%j is refused with one sentence', async (args, sentence, exit = 2) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(exit);
    expect(stderr).toContain(sentence);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('a drill', () => {
  it('cuts links, judges what was seen, writes its report, and leaves nothing behind', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-report-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const report = path.join(folder, 'drill.md');
    const owned = startCli(['drill', 'cut-30', '--viewers', '5', '--json', '--report', report]);
    onTestFinished(async () => void (await owned.stop('SIGKILL')));
    await until('its audience', () => descendantsOf(owned.child.pid ?? 0).length >= 5, { withinMs: 60_000 });
    const below = descendantsOf(owned.child.pid ?? 0).map(({ pid }) => pid);
    const { code } = await owned.ended;
    const done = eventIn(owned, 'done');
    expect(done, owned.stderr()).toMatchObject({
      name: 'cut-30',
      viewers: 5,
      what: expect.stringContaining('were cut'),
    });
    expect(code).toBe(done?.['verdict'] === 'passed' ? 0 : 1);
    expect(existsSync(report)).toBe(true);
    expect(readFileSync(report, 'utf8')).toContain(`# Drill cut-30: ${String(done?.['verdict'])}`);
    await until('everything it started to end', () => below.every((pid) => !isAlive(pid)));
  });

  it('is refused where its report could not be kept', async () => {
    const { code, stdout, stderr } = await run(['drill', 'cut-30', '--report', '/nowhere/report.md']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('The report cannot be written to /nowhere/report.md (ENOENT)');
  });

  it('that is stopped says so', async () => {
    const owned = startCli(['drill', 'cut-30', '--viewers', '2', '--json']);
    onTestFinished(async () => void (await owned.stop('SIGKILL')));
    await until('its programs', () => descendantsOf(owned.child.pid ?? 0).length >= 3, { withinMs: 30_000 });
    owned.child.kill('SIGINT');
    expect((await owned.ended).code).toBe(1);
    expect(eventIn(owned, 'failed')?.['detail']).toBe('The drill was stopped before it had a verdict.');
  });

  it('of another name is refused', async () => {
    const { code, stderr } = await run(['drill', 'flood']);
    expect(code).toBe(2);
    expect(stderr).toContain('There is no drill flood; there are kill-forward');
  });
});
