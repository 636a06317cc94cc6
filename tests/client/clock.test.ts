// Where the coordinate's clock stands, by pings over a network that hesitates, on machines that
// sleep and whose clocks are set.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RemoteClock } from '../../client/mesh/clock.ts';
import { ClockEstimate } from '../../protocol/clock-estimate.ts';
import { CoordinateClock } from '../../servers/tracker/clock.ts';
import { seeded } from '../support/random.ts';

const TICK_MS = 30;
const PING_AT_MS = [0, 150, 300, 500, 800];
const PING_EVERY_MS = 30_000;

interface Conditions {
  seed: number;
  /** Each way, at least and at most. */
  wayMs: readonly [number, number];
  /** How much faster our monotonic clock is than the coordinate's. */
  ppm: number;
  /** Does our monotonic clock go on while the machine sleeps? */
  isAwake: boolean;
}

/** A machine with its clocks, a coordinate, and pings between them. */
class Machine {
  /** True time, which the coordinate's clock follows but for its steps. */
  trueMs = 0;
  monoMs = 5_000;
  wallMs = 1_700_000_000_000;
  coordinateStepMs = 1_700_000_123_456;
  readonly clock = new RemoteClock();
  /** The worst error that was not admitted, and the worst of all, since it was asked. */
  worst = { beyondMs: 0, ms: 0 };
  measured = 0;
  #pings: number[] = [];
  #answers: { atMs: number; sentMs: number; coordinateMs: number }[] = [];
  readonly #at: Conditions;
  readonly #random: () => number;

  constructor(at: Conditions) {
    this.#at = at;
    this.#random = seeded(at.seed);
    this.measure();
  }

  get coordinateMs(): number {
    return this.trueMs + this.coordinateStepMs;
  }

  measure(): void {
    this.measured++;
    this.#pings = [...PING_AT_MS, PING_EVERY_MS].map((ms) => this.monoMs + ms);
  }

  pass(ms: number): void {
    for (const endMs = this.trueMs + ms; this.trueMs < endMs;) {
      this.trueMs += TICK_MS;
      this.monoMs += TICK_MS * (1 + this.#at.ppm / 1e6);
      this.wallMs += TICK_MS;
      this.#answer();
      if (this.clock.look(this.monoMs, this.wallMs) !== null) this.measure();
      while ((this.#pings[0] ?? Infinity) <= this.monoMs) this.#ping();
      this.#compare();
    }
  }

  suspend(ms: number): void {
    this.trueMs += ms;
    this.wallMs += ms;
    if (this.#at.isAwake) this.monoMs += ms;
  }

  get errorMs(): number {
    return Math.abs((this.clock.at(this.monoMs) ?? Number.NaN) - this.coordinateMs);
  }

  #ping(): void {
    this.#pings.shift();
    if (this.#pings.length === 0) this.#pings.push(this.monoMs + PING_EVERY_MS);
    const [least, most] = this.#at.wayMs;
    const way = (): number => least + (most - least) * this.#random() ** 3;
    const there = way();
    this.#answers.push({
      atMs: this.trueMs + there + way(),
      sentMs: this.monoMs,
      coordinateMs: this.coordinateMs + there,
    });
    this.#answers.sort((a, b) => a.atMs - b.atMs);
  }

  /** Messages that came during a sleep are read before the first tick. */
  #answer(): void {
    while (this.#answers[0] && this.#answers[0].atMs <= this.trueMs) {
      const { sentMs, coordinateMs } = this.#answers.shift() ?? { sentMs: 0, coordinateMs: 0 };
      if (this.clock.look(this.monoMs, this.wallMs) !== null) this.measure();
      if (this.clock.observe(sentMs, this.monoMs, coordinateMs, 0)) this.measure();
    }
  }

  #compare(): void {
    if (!this.clock.isKnown) return;
    this.worst.ms = Math.max(this.worst.ms, this.errorMs);
    this.worst.beyondMs = Math.max(this.worst.beyondMs, this.errorMs - this.clock.uncertainAt(this.monoMs));
  }
}

const conditions = (isAwake = fc.boolean()): fc.Arbitrary<Conditions> =>
  fc.record({
    seed: fc.nat(),
    wayMs: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 250 })),
    ppm: fc.integer({ min: -300, max: 300 }),
    isAwake,
  });

describe('[S17] the coordinate’s clock', () => {
  it('is known to within what is admitted, whatever the network does', () => {
    fc.assert(
      fc.property(conditions(), (at) => {
        const machine = new Machine(at);
        machine.pass(120_000);
        expect(machine.clock.isKnown).toBe(true);
        expect(machine.worst.beyondMs).toBeLessThan(1);
        expect(machine.measured).toBe(1);
      }),
      { numRuns: 60 },
    );
  });

  it('does not run away over hours with crystals that are 300 ppm apart', () => {
    for (const ppm of [-300, 300]) {
      const machine = new Machine({ seed: 1, wayMs: [5, 60], ppm, isAwake: true });
      machine.pass(60_000);
      machine.worst = { beyondMs: 0, ms: 0 };
      machine.pass(3 * 3_600_000);
      expect(machine.worst.ms).toBeLessThan(80); // over three hours they run 3.2 s apart
      expect(machine.worst.beyondMs).toBeLessThan(1);
    }
  });

  it('is unknown after a sleep during which our clock stood, and right a round trip later; never wrong in between', () => {
    fc.assert(
      fc.property(
        conditions(fc.constant(false)),
        fc.integer({ min: 400, max: 8 * 3_600_000 }),
        fc.integer({ min: 1_500, max: 40_000 }),
        (at, sleptMs, beforeMs) => {
          const machine = new Machine(at);
          machine.pass(beforeMs);
          machine.suspend(sleptMs);
          machine.worst = { beyondMs: 0, ms: 0 };
          machine.pass(1_000);
          expect(machine.clock.isKnown).toBe(true);
          machine.pass(2_000);
          expect(machine.worst.beyondMs).toBeLessThan(1);
          expect(machine.errorMs).toBeLessThan(machine.clock.uncertainAt(machine.monoMs) + 1);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is measured again after a sleep during which our clock went on, and stays known', () => {
    const machine = new Machine({ seed: 3, wayMs: [5, 60], ppm: 300, isAwake: true });
    machine.pass(2_000);
    machine.suspend(3_600_000);
    machine.pass(TICK_MS);
    expect([machine.measured, machine.clock.isKnown]).toEqual([2, true]);
    machine.pass(3_000);
    expect(machine.errorMs).toBeLessThan(60);
  });

  it('forgets what can’t be true when the coordinate’s clock has been set', () => {
    for (const stepMs of [-40_000, -700, 700, 40_000]) {
      const machine = new Machine({ seed: 4, wayMs: [5, 60], ppm: 0, isAwake: true });
      machine.pass(10_000);
      machine.coordinateStepMs += stepMs;
      machine.measure(); // as after any reconnection
      machine.pass(3_000);
      expect(machine.errorMs).toBeLessThan(60);
    }
  });

  it('is right again when somebody sets the clock of this machine', () => {
    const machine = new Machine({ seed: 5, wayMs: [5, 60], ppm: 0, isAwake: true });
    machine.pass(10_000);
    machine.wallMs -= 3_600_000;
    machine.pass(1_000);
    expect(machine.errorMs).toBeLessThan(60);
    expect(machine.worst.beyondMs).toBeLessThan(1);
  });

  it('takes no answer to a question from before the sleep', () => {
    const clock = new RemoteClock();
    clock.look(1_000, 50_000);
    // Answered at 100_000 by the coordinate's clock, slept for an hour, read.
    expect(clock.look(1_010, 50_010 + 3_600_000)).toBe('lost');
    clock.observe(1_000, 1_010, 100_000, 0);
    expect(clock.at(1_010)).toBeNull();
    clock.observe(1_010, 1_030, 3_700_010, 0);
    expect(clock.at(1_030)).toBe(3_700_020);
  });
});

it('an estimate that is better when it is taken is worse when it is old', () => {
  const estimate = new ClockEstimate();
  estimate.observe(0, 10, 5);
  estimate.observe(10_000, 10_040, 10_025);
  expect(estimate.at(10_040)).toBe(10_040); // 20 ms at best, against 5 and 5 that it may have drifted
  estimate.observe(40_000, 40_040, 40_025);
  expect(estimate.at(40_040)).toBe(40_045); // against 5 and 20
});

it('[S9] a tracker knows at once that a restarted coordinate has another clock', () => {
  let localMs = 1_000_000;
  const clock = new CoordinateClock(true, () => localMs);
  const ask = (roundTripMs: number, offsetMs: number): void => {
    const answered = clock.measure();
    localMs += roundTripMs;
    answered(localMs - roundTripMs / 2 + offsetMs);
  };
  ask(2, 5_000);
  expect(clock.now()).toEqual({ coordinateMs: localMs + 5_000, uncertainMs: 1 });
  localMs += 1_000;
  ask(40, 9_000);
  expect(clock.now()).toEqual({ coordinateMs: localMs + 9_000, uncertainMs: 20 });
});
