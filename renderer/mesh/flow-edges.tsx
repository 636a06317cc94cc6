// What an edge looks like: colour and dashes by health, width and pace by rate. The pace is CSS; mesh.css stops it for who wants no motion.
import { type EdgeProps } from '@xyflow/react';
import { memo } from 'react';
import { NODE_WIDTH, type FlowEdge } from './to-flow.ts';

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

/**
 * Rightwards a calm S; within a column an arc on its right side; leftwards an S from the left side to the right one.
 * @param x1 right side of the one that gives, x2 left side of the one that gets
 */
function pathOf(x1: number, y1: number, x2: number, y2: number): string {
  if (x2 > x1) return curve(x1, y1, Math.max(28, (x2 - x1) * 0.4), x2, y2);
  const right = x2 + NODE_WIDTH;
  if (Math.abs(right - x1) < 2) {
    const bulge = 18 + Math.min(70, Math.abs(y2 - y1) * 0.14);
    return `M${x1},${y1}C${x1 + bulge},${y1} ${x1 + bulge},${y2} ${right},${y2}`;
  }
  return curve(x1 - NODE_WIDTH, y1, -Math.max(28, (x1 - NODE_WIDTH - right) * 0.4), right, y2);
}

const curve = (x1: number, y1: number, bend: number, x2: number, y2: number): string =>
  `M${x1},${y1}C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;

export const edgeTypes = { mesh: MeshEdge };
