// The stores filled by a wire in memory: first load, events, a skipped number, a reconnect.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Events, LogLine, Outcome } from '../../protocol/control.ts';
import { follow } from '../../renderer/follow.ts';
import { lookAt, useConsole, useHistory, useLogs, useMesh } from '../../renderer/stores.ts';
import type { LinkedWire, WireLink } from '../../renderer/wire/web-wire.ts';
import { firstState, logLine, sampleAt } from '../support/fake-plane-data.ts';
import { FakeMesh } from '../support/fake-mesh.ts';
import { until } from '../support/until.ts';

/** A wire whose answers wait until they are let go. */
class MemoryWire implements LinkedWire {
  link: WireLink = { is: 'connecting' };
  serial = 10;
  readonly mesh = new FakeMesh(6);
  readonly asked: string[] = [];
  /** Names of calls that are held back. */
  held = new Set<string>();
  #letGo: (() => void)[] = [];
  #hear: (<E extends keyof Events>(event: E, value: Events[E]) => void) | null = null;
  #watch: ((link: WireLink) => void) | null = null;

  async call(name: string, argument: unknown): Promise<Outcome<never>> {
    this.asked.push(name);
    // What the answer says is settled when it is asked, as on a real wire.
    const value = structuredClone(this.#answer(name, argument)) as never;
    if (this.held.has(name)) await new Promise<void>((resolve) => this.#letGo.push(resolve));
    return { ok: true, value };
  }

  listen(hear: <E extends keyof Events>(event: E, value: Events[E]) => void): () => void {
    this.#hear = hear;
    return () => (this.#hear = null);
  }

  preview(): () => void {
    return () => undefined;
  }

  watchLink(watch: (link: WireLink) => void): () => void {
    this.#watch = watch;
    return () => (this.#watch = null);
  }

  retryNow(): void {
    // In memory nothing is lost.
  }

  close(): void {
    // Nothing to let go of.
  }

  become(link: WireLink): void {
    this.link = link;
    this.#watch?.(link);
  }

  say<E extends keyof Events>(event: E, value: Events[E]): void {
    this.#hear?.(event, value);
  }

  batch(skip = 0): void {
    this.serial += 1 + skip;
    for (let i = 0; i < skip; i++) this.mesh.step();
    this.say('meshChanged', { serial: this.serial, changes: structuredClone(this.mesh.step()) });
  }

  letGo(): void {
    this.held.clear();
    for (const go of this.#letGo.splice(0)) go();
  }

  #answer(name: string, argument: unknown): unknown {
    switch (name) {
      case 'getState':
        return firstState(1_000);
      case 'getMesh':
        return { serial: this.serial, tables: this.mesh.tables };
      case 'getMeshAt':
        return { atMs: (argument as { atMs: number }).atMs, tables: this.mesh.tables };
      case 'getHistory':
        return { samples: [sampleAt(1_000, 6), sampleAt(2_000, 6)], markers: [], oldestMs: 1_000 };
      default:
        return [1, 2, 3].map((serial) => logLine(serial, serial * 1_000));
    }
  }
}

const count = (wire: MemoryWire, name: string): number => wire.asked.filter((one) => one === name).length;

describe('the stores', () => {
  let wire: MemoryWire;
  beforeEach(() => {
    useConsole.setState({ connection: 'connecting', detail: null, state: null });
    useLogs.setState({ lines: [], isLoaded: false });
    lookAt(null);
    wire = new MemoryWire();
    const stop = follow(wire);
    return stop;
  });
  const opened = async (): Promise<void> => {
    wire.become({ is: 'open' });
    await until('the first load', () => useLogs.getState().isLoaded && useMesh.getState().serial === wire.serial);
  };

  it('are filled when the wire opens', async () => {
    await opened();
    expect(useConsole.getState()).toMatchObject({ connection: 'open', state: { platform: 'linux' } });
    expect(Object.keys(useMesh.getState().tables.viewers)).toHaveLength(6);
    expect(useHistory.getState().samples).toHaveLength(2);
    expect(useLogs.getState().lines).toHaveLength(3);
  });

  it('follow the numbered changes and share what did not change', async () => {
    await opened();
    const before = useMesh.getState().tables;
    wire.say('meshChanged', {
      serial: ++wire.serial,
      changes: [{ op: 'put', table: 'streams', id: 'second', row: { state: 'live' } }],
    });
    const after = useMesh.getState().tables;
    expect(after.streams['second']).toEqual({ state: 'live' });
    expect(before.streams['second']).toBeUndefined();
    expect(after.viewers).toBe(before.viewers);
    expect(after.streams).not.toBe(before.streams);
    expect(count(wire, 'getMesh')).toBe(1);
  });

  it('[C2] read the mesh again when a number was skipped, and lose nothing that came meanwhile', async () => {
    await opened();
    wire.held.add('getMesh');
    wire.batch(1);
    await until('the question', () => count(wire, 'getMesh') === 2);
    wire.batch();
    wire.batch();
    wire.letGo();
    await until('the newest number', () => useMesh.getState().serial === wire.serial);
    expect(useMesh.getState().tables).toEqual(wire.mesh.tables);
    expect(count(wire, 'getMesh')).toBe(2);
  });

  it('are read anew after a break, from a plane whose numbers begin anew', async () => {
    await opened();
    wire.become({ is: 'lost', attempt: 1, retryAtMs: 0 });
    expect(useConsole.getState().connection).toBe('lost');
    expect(useConsole.getState().state).not.toBeNull();
    wire.serial = 2;
    await opened();
    wire.batch();
    expect(useMesh.getState().serial).toBe(3);
    expect(useMesh.getState().tables).toEqual(wire.mesh.tables);
  });

  it('take each log line and each sample once, and keep a bounded number of lines', async () => {
    await opened();
    const lines: LogLine[] = Array.from({ length: 6_000 }, (_, i) => logLine(i + 2, i));
    wire.say('logged', { lines });
    wire.say('sampled', sampleAt(2_000, 6));
    wire.say('sampled', sampleAt(3_000, 6));
    expect(useLogs.getState().lines).toHaveLength(5_000);
    expect(useLogs.getState().lines.at(-1)?.serial).toBe(6_001);
    expect(useHistory.getState().samples.map((sample) => sample.atMs)).toEqual([1_000, 2_000, 3_000]);
  });

  it('look at the newest of the moments asked for, and at now again', async () => {
    await opened();
    wire.held.add('getMeshAt');
    for (const atMs of [1_000, 1_100, 1_200, 1_300]) lookAt(atMs);
    await until('the first question', () => count(wire, 'getMeshAt') === 1);
    wire.letGo();
    await until('the moment', () => useHistory.getState().tablesAt !== null && count(wire, 'getMeshAt') === 2);
    expect(useHistory.getState().cursorMs).toBe(1_300);
    lookAt(null);
    expect(useHistory.getState()).toMatchObject({ cursorMs: null, tablesAt: null });
  });
});
