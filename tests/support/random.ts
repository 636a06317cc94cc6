// A small seeded generator, so that a run that failed can be run again.

/** mulberry32: 0 <= value < 1, the same sequence for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The seed of this run: `SEED` in the environment, else a new one. Print it. */
export const runSeed = (): number => Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
