// `/debug`: everything this tracker knows, as JSON for programs and as a page for a person.
import type { Forwards } from './forwards.ts';
import { forwardRow, histogram, streamRow, viewerRow } from './rows.ts';
import type { Swarm } from './swarm.ts';

/** Viewers listed on the page; the JSON has all of them. */
const MAX_LISTED = 500;

export function debugJson(swarms: Iterable<Swarm>, forwards: Forwards, nowMs: number) {
  return {
    streams: Array.from(swarms, (swarm) => ({
      ...streamRow(swarm),
      viewers: Array.from(swarm.viewers.values(), (viewer) => viewerRow(swarm, viewer, nowMs)),
      histogram: histogram(swarm),
    })),
    forwards: Array.from(forwards.all, (forward) => forwardRow(forwards, forward)),
  };
}

export function debugPage(debug: ReturnType<typeof debugJson>): string {
  const streams = debug.streams.map((stream) => {
    const rows = stream.viewers.slice(0, MAX_LISTED).map((viewer) => ({
      viewer: viewer.id,
      state: viewer.state,
      depth: viewer.depth,
      'parents (slice: id)': edges(viewer.parents),
      'children (slice: id)': edges(viewer.children),
      'from forward, peers / sent (kbit/s)': `${kbits(viewer.forwardBitsPerSecond)}, ${kbits(viewer.peersBitsPerSecond)} / ${kbits(viewer.sentBitsPerSecond)}`,
      'delay (ms)': viewer.arrivalMs ?? '',
      'buffer (ms)': viewer.bufferMs ?? '',
      'why it sits there': viewer.mismatch ? `${String(viewer.why)} ${String(viewer.mismatch)}` : viewer.why,
    }));
    const { parents, children } = stream.histogram;
    const rest = stream.viewers.length - rows.length;
    return `<h2>${escape(stream.name)}</h2>
<p>${stream.viewers.length} viewers, ${stream.k} slices, ${escape(String(stream.state))}, target delay ${escape(String(stream.targetDelayMs))} ms, ${stream.parity ? 'with' : 'without'} parity: ${escape(stream.parityWhy)}
Viewers by number of viewer parents: ${counts(parents)}; of children: ${counts(children)}.</p>
${table(rows)}${rest > 0 ? `<p>And ${rest} more in the JSON.</p>` : ''}`;
  });
  const forwards = debug.forwards.map((forward) => ({
    forward: forward.id,
    url: forward.url,
    load: forward.load,
    'slices given to it': forward.assigned,
    'sends (kbit/s)': kbits(forward.egressBitsPerSecond),
  }));
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tracker</title><meta http-equiv="refresh" content="2">
<style>body{font:14px system-ui,sans-serif;margin:2rem;color-scheme:light dark}table{border-collapse:collapse}td,th{border:1px solid #8886;padding:.3rem .5rem;text-align:left;vertical-align:top;font-variant-numeric:tabular-nums}</style>
<h1>Tracker</h1>
${streams.join('\n') || '<p>No viewers yet.</p>'}
<h2>Forwards</h2>
${forwards.length > 0 ? table(forwards) : '<p>No forward is connected. Viewers keep what they have from each other.</p>'}</html>`;
}

function table(rows: readonly Record<string, unknown>[]): string {
  const [first] = rows;
  if (!first) return '';
  const head = Object.keys(first).map((name) => `<th>${escape(name)}</th>`);
  const body = rows.map(
    (row) =>
      `<tr>${Object.values(row)
        .map((cell) => `<td>${escape(String(cell))}</td>`)
        .join('')}</tr>`,
  );
  return `<table><tr>${head.join('')}</tr>${body.join('\n')}</table>`;
}

const edges = (list: unknown): string =>
  (list as { slice: number; id: string }[]).map(({ slice, id }) => `${slice}: ${id}`).join(', ');
const counts = (of: Record<number, number>): string =>
  Object.entries(of)
    .map(([number, viewers]) => `${number}: ${viewers}`)
    .join(', ') || 'none';
const kbits = (bits: unknown): number => Math.round(Number(bits) / 1_000);
const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
