// What the nodes of the graph look like. How much of it shows is decided by the zoom, in nodes.css.
import type { NodeProps } from '@xyflow/react';
import { Cloud, Radio, RadioTower, Waypoints } from 'lucide-react';
import { memo } from 'react';
import { bits, count, many, milliseconds } from './figures.ts';
import type { MeshNode, NodeKind } from './graph.ts';
import { HEALTH_WORDS, isProblem, SEVERITY, type Health } from './health.ts';
import { HealthMark } from './health-mark.tsx';
import { useScene } from './scene-store.ts';
import { hops, type FlowNode } from './to-flow.ts';

const KINDS = {
  source: { word: 'Source', Icon: Radio },
  coordinate: { word: 'Coordinate', Icon: RadioTower },
  tracker: { word: 'Tracker', Icon: Waypoints },
  forward: { word: 'Forward', Icon: Cloud },
} as const;

const ViewerNode = memo(function ViewerNode({ id }: NodeProps<FlowNode>) {
  const node = useScene((store) => store.graph.viewers.get(id));
  if (!node) return null;
  return (
    <div className="mesh-node viewer" data-health={node.health}>
      <HealthMark health={node.health} />
      <span className="name">{node.name}</span>
      <span className="figure">{figureOf(node)}</span>
    </div>
  );
});

/** Whom nobody should trust says so in place of its delay. */
function figureOf({ health, figure, state }: MeshNode): string {
  if (health === 'convicted' || health === 'accused') return HEALTH_WORDS[health];
  return figure === null ? state : milliseconds(figure);
}

const ServerNode = memo(function ServerNode({ id }: NodeProps<FlowNode>) {
  const node = useScene((store) => store.graph.servers.find((server) => server.id === id));
  if (!node) return null;
  const { word, Icon } = KINDS[node.kind as Exclude<NodeKind, 'viewer'>];
  return (
    <div className="mesh-node server" data-health={node.health} data-kind={node.kind}>
      <Icon size={16} aria-hidden />
      <span className="words">
        <span className="name">{node.name}</span>
        <span className="figure">
          {node.kind === 'forward' ? bits(node.bitsPerSecond) : node.state === 'here' ? word : node.state}
        </span>
      </span>
      <HealthMark health={node.health} />
    </div>
  );
});

const ClusterNode = memo(function ClusterNode({ id }: NodeProps<FlowNode>) {
  const cluster = useScene((store) => store.scene.clusters.get(id));
  if (!cluster) return null;
  const { counts, members, layer, region, bitsPerSecond, shown } = cluster;
  const problems = SEVERITY.reduce((sum, health) => sum + (isProblem(health) ? counts[health] : 0), 0);
  return (
    <div className="mesh-node cluster" data-health={cluster.health}>
      <span className="name">
        {count(members.length)}
        <small>{shown > 0 ? ` more, ${hops(layer)}` : ` at ${hops(layer)}`}</small>
      </span>
      <Waffle counts={counts} all={members.length} />
      <span className="figure">{region ? `${region}, ${bits(bitsPerSecond)}` : bits(bitsPerSecond)}</span>
      <span className="problems" data-some={problems > 0}>
        <HealthMark health={cluster.health} size={9} />
        {problems > 0 ? many(problems, 'problem') : 'all well'}
      </span>
    </div>
  );
});

const WIDTH = 116;
const HEIGHT = 40;

/** A dot for each viewer, worst first; depends on the counts alone, so it moves only when they do. */
const Waffle = memo(
  function Waffle({ counts, all }: { counts: Readonly<Record<Health, number>>; all: number }) {
    let pitch = 8;
    while (pitch > 2 && Math.floor(WIDTH / pitch) * Math.floor(HEIGHT / pitch) < all) pitch -= 0.5;
    const columns = Math.floor(WIDTH / pitch);
    const most = columns * Math.floor(HEIGHT / pitch);
    let at = 0;
    const paths = SEVERITY.map((health) => {
      let d = '';
      for (let i = 0; i < counts[health] && at < most; i++, at++)
        d += `M${(at % columns) * pitch} ${Math.floor(at / columns) * pitch}h${pitch - 1}v${pitch - 1}h${1 - pitch}z`;
      return d === '' ? null : <path key={health} data-health={health} d={d} />;
    });
    return (
      <svg className="waffle" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden>
        {paths}
      </svg>
    );
  },
  (before, now) => SEVERITY.every((health) => before.counts[health] === now.counts[health]),
);

/** Stays the same object: React Flow would draw everything anew. */
export const nodeTypes = { viewer: ViewerNode, server: ServerNode, cluster: ClusterNode };
