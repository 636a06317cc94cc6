// Calls to servers that do not answer, over simulated time: what one viewer does, and what a whole
// audience does to a server.
import { describe, expect, it } from 'vitest';
import { Backoff, FIRST_MS, waitMs } from '../../client/mesh/backoff.ts';
import { spreadMs } from '../../servers/tracker/returns.ts';
import { runSeed, seeded } from '../support/random.ts';

/**
 * As often as a viewer asks whether its next call is due; with thousands of them, half as often.
 */
const STEP_MS = 50;
const seed = runSeed();
const say = (text: string): void => console.log(`${text} (SEED=${seed})`);

/** Viewers that call servers; a call to one that is up is answered at once. */
class Audience {
  nowMs = 0;
  readonly dials: { atMs: number; viewer: number; server: string }[] = [];
  readonly #viewers: { backoff: Backoff; joined: Set<string> }[];
  readonly #servers: readonly string[];
  readonly #stepMs: number;

  constructor(size: number, servers: readonly string[], crowdMs: number, random = seeded(seed)) {
    this.#servers = servers;
    this.#stepMs = size > 1 ? 2 * STEP_MS : STEP_MS;
    this.#viewers = Array.from({ length: size }, () => {
      const backoff = new Backoff(() => this.nowMs, random);
      backoff.crowdMs = crowdMs;
      return { backoff, joined: new Set(servers) };
    });
  }

  /** All of them lose their connections to these servers. */
  lose(servers = this.#servers): void {
    for (const { backoff, joined } of this.#viewers)
      for (const server of servers) {
        joined.delete(server);
        backoff.failed(server, true);
      }
  }

  pass(ms: number, isUp: (server: string) => boolean): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs += this.#stepMs;
      for (const [viewer, { backoff, joined }] of this.#viewers.entries())
        for (const server of this.#servers) {
          if (joined.has(server) || !backoff.mayCall(server)) continue;
          this.dials.push({ atMs: this.nowMs, viewer, server });
          if (isUp(server)) {
            joined.add(server);
            backoff.answered(server);
          } else backoff.failed(server);
        }
    }
  }

  get joined(): number {
    return this.#viewers.filter(({ joined }) => joined.size === this.#servers.length).length;
  }

  /** The most viewers that dialled in one second. */
  worstSecond(): number {
    const seconds = new Map<number, Set<number>>();
    for (const { atMs, viewer } of this.dials) {
      const second = Math.ceil(atMs / 1_000);
      seconds.set(second, (seconds.get(second) ?? new Set()).add(viewer));
    }
    return Math.max(...Array.from(seconds.values(), ({ size }) => size));
  }
}

const ALL = ['coordinate', 'tracker', 'forward-1', 'forward-2'];
const DOWN = (): boolean => false;

describe('[S16] one viewer', () => {
  it('draws each wait from the whole time that it may take, and calls rarely in the end', () => {
    const wait = (calls: number, random: number, ageMs = 0): number =>
      waitMs({ calls, ageMs, firstMs: FIRST_MS }, random);
    expect([wait(0, 0), wait(0, 1), wait(3, 0)]).toEqual([0, 300, 0]);
    const most = Array.from({ length: 12 }, (_, calls) => wait(calls, 1));
    for (const [i, ms] of most.slice(1).entries()) expect(ms).toBeGreaterThanOrEqual(most[i] ?? 0);
    expect(most.at(-1)).toBe(6_000);
    expect([wait(30, 0, 60_000), wait(1_000, 1, 60_000)]).toEqual([10_000, 20_000]);
  });

  it('calls all its servers together once in 10 s at most after a minute, and each of them has its turn', () => {
    for (let i = 0; i < 200; i++) {
      const audience = new Audience(1, ALL, 0, seeded(seed + i));
      audience.lose();
      audience.pass(5 * 60_000, DOWN);
      expect(audience.dials[0]?.atMs).toBeLessThanOrEqual(FIRST_MS + STEP_MS);
      const late = audience.dials.filter(({ atMs }) => atMs > 60_000);
      const waits = late.slice(1).map(({ atMs }, n) => atMs - (late[n]?.atMs ?? 0));
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(10_000);
      expect(Math.max(...waits)).toBeLessThanOrEqual(20_000 + STEP_MS);
      expect(new Set(late.map(({ server }) => server)).size).toBe(ALL.length);
      // Before that too: 153 were measured of the forward alone.
      expect(audience.dials.length - late.length).toBeLessThan(45);
    }
  });

  it.each([
    [1_500, 1_500, 4_000],
    [30_000, 4_000, 8_000],
  ])(
    'is back soon after %i ms without servers: the others are called at once when one answers',
    (ms, usually, most) => {
      const took = Array.from({ length: 300 }, (_, i) => {
        const audience = new Audience(1, ALL.slice(0, 3), 0, seeded(seed + i));
        audience.lose();
        audience.pass(ms, DOWN);
        const fromMs = audience.nowMs;
        while (audience.joined === 0) audience.pass(STEP_MS, () => true);
        return audience.nowMs - fromMs;
      }).toSorted((a, b) => a - b);
      say(`back after ${ms} ms without servers: median ${took[150]} ms, longest ${took.at(-1)} ms`);
      expect(took[150]).toBeLessThan(usually);
      expect(took.at(-1)).toBeLessThan(most);
    },
  );

  it('begins anew with a new loss, but not with a server that keeps coming and going', () => {
    const audience = new Audience(1, ALL, 0);
    audience.lose(['tracker']);
    audience.pass(120_000, DOWN);
    audience.lose(['forward-1']);
    const before = audience.dials.length;
    audience.pass(FIRST_MS + STEP_MS, DOWN);
    expect(audience.dials.length).toBeGreaterThan(before);

    // It takes every call, and ends it at once.
    let nowMs = 0;
    const backoff = new Backoff(() => nowMs, seeded(seed));
    const calls: number[] = [];
    backoff.failed('tracker');
    for (; nowMs < 300_000; nowMs += STEP_MS) {
      if (!backoff.mayCall('tracker')) continue;
      calls.push(nowMs);
      backoff.answered('tracker');
      backoff.failed('tracker', true);
    }
    expect(calls.filter((atMs) => atMs > 60_000).length).toBeLessThan(25);
  });

  it('calls a server that has not failed without waiting, and one that is said to be back soon', () => {
    const audience = new Audience(1, ['tracker'], 0);
    let nowMs = 0;
    const backoff = new Backoff(() => nowMs, seeded(seed));
    expect(backoff.mayCall('forward-2')).toBe(true);
    backoff.failed('forward-1');
    expect([backoff.isFailing, backoff.fails('forward-1'), backoff.fails('forward-2')]).toEqual([true, true, false]);
    for (; nowMs < 120_000; nowMs += STEP_MS) backoff.mayCall('forward-1');
    backoff.saidToBeBack('forward-1');
    expect(backoff.fails('forward-1')).toBe(false);
    nowMs += FIRST_MS;
    expect(backoff.mayCall('forward-1')).toBe(true);
    backoff.failed('forward-1');
    expect(backoff.fails('forward-1')).toBe(true);
    backoff.answered('forward-1');
    expect(backoff.isFailing).toBe(false);
    expect(audience.dials).toEqual([]);
  });
});

describe('[S16] an audience of 5,000', () => {
  it.each([0, 200, 3_000, 20_000, 90_000])(
    'whose server is away for %i ms: never more than a tenth in a second',
    (ms) => {
      const audience = new Audience(5_000, ['tracker'], spreadMs(5_000));
      audience.lose();
      audience.pass(ms, DOWN);
      const backMs = audience.nowMs;
      while (audience.joined < 5_000) audience.pass(STEP_MS, () => true);
      say(
        `away for ${ms} ms: ${audience.worstSecond()} in the worst second, all back ${audience.nowMs - backMs} ms later`,
      );
      expect(audience.worstSecond()).toBeLessThanOrEqual(500);
      expect(audience.nowMs - backMs).toBeLessThanOrEqual(25_000);
    },
  );

  it('whose servers are all away: never more than a tenth in a second, over all of them together', () => {
    const audience = new Audience(5_000, ALL, spreadMs(5_000));
    audience.lose();
    audience.pass(60_000, DOWN);
    say(`all away: ${audience.worstSecond()} in the worst second`);
    expect(audience.worstSecond()).toBeLessThanOrEqual(500);
  });

  it('is told to spread, and a few viewers are not', () => {
    expect(spreadMs(3)).toBe(300);
    expect(spreadMs(5_000)).toBe(12_500);
    expect(spreadMs(20_000)).toBe(15_000);
  });
});
