// A seeded simulation of an audience on the real engine, in steps of 20 ms: people come and go, come all at once, leave all at once.
// No media flows here; what is looked at is the shape of the trees, the load on the forward and how often viewers are moved.
import { describe, expect, it } from 'vitest';
import type { SliceCount } from '../../protocol/fields.ts';
import { Engine, type Newcomer } from '../../servers/tracker/engine.ts';
import { runSeed, seeded } from '../support/random.ts';

const STEP_MS = 20;
const MEAN_SESSION_MS = 5 * 60_000;

interface Shape {
  viewers: number;
  depthP50: number;
  depthP95: number;
  depthMax: number;
  /** Children of the forward, in full copies. */
  copies: number;
}

/** An audience with a clock. Who comes, who goes and when follows from the seed. */
class Audience {
  readonly engine: Engine;
  readonly #random: () => number;
  readonly #k: SliceCount;
  /** Share of newcomers that cannot upload, and of those with one and a half copies. */
  readonly #mix: { leaves: number; strong: number };
  readonly #ids: string[] = [];
  #serial = 0;
  nowMs = 0;
  /** Most copies the forward had to serve at any step. */
  peakCopies = 0;
  /** Plans that changed, apart from those of newcomers. */
  moves = 0;

  constructor(k: SliceCount, seed: number, mix = { leaves: 0, strong: 0 }) {
    this.#k = k;
    this.#mix = mix;
    this.#random = seeded(seed);
    this.engine = new Engine({ k, directCopies: null, random: this.#random });
  }

  /** @param joinsPerSecond newcomers, Poisson; departures follow from the mean session when `churns` */
  run(seconds: number, joinsPerSecond: number, churns = true): void {
    const until = this.nowMs + seconds * 1_000;
    while (this.nowMs < until) {
      this.nowMs += STEP_MS;
      const newcomers = Array.from({ length: this.#poisson((joinsPerSecond * STEP_MS) / 1_000) }, () =>
        this.#newcomer(),
      );
      if (churns)
        for (let i = this.#poisson((this.#ids.length * STEP_MS) / MEAN_SESSION_MS); i > 0; i--) this.#leaveAny();
      this.moves += this.engine.takeTouched().length;
      this.engine.join(newcomers, this.nowMs);
      this.moves += this.engine.takeTouched().length - newcomers.length;
      if (this.nowMs % 1_000 === 0) this.engine.tick(this.nowMs);
      this.peakCopies = Math.max(this.peakCopies, this.copies);
      if (this.nowMs % 5_000 === 0) this.engine.check();
    }
  }

  leaveAtOnce(share: number): void {
    for (let i = Math.floor(this.#ids.length * share); i > 0; i--) this.#leaveAny();
    this.engine.check();
    this.peakCopies = this.copies;
  }

  get copies(): number {
    return this.engine.trees.roots.reduce((sum, root) => sum + root.kids.length, 0) / this.#k;
  }

  shape(): Shape {
    const depths = [...this.engine.trees.peers.values()]
      .flatMap((peer) => peer.nodes.map((node) => node.depth))
      .toSorted((a, b) => a - b);
    const at = (share: number): number => depths[Math.floor(share * (depths.length - 1))] ?? 0;
    return { viewers: this.engine.size, depthP50: at(0.5), depthP95: at(0.95), depthMax: at(1), copies: this.copies };
  }

  #newcomer(): Newcomer {
    const id = `v${++this.#serial}`;
    this.#ids.push(id);
    const roll = this.#random();
    const slots = roll < this.#mix.leaves ? 0 : roll > 1 - this.#mix.strong ? 1.5 * this.#k : this.#k;
    return { id, slots: Math.floor(slots), shares: true };
  }

  #leaveAny(): void {
    const at = Math.floor(this.#random() * this.#ids.length);
    const id = this.#ids[at];
    const last = this.#ids.pop();
    if (id === undefined || last === undefined) return;
    if (at < this.#ids.length) this.#ids[at] = last;
    this.engine.leave(id);
  }

  #poisson(mean: number): number {
    let count = 0;
    for (let left = Math.exp(-mean), p = this.#random(); p > left; p *= this.#random()) count++;
    return count;
  }
}

/** Depth of a full tree of this engine: half of the viewers (of K: 1 in K) host, each with K slots, and the others hang below. */
const fullDepth = (viewers: number, k: number): number => Math.ceil(Math.log(viewers / k) / Math.log(k)) + 1;

describe('an audience', () => {
  const seed = runSeed();
  console.log(`churn: SEED=${seed}`);
  const tell = (what: string, audience: Audience): Shape => {
    const shape = audience.shape();
    console.log(what, JSON.stringify({ ...shape, peakCopies: audience.peakCopies, moves: audience.moves }));
    return shape;
  };

  for (const k of [2, 4] as const)
    it(`[T10] a thousand viewers coming and going for five minutes: shallow trees, the budget kept, K = ${k}`, () => {
      const audience = new Audience(k, seed + k);
      audience.run(10, 100, false);
      audience.run(300, 1_000 / 300);
      const shape = tell(`steady, K = ${k}`, audience);
      expect(shape.depthMax).toBeLessThanOrEqual(fullDepth(shape.viewers, k) + 6);
      expect(shape.depthP50).toBeLessThanOrEqual(fullDepth(shape.viewers, k));
      expect(audience.peakCopies).toBeLessThanOrEqual(1.5 * Math.round(0.005 * 1_100));
      // Every departure costs its children and some to make room, not more.
      expect(audience.moves).toBeLessThan(12 * 1_000);
    });

  it('[T1] a crowd of a thousand in ten seconds is fed by itself', () => {
    const audience = new Audience(2, seed);
    audience.run(10, 50, false);
    audience.peakCopies = 0;
    audience.run(10, 100, false);
    const shape = tell('crowd', audience);
    expect(audience.peakCopies).toBeLessThanOrEqual(8);
    expect(shape.depthMax).toBeLessThanOrEqual(fullDepth(shape.viewers, 2) + 3);
  });

  it('[T7] thirty per cent leaving at once: the forward is not flooded, and the trees are shallow again within seconds', () => {
    const audience = new Audience(2, seed);
    audience.run(10, 100, false);
    audience.run(20, 3);
    audience.leaveAtOnce(0.3);
    const left = tell('after 30 % left', audience);
    expect(audience.peakCopies).toBeLessThan(0.06 * 1_000);
    audience.run(15, 3);
    const later = tell('fifteen seconds later', audience);
    expect(later.depthMax).toBeLessThanOrEqual(fullDepth(left.viewers, 2) + 10);
    expect(later.copies).toBeLessThanOrEqual(audience.engine.trees.budget + 1);
  });

  it('[T3] where too few can upload, the forward carries the missing part and no more', () => {
    const mix = { leaves: 0.2, strong: 0.2 };
    const audience = new Audience(2, seed, mix);
    audience.run(10, 50, false);
    audience.run(60, 2);
    const { trees } = audience.engine;
    const peers = [...trees.peers.values()];
    const missing = peers.length - peers.reduce((sum, peer) => sum + peer.slots, 0) / 2;
    const shape = tell('poor uplinks', audience);
    expect(missing).toBeGreaterThan(trees.budget);
    expect(shape.copies).toBeLessThanOrEqual(missing + 2);
  });
});
