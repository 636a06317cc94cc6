// Everything known about a node or an edge, as pairs of words. Pure.
import type { Cluster } from './clusters.ts';
import { duration, percent } from '../format.ts';
import { bits, bytes, count, many, milliseconds } from './figures.ts';
import type { Graph, MeshEdge, MeshNode } from './graph.ts';
import { HEALTH_MEANING, HEALTH_WORDS, SEVERITY } from './health.ts';

export interface Facts {
  title: string;
  kind: string;
  why: string | null;
  pairs: [label: string, value: string][];
  /** Neighbours by name of the relation: ids of nodes. */
  around: [relation: string, ids: { id: string; note: string }[]][];
  /** Name of the supervised program that it is; null: runs elsewhere, or is none. */
  program: string | null;
}

export function nodeFacts(graph: Graph, node: MeshNode): Facts {
  switch (node.kind) {
    case 'viewer':
      return viewerFacts(graph, node);
    case 'source':
      return sourceFacts(graph, node);
    case 'coordinate': {
      const row = graph.tables.coordinates?.[node.key];
      const streams = Object.entries(graph.tables.streams ?? {}).filter(([, stream]) => stream.coordinate === node.key);
      return {
        ...plain(node, 'Coordinate', 'It takes the streams in and pushes them to every forward.'),
        pairs: [
          ['Address', node.key],
          ['State', node.state],
          ['Streams', count(streams.length)],
        ],
        program: row?.program ?? null,
      };
    }
    case 'tracker':
      return trackerFacts(graph, node);
    case 'forward':
      return forwardFacts(graph, node);
  }
}

export function clusterFacts(cluster: Cluster): Facts {
  return {
    title: many(cluster.members.length, 'viewer'),
    kind: 'Cluster',
    why: 'Folded together: they belong to the same branches of the trees and are equally many hops from the forward.',
    pairs: [
      ['Hops from the forward', count(cluster.layer - 2)],
      ...(cluster.region ? [['Region', cluster.region] as [string, string]] : []),
      ...SEVERITY.filter((health) => cluster.counts[health] > 0).map((health): [string, string] => [
        HEALTH_WORDS[health],
        count(cluster.counts[health]),
      ]),
      ['Receives, together', bits(cluster.bitsPerSecond)],
    ],
    around: [],
    program: null,
  };
}

export function edgeFacts(edge: MeshEdge & { count?: number }): Facts {
  const kinds = {
    feed: 'Feed between servers',
    tree: edge.slice === null ? 'Slices' : `Slice ${edge.slice}`,
    link: 'Messages, no media',
  };
  return {
    title: kinds[edge.kind],
    kind: 'Edge',
    why: HEALTH_MEANING[edge.health],
    pairs: [
      ['State', HEALTH_WORDS[edge.health]],
      ...(edge.kind === 'tree' ? [['Rate', bits(edge.bitsPerSecond)] as [string, string]] : []),
      ...((edge.count ?? 1) > 1 ? [['Stands for', many(edge.count ?? 1, 'edge')] as [string, string]] : []),
    ],
    around: [
      ['From', [{ id: edge.from, note: '' }]],
      ['To', [{ id: edge.to, note: '' }]],
    ],
    program: null,
  };
}

const plain = (node: MeshNode, kind: string, why: string | null): Omit<Facts, 'pairs' | 'program'> => ({
  title: node.name,
  kind,
  why,
  around: [],
});

function viewerFacts(graph: Graph, node: MeshNode): Facts {
  const row = graph.rows[node.id];
  if (!row) return { ...plain(node, 'Viewer', null), pairs: [], program: null };
  const received = row.receivedBytes ?? { forward: 0, peers: 0 };
  const link = Object.values(graph.tables.links ?? {}).find((one) => one.viewer === node.id);
  return {
    title: node.id,
    kind: row.role === 'relay' ? 'Relay' : row.role === 'monitor' ? 'A console’s monitor' : 'Viewer',
    why: [row.why, row.mismatch, row.trustWhy].filter(Boolean).join(' '),
    pairs: [
      ['State', `${row.state}${row.hidden ? ', hidden tab' : ''}`],
      ['Health', HEALTH_WORDS[node.health]],
      ...(row.trust ? [['Trust', row.trust] as [string, string]] : []),
      ['Delay of its picture', milliseconds(row.delayMs ?? null)],
      ['Delay of arrival', milliseconds(row.arrivalMs)],
      ['Buffer', milliseconds(row.bufferMs)],
      ['Stalls', row.stalls?.count ? `${row.stalls.count}, ${milliseconds(row.stalls.ms)}` : 'none'],
      ['Hops, by slice', row.depths?.join(', ') || 'not seated'],
      ['From the forward', `${bits(row.forwardBitsPerSecond)}, ${bytes(received.forward)}`],
      ['From viewers', `${bits(row.peersBitsPerSecond)}, ${bytes(received.peers)}`],
      ['Passes on', `${bits(row.sentBitsPerSecond)}, ${bytes(row.sentBytes)}`],
      ['Confirmed by receivers', bytes(row.contributedBytes ?? row.confirmedBytes)],
      ...(row.ledgerGap === null || row.ledgerGap === undefined
        ? []
        : [['Its account differs by', percent(row.ledgerGap)] as [string, string]]),
      ['Shares', row.shares ? many(row.slots, 'slot') : row.direct ? 'no, served directly' : 'no'],
      ...(row.leaf ? [['Feeds nobody because', row.leaf] as [string, string]] : []),
      ...(row.uplinkBitsPerSecond === undefined
        ? []
        : [
            ['Uplink', row.uplinkBitsPerSecond === null ? 'never full yet' : bits(row.uplinkBitsPerSecond)] as [
              string,
              string,
            ],
          ]),
      ...(link
        ? [['Behind at the forward', `${milliseconds(link.lagMs)}, ${many(link.skips, 'skip')}`] as [string, string]]
        : []),
      ['Stream', row.stream],
      ['Region', node.region || 'unknown'],
      ['Newest unit', row.newest === null ? 'none' : count(row.newest)],
      ['Here for', duration(row.ageMs)],
    ],
    around: [
      [
        'Fed by',
        (row.parents ?? []).map(({ id, slice, kind }) => ({
          id,
          note: `slice ${slice}${kind === 'forward' ? ', forward' : ''}`,
        })),
      ],
      ['Feeds', (row.children ?? []).map(({ id, slice }) => ({ id, note: `slice ${slice}` }))],
      ['Tracker', row.tracker ? [{ id: row.tracker, note: '' }] : []],
    ],
    program: null,
  };
}

function sourceFacts(graph: Graph, node: MeshNode): Facts {
  const row = graph.tables.streams?.[node.key];
  const swarm = Object.values(graph.tables.swarms ?? {}).find((one) => one.name === node.key);
  return {
    ...plain(node, 'Source', row?.why || null),
    pairs: row
      ? [
          ['State', row.state],
          ['Taken in', row.how ?? 'not yet'],
          ['Tracks', row.tracks?.join(', ') || 'none'],
          ['Received', bytes(row.bytes)],
          ['Epoch', count(row.epoch)],
          ['Newest unit', count(row.unit)],
          ...(swarm
            ? ([
                ['Viewers', count(swarm.viewerCount)],
                ['Slices', swarm.kWhy ? `${count(swarm.k)}: ${swarm.kWhy}` : count(swarm.k)],
                ...(swarm.parity === undefined
                  ? []
                  : [
                      [
                        'Parity',
                        `${swarm.parity ? 'sent along' : 'not sent'}${swarm.parityWhy ? `: ${swarm.parityWhy}` : ''}`,
                      ],
                    ]),
                ...(swarm.forecast ? [['Holds about', many(swarm.forecast.viewers, 'viewer')]] : []),
                ['Target delay', milliseconds(swarm.targetDelayMs)],
                ['Copies from the forwards, as planned', count(swarm.directCopies)],
                ['Free slots, by tree', swarm.freeSlots?.join(', ') ?? ''],
              ] as [string, string][])
            : []),
        ]
      : [],
    program: null,
  };
}

function trackerFacts(graph: Graph, node: MeshNode): Facts {
  const row = graph.tables.trackers?.[node.key];
  return {
    ...plain(node, 'Tracker', 'It seats the viewers of its region and mends their trees.'),
    pairs: row
      ? [
          ['Id', node.key],
          ['State', row.state],
          ['Region', row.region],
          ['Address', row.base],
          ['Viewers', count(row.viewers)],
          ['Load', `${Math.round((row.load ?? 0) * 100)} %`],
        ]
      : [],
    around: [['Its forwards', (row?.forwards ?? []).map((id) => ({ id, note: '' }))]],
    program: row?.program ?? null,
  };
}

function forwardFacts(graph: Graph, node: MeshNode): Facts {
  const row = graph.tables.forwards?.[node.key];
  const bytesOut = row?.egressBytes;
  return {
    ...plain(
      node,
      'Forward',
      'It is the root of every tree: what viewers cannot have from each other comes from here.',
    ),
    pairs: row
      ? [
          ['Id', node.key],
          ['Region', row.region],
          ['Viewers pull at', row.pull],
          ['Load', `${Math.round(row.load * 100)} %`],
          ['Slices served', count(row.children)],
          ['Sends', bits(row.egressBitsPerSecond)],
          ['Sent: media', bytes(bytesOut?.media)],
          ['Sent: first pictures', bytes(bytesOut?.bootstrap)],
          ['Sent: repair', bytes(bytesOut?.repair)],
          ['Sent: control', bytes(bytesOut?.control)],
          ['Received', bytes(row.ingressBytes)],
        ]
      : [],
    around: [['Its tracker', row?.tracker ? [{ id: row.tracker, note: '' }] : []]],
    program: row?.program ?? null,
  };
}
