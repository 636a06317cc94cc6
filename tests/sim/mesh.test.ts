// The simulated audience at sizes that a test has time for: the gates of MESH.md section 8, and that a seed says it all.
import { describe, expect, it } from 'vitest';
import { DEFAULTS, readCommand, type SimOptions } from './mesh/options.ts';
import { Simulation } from './mesh/simulation.ts';

const SHORT = { ...DEFAULTS, viewers: 200, warmUpMs: 10_000, measuredMs: 15_000 };
const run = (options: Partial<SimOptions> = {}) => new Simulation({ ...SHORT, ...options }).run();

describe('a simulated audience', () => {
  it('is the same for the same seed, and another for another', () => {
    const [one, same, other] = [run(), run(), run({ seed: 2 })];
    expect(same).toEqual(one);
    expect(other.delayMs).not.toEqual(one.delayMs);
  });

  it('keeps to the gates with ordinary uplinks, in quarters by its own choice', () => {
    const { k, offload, delayMs, missing, duplicates, uploadCopies } = run({ measuredMs: 30_000 });
    expect(k).toBe(4);
    expect(offload).toBeGreaterThan(96);
    expect(delayMs.p95).toBeLessThan(1_200);
    expect(missing['500']).toBeLessThan(3);
    expect(missing['1000']).toBeLessThan(0.1);
    expect(duplicates).toBeLessThan(3);
    expect(uploadCopies).toBeLessThan(1.06);
  });

  it('halves are chosen for a few rich uplinks, quarters for many, which come sooner', () => {
    expect(run({ uplinks: 'rich', viewers: 60 }).k).toBe(2);
    const rich = { uplinks: 'rich', viewers: 400 } as const;
    const [halves, many] = [run({ ...rich, k: 2 }), run(rich)];
    expect(many.k).toBe(4);
    expect(many.delayMs.p95).toBeLessThan(halves.delayMs.p95 ?? 0);
    expect(many.offload).toBeGreaterThan(96);
  });

  it('[P19] parity makes it faster and costs one slice more: nothing is asked for that could be made', () => {
    const rich = { uplinks: 'rich', k: 4 } as const;
    const [without, sent] = [run(rich), run({ ...rich, parity: 'on' })];
    expect(sent.parity).toBe(true);
    expect(sent.delayMs.p95).toBeLessThan(without.delayMs.p95 ?? 0);
    expect(sent.missing['500']).toBeLessThan(0.1);
    expect(sent.uploadCopies).toBeGreaterThan(1.15);
    expect(sent.uploadCopies).toBeLessThan(1.3);
    expect(sent.duplicates - sent.ofTheseMade).toBeLessThan(without.duplicates);
  });

  it('[T17] by itself it is sent where the uplinks have room for it', () => {
    expect([run({ parity: 'auto' }).parity, run({ parity: 'auto', uplinks: 'rich', k: 4 }).parity]).toEqual([
      false,
      true,
    ]);
  });

  it('goes on when thirty per cent leave at once, and when half of the links are cut', () => {
    for (const options of [{ mass: 0.3 }, { cut: 0.3 }, { cut: 0.5 }]) {
      const { missing, egress } = run({ ...options, measuredMs: 20_000 });
      expect(missing['1000'], JSON.stringify(options)).toBeLessThan(1);
      expect(egress.peak, JSON.stringify(options)).toBeLessThan(60);
    }
  });

  it('bears who spoils what it relays: nothing spoilt is taken, nearly nothing is missing', () => {
    const { missing } = run({ evil: 0.02 });
    expect(missing['1000']).toBeLessThan(0.5);
  });
});

describe('its command line', () => {
  it('is refused with a sentence when it makes no sense', () => {
    for (const words of [
      ['--viewers', 'many'],
      ['--k', '3'],
      ['--parity', 'perhaps'],
      ['--uplinks', 'none'],
      ['--uplinks', 'toString'],
      ['--seed', '-1'],
      ['--viewers'],
      ['--what'],
      ['1000'],
    ])
      expect(() => readCommand(words, 2), words.join(' ')).toThrow(/^[^\n]+\.$/);
  });

  it('uses the product’s own K where none is named', () => {
    expect(readCommand([], 'auto').options.k).toBe('auto');
    expect(readCommand(['--k', '4'], 'auto').options.k).toBe(4);
  });
});
