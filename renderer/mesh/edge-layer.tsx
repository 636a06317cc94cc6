// All edges, in one picture below the nodes: colour and dashes by health, width and pace by rate. Drawn here and not as React Flow's own
// edges, each of which listens to every change of every node: at 200 viewers that alone took twice the time a change may take.
// The pace is CSS; edges.css stops it for who wants no motion.
import { memo } from 'react';
import { choose } from './view-store.ts';
import type { DrawnEdge } from './to-flow.ts';

/** Kilobits a second of an edge that is drawn thinnest and slowest. */
const FLOOR_KBITS = 50;
/** More lines than this are drawn fainter, or they would hide the nodes. */
const MANY = 150;

export const EdgeLayer = memo(function EdgeLayer({ edges }: { edges: readonly DrawnEdge[] }) {
  return (
    <svg className="mesh-edges" data-many={edges.length > MANY} aria-hidden>
      {edges.map((drawn) => (
        <MeshEdge key={drawn.edge.id} drawn={drawn} />
      ))}
    </svg>
  );
});

const MeshEdge = memo(function MeshEdge({ drawn: { edge, path, isLit, isMoving } }: { drawn: DrawnEdge }) {
  const weight = Math.log2(1 + edge.bitsPerSecond / 1000 / FLOOR_KBITS);
  const strokeWidth = edge.kind === 'link' ? 1 : edge.kind === 'feed' ? 2.5 : Math.min(7, 1 + weight * 0.3);
  return (
    <g
      className={isLit ? 'react-flow__edge lit' : 'react-flow__edge'}
      data-id={edge.id}
      onClick={() => choose({ is: 'edge', id: edge.id })}
    >
      <path className="mesh-edge" data-health={edge.health} data-kind={edge.kind} d={path} style={{ strokeWidth }} />
      {isMoving && edge.kind !== 'link' && (
        <path
          className="mesh-flow"
          data-health={edge.health}
          d={path}
          style={{ strokeWidth: strokeWidth + 1.5, animationDuration: `${Math.round(3200 / (1 + weight / 2))}ms` }}
        />
      )}
      <path className="react-flow__edge-interaction" d={path} />
    </g>
  );
});
