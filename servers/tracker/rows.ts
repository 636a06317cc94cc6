// The rows of the debug tables, the same for the page, the JSON and the feed.
import { childrenOf } from './engine.ts';
import type { Forward, Forwards } from './forwards.ts';
import type { Swarm } from './swarm.ts';
import type { Viewer } from './viewer.ts';

export function viewerRow(swarm: Swarm, viewer: Viewer, nowMs: number) {
  const peer = swarm.engine.peer(viewer.id);
  const report = viewer.report;
  return {
    id: viewer.id,
    stream: swarm.name,
    role: viewer.role,
    /** Hops from the forward in its deepest tree. */
    depth: peer ? Math.max(...peer.nodes.map((node) => node.depth)) : null,
    depths: peer?.nodes.map((node) => node.depth) ?? [],
    /** A forward is named by its own id. */
    parents: viewer.planned.flatMap((parent, slice) => (parent ? { slice, id: parent.id, kind: parent.kind } : [])),
    children: peer ? childrenOf(peer) : [],
    state: report?.state ?? (viewer.claims ? 'returning' : 'joining'),
    why: peer?.why ?? 'It waits to be seated.',
    shares: viewer.shares,
    direct: peer?.direct ?? false,
    slots: peer && !peer.direct ? peer.slots : 0,
    home: peer?.home ?? -1,
    /** Why it takes no children for now, by its own word; null: it does. */
    leaf: viewer.leaf,
    /** Measured while slices waited; null: its uplink has never been full. */
    uplinkBitsPerSecond: swarm.capacities.of(viewer.id)?.bitsPerSecond ?? null,
    skipped: report?.skipped ?? 0,
    duplicateBytes: report?.duplicateBytes ?? 0,
    ...viewer.rates,
    receivedBytes: report?.received ?? { forward: 0, peers: 0 },
    sentBytes: report?.sent ?? 0,
    /** What its children say they have from it. */
    confirmedBytes: viewer.confirmedBytes,
    contributedBytes: viewer.confirmedBytes,
    /** Share by which its own account of what it gave differs from its children's receipts. */
    ledgerGap: swarm.ledger.gapOf(viewer.id),
    arrivalMs: report?.arrivalMs ?? null,
    bufferMs: report?.bufferMs ?? null,
    delayMs: report?.delay?.ms ?? null,
    /** The source told when the media was captured; otherwise delays are counted from the encoder's best. */
    delaySinceCapture: report?.delay?.sinceCapture ?? false,
    newest: report?.newest ?? null,
    stalls: report?.stalls ?? { count: 0, ms: 0 },
    hidden: report?.hidden ?? false,
    ...swarm.trust.of(viewer.id, nowMs),
    /** null: its claims agree with the trees. */
    mismatch: viewer.mismatch,
    ageMs: Math.round(nowMs - viewer.sinceMs),
  };
}

export function streamRow(swarm: Swarm) {
  const { engine } = swarm;
  return {
    name: swarm.name,
    k: swarm.k,
    layout: swarm.layout,
    /** Why so many slices. */
    kWhy: swarm.shape.kWhy,
    parity: engine.trees.hasParity,
    /** Why it is sent along, or not. */
    parityWhy: swarm.shape.parityWhy,
    /** Slots of all viewers over the slots that they take. */
    supply: Math.round(swarm.capacities.supply * 100) / 100,
    bitsPerSecond: swarm.capacities.bitsPerSecond,
    forecast: swarm.forecast(),
    ledger: swarm.ledger.row(),
    state: swarm.state,
    epoch: swarm.epoch,
    viewerCount: swarm.viewers.size,
    targetDelayMs: swarm.target.ms,
    directCopies: engine.trees.budget,
    directPeers: engine.trees.directPeers,
    /** Children of the forwards per tree, receive-only viewers apart. */
    forwardChildren: engine.trees.roots.map((root) => root.kids.length),
    freeSlots: [...engine.trees.freeSlots],
  };
}

export function forwardRow(forwards: Forwards, forward: Forward) {
  const { record } = forward;
  return {
    ...record,
    url: forwards.urlOf(forward),
    assigned: forward.assigned,
    served: forward.served,
    egressBitsPerSecond: forward.egressBitsPerSecond,
    streams: Object.fromEntries(forward.streams),
  };
}

/** How many viewers have so many distinct viewer parents, and so many distinct children. */
export function histogram(swarm: Swarm): { parents: Record<number, number>; children: Record<number, number> } {
  const [parents, children]: Record<number, number>[] = [{}, {}];
  for (const peer of swarm.engine.trees.peers.values()) {
    const above = new Set(peer.nodes.flatMap((node) => node.parent?.peer ?? [])).size;
    const below = new Set(childrenOf(peer).map((child) => child.id)).size;
    if (parents) parents[above] = (parents[above] ?? 0) + 1;
    if (children) children[below] = (children[below] ?? 0) + 1;
  }
  return { parents: parents ?? {}, children: children ?? {} };
}
