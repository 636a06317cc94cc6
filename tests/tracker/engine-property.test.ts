// The engine under long runs of random operations: whatever happens, every invariant of the trees holds.
import { describe, expect, it } from 'vitest';
import type { SliceCount } from '../../protocol/fields.ts';
import { Engine } from '../../servers/tracker/engine.ts';
import { movesPerTick } from '../../servers/tracker/tick.ts';
import { runSeed, seeded } from '../support/random.ts';

const OPERATIONS = 100_000;
/** The invariants look at every viewer: checked after each operation while small, else now and then. */
const SMALL = 24;

function churn(k: SliceCount, seed: number, operations: number, most: number): Engine {
  const random = seeded(seed);
  const engine = new Engine({ k, directCopies: null, random });
  const ids: string[] = [];
  let nowMs = 0;
  let serial = 0;
  const any = (): string => ids[Math.floor(random() * ids.length)] ?? 'vnobody';
  const newcomer = () => {
    const id = `v${++serial}`;
    ids.push(id);
    return { id, slots: Math.floor(random() * 3 * k * random()), shares: random() > 0.1, network: `n${serial % 5}` };
  };
  for (let i = 0; i < operations; i++) {
    nowMs += 100;
    const roll = random();
    const wanted = most * (0.5 + 0.5 * Math.sin(i / 3_000));
    let did = 'tick';
    if (roll < 0.3 && ids.length < most) {
      did = 'join';
      engine.join([newcomer()], nowMs);
    } else if (roll < 0.34 && ids.length < most) {
      did = 'join several';
      engine.join([newcomer(), newcomer(), newcomer(), newcomer()], nowMs);
    } else if (roll < (ids.length > wanted ? 0.8 : 0.5)) {
      did = 'leave';
      const id = any();
      engine.leave(id);
      if (ids.includes(id)) ids.splice(ids.indexOf(id), 1);
    } else if (roll < 0.85) {
      did = 'lost';
      const peer = engine.peer(any());
      const slice = Math.floor(random() * engine.trees.count);
      const parent = peer?.nodes[slice]?.parent?.peer;
      if (peer && parent) expect(engine.lost(peer.id, slice, parent.id, nowMs + 10_000)).toBe(true);
      else engine.lost(any(), slice, any(), nowMs);
    } else if (roll < 0.91) {
      did = 'setSlots';
      engine.setSlots(any(), Math.floor(random() * 3 * k));
    } else if (roll < 0.95) {
      did = 'setShares';
      engine.setShares(any(), random() > 0.3);
    } else if (roll < 0.955) {
      did = 'setParity';
      engine.setParity(random() > 0.4);
    } else {
      expect(engine.tick(nowMs)).toBeLessThanOrEqual(movesPerTick(engine.size));
    }
    if (engine.size <= SMALL || i % 97 === 0) {
      try {
        engine.check();
      } catch (error) {
        throw new Error(`seed ${seed}, K ${k}, operation ${i} (${did})`, { cause: error });
      }
    }
    engine.takeTouched();
  }
  return engine;
}

describe('engine under random operations', () => {
  const seed = runSeed();
  console.log(`engine-property: SEED=${seed}`);
  for (const k of [1, 2, 4] as const) {
    it(
      `[T5] [T17] ${OPERATIONS} operations keep every invariant, parity coming and going, K = ${k}`,
      { timeout: 60_000 },
      () => {
        const engine = churn(k, seed + k, OPERATIONS / 2, 12);
        expect(engine.size).toBeLessThanOrEqual(16);
        churn(k, seed - k, OPERATIONS / 2, 300).check();
      },
    );
  }
});
