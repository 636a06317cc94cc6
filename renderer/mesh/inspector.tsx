// What is known about the chosen node or edge, its last minutes, why it sits there, and what can be done with it.
import { Crosshair, X } from 'lucide-react';
import { useMemo } from 'react';
import { Actions } from './actions.tsx';
import { findShown, type Scene } from './clusters.ts';
import { clusterFacts, edgeFacts, nodeFacts, type Facts } from './facts.ts';
import { bits, milliseconds } from './figures.ts';
import { edgesOf, nodeOf, type Graph, type MeshNode } from './graph.ts';
import { HEALTH_MEANING, HEALTH_WORDS, SEVERITY, type Health } from './health.ts';
import { HealthMark } from './health-mark.tsx';
import { useScene } from './scene-store.ts';
import { Sparkline } from './sparkline.tsx';
import { useTrace } from './trace.ts';
import { choose, foldCluster, followViewer, goTo, openCluster, useView, type Chosen } from './view-store.ts';

export function Inspector() {
  const chosen = useView((view) => view.chosen);
  const graph = useScene((store) => store.graph);
  const scene = useScene((store) => store.scene);
  const seen = useMemo(() => (chosen === null ? null : look(graph, scene, chosen)), [graph, scene, chosen]);
  return (
    <aside className="inspector card" aria-label="Details">
      {chosen === null ? <Legend /> : seen === null ? <Gone id={chosen.id} /> : <Seen {...seen} graph={graph} />}
    </aside>
  );
}

interface Sight {
  facts: Facts;
  node: MeshNode | null;
  cluster: string | null;
  health: Health;
}

function look(graph: Graph, scene: Scene, chosen: Chosen): Sight | null {
  if (chosen.is === 'edge') {
    const edge = scene.edges.find(({ id }) => id === chosen.id) ?? edgesOf(graph).find(({ id }) => id === chosen.id);
    return edge ? { facts: edgeFacts(edge), node: null, cluster: null, health: edge.health } : null;
  }
  const shown = findShown(scene, graph, chosen.id);
  if (shown === null) return null;
  if (shown.kind === 'cluster')
    return { facts: clusterFacts(shown), node: null, cluster: shown.id, health: shown.health };
  return { facts: nodeFacts(graph, shown), node: shown, cluster: null, health: shown.health };
}

function Seen({ facts, node, cluster, health, graph }: Sight & { graph: Graph }) {
  const follow = useView((view) => view.follow);
  return (
    <>
      <header className="row">
        <HealthMark health={health} size={12} />
        <div className="inspector-title">
          <h2 title={facts.title}>{facts.title}</h2>
          <p className="soft small">
            {facts.kind}, {HEALTH_WORDS[health]}
          </p>
        </div>
        <span className="space" />
        <button type="button" className="quiet" aria-label="Close details" onClick={() => choose(null)}>
          <X size={15} aria-hidden />
        </button>
      </header>
      <div className="row">
        {node && (
          <button type="button" onClick={() => goTo(node.id)}>
            <Crosshair size={14} aria-hidden /> Show
          </button>
        )}
        {node?.kind === 'viewer' && (
          <button
            type="button"
            aria-pressed={follow === node.id}
            onClick={() => followViewer(follow === node.id ? null : node.id)}
          >
            {follow === node.id ? 'Stop following' : 'Follow'}
          </button>
        )}
        {cluster !== null && (
          <>
            <button type="button" onClick={() => openCluster(cluster)}>
              Show 100 more
            </button>
            <button type="button" onClick={() => foldCluster(cluster)}>
              Fold
            </button>
          </>
        )}
      </div>
      {facts.why && (
        <section>
          <h3>{node?.kind === 'viewer' ? 'Why it sits here' : 'What it is'}</h3>
          <p>{facts.why}</p>
        </section>
      )}
      {node && <Trace node={node} />}
      <dl className="facts">
        {facts.pairs.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {facts.around.map(([relation, ids]) =>
        ids.length === 0 ? null : (
          <section key={relation}>
            <h3>{relation}</h3>
            <ul className="neighbours">
              {ids.slice(0, MAX_NEIGHBOURS).map(({ id, note }) => (
                <li key={`${id} ${note}`}>
                  <button type="button" className="quiet" onClick={() => goTo(id)}>
                    {nodeOf(graph, id)?.name ?? id}
                  </button>
                  <span className="soft small">{note}</span>
                </li>
              ))}
              {ids.length > MAX_NEIGHBOURS && <li className="soft small">and {ids.length - MAX_NEIGHBOURS} more</li>}
            </ul>
          </section>
        ),
      )}
      <Actions viewer={node?.kind === 'viewer' ? node.id : null} program={facts.program} />
    </>
  );
}

const MAX_NEIGHBOURS = 12;

/** The last two minutes, noted since it was chosen. */
function Trace({ node }: { node: MeshNode }) {
  const points = useTrace((trace) => (trace.id === node.id ? trace.points : NO_POINTS));
  if (points.length < 3 || (node.kind !== 'viewer' && node.kind !== 'forward')) return null;
  const figures = points.map((point) => point.figure);
  return (
    <section className="traces">
      <Sparkline
        label={node.kind === 'viewer' ? 'Receives' : 'Sends'}
        values={points.map((point) => point.bitsPerSecond)}
        words={bits(points.at(-1)?.bitsPerSecond)}
      />
      {node.kind === 'viewer' && figures.some((figure) => figure !== null) && (
        <Sparkline label="Delay" values={figures} words={milliseconds(figures.at(-1))} />
      )}
    </section>
  );
}

const NO_POINTS: readonly never[] = [];

function Gone({ id }: { id: string }) {
  const isOpened = useView((view) => (view.open[id] ?? 0) > 0);
  if (isOpened)
    return (
      <>
        <h2>Opened</h2>
        <p className="soft">Everyone of this cluster stands there one by one.</p>
        <div className="row">
          <button type="button" onClick={() => foldCluster(id)}>
            Fold
          </button>
        </div>
      </>
    );
  return (
    <>
      <header className="row">
        <h2 className="inspector-title">{id}</h2>
        <span className="space" />
        <button type="button" className="quiet" aria-label="Close details" onClick={() => choose(null)}>
          <X size={15} aria-hidden />
        </button>
      </header>
      <p className="soft">It is no longer part of the mesh.</p>
    </>
  );
}

/** What the marks mean, while nothing is chosen. */
function Legend() {
  return (
    <>
      <h2>What you see</h2>
      <p className="soft">The stream flows from left to right. Choose a node or an edge to see all about it.</p>
      <ul className="legend">
        {SEVERITY.toReversed().map((health) => (
          <li key={health}>
            <HealthMark health={health} size={11} />
            <svg width={34} height={8} aria-hidden>
              <path
                className="mesh-edge"
                data-health={health}
                data-kind="tree"
                d="M0 4H34"
                style={{ strokeWidth: 2.5 }}
              />
            </svg>
            <span>
              <strong>{HEALTH_WORDS[health]}</strong> <span className="soft">{HEALTH_MEANING[health]}</span>
            </span>
          </li>
        ))}
        <li>
          <span />
          <svg width={34} height={8} aria-hidden>
            <path className="mesh-edge" data-health="off" data-kind="link" d="M0 4H34" style={{ strokeWidth: 1 }} />
          </svg>
          <span>
            <strong>thin</strong> <span className="soft">Messages only, no media.</span>
          </span>
        </li>
      </ul>
      <p className="soft small">Thicker and faster edges carry more. Zoom in for names and delays.</p>
    </>
  );
}
