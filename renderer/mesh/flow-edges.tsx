// What an edge looks like: colour and dashes by health, width and pace by rate. The pace is CSS; mesh.css stops it for who wants no motion.
import { type EdgeProps } from '@xyflow/react';
import { memo } from 'react';
import type { FlowEdge } from './to-flow.ts';

/** Kilobits a second of an edge that is drawn thinnest and slowest. */
const FLOOR_KBITS = 50;

const MeshEdge = memo(function MeshEdge({ sourceX, sourceY, targetX, targetY, data }: EdgeProps<FlowEdge>) {
  if (!data) return null;
  const { edge, offset, isMoving } = data;
  const path = pathOf(sourceX, sourceY + offset, targetX, targetY + offset);
  const weight = Math.log2(1 + edge.bitsPerSecond / 1000 / FLOOR_KBITS);
  const strokeWidth = edge.kind === 'link' ? 1 : edge.kind === 'feed' ? 2.5 : Math.min(7, 1 + weight * 0.3);
  return (
    <>
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
    </>
  );
});

/** Rightwards a calm S; to the same or an earlier layer an arc that leaves and arrives on the nodes' outer sides. */
function pathOf(x1: number, y1: number, x2: number, y2: number): string {
  const reach = Math.max(28, Math.abs(x2 - x1) * 0.4);
  const bend = x2 > x1 ? reach : Math.min(90, 40 + Math.abs(x2 - x1) * 0.1);
  return `M${x1},${y1}C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
}

export const edgeTypes = { mesh: MeshEdge };
