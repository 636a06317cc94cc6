// Whom nobody should believe, what was carried by everybody's account, and what the mesh would hold: as the console says it.
import { describe, expect, it } from 'vitest';
import type { MeshTables, StartsRow, SwarmRow, ViewerTableRow } from '../../protocol/mesh-tables.ts';
import type { Advice } from '../../renderer/health/advice.ts';
import { swarmWords } from '../../renderer/health/swarm-words.ts';
import { ofCap } from '../../renderer/health/cap-advice.ts';
import { ofCrowd } from '../../renderer/health/crowd-advice.ts';
import { ofLedgers, ofTrust } from '../../renderer/health/trust-advice.ts';
import { nodeFacts } from '../../renderer/mesh/facts.ts';
import { buildGraph, nodeOf } from '../../renderer/mesh/graph.ts';
import { HEALTH_WORDS, isProblem, SEVERITY, viewerHealth } from '../../renderer/mesh/health.ts';
import { FakeMesh } from '../support/fake-mesh.ts';

const ID = 'v00003';
const tables: MeshTables = new FakeMesh(8).tables;
const row = tables.viewers[ID] as ViewerTableRow;
const swarm = tables.swarms['live'] as SwarmRow;
const withRow = (change: Partial<ViewerTableRow>): MeshTables => ({
  ...tables,
  viewers: { ...tables.viewers, [ID]: { ...row, ...change } },
});

describe('a viewer that nobody should trust', () => {
  it('is convicted whatever else it is, and accused only where nothing worse is', () => {
    expect(viewerHealth({ ...row, trust: 'convicted', state: 'starving' }, null)).toBe('convicted');
    expect(viewerHealth({ ...row, trust: 'accused', state: 'starving' }, null)).toBe('lossy');
    expect(viewerHealth({ ...row, trust: 'accused', arrivalMs: 9_000 }, null)).toBe('accused');
    expect(viewerHealth({ ...row, trust: 'good', arrivalMs: 100 }, null)).toBe('ok');
    expect(viewerHealth({ ...row, arrivalMs: 100 }, null)).toBe('ok');
    expect(SEVERITY[0]).toBe('convicted');
    expect(isProblem('convicted') && isProblem('accused')).toBe(true);
  });

  it('is named with its reason in the inspector and on the Health pane', () => {
    const told = withRow({ trust: 'convicted', trustWhy: 'Two viewers had bad slices of it.' });
    const graph = buildGraph(told, 'all');
    const node = nodeOf(graph, ID);
    if (!node) throw new Error('no node');
    const facts = nodeFacts(graph, node);
    expect(facts.why).toContain('Two viewers had bad slices of it.');
    expect(Object.fromEntries(facts.pairs)).toMatchObject({ Health: HEALTH_WORDS.convicted, Trust: 'convicted' });
    expect(ofTrust(told)).toMatchObject([{ key: 'convicted', severity: 'bad' }]);
    expect(ofTrust(told)[0]?.says).toBe(
      `${ID} is convicted of passing on bad media. Two viewers had bad slices of it.`,
    );
  });

  it('is a note while it is only accused, and nothing at a tracker that does not say', () => {
    expect(ofTrust(withRow({ trust: 'accused' }))).toMatchObject([{ key: 'accused', severity: 'note' }]);
    expect(ofTrust(tables)).toEqual([]);
  });

  it('that accuses others without reason is not called accused itself', () => {
    const trustWhy = 'It accused 3 peers within a minute and nobody else did: its word counts for nothing.';
    const told = withRow({ trust: 'silenced', trustWhy });
    expect(ofTrust(told)).toMatchObject([{ severity: 'note', says: `${ID} is not believed. ${trustWhy}` }]);
    expect(viewerHealth({ ...row, trust: 'silenced', arrivalMs: 100 }, null)).toBe('ok');
  });
});

describe('the mesh as a whole', () => {
  it('says how many it holds at which rate, and why it has so many slices', () => {
    const words = swarmWords('live', { ...swarm, bitsPerSecond: 1_500_000, kWhy: 'Because.' });
    expect(words.forecast?.says).toBe('This mesh holds about 140 viewers at 1.50 Mbit/s.');
    expect(words.slices).toEqual({ says: 'The stream is cut into 2 slices.', why: 'Because.' });
  });

  it('lists the links whose ends do not agree, and says so', () => {
    const ledger = {
      forwardBytes: 1e6,
      peerGivenBytes: 3e6,
      peerReceivedBytes: 2e6,
      offload: 0.5,
      mismatches: [{ from: 'vliar', to: 'vhonest', gave: 2_000_000, got: 1_000_000 }],
    };
    const { ledger: words } = swarmWords('live', { ...swarm, ledger });
    expect(words?.agrees).toBe(false);
    expect(words?.says).toBe('On 1 link the two ends do not agree about what was carried.');
    expect(words?.mismatches).toEqual([{ from: 'vliar', to: 'vhonest', gave: '2.0 MB', got: '1.0 MB', gap: '50.0 %' }]);
  });

  it('is not well while the ledger disagrees, and who stands on most of its links is named', () => {
    const ends = (from: string, to: string) => ({ from, to, gave: 2_000_000, got: 1_000_000 });
    const told = (...mismatches: ReturnType<typeof ends>[]) =>
      ofLedgers({
        swarms: {
          live: {
            ...swarm,
            ledger: { forwardBytes: 1, peerGivenBytes: 1, peerReceivedBytes: 1, offload: 0.5, mismatches },
          },
        },
      });
    expect(told()).toEqual([]);
    expect(told(ends('va', 'vb'))).toMatchObject([
      { severity: 'warn', says: 'On 1 link of live the two ends do not agree about what was carried.' },
    ]);
    expect(told(ends('vliar', 'va'), ends('vb', 'vliar'))[0]?.says).toContain('vliar stands on 2 of them.');
  });

  it('says whether parity is sent along, and why', () => {
    const told = { ...swarm, parity: true, parityWhy: 'It is set so.' };
    expect(swarmWords('live', told).pairs).toContainEqual(['Parity', 'sent along: It is set so.']);
  });

  it('says when the cap on uploads makes the forwards carry the rest, and which cap would do', () => {
    const told = (isEnough: boolean, viewerCount = 40) => {
      const capShortage = { cap: 1.5, copies: 0.825, betterCap: 2.5, betterCopies: 1.125, isEnough };
      return ofCap({ swarms: { live: { ...swarm, viewerCount, forecast: { viewers: 140, why: '', capShortage } } } });
    };
    expect(told(true)).toEqual([
      {
        key: 'cap live',
        severity: 'note',
        says: 'Viewers of live may upload 1.5 copies of the stream at most, which is 0.82 on average: forwards carry the rest.',
        todo: 'A cap of 2.5 would let them carry everybody, as far as their uplinks are known: raise --upload-cap in Settings.',
      },
    ]);
    expect(told(false)[0]?.todo).toContain('A cap of 2.5 would make it 1.13');
    expect(told(true, 4)).toEqual([]);
    expect(ofCap({ swarms: { live: swarm } })).toEqual([]);
  });

  it('says when a crowd is joining, how many of it waited, and by which limit, over all forwards', () => {
    const [one, other] = Object.keys(tables.forwards);
    const told = (a: StartsRow[], b?: StartsRow[]): Advice[] => {
      const rows = Object.entries(tables.forwards).map(([id, forward]) => [
        id,
        id === one ? { ...forward, starts: a } : id === other && b ? { ...forward, starts: b } : forward,
      ]);
      return ofCrowd({ forwards: Object.fromEntries(rows) });
    };
    const row = (newcomers: number, putOff: number, limit = 20): StartsRow => ({
      stream: 'live',
      limit,
      newcomers,
      putOff,
    });
    expect(told([row(40, 14), { ...row(3, 0), stream: 'calm' }], [row(30, 0, 10)])).toEqual([
      {
        key: 'crowd live',
        severity: 'note',
        says: 'A crowd is joining live: 14 of 70 newcomers of the last half minute waited for their parents (forwards start at most 30 copies at once, --start-copies).',
        todo: expect.stringContaining('raise --start-copies in Settings'),
      },
    ]);
    expect(told([row(1, 1, 1)])[0]?.says).toContain(
      '1 of 1 newcomer of the last half minute waited for their parents (forwards start at most 1 copy at once',
    );
    expect(told([row(40, 0)])).toEqual([]);
    expect(ofCrowd(tables)).toEqual([]);
  });

  it('leaves out what a tracker of an earlier release does not say', () => {
    const { kWhy: _why, forecast: _forecast, ledger: _ledger, supply: _supply, parity: _parity, ...old } = swarm;
    const words = swarmWords('live', old);
    expect(words).toMatchObject({ forecast: null, ledger: null, slices: { why: '' } });
  });
});
