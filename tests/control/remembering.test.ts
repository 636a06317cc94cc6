// What the control plane remembers: the console's file, the history, the logs.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as v from 'valibot';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LogLine } from '../../protocol/control.ts';
import { Sample } from '../../protocol/history.ts';
import { applyChanges, type Change, type MeshView, type Row } from '../../protocol/mesh-view.ts';
import { History } from '../../servers/control/history.ts';
import { LogBook } from '../../servers/control/log-book.ts';
import { Sampler } from '../../servers/control/sampler.ts';
import { SavedState } from '../../servers/control/saved.ts';
import { quietLog } from '../support/quiet-log.ts';
import { seeded } from '../support/random.ts';
import { until } from '../support/until.ts';

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'p2plive-saved-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe('the console’s file', () => {
  it('keeps what was set, readable by its owner alone, and leaves no half-written file', () => {
    const home = folder();
    const saved = new SavedState(home, quietLog());
    saved.change({ settings: { 'unit-ms': '80' }, destination: 'network' });
    const again = new SavedState(home, quietLog());
    expect(again.value).toEqual(saved.value);
    expect(again.value.token.length).toBeGreaterThan(20);
    expect(statSync(saved.file).mode & 0o077).toBe(0);
    expect(readdirSync(home)).toEqual(['console.json']);
  });

  it.each([
    ['is not JSON', '{ "version": 1, '],
    ['is not valid', JSON.stringify({ version: 1, token: 'x'.repeat(20), settings: { a: 7 }, remotes: [] })],
    ['is not valid', JSON.stringify({ version: 99 })],
  ])('that %s is set aside with a sentence, whole', (why, text) => {
    const home = folder();
    writeFileSync(path.join(home, 'console.json'), text);
    const saved = new SavedState(home, quietLog());
    expect(saved.note).toContain(why);
    saved.change({});
    const [aside = ''] = readdirSync(home).filter((name) => name.includes('.broken-'));
    expect(readFileSync(path.join(home, aside), 'utf8')).toBe(text);
    expect(existsSync(saved.file)).toBe(true);
  });

  it('that can not be written is told, and the rest goes on', () => {
    const home = folder();
    writeFileSync(path.join(home, 'in-the-way'), '');
    const saved = new SavedState(path.join(home, 'in-the-way'), quietLog());
    saved.change({ destination: 'network' });
    expect(saved.value.destination).toBe('network');
    expect(saved.note).toMatch(/could not be (read|written)/);
  });
});

const viewer = (id: string, more: Row = {}): Row => ({
  id,
  stream: 'live',
  role: 'viewer',
  state: 'playing',
  parents: [],
  arrivalMs: 80,
  stalls: { count: 0, ms: 0 },
  ...more,
});

describe('the history', () => {
  it('gives the mesh back as it was at any moment of it', () => {
    const random = seeded(20_261_124);
    const history = new History();
    const view: MeshView = { serial: 0, tables: {} };
    const kept: { atMs: number; ids: string[]; states: string[] }[] = [];
    for (let step = 0; step < 2_000; step++) {
      const atMs = 1_000_000 + step * 700;
      const id = `v${Math.floor(random() * 40)}`;
      const change: Change =
        random() < 0.3
          ? { op: 'drop', table: 'viewers', id }
          : {
              op: 'put',
              table: 'viewers',
              id,
              row: viewer(id, { state: random() < 0.5 ? 'playing' : 'starving', sentBytes: step }),
            };
      applyChanges(view, view.serial + 1, [change]);
      history.meshChanged(atMs, view.tables, [change]);
      const rows = view.tables['viewers'] ?? {};
      const ids = Object.keys(rows).toSorted();
      kept.push({ atMs, ids, states: ids.map((one) => String(rows[one]?.['state'])) });
    }
    for (const { atMs, ids, states } of kept.filter((_, i) => i % 37 === 0)) {
      const rows = history.meshAt(atMs + 1)?.tables['viewers'] ?? {};
      expect(Object.keys(rows).toSorted()).toEqual(ids);
      expect(ids.map((one) => rows[one]?.['state'])).toEqual(states);
    }
    expect(history.meshAt(0)?.atMs).toBe(1_000_000);
  });

  it('is bounded: two thousand viewers that report each second for an hour', () => {
    const history = new History();
    const view: MeshView = { serial: 0, tables: {} };
    for (let second = 0; second < 3_600; second += 4) {
      const changes: Change[] = Array.from({ length: 2_000 }, (_, i) => ({
        op: 'put',
        table: 'viewers',
        id: `v${i}`,
        row: viewer(`v${i}`, { sentBytes: second }),
      }));
      applyChanges(view, view.serial + 1, changes);
      history.meshChanged(second * 1_000, view.tables, changes);
    }
    const oldest = history.meshAt(0)?.atMs ?? 0;
    // Thirty whole views of 2,000 rows are all that is held.
    expect(3_600_000 - oldest).toBeGreaterThanOrEqual(29 * 60_000);
    expect(3_600_000 - oldest).toBeLessThan(46 * 60_000);
  });
});

describe('a sample', () => {
  const tables = (egress: number, ingress: number, viewers: Row[]): MeshView['tables'] => ({
    viewers: Object.fromEntries(viewers.map((row) => [String(row['id']), row])),
    swarms: { live: { targetDelayMs: 270 } },
    streams: { live: { state: 'live' } },
    forwards: { f1: { egressBytes: { media: egress, bootstrap: 0, repair: 0, control: 5 }, ingressBytes: ingress } },
  });

  it('says who watches, how late, and what the viewers carried, by the forward’s counters', () => {
    const sampler = new Sampler();
    const four = [1, 2, 3, 4].map((i) => viewer(`v${i}`, { arrivalMs: i * 100 }));
    const first = sampler.take(1_000, tables(0, 0, four));
    expect(v.parse(Sample, first.sample)).toMatchObject({ viewers: 4, joined: 0, offload: null });
    const worse = four.slice(1).map((row) => ({ ...row, stalls: { count: 1, ms: 40 } }));
    const second = sampler.take(2_000, tables(100_000, 100_000, worse));
    expect(v.parse(Sample, second.sample)).toMatchObject({
      viewers: 3,
      left: 1,
      stalledMs: 120,
      delayP50Ms: 360,
      delayP95Ms: 460,
      egressBitsPerSecond: { media: 800_000 },
    });
    expect(second.sample.offload).toBeCloseTo(1 - 1 / 3.5, 2);
    expect(second.markers).toContainEqual({ atMs: 2_000, kind: 'viewer', subject: 'v1', text: 'Viewer v1 left.' });
  });

  it('does not count consoles’ monitors, nor what they were sent', () => {
    const sampler = new Sampler();
    const monitor = (bytes: number): Row =>
      viewer('m', { role: 'monitor', receivedBytes: { forward: bytes, peers: 0 } });
    const two = [viewer('v1'), viewer('v2')];
    sampler.take(1_000, tables(0, 0, [...two, monitor(0)]));
    const { sample } = sampler.take(2_000, tables(200_000, 100_000, [...two, monitor(100_000)]));
    expect(sample).toMatchObject({ viewers: 2, playing: 2, offload: 0.5 });
  });

  it('does not take a restarted forward’s counters for bytes', () => {
    const sampler = new Sampler();
    sampler.take(1_000, tables(5_000_000, 5_000_000, [viewer('v1')]));
    const { sample } = sampler.take(2_000, tables(1_000, 1_000, [viewer('v1')]));
    expect(sample).toMatchObject({ offload: null, egressBitsPerSecond: { media: 0 }, ingressBitsPerSecond: 0 });
  });

  it('names a few of many who leave at once', () => {
    const sampler = new Sampler();
    sampler.take(
      1_000,
      tables(
        0,
        0,
        Array.from({ length: 300 }, (_, i) => viewer(`v${i}`)),
      ),
    );
    const { markers } = sampler.take(2_000, tables(0, 0, []));
    expect(markers.length).toBeLessThan(8);
    expect(markers.at(-1)?.text).toBe('300 viewers left within a second.');
  });
});

describe('the log book', () => {
  it('reads programs’ JSON lines and anything else, numbers them, tells them in batches and forgets the oldest', async () => {
    const told: LogLine[][] = [];
    const book = new LogBook((lines) => told.push(lines));
    onTestFinished(() => book.close());
    book.add(
      'tracker',
      '{"level":40,"time":"2026-11-24T00:00:00.000Z","program":"tracker","forward":"f1","msg":"a forward is gone"}',
    );
    book.add('forward', 'Error: out of paper');
    book.add('forward', '{ not json');
    await until('they are told', () => told.length > 0);
    expect(told).toHaveLength(1);
    for (const line of told[0] ?? []) v.parse(LogLine, line);
    expect(told[0]).toMatchObject([
      {
        serial: 1,
        program: 'tracker',
        level: 40,
        text: 'a forward is gone forward=f1',
        atMs: Date.parse('2026-11-24T00:00:00.000Z'),
      },
      { serial: 2, program: 'forward', level: 30, text: 'Error: out of paper' },
      { serial: 3, text: '{ not json' },
    ]);
    for (let i = 0; i < 30_000; i++) book.add('forward', `line ${i}`);
    expect(book.list(50_000).length).toBeLessThanOrEqual(11_000);
    expect(book.list(2).map((line) => line.text)).toEqual(['line 29998', 'line 29999']);
  });
});
