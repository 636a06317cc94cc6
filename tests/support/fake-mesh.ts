// A made-up mesh of any number of viewers in the shape of protocol/mesh-tables.ts, and its changes: rates move, viewers come, go and
// take over. The same seed makes the same mesh.
import type { ForwardTableRow, MeshTables, ViewerTableRow } from '../../protocol/mesh-tables.ts';
import type { Change, Row } from '../../protocol/mesh-view.ts';

const K = 2;
const CHILDREN = 4;
const REGIONS = ['eu-west', 'eu-north', 'us-east'] as const;
const SLICE_BITS = 420_000;

export class FakeMesh {
  readonly tables: MeshTables;
  #viewers: string[] = [];
  #next = 1;
  #seed: number;

  constructor(viewers: number, seed = 7) {
    this.#seed = seed;
    for (let i = 0; i < viewers; i++) this.#viewers.push(this.#newId());
    const forwards = Object.fromEntries(['fwest', 'fnorth'].map((id, i) => [id, forward(i)] as const));
    this.tables = {
      coordinates: { 'http://127.0.0.1:8080': { base: 'http://127.0.0.1:8080', program: 'coordinate', state: 'here' } },
      streams: {
        live: {
          coordinate: 'http://127.0.0.1:8080',
          state: 'live',
          why: '',
          epoch: 1,
          unit: 900,
          bytes: 48_000_000,
          tracks: ['video avc1.64001f 1280x720', 'audio mp4a.40.2 48 kHz'],
          how: 'as it is',
        },
      },
      trackers: {
        tmain: {
          program: 'tracker',
          state: 'here',
          region: 'eu-west',
          base: 'ws://127.0.0.1:9090',
          viewers,
          load: 0.2,
          forwards: ['fwest', 'fnorth'],
        },
      },
      forwards,
      viewers: {},
      links: {},
      swarms: {
        live: {
          tracker: 'tmain',
          name: 'live',
          k: K,
          layout: 1,
          state: 'live',
          viewerCount: viewers,
          targetDelayMs: 640,
          directCopies: 2,
          forwardChildren: [CHILDREN, CHILDREN],
          freeSlots: [viewers, viewers],
          kWhy: 'Slots are plenty: two slices keep the trees shallow.',
          supply: 1.31,
          parity: false,
          bitsPerSecond: 2 * SLICE_BITS,
          forecast: { viewers: 140, why: 'The average viewer can pass on 0.86 copies; the forwards are full then.' },
          ledger: {
            forwardBytes: 61_000_000,
            peerGivenBytes: 902_000_000,
            peerReceivedBytes: 897_000_000,
            offload: 0.936,
            mismatches: [],
          },
        },
      },
      feeds: {
        'http://127.0.0.1:8080/debug/feed': { kind: 'coordinate', state: 'open', why: null },
        'http://127.0.0.1:9090/debug/feed': { kind: 'tracker', state: 'open', why: null },
        'http://127.0.0.1:9999/debug/feed': { kind: 'forward', state: 'open', why: null },
      },
    };
    this.#seat();
  }

  get viewerCount(): number {
    return this.#viewers.length;
  }

  /** One step: a share of the viewers report, now and then one comes, goes or stalls. @returns what changed, already applied */
  step(): Change[] {
    const before = structuredClone(this.tables) as unknown as Record<string, Record<string, Row>>;
    const dice = this.#random();
    if (dice < 0.15 && this.#viewers.length > 4) this.#leave(Math.floor(this.#random() * this.#viewers.length));
    else if (dice < 0.32) this.#viewers.push(this.#newId());
    this.#seat();
    for (const id of this.#viewers) if (this.#random() < 0.1) this.#report(id);
    return differences(before, this.tables as unknown as Record<string, Record<string, Row>>);
  }

  #leave(at: number): void {
    const last = this.#viewers.pop();
    if (last !== undefined && at < this.#viewers.length) this.#viewers[at] = last;
  }

  /** Tree s: every second viewer is inside, all others are leaves; the first hang at a forward. */
  #seat(): void {
    const { tables } = this;
    const rows: Record<string, ViewerTableRow> = {};
    for (const id of this.#viewers)
      rows[id] = { ...(tables.viewers[id] ?? this.#viewer(id)), parents: [], children: [] };
    tables.links = {};
    const perForward: Record<string, number> = {};
    for (let slice = 0; slice < K; slice++) {
      const inside = this.#viewers.filter((_, i) => i % K === slice);
      const order = [...inside, ...this.#viewers.filter((_, i) => i % K !== slice)];
      order.forEach((id, place) => {
        const row = rows[id];
        const above = place < CHILDREN ? undefined : rows[inside[Math.floor((place - CHILDREN) / CHILDREN)] ?? ''];
        if (!row) return;
        if (above && above !== row) {
          row.parents.push({ slice, id: above.id, kind: 'peer' });
          above.children.push({ slice, id });
          row.depths[slice] = (above.depths[slice] ?? 0) + 1;
        } else {
          const from = place % 2 === 0 ? 'fwest' : 'fnorth';
          row.parents.push({ slice, id: from, kind: 'forward' });
          row.depths[slice] = 1;
          perForward[from] = (perForward[from] ?? 0) + 1;
          const key = `${from}/${id}`;
          const slices = [...(tables.links[key]?.slices ?? []), { k: slice, why: 'plan' }];
          tables.links[key] = { forward: from, viewer: id, stream: 'live', slices, lagMs: 12, skips: 0 };
        }
        row.depth = Math.max(...row.depths);
      });
    }
    for (const id of this.#viewers) {
      const row = rows[id];
      if (!row) continue;
      const direct = row.parents.filter((parent) => parent.kind === 'forward').length;
      row.direct = direct > 0;
      row.forwardBitsPerSecond = direct * SLICE_BITS;
      row.peersBitsPerSecond = (row.parents.length - direct) * SLICE_BITS;
      row.sentBitsPerSecond = row.children.length * SLICE_BITS;
    }
    tables.viewers = rows;
    const swarm = tables.swarms['live'];
    if (swarm) tables.swarms['live'] = { ...swarm, viewerCount: this.#viewers.length };
    for (const [id, row] of Object.entries(tables.forwards)) {
      const children = perForward[id] ?? 0;
      tables.forwards[id] = { ...row, children, egressBitsPerSecond: children * SLICE_BITS, load: children / 40 };
    }
  }

  #viewer(id: string): ViewerTableRow {
    return {
      id,
      stream: 'live',
      tracker: 'tmain',
      role: 'viewer',
      depth: null,
      depths: [0, 0],
      parents: [],
      children: [],
      state: 'playing',
      why: 'nearest free place',
      shares: this.#random() < 0.85,
      direct: false,
      slots: CHILDREN,
      forwardBitsPerSecond: 0,
      peersBitsPerSecond: 0,
      sentBitsPerSecond: 0,
      receivedBytes: { forward: 1_000_000, peers: 5_000_000 },
      sentBytes: 4_000_000,
      confirmedBytes: 3_900_000,
      arrivalMs: 180 + Math.round(this.#random() * 200),
      bufferMs: 300,
      newest: 900,
      stalls: { count: 0, ms: 0 },
      hidden: false,
      mismatch: null,
      ageMs: 60_000,
    };
  }

  #report(id: string): void {
    const row = this.tables.viewers[id];
    if (!row) return;
    const isStarving = this.#random() < 0.02;
    this.tables.viewers[id] = {
      ...row,
      state: isStarving ? 'starving' : 'playing',
      arrivalMs: 160 + (row.depth ?? 1) * 60 + Math.round(this.#random() * 80),
      bufferMs: isStarving ? 0 : 220 + Math.round(this.#random() * 160),
      newest: (row.newest ?? 0) + 1,
      sentBytes: row.sentBytes + row.children.length * 13_000,
      stalls: isStarving ? { count: row.stalls.count + 1, ms: row.stalls.ms + 140 } : row.stalls,
      ageMs: row.ageMs + 2_500,
    };
  }

  #newId(): string {
    return `v${String(this.#next++).padStart(5, '0')}`;
  }

  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 2 ** 32;
  }
}

function forward(i: number): ForwardTableRow {
  return {
    program: i === 0 ? 'forward' : 'forward-2',
    tracker: 'tmain',
    region: REGIONS[i] ?? 'eu-west',
    load: 0.1,
    pull: `ws://127.0.0.1:${9998 - i * 10}`,
    children: 0,
    egressBitsPerSecond: 0,
    egressBytes: { media: 61_000_000, bootstrap: 3_000_000, repair: 400_000, control: 200_000 },
    ingressBytes: 52_000_000,
  };
}

function differences(was: Record<string, Record<string, Row>>, is: Record<string, Record<string, Row>>): Change[] {
  const changes: Change[] = [];
  for (const [table, rows] of Object.entries(is)) {
    const old = was[table] ?? {};
    for (const [id, row] of Object.entries(rows))
      if (JSON.stringify(old[id]) !== JSON.stringify(row)) changes.push({ op: 'put', table, id, row: { ...row } });
    for (const id of Object.keys(old)) if (!(id in rows)) changes.push({ op: 'drop', table, id });
  }
  return changes;
}
