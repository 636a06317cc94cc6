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

  it('counts what a restarted forward has sent since, and nothing twice', () => {
    const sampler = new Sampler();
    sampler.take(1_000, tables(5_000_000, 5_000_000, [viewer('v1')]));
    const { sample } = sampler.take(2_000, tables(750, 1_000, [viewer('v1')]));
    expect(sample).toMatchObject({
      offload: 0.25,
      egressBitsPerSecond: { media: 6_000 },
      ingressBitsPerSecond: 8_000,
    });
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

describe('what viewers carried, when a forward is killed', () => {
  const SECOND_BYTES = 100_000;
  const four = Object.fromEntries([1, 2, 3, 4].map((i) => [`v${i}`, viewer(`v${i}`)]));
  /** A forward that has lived for so long, and sends `share` of a copy. */
  const forward = (pull: string, seconds: number, share: number): Row => ({
    pull,
    egressBytes: { media: seconds * share * SECOND_BYTES, bootstrap: 0, repair: 0, control: 9 * seconds },
    ingressBytes: seconds * SECOND_BYTES,
  });
  const dead = forward('ws://two', 1_015, 1);
  const NOTHING_YET = { egressBytes: { media: 0, bootstrap: 0, repair: 0, control: 0 }, ingressBytes: 0 };

  /** Samples of the seconds 1 to 40, by the rows of the forwards in each; what a second's forwards have sent, in copies. */
  function watched(rowsAt: (second: number) => Record<string, Row>, copiesIn: (second: number) => number): void {
    const sampler = new Sampler();
    for (let second = 1; second <= 40; second++) {
      const tables = { viewers: four, forwards: rowsAt(second) };
      const { sample } = sampler.take(1_000 * second, tables);
      expect(v.parse(Sample, sample)).toEqual(sample);
      if (second === 1) continue;
      const seconds = Array.from({ length: Math.min(10, second - 1) }, (_, i) => second - i);
      const sent = seconds.reduce((sum, one) => sum + copiesIn(one), 0);
      expect({ second, offload: sample.offload }).toEqual({
        second,
        offload: expect.closeTo(1 - sent / 4 / seconds.length, 2),
      });
      expect(sample.egressBitsPerSecond.media).toBeCloseTo(8 * SECOND_BYTES * copiesIn(second), 3);
      expect(sample.ingressBitsPerSecond).toBe(8 * SECOND_BYTES);
    }
  }

  it.each<[string, (second: number) => Record<string, Row>]>([
    [
      'under another id',
      (second) =>
        second <= 15
          ? { f2: forward('ws://two', 1_000 + second, 1) }
          : second <= 17
            ? { f2: dead } // nobody has noticed
            : second <= 19
              ? {}
              : second === 20
                ? { f3: { ...NOTHING_YET, pull: 'ws://two' } } // named by its tracker, and not read yet
                : { f3: forward('ws://two', second - 20, 0.5) },
    ],
    [
      'under its own name',
      (second) =>
        second <= 15
          ? { f2: forward('ws://two', 1_000 + second, 1) }
          : second <= 20
            ? { f2: { ...NOTHING_YET, pull: 'ws://two' } }
            : { f2: forward('ws://two', second - 20, 0.5) },
    ],
  ])('is known all the time, when it comes back %s', (_name, second) => {
    watched(
      (at) => ({ f1: forward('ws://one', 500 + at, 0.5), ...second(at) }),
      (at) => 0.5 + (at <= 15 ? 1 : at <= 20 ? 0 : 0.5),
    );
  });

  it('does not take two forwards for one that say the same address, as those of two systems may', () => {
    watched(
      (at) => ({
        f1: forward('ws://127.0.0.1:9998/pull', 500 + at, 0.5),
        f2: forward('ws://127.0.0.1:9998/pull', at, 1),
      }),
      () => 1.5,
    );
  });

  it('is not taken anew from a forward of which only its tracker has spoken for a while', () => {
    const sampler = new Sampler();
    const rates = Array.from({ length: 20 }, (_, i) => {
      const isRead = i > 3 && i !== 12;
      const f1 = isRead ? forward('ws://one', 5_000 + i, 1) : { ...NOTHING_YET, pull: 'ws://one' };
      const { sample } = sampler.take(1_000 * i, { viewers: four, forwards: { f1 } });
      expect(sample.offload).toBe(i > 4 ? 0.75 : null);
      return sample.egressBitsPerSecond.media / 8 / SECOND_BYTES;
    });
    expect(rates).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 2, 1, 1, 1, 1, 1, 1]);
  });

  it('is not known for a moment where a forward began anew after nobody had looked for a while', () => {
    const sampler = new Sampler();
    const at = (atMs: number, id: string, seconds: number) =>
      sampler.take(atMs, { viewers: four, forwards: { [id]: forward('ws://one', seconds, 1) } }).sample;
    expect([at(1_000, 'f1', 10), at(2_000, 'f1', 11)].map(({ offload }) => offload)).toEqual([null, 0.75]);
    expect(at(60_000, 'f1', 69)).toMatchObject({ offload: 0.75, egressBitsPerSecond: { media: 8 * SECOND_BYTES } });
    expect(at(120_000, 'f2', 5)).toMatchObject({ offload: null, egressBitsPerSecond: { media: 0 }, joined: 0 });
    expect(at(121_000, 'f2', 6)).toMatchObject({ offload: 0.75, egressBitsPerSecond: { media: 8 * SECOND_BYTES } });
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
