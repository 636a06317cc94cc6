// The graph itself: React Flow draws what scene-store.ts and places.ts say. It fits the picture into view until a person moves it.
import {
  Controls,
  ControlButton,
  MiniMap,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  ViewportPortal,
  type NodeChange,
} from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import { LayoutGrid } from 'lucide-react';
import { useEffect, useMemo, useRef } from 'react';
import { EdgeLayer } from './edge-layer.tsx';
import { nodeTypes } from './flow-nodes.tsx';
import { COLUMN_PX } from './layout.ts';
import { usePlaces } from './places.ts';
import { useScene } from './scene-store.ts';
import { FlowCache, hops, type FlowNode } from './to-flow.ts';
import { choose, openCluster, useView } from './view-store.ts';

/** Below so many nodes all are in the page: the browser's own search and screen readers find them. */
const MAX_ALWAYS_DRAWN = 300;
const FIT = { padding: 0.04, maxZoom: 1.1, minZoom: 0.02 } as const;
const FOLLOW_ZOOM = 0.9;

export function MeshGraph({ onTidy }: { onTidy: () => void }) {
  return (
    <ReactFlowProvider>
      <Flow onTidy={onTidy} />
    </ReactFlowProvider>
  );
}

function Flow({ onTidy }: { onTidy: () => void }) {
  const scene = useScene((store) => store.scene);
  const slices = useScene((store) => store.graph.slices);
  const serial = usePlaces((places) => places.serial);
  const chosen = useView((view) => view.chosen);
  const cache = useRef<FlowCache>(null);
  cache.current ??= new FlowCache();
  const { points } = usePlaces.getState();
  const [nodes, edges] = useMemo(() => {
    const flow = cache.current ?? new FlowCache();
    return [flow.nodes(scene, points, chosen), flow.edges(scene, points, chosen, slices)];
    // `points` is one map that changes in place: `serial` tells when.
  }, [scene, points, serial, chosen, slices]);
  const isTouched = useRef(false);
  useFitting(nodes.length > 0, serial, isTouched);
  useCentring(serial, isTouched);
  return (
    <div className="mesh-flow-frame" data-chosen={chosen !== null}>
      <ReactFlow<FlowNode>
        nodes={nodes}
        nodeTypes={nodeTypes}
        onNodesChange={onSelect}
        onNodeClick={onNodeClick}
        onPaneClick={onPaneClick}
        onMove={(event) => {
          if (event) isTouched.current = true;
        }}
        onlyRenderVisibleElements={nodes.length > MAX_ALWAYS_DRAWN}
        nodesDraggable={false}
        nodesConnectable={false}
        deleteKeyCode={null}
        multiSelectionKeyCode={null}
        selectionKeyCode={null}
        minZoom={0.03}
        maxZoom={2.5}
        proOptions={NO_ATTRIBUTION}
        ariaLabelConfig={ARIA}
      >
        <Detail />
        <ViewportPortal>
          <EdgeLayer edges={edges} />
        </ViewportPortal>
        <LayerNames />
        <Controls showInteractive={false} position="bottom-left">
          <ControlButton
            onClick={() => {
              isTouched.current = false;
              onTidy();
            }}
            title="Lay out anew"
            aria-label="Lay out anew"
          >
            <LayoutGrid aria-hidden />
          </ControlButton>
        </Controls>
        <MiniMap pannable zoomable nodeClassName={miniClass} position="bottom-left" ariaLabel="Overview of the mesh" />
      </ReactFlow>
    </div>
  );
}

const NO_ATTRIBUTION = { hideAttribution: true };
const ARIA = { 'node.a11yDescription.default': 'Enter chooses the node and shows what is known about it.' };

const miniClass = (node: FlowNode): string => `mini-${node.data.health}`;

/** Chosen by keyboard; a click comes as onNodeClick too and means the same. */
function onSelect(changes: NodeChange<FlowNode>[]): void {
  for (const change of changes) if (change.type === 'select' && change.selected) chooseNode(change.id);
}

function chooseNode(id: string): void {
  const { chosen } = useView.getState();
  if (chosen?.is === 'node' && chosen.id === id) return;
  choose({ is: 'node', id });
}

function onNodeClick(_event: unknown, node: FlowNode): void {
  chooseNode(node.id);
  if (node.type === 'cluster') openCluster(node.id);
}

const onPaneClick = (): void => choose(null);

/** Writes the level of detail onto the frame: one change there instead of one in every node. */
function Detail() {
  const level = useStore(({ transform: [, , zoom] }) => (zoom < 0.42 ? 'far' : zoom < 0.7 ? 'middle' : 'near'));
  const mark = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const frame = mark.current?.closest<HTMLElement>('.mesh-flow-frame');
    if (frame) frame.dataset['detail'] = level;
  }, [level]);
  return <span ref={mark} hidden />;
}

function LayerNames() {
  const starts = usePlaces((places) => places.starts);
  const widths = usePlaces((places) => places.widths);
  const serial = usePlaces((places) => places.serial);
  const top = useMemo(() => {
    let least = Infinity;
    for (const { y } of usePlaces.getState().points.values()) least = Math.min(least, y);
    return least;
  }, [serial]);
  if (!Number.isFinite(top)) return null;
  return (
    <ViewportPortal>
      {starts.map((x, layer) =>
        (widths[layer] ?? 0) === 0 ? null : (
          <div
            key={layerName(layer)}
            className="layer-name"
            style={{ transform: `translate(${x}px, ${top - 44}px)`, width: (widths[layer] ?? 1) * COLUMN_PX - 16 }}
          >
            {layerName(layer)}
          </div>
        ),
      )}
    </ViewportPortal>
  );
}

const layerName = (layer: number): string => ['Sources', 'Servers', 'Forwards'][layer] ?? hops(layer);

/** Shows everything, and again when it outgrows the view, until somebody moves the picture. */
function useFitting(hasNodes: boolean, serial: number, isTouched: { current: boolean }): void {
  const { fitView, getNodesBounds, getViewport, getNodes } = useReactFlow<FlowNode>();
  const width = useStore((flow) => flow.width);
  const height = useStore((flow) => flow.height);
  const isFirst = useRef(true);
  useEffect(() => {
    if (!hasNodes || isTouched.current || width === 0) return;
    const { x, y, zoom } = getViewport();
    const box = getNodesBounds(getNodes());
    const [left, top] = [box.x * zoom + x, box.y * zoom + y];
    const [right, bottom] = [left + box.width * zoom, top + box.height * zoom];
    const fits = left >= 0 && top >= 0 && right <= width && bottom <= height;
    const fills = right - left > width * 0.5 || bottom - top > height * 0.5 || zoom > 1;
    if (fits && fills && !isFirst.current) return;
    void fitView({ ...FIT, duration: isFirst.current ? 0 : 250 });
    isFirst.current = false;
  }, [hasNodes, serial, width, height, isTouched, fitView, getNodesBounds, getViewport, getNodes]);
}

/** Brings into sight what was found or is followed. */
function useCentring(serial: number, isTouched: { current: boolean }): void {
  const { setCenter, getZoom, getNode } = useReactFlow();
  const centre = useView((view) => view.centre);
  const follow = useView((view) => view.follow);
  const done = useRef<object | null>(null);
  useEffect(() => {
    const isNew = centre !== null && done.current !== centre;
    const id = isNew ? centre.id : follow;
    const node = id === null ? undefined : getNode(id);
    if (!node) return;
    if (isNew) done.current = centre;
    isTouched.current = true;
    const { x, y } = node.position;
    const zoom = Math.max(FOLLOW_ZOOM, getZoom());
    void setCenter(x + (node.width ?? 0) / 2, y + (node.height ?? 0) / 2, { zoom, duration: 300 });
  }, [centre, follow, serial, setCenter, getZoom, getNode, isTouched]);
}
