// The mesh as a table that opens and closes like a tree: the same facts as the graph, for keyboard and screen reader. Only the rows in
// sight are in the page.
import { ChevronDown, ChevronRight } from 'lucide-react';
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { bits, milliseconds } from './figures.ts';
import { filterOf } from './filter.ts';
import type { Graph, MeshNode } from './graph.ts';
import { HEALTH_WORDS } from './health.ts';
import { HealthMark } from './health-mark.tsx';
import { useScene } from './scene-store.ts';
import { treeRows, type TreeRow } from './tree-rows.ts';
import { choose, useView } from './view-store.ts';

const ROW_PX = 30;
/** Rows drawn beyond what is in sight. */
const SPARE = 8;
const PAGE = 15;
const COLUMNS = ['Name', 'State', 'Health', 'Delay, load', 'Rate', 'Fed by', 'Feeds', 'Region'] as const;
const NUMBERS = new Set<string>(['Delay, load', 'Rate', 'Feeds']);

export function TreeTable() {
  const graph = useScene((store) => store.graph);
  const tree = useView((view) => view.tree);
  const filters = useView((view) => view.filters);
  const chosen = useView((view) => (view.chosen?.is === 'node' ? view.chosen.id : null));
  const centre = useView((view) => view.centre);
  const [toggled, setToggled] = useState<ReadonlyMap<string, boolean>>(new Map());
  const slice = tree === 'all' ? 0 : tree;
  const rows = useMemo(
    () => treeRows(graph, { slice, toggled, matches: filterOf(filters) }),
    [graph, slice, toggled, filters],
  );
  const [focusId, setFocusId] = useState<string | null>(null);
  const found = focusId === null ? 0 : rows.findIndex(({ node }) => node.id === focusId);
  /** Who leaves the mesh hands the focus to the row that takes its place. */
  const lastFocus = useRef(0);
  const focus = Math.max(0, found >= 0 ? found : Math.min(lastFocus.current, rows.length - 1));
  const isInside = useRef(false);
  const box = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = (): void => setSight({ top: element.scrollTop, height: element.clientHeight });
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      watch.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);
  const moves = useRef(false);
  const go = (index: number): void => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, index))];
    if (!row) return;
    moves.current = true;
    setFocusId(row.node.id);
    scrollTo(box.current, rows.indexOf(row));
  };
  // Before anything else happens: the row that had the focus may leave the page with the next scroll.
  useLayoutEffect(() => {
    lastFocus.current = focus;
    if (found < 0) {
      moves.current = isInside.current;
      setFocusId(rows[focus]?.node.id ?? null);
    }
    if (!moves.current) return;
    const row = box.current?.querySelector<HTMLElement>('[role="row"][tabindex="0"]');
    if (!row) return;
    moves.current = false;
    row.focus({ preventScroll: true });
  });
  useEffect(() => {
    const index = centre === null ? -1 : rows.findIndex(({ node }) => node.id === centre.id);
    if (centre === null || index < 0) return;
    setFocusId(centre.id);
    scrollTo(box.current, index);
    // Only a new wish scrolls, not the rows that change below it.
  }, [centre]);

  const toggle = ({ node, isOpen }: TreeRow): void => setToggled((old) => new Map(old).set(node.id, !isOpen));
  const onKeyDown = (event: KeyboardEvent): void => {
    const row = rows[focus];
    if (!row) return;
    switch (event.key) {
      case 'ArrowDown':
        go(focus + 1);
        break;
      case 'ArrowUp':
        go(focus - 1);
        break;
      case 'PageDown':
        go(focus + PAGE);
        break;
      case 'PageUp':
        go(focus - PAGE);
        break;
      case 'Home':
        go(0);
        break;
      case 'End':
        go(rows.length - 1);
        break;
      case 'ArrowRight':
        if (row.children > 0 && !row.isOpen) toggle(row);
        else if (row.children > 0) go(focus + 1);
        break;
      case 'ArrowLeft':
        if (row.children > 0 && row.isOpen) toggle(row);
        else go(rows.findLastIndex(({ level }, i) => i < focus && level < row.level));
        break;
      case 'Enter':
      case ' ':
        choose({ is: 'node', id: row.node.id });
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  const first = Math.max(0, Math.floor(sight.top / ROW_PX) - SPARE);
  const last = Math.min(rows.length, Math.ceil((sight.top + sight.height) / ROW_PX) + SPARE);
  const inSight = rows.slice(first, last).map((row, i) => ({ row, index: first + i }));
  const focused = rows[focus];
  if (focused && (focus < first || focus >= last)) inSight.push({ row: focused, index: focus });
  return (
    <div
      className="tree-table"
      role="treegrid"
      aria-label={`Mesh, nested by the tree of slice ${slice}`}
      aria-rowcount={rows.length + 1}
      ref={box}
      onKeyDown={onKeyDown}
      onFocus={() => {
        isInside.current = true;
      }}
      onBlur={({ relatedTarget }) => {
        // A row that leaves the page with the focus names nobody.
        if (relatedTarget !== null) isInside.current = false;
      }}
    >
      <div role="rowgroup" className="tree-head">
        <div role="row" className="tree-row" aria-rowindex={1}>
          {COLUMNS.map((name) => (
            <span role="columnheader" key={name} className={NUMBERS.has(name) ? 'number' : ''}>
              {name}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="tree-body" style={{ height: rows.length * ROW_PX }}>
        {inSight.map(({ row, index }) => (
          <Row
            key={row.node.id}
            row={row}
            index={index}
            isFocus={index === focus}
            isChosen={row.node.id === chosen}
            around={aroundOf(row.node, graph.rows)}
            onPick={() => {
              setFocusId(row.node.id);
              choose({ is: 'node', id: row.node.id });
            }}
            onToggle={() => toggle(row)}
          />
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  row: TreeRow;
  index: number;
  isFocus: boolean;
  isChosen: boolean;
  around: readonly [fedBy: string, feeds: string];
  onPick: () => void;
  onToggle: () => void;
}

const Row = memo(
  function Row({ row, index, isFocus, isChosen, around, onPick, onToggle }: RowProps) {
    const { node, level, isOpen, children, place, beside } = row;
    const Icon = isOpen ? ChevronDown : ChevronRight;
    return (
      <div
        role="row"
        className="tree-row"
        aria-level={level}
        aria-posinset={place}
        aria-setsize={beside}
        aria-rowindex={index + 2}
        aria-expanded={children > 0 ? isOpen : undefined}
        aria-selected={isChosen}
        tabIndex={isFocus ? 0 : -1}
        data-id={node.id}
        style={{ transform: `translateY(${index * ROW_PX}px)` }}
        onClick={onPick}
      >
        <span role="gridcell" className="tree-name" style={{ paddingLeft: Math.min(level - 1, 14) * 14 }}>
          <span
            className="tree-toggle"
            aria-hidden
            onClick={(event) => {
              event.stopPropagation();
              if (children > 0) onToggle();
            }}
          >
            {children > 0 && <Icon size={14} />}
          </span>
          <span className="mono">{node.kind === 'viewer' ? node.key : node.name}</span>
          <span className="soft small">{node.kind === 'viewer' ? '' : node.kind}</span>
        </span>
        <span role="gridcell">{node.state}</span>
        <span role="gridcell" className="tree-health">
          <HealthMark health={node.health} />
          {HEALTH_WORDS[node.health]}
        </span>
        <span role="gridcell" className="number">
          {node.figure === null ? '' : node.kind === 'viewer' ? milliseconds(node.figure) : `${node.figure} %`}
        </span>
        <span role="gridcell" className="number">
          {node.kind === 'viewer' || node.kind === 'forward' ? bits(node.bitsPerSecond) : ''}
        </span>
        <span role="gridcell" className="mono">
          {around[0]}
        </span>
        <span role="gridcell" className="number">
          {around[1]}
        </span>
        <span role="gridcell">{node.region}</span>
      </div>
    );
  },
  (a, b) =>
    a.row.node === b.row.node &&
    a.index === b.index &&
    a.isFocus === b.isFocus &&
    a.isChosen === b.isChosen &&
    a.row.level === b.row.level &&
    a.row.isOpen === b.row.isOpen &&
    a.row.children === b.row.children &&
    a.row.place === b.row.place &&
    a.row.beside === b.row.beside,
);

function aroundOf(node: MeshNode, rows: Graph['rows']): readonly [string, string] {
  const row = rows[node.id];
  if (!row) return ['', ''];
  const parents = [...new Set((row.parents ?? []).map(({ id }) => id.slice(0, 9)))];
  return [parents.join(', '), !row.children?.length ? '' : String(new Set(row.children.map(({ id }) => id)).size)];
}

function scrollTo(box: HTMLElement | null, index: number): void {
  if (!box) return;
  const top = index * ROW_PX;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + 2 * ROW_PX > box.scrollTop + box.clientHeight) box.scrollTop = top + 2 * ROW_PX - box.clientHeight;
}
