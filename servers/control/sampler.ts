// One sample a second out of the mesh's tables and the programs' own usage, and the markers that follow from what changed. Delay is by
// plan: the swarm's target, or what a viewer's own late media makes it.
import { OFFLOAD_WINDOW_MS, type Marker, type Sample } from '../../protocol/history.ts';
import { TARGET_MARGIN_MS } from '../../protocol/limits.ts';
import type { Row, Tables } from '../../protocol/mesh-view.ts';
import { countedBetween, ForwardCounters, KINDS, type Kind, type Reading } from './forward-counters.ts';

type ByKind = Record<Kind, number>;
/** More departures at once are told in one sentence. */
const MAX_NAMED = 5;

interface Counters {
  atMs: number;
  forwards: Reading;
  /** What consoles' monitors had from the forwards. */
  monitors: number;
  viewers: number;
}

export class Sampler {
  #before: Tables = {};
  readonly #forwards = new ForwardCounters();
  readonly #window: Counters[] = [];
  readonly #usage = new Map<string, { cpu: number; memoryBytes: number }>();

  usage(program: string, cpu: number, memoryBytes: number): void {
    this.#usage.set(program, { cpu, memoryBytes });
  }

  forgetUsage(program: string): void {
    this.#usage.delete(program);
  }

  /** @param tables the mesh now; rows are replaced and never changed in place */
  take(atMs: number, tables: Tables): { sample: Sample; markers: Marker[] } {
    const isFirst = this.#window.length === 0;
    const viewers = audience(tables);
    const former = audience(this.#before);
    const markers: Marker[] = [];
    const left = [...former.keys()].filter((id) => !viewers.has(id));
    const joined = [...viewers.keys()].filter((id) => !former.has(id)).length;
    for (const id of left.slice(0, MAX_NAMED))
      markers.push({ atMs, kind: 'viewer', subject: id, text: `Viewer ${id} left.` });
    if (left.length > MAX_NAMED)
      markers.push({ atMs, kind: 'viewer', subject: 'many', text: `${left.length} viewers left within a second.` });
    let stalledMs = 0;
    const delays: number[] = [];
    for (const [id, row] of viewers) {
      const [now, then] = [stallsOf(row), stallsOf(former.get(id))];
      stalledMs += Math.max(0, now - then);
      const delayMs = delayOf(row, tables);
      if (row['state'] === 'playing' && delayMs !== null) delays.push(delayMs);
      const was = former.get(id);
      if (was && lostParent(was, row)) {
        if (markers.length < 2 * MAX_NAMED)
          markers.push({
            atMs,
            kind: 'viewer',
            subject: id,
            text: `Viewer ${id} lost a parent. ${whyOf(row)}`.trim(),
          });
      }
    }
    for (const [name, row] of Object.entries(tables['streams'] ?? {}))
      if (row['state'] !== this.#before['streams']?.[name]?.['state'])
        markers.push({ atMs, kind: 'stream', subject: name, text: `Stream ${name} is ${String(row['state'])}.` });
    const { reading, isWhole } = this.#forwards.read(tables, atMs);
    if (!isWhole) this.#window.length = 0;
    const counters = { atMs, forwards: reading, monitors: monitorsOf(tables), viewers: viewers.size };
    const last = this.#window.at(-1);
    this.#window.push(counters);
    while (this.#window.length > 2 && atMs - (this.#window[0]?.atMs ?? atMs) > OFFLOAD_WINDOW_MS) this.#window.shift();
    this.#before = Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, { ...rows }]));
    delays.sort((a, b) => a - b);
    const sample: Sample = {
      atMs,
      viewers: viewers.size,
      playing: [...viewers.values()].filter((row) => row['state'] === 'playing').length,
      offload: offloadOf(this.#window),
      delayP50Ms: percentile(delays, 0.5),
      delayP95Ms: percentile(delays, 0.95),
      stalledMs,
      joined: isFirst ? 0 : joined,
      left: left.length,
      ...ratesOf(last, counters),
      programs: Object.fromEntries(this.#usage),
    };
    return { sample, markers };
  }
}

/** Viewers, without the relays that a deployer runs and the monitors of consoles. */
const audience = (tables: Tables): Map<string, Row> =>
  new Map(
    Object.entries(tables['viewers'] ?? {}).filter(([, row]) => row['role'] === undefined || row['role'] === 'viewer'),
  );

const whyOf = (row: Row): string => (typeof row['why'] === 'string' ? row['why'] : '');
const stallsOf = (row: Row | undefined): number =>
  Number((row?.['stalls'] as { ms?: number } | undefined)?.ms ?? 0) || 0;

/** What the viewer says of the picture on its screen; of one without a picture, what it must play at. */
function delayOf(row: Row, tables: Tables): number | null {
  if (typeof row['delayMs'] === 'number') return row['delayMs'];
  const target = Number(tables['swarms']?.[String(row['stream'])]?.['targetDelayMs']);
  if (!Number.isFinite(target)) return null;
  const arrivalMs = Number(row['arrivalMs']) || 0;
  return Math.round(Math.max(target, arrivalMs + TARGET_MARGIN_MS));
}

/** A planned parent was a viewer, and another one stands there now. */
function lostParent(was: Row, now: Row): boolean {
  const parents = (row: Row): { slice: number; id: string; kind?: string }[] =>
    Array.isArray(row['parents']) ? (row['parents'] as { slice: number; id: string; kind?: string }[]) : [];
  return (
    /left|could not get|silent|takes over/i.test(String(now['why'])) &&
    now['why'] !== was['why'] &&
    parents(was).some((before) => !parents(now).some((p) => p.slice === before.slice && p.id === before.id))
  );
}

function monitorsOf(tables: Tables): number {
  let bytes = 0;
  for (const row of Object.values(tables['viewers'] ?? {}))
    if (row['role'] === 'monitor')
      bytes += Number((row['receivedBytes'] as { forward?: number } | undefined)?.forward) || 0;
  return bytes;
}

function offloadOf(window: readonly Counters[]): number | null {
  const [first, last] = [window[0], window.at(-1)];
  if (!first || !last || last.viewers === 0) return null;
  const viewers = window.reduce((sum, one) => sum + one.viewers, 0) / window.length;
  const { egress, ingress } = bytesBetween(first, last);
  const needed = ingress * viewers;
  if (needed <= 0) return null;
  const sent = egress.media + egress.bootstrap + egress.repair - Math.max(0, last.monitors - first.monitors);
  return Math.round(Math.max(0, Math.min(1, 1 - sent / needed)) * 1_000) / 1_000;
}

function ratesOf(
  last: Counters | undefined,
  now: Counters,
): Pick<Sample, 'egressBitsPerSecond' | 'ingressBitsPerSecond'> {
  const { egress, ingress } = bytesBetween(last ?? now, now);
  const elapsedMs = now.atMs - (last ?? now).atMs;
  const rate = (bytes: number): number => (elapsedMs > 0 ? Math.round((bytes * 8_000) / elapsedMs) : 0);
  for (const kind of KINDS) egress[kind] = rate(egress[kind]);
  return { egressBitsPerSecond: egress, ingressBitsPerSecond: rate(ingress) };
}

/** What all forwards sent; and of the stream as the one took it in that had most of it: one copy is what a viewer needs. */
function bytesBetween(first: Counters, last: Counters): { egress: ByKind; ingress: number } {
  const egress: ByKind = { media: 0, bootstrap: 0, repair: 0, control: 0 };
  let ingress = 0;
  for (const counted of countedBetween(first.forwards, last.forwards)) {
    for (const kind of KINDS) egress[kind] += counted[kind];
    ingress = Math.max(ingress, counted.ingress);
  }
  return { egress, ingress };
}

const percentile = (sorted: readonly number[], q: number): number | null =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? null;
